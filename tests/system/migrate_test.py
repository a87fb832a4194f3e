"""medicore migrate, on a PostgreSQL server of its own: what it makes, refuses, and whom it lets do what."""
import os
import shutil
import subprocess

import psycopg2
import pytest

from medicore import BUILD, TOP, Postgres, wait_until

DOMAINS = ("patient", "scheduling", "billing", "auth")  # in the order of medicore migrate


class Server(Postgres):
    def applied(self, domain):
        return self.rows("select number, name from schema_migration order by number", f"medicore_{domain}")


@pytest.fixture(scope="module")
def one_server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("postgres"))
    yield s
    s.stop()


@pytest.fixture
def server(one_server):
    """With none of our databases on it."""
    for domain in DOMAINS:
        one_server.rows(f"drop database if exists medicore_{domain} with (force)")
    return one_server


@pytest.fixture
def db(tmp_path):
    """The migrations, to be changed by a test."""
    return shutil.copytree(TOP / "db", tmp_path / "db")


def newest(db, domain):
    return sorted((db / domain).glob("[0-9]*.sql"))[-1]


def add(db, domain, words, sql):
    path = db / domain / f"{int(newest(db, domain).name[:4]) + 1:04}_{words}.sql"
    path.write_text(sql)
    return path


def test_fresh_server_gets_databases_roles_and_tables(server, db):
    done = server.migrate(migrations=db)
    assert done.returncode == 0 and done.stderr == ""
    for domain in DOMAINS:
        assert f"{domain}: made database medicore_{domain}" in done.stdout
        assert [name for _, name in server.applied(domain)] == sorted(p.name for p in (db / domain).glob("[0-9]*.sql"))
    assert server.rows("select datname, pg_encoding_to_char(encoding), datcollate from pg_database"
                       " where datname like 'medicore%' order by 1") == [
        (f"medicore_{domain}", "UTF8", "C.UTF-8") for domain in sorted(DOMAINS)]


def test_the_servers_log_quotes_nobodys_email(server, db):
    assert server.migrate(migrations=db).returncode == 0
    for domain in DOMAINS:
        assert server.rows("show log_error_verbosity", f"medicore_{domain}") == [("terse",)]


def test_an_admin_who_may_not_silence_the_log_can_migrate(server, db):
    server.rows("create role keeper login createdb createrole")
    done = server.migrate(migrations=db, MEDICORE__DATABASE__ADMIN="keeper")
    assert done.returncode == 0, done.stderr
    assert server.rows("show log_error_verbosity", "medicore_patient") == [("default",)]


def test_second_run_changes_nothing(server, db):
    assert server.migrate(migrations=db).returncode == 0
    before = server.rows("select * from schema_migration", "medicore_patient")
    done = server.migrate(migrations=db)
    assert done.returncode == 0 and "patient: up to date" in done.stdout
    assert server.rows("select * from schema_migration", "medicore_patient") == before


def test_new_migration_is_applied_once(server, db):
    assert server.migrate(migrations=db).returncode == 0
    added = add(db, "billing", "more", "create table more (id integer); insert into more values (1);")
    assert f"billing: applied {added.name}" in server.migrate(migrations=db).stdout
    assert server.migrate(migrations=db).returncode == 0
    assert server.rows("select * from more", "medicore_billing") == [(1,)]


def test_dry_run_and_status_only_tell(server, db):
    done = server.migrate("--dry-run", migrations=db)
    assert done.returncode == 0 and "would make database medicore_patient" in done.stdout
    assert "would apply 0001_patients.sql" in done.stdout
    done = server.migrate("--status", migrations=db)
    assert done.returncode == 1 and "pending" in done.stdout
    assert server.rows("select count(*) from pg_database where datname like 'medicore%'") == [(0,)]
    assert server.migrate(migrations=db).returncode == 0
    done = server.migrate("--status", migrations=db)
    assert done.returncode == 0 and "pending" not in done.stdout
    added = add(db, "patient", "later", "select 1;")
    done = server.migrate("--status", migrations=db)
    assert done.returncode == 1 and f"{added.name}" in done.stdout
    assert f"patient: would apply {added.name}" in server.migrate("--dry-run", migrations=db).stdout
    assert len(server.applied("patient")) == int(added.name[:4]) - 1


def test_edited_migration_is_refused(server, db):
    assert server.migrate(migrations=db).returncode == 0
    path = newest(db, "scheduling")
    path.write_text(path.read_text() + "-- one more word\n")
    for flags in ((), ("--dry-run",), ("--status",)):
        done = server.migrate(*flags, migrations=db)
        assert done.returncode == 1
        assert f"{path} is not what database medicore_scheduling was made with" in done.stderr
        assert "put the file back" in done.stderr


def test_newer_database_is_refused(server, db):
    assert server.migrate(migrations=db).returncode == 0
    added = add(db, "patient", "tomorrow", "create table tomorrow ();")
    assert server.migrate(migrations=db).returncode == 0
    added.unlink()
    done = server.migrate(migrations=db)
    assert done.returncode == 1
    assert f"has migration {added.name}, which is newer than this program knows" in done.stderr


def test_what_will_be_done_is_said_before_anything_is(server, db):
    said = server.migrate(migrations=db).stdout.splitlines()
    first = min(n for n, line in enumerate(said) if ": made " in line or ": applied " in line)
    assert said[:first] == [line for domain in DOMAINS for line in (
        f"{domain}: will make database medicore_{domain}",
        *(f"{domain}: will apply {p.name}" for p in sorted((db / domain).glob("[0-9]*.sql"))))]
    assert not any(" will " in line for line in said[first:])
    assert not any(" will " in line for line in server.migrate(migrations=db).stdout.splitlines())


def test_what_one_database_refuses_keeps_the_others_as_they_are(server, db):
    assert server.migrate(migrations=db).returncode == 0
    pending = add(db, "patient", "pending", "create table pending ();")
    server.rows("insert into schema_migration values (1000, '1000_tomorrow.sql', 'x')", "medicore_auth")
    before = server.applied("patient")
    done = server.migrate(migrations=db)
    assert done.returncode == 1 and "auth: database medicore_auth has migration 1000_tomorrow.sql, which is newer" in done.stderr
    assert server.applied("patient") == before and pending.name in done.stdout


def test_missing_and_overtaken_migrations_are_refused(server, db):
    second = add(db, "patient", "second", "select 1;")
    third = add(db, "patient", "third", "select 1;")
    kept = second.read_text()
    second.unlink()
    assert server.migrate(migrations=db).returncode == 0
    second.write_text(kept)
    done = server.migrate(migrations=db)
    assert done.returncode == 1 and f"{second.name} was never applied" in done.stderr
    server.rows("drop database medicore_patient with (force)")
    assert server.migrate(migrations=db).returncode == 0
    second.unlink()
    done = server.migrate(migrations=db)
    assert done.returncode == 1 and f"{second.name} is missing" in done.stderr
    assert third.exists()


def test_two_files_with_one_number_are_refused(server, db):
    first = newest(db, "patient")
    other = first.with_name(first.name[:4] + "_zz.sql")
    other.write_text("select 1;")
    done = server.migrate(migrations=db)
    assert done.returncode == 1 and "have the same number" in done.stderr


def test_failing_migration_leaves_nothing_behind(server, db):
    assert server.migrate(migrations=db).returncode == 0
    bad = add(db, "patient", "bad", "create table half ();\n\nselect *\nfrom nowhere;\n")
    done = server.migrate(migrations=db)
    assert done.returncode == 1
    assert f"{bad}" in done.stderr and 'line 4: relation "nowhere" does not exist' in done.stderr
    assert server.rows("select to_regclass('half')", "medicore_patient") == [(None,)]
    bad.write_text("create table whole ();\n")
    assert server.migrate(migrations=db).returncode == 0


def test_migration_may_take_longer_than_a_statement_of_the_programs(server, db):
    assert server.migrate(migrations=db).returncode == 0
    add(db, "patient", "slow", "create table slow (n integer); create function slowly() returns trigger language plpgsql as"
                               " $$ begin perform pg_sleep(1); return null; end $$; create constraint trigger slowly after insert on slow"
                               " deferrable initially deferred for each row execute function slowly();"
                               " select pg_sleep(1); insert into slow values (1);")
    done = server.migrate(migrations=db, MEDICORE__DATABASE__STATEMENT_TIMEOUT="500ms")
    assert done.returncode == 0, done.stderr
    assert server.rows("select n from slow", "medicore_patient") == [(1,)]


def test_migration_that_commits_by_itself_is_refused(server, db):
    assert server.migrate(migrations=db).returncode == 0
    before = server.applied("patient")
    add(db, "patient", "commits", "create table half (); commit; select 1;")
    done = server.migrate(migrations=db)
    assert done.returncode == 1 and "ended the transaction" in done.stderr
    assert server.applied("patient") == before


def test_two_at_once_both_succeed(server, db):
    add(db, "billing", "slow", "create table slow (); select pg_sleep(0.2);")
    several = [subprocess.Popen([BUILD / "medicore", "migrate", "--migrations", db], env=server.environ(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    said = [p.communicate() for p in several]
    assert [p.returncode for p in several] == [0] * 4, said
    assert sum("billing: applied" in out for out, _ in said) == 1
    assert sum("another medicore migrate is at work" in out for out, _ in said) >= 1


def test_admin_need_not_be_superuser(server, db):
    server.rows("drop role if exists maker; create role maker login createdb createrole")
    done = server.migrate(migrations=db, MEDICORE__DATABASE__ADMIN="maker")
    assert done.returncode == 0, done.stderr
    for domain in DOMAINS:
        server.rows(f"drop database medicore_{domain} with (force)")
    server.rows("drop role maker")


def test_unreachable_server_is_said_plainly(tmp_path, db):
    env = dict(os.environ, MEDICORE_CONFIG="", MEDICORE__DATABASE__HOST=str(tmp_path))
    done = subprocess.run([BUILD / "medicore", "migrate", "--migrations", db], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert f"can't open database postgres as postgres at {tmp_path}" in done.stderr
    assert "is PostgreSQL up there" in done.stderr


def test_names_that_need_quotes_work(server, db):
    name = 'odd "name"; drop'
    done = server.migrate(migrations=db, MEDICORE__DATABASE__PATIENT=name)
    assert done.returncode == 0, done.stderr
    assert server.rows("select count(*) from patient", name) == [(0,)]
    server.rows('drop database "odd ""name""; drop"')


# --- rights ---

OUTBOX = ("insert into outbox (id, aggregatetype, aggregateid, type, payload)"
          " values (gen_random_uuid(), 'appointment', 'x', 'y', '')")
INVOICE = ("insert into invoice (id, patient_id, amount, subtotal, remaining_amount, currency)"
           " values (gen_random_uuid(), gen_random_uuid(), 1, 1, 1, 'USD') returning id")
INSERT_PATIENT = (f"insert into patient (id, name, email, gender, address, date_of_birth, registered_date) values"
                  f" (gen_random_uuid(), 'É', gen_random_uuid()::text, 'OTHER', 'x', '2000-01-01', '2000-01-01')"
                  f" returning id, search_name")

AUDIT = "insert into audit (seq, at, action, count, result, mac) values (1, now(), 'x', 0, 'ok', '')"

KEEP = ("with k as (insert into kept_answer (account, route, key, fingerprint) values ('a', 'r', 'k', 'f') on conflict do nothing"
        " returning *) update kept_answer set status = 200, headers = '', body = '', thing = '', patient_id = null"
        " where account = 'a' and route = 'r' and key = 'k' and fingerprint = 'f'")

INSERT_ACCOUNT = ("insert into account (id, email, name, role, password) values (gen_random_uuid(), gen_random_uuid()::text, 'x', 'STAFF',"
                  " '$argon2id$') returning id")

MAY = [
    ("auth", "auth_rest", INSERT_ACCOUNT),
    ("auth", "auth_rest", "update session set token_hash = sha256('x'), ended_at = now(), ended_seq = nextval('session_ended_seq')"),
    ("auth", "auth_rest", "delete from login_failure"),
    ("auth", "operator", INSERT_ACCOUNT),
    ("auth", "operator", "update account set enabled = false, password = '$argon2id$', version = version + 1"),
    ("auth", "operator", "update session set ended_at = now(), ended_seq = nextval('session_ended_seq') where ended_at is null"),
    ("auth", "auth_relay", "delete from session where expires_at < now()"),
    ("auth", "auth_relay", "delete from login_failure where last_at < now()"),
    ("patient", "patient_rest", INSERT_PATIENT),
    ("patient", "patient_rest", "update patient set name = 'x', updated_at = now() returning *"),
    ("patient", "patient_rest", "select * from patient where fold(name) = fold('É') for update"),
    ("patient", "patient_grpc", "select id from patient where deleted_at is null"),
    ("patient", "operator", INSERT_PATIENT),
    ("scheduling", "scheduling_rest", OUTBOX),
    ("scheduling", "scheduling_rest", "select * from appointment for update"),
    ("scheduling", "operator", OUTBOX),
    ("scheduling", "scheduling_relay", "update outbox set published_at = now() where published_at is null"),
    ("scheduling", "scheduling_relay", "delete from outbox where published_at < now()"),
    ("patient", "patient_relay", AUDIT),
    ("patient", "patient_relay", "insert into audit_spool values ('a', 1) on conflict (file) do update set position = 2"),
    ("patient", "patient_relay", "delete from audit_spool"),
    ("patient", "patient_rest", "select * from audit"),
    *[(domain, role, KEEP) for domain, role in (("patient", "patient_rest"), ("scheduling", "scheduling_rest"),
        ("billing", "billing_rest"), ("billing", "billing_grpc"), ("auth", "auth_rest"))],
    *[(domain, f"{domain}_relay", "delete from kept_answer where created_at <= (select max(created_at) from kept_answer)")
        for domain in ("patient", "scheduling", "billing", "auth")],
    ("scheduling", "operator", "select * from audit"),
    ("scheduling", "scheduling_relay", AUDIT),
    ("billing", "billing_relay", AUDIT),
    ("billing", "billing_relay", "insert into outbox (id, aggregatetype, aggregateid, type, payload) values (gen_random_uuid(), 'x', 'x', 'x', '')"),
    ("billing", "billing_relay", "update outbox set published_at = now() where published_at is null"),
    ("billing", "billing_relay", "delete from outbox where published_at < now()"),
    ("billing", "billing_relay", "update invoice set number = 'x', status = 'OVERDUE', version = version + 1, updated_at = now() where false"),
    ("billing", "billing_relay", "select * from invoice for update skip locked"),
    ("billing", "billing_relay", "insert into invoice_series values ('', 2026, 1) on conflict (series, year) do update set last = 2"),
    ("billing", "billing_worker", "insert into invoice_series values ('', 2026, 1) on conflict (series, year) do update set last = 2"),
    ("billing", "billing_grpc", "update invoice_series set last = last + 1 where false"),
    ("billing", "billing_rest", "insert into service (code, description, price, currency) values ('a', 'b', 1, 'USD')"
                                " on conflict (code) do update set price = excluded.price returning *"),
    ("billing", "billing_rest", INVOICE),
    ("billing", "billing_grpc", INVOICE),
    ("billing", "billing_worker", INVOICE),
    ("billing", "billing_worker", "update invoice set status = 'VOID', remaining_amount = 0, version = version + 1"),
    ("billing", "billing_worker", "insert into inbox (ce_id, type) values ('a', 'b') on conflict do nothing"),
    ("billing", "billing_worker", "select * from dead_letters for update skip locked"),
    ("billing", "billing_worker", "delete from dead_letters"),
    ("billing", "operator", INVOICE),
    ("billing", "operator", "insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id) select id, 'ISSUE', 'IMPORTED',"
                            " 1, 'USD', patient_id, id from invoice where false"),
    ("billing", "operator", "update dead_letters set replay_asked_at = now()"),
    ("billing", "operator", "delete from dead_letters"),
]

MAY_NOT = [
    ("auth", "auth_rest", "delete from account"),
    ("auth", "auth_rest", "update account set email = 'x'"),
    ("auth", "auth_rest", "delete from session"),
    ("auth", "operator", "delete from account"),
    ("auth", "operator", "update session set token_hash = ''"),
    ("auth", "operator", "insert into session (id) values (gen_random_uuid())"),
    ("auth", "auth_relay", "select * from account"),
    ("auth", "auth_relay", "update session set ended_at = null"),
    ("patient", "patient_rest", "delete from patient"),
    ("patient", "patient_rest", "update patient set registered_date = '2000-01-01'"),
    ("patient", "patient_grpc", "select email from patient"),
    ("patient", "patient_grpc", INSERT_PATIENT),
    ("patient", "operator", "update patient set name = 'x'"),
    ("patient", "patient_rest", "create table mine ()"),
    ("patient", "patient_rest", "create temp table mine ()"),
    ("patient", "patient_rest", "insert into schema_migration values (99, 'x', 'x')"),
    ("scheduling", "scheduling_rest", "select * from outbox"),
    ("scheduling", "scheduling_rest", "delete from appointment"),
    ("scheduling", "scheduling_relay", "select * from appointment"),
    ("scheduling", "scheduling_relay", "update outbox set payload = ''"),
    *[(domain, f"{domain}_relay", sql) for domain in DOMAINS for sql in (
        "update audit set result = 'ok'", "delete from audit", "truncate audit")],
    *[(domain, f"{domain}_rest", sql) for domain in DOMAINS for sql in (
        AUDIT, "update audit set result = 'ok'", "delete from audit", "select * from audit_spool")],
    ("patient", "patient_grpc", "select * from audit"),
    ("patient", "patient_grpc", "select * from kept_answer"),
    ("patient", "operator", "select * from kept_answer"),
    ("patient", "patient_relay", "select body from kept_answer"),
    ("patient", "patient_rest", "delete from kept_answer"),
    ("patient", "patient_rest", "update kept_answer set fingerprint = ''"),
    ("billing", "operator", "delete from audit"),
    ("billing", "billing_relay", "update invoice set amount = 0"),
    ("billing", "billing_relay", "update outbox set payload = ''"),
    ("billing", "billing_relay", "select * from ledger"),
    ("billing", "billing_relay", "delete from invoice_series"),
    ("billing", "billing_rest", "select * from outbox"),
    ("billing", "billing_rest", "update invoice_series set last = 0"),
    ("billing", "billing_worker", "delete from invoice_series"),
    ("billing", "billing_grpc", "insert into invoice_series values ('', 2026, 1)"),
    ("billing", "billing_grpc", "delete from invoice_series"),
    *[("billing", f"billing_{role}", sql) for role in ("rest", "grpc", "worker", "relay") for sql in (
        "update ledger set amount = 1", "delete from ledger", "truncate ledger", "delete from invoice")],
    ("billing", "billing_rest", "delete from payment"),
    ("billing", "billing_rest", "update payment set amount = 1"),
    ("billing", "billing_rest", "select * from dead_letters"),
    ("billing", "billing_grpc", "update service set price = 0"),
    ("billing", "billing_grpc", "update invoice set amount = 0"),
    ("billing", "operator", "update invoice set status = 'PAID'"),
    *[("billing", "operator", sql) for sql in ("update ledger set amount = 1", "delete from ledger", "update payment set amount = 1")],
]


@pytest.fixture(scope="module")
def migrated(one_server):
    for domain in DOMAINS:
        one_server.rows(f"drop database if exists medicore_{domain} with (force)")
    done = one_server.migrate()
    assert done.returncode == 0, done.stderr
    return one_server


@pytest.mark.parametrize("domain, role, sql", MAY)
def test_role_may_do_what_its_program_needs(migrated, domain, role, sql):
    migrated.rows(sql, f"medicore_{domain}", f"medicore_{role}")


@pytest.mark.parametrize("domain, role, sql", MAY_NOT)
def test_role_may_not_do_more(migrated, domain, role, sql):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        migrated.rows(sql, f"medicore_{domain}", f"medicore_{role}")


@pytest.mark.parametrize("domain, role", [("billing", "patient_rest"), ("patient", "billing_worker"),
                                          ("patient", "scheduling_relay"), ("scheduling", "billing_rest")])
def test_role_may_enter_its_own_database_only(migrated, domain, role):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        migrated.connect(f"medicore_{domain}", f"medicore_{role}")


@pytest.mark.parametrize("domain, role, sql, channel", [
    ("scheduling", "scheduling_rest", OUTBOX, "outbox"),
    ("billing", "operator", "update dead_letters set replay_asked_at = now()", "dead_letters")])
def test_change_wakes_who_listens(migrated, domain, role, sql, channel):
    listener = migrated.connect(f"medicore_{domain}", f"medicore_{role}")
    listener.autocommit = True
    with listener.cursor() as cursor:
        cursor.execute(f"listen {channel}")
    migrated.rows(sql, f"medicore_{domain}", f"medicore_{role}")
    wait_until(lambda: listener.poll() or listener.notifies, 10, "the notification")
    assert [n.channel for n in listener.notifies] == [channel]
    listener.close()


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_role_can_ask_which_migrations_there_are(migrated, domain):
    roles = [r for r, in migrated.rows("select rolname from pg_roles where rolname like 'medicore%' and"
                                       " has_database_privilege(oid, current_database(), 'connect')",
                                       f"medicore_{domain}")]
    assert f"medicore_{domain}_rest" in roles and "medicore_operator" in roles
    for role in roles:
        assert migrated.rows("select max(number) >= 1 from schema_migration", f"medicore_{domain}", role) == [(True,)]
