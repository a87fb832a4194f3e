"""medicore backup and medicore restore, on servers without our programs: what is refused, what is kept, what comes back."""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import psycopg2
import pytest

from medicore import BUILD, TOP, Postgres, alive, wait_until

DOMAINS = ("billing", "scheduling", "patient", "auth")
PATIENT = "0198f000-0000-7000-8000-000000000001"


class Server(Postgres):
    """With databases and settings, and where keys and seals are."""

    def __init__(self, directory):
        directory.mkdir()
        super().__init__(directory)
        self.directory = directory
        for name in ("keys", "seal"):
            (directory / name).mkdir(mode=0o700)

    def medicore(self, *args, **more):
        return subprocess.run(self.command(*args), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.settings(**more))

    @staticmethod
    def command(*args):
        return [BUILD / "medicore", *map(str, args)]

    def settings(self, **more):
        return self.environ(MEDICORE__AUTH__KEYS=str(self.directory / "keys"), MEDICORE__AUDIT__SEAL=str(self.directory / "seal"),
                            MEDICORE__AUDIT__KEY="k" * 40, MEDICORE__AUTH__PROGRAMS_SECRET="s" * 40, **more)

    def restore(self, backup, *args):
        return self.medicore("restore", backup, "--migrations", TOP / "db", *args)

    @contextlib.contextmanager
    def cursor(self, database="postgres", role="postgres", autocommit=False):
        """Of a connection that ends with it: one that lingers would keep a restore from its database."""
        with contextlib.closing(self.connect(database, role)) as db:
            db.autocommit = autocommit
            with db.cursor() as c:
                yield c
            db.commit()

    def sql(self, domain, text, *params):
        with self.cursor(f"medicore_{domain}") as c:
            c.execute(text, params)
            return c.fetchall() if c.description else []

    def databases(self):
        with self.cursor() as c:
            c.execute("select datname from pg_database where datname like 'medicore%' order by 1")
            return [name for name, in c.fetchall()]

    def rights(self, domain):
        """Whatever anybody may in that database, and what is set for it."""
        return self.sql(domain, """
            select 'table ' || relname, relacl::text from pg_class where relnamespace = 'public'::regnamespace
            union all select 'column ' || attrelid::regclass || '.' || attname, attacl::text from pg_attribute where attacl is not null
                and attrelid >= 16384
            union all select 'schema', nspacl::text from pg_namespace where nspname = 'public'
            union all select 'database', datacl::text from pg_database where datname = current_database()
            union all select 'setting', setconfig::text from pg_db_role_setting join pg_database d on d.oid = setdatabase
                where datname = current_database()
            union all select 'function ' || proname, proacl::text from pg_proc where pronamespace = 'public'::regnamespace
                and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
            order by 1, 2""")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    started = []

    def start(name):
        started.append(Server(tmp_path_factory.mktemp("servers") / name))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(servers):
    """Filled a little."""
    s = servers("first")
    assert s.migrate().returncode == 0
    s.sql("patient", "insert into patient (id, name, email, gender, address, date_of_birth, registered_date)"
          " values (%s, 'Ada', 'ada@example.org', 'FEMALE', 'x', '1985-12-10', '2026-01-05')", PATIENT)
    s.sql("billing", "insert into service (code, description, price, currency) values ('GP-1', 'Visit', 8555, 'USD')")
    s.sql("billing", "insert into invoice_series values ('', 2026, 41)")
    s.sql("scheduling", "insert into appointment (id, patient_id, service_code, starts_at, ends_at, zone) values"
          " (gen_random_uuid(), %s, 'GP-1', '2026-12-01 10:00+00', '2026-12-01 10:20+00', 'UTC')", PATIENT)
    s.sql("auth", "insert into account (id, name, email, role, password) values (%s, 'Ada', 'ada@example.org', 'ADMIN', '$argon2id$x')", PATIENT)
    s.sql("auth", "insert into session (id, account_id, token_hash, access_until, expires_at) values"
          " (%s, %s, sha256('x'), now() + interval '1 hour', now() + interval '1 hour')", PATIENT, PATIENT)
    assert s.medicore("keys", "rotate").returncode == 0
    for domain in DOMAINS:
        (s.directory / "seal" / domain).write_text(f"seal of {domain}\n")
    return s


@pytest.fixture(scope="module")
def backup(server):
    """A backup of it; tests that change one take a copy."""
    said = server.medicore("backup", server.directory / "backups")
    assert said.returncode == 0, said
    name, = names(server.directory / "backups")
    return server.directory / "backups" / name


@pytest.fixture
def copy(backup, tmp_path):
    return pathlib.Path(shutil.copytree(backup, tmp_path / backup.name))


def names(directory):
    return sorted(p.name for p in directory.iterdir() if p.name != ".lock")


def refused(said, *words):
    assert said.returncode == 1, said
    for word in words:
        assert word in said.stderr, said.stderr


# --- what is made ---

def test_a_backup_says_what_it_is_and_only_its_owner_reads_it(server, backup):
    manifest = json.loads((backup / "manifest.json").read_text())
    assert [d["domain"] for d in manifest["databases"]] == list(DOMAINS)
    moments = [d["moment"] for d in manifest["databases"]]
    assert moments == sorted(moments)  # who refers to others comes first
    files = {f["file"] for f in manifest["files"]}
    key, = (server.directory / "keys").iterdir()
    assert files == {*(f"seal/{d}" for d in DOMAINS), f"keys/{key.name}", "secrets/audit", "secrets/programs", "medicore.conf"}
    for path in [backup, *backup.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    conf = (backup / "medicore.conf").read_text()
    assert f"host = {server.env['PGHOST']}" in conf and "k" * 40 not in conf
    assert subprocess.run([BUILD / "medicore", "--config", backup / "medicore.conf", "--print-config"], stdout=subprocess.DEVNULL,
                          env={"PATH": os.environ["PATH"]}).returncode == 0


def test_secrets_can_be_left_out(server, tmp_path):
    said = server.medicore("backup", tmp_path / "b", "--without-secrets")
    assert said.returncode == 0 and "log in as anybody" not in said.stdout
    name, = names(tmp_path / "b")
    assert names(tmp_path / "b" / name) == sorted([*(f"{d}.dump" for d in DOMAINS), "manifest.json", "medicore.conf", "seal"])


def test_a_seal_that_can_not_be_read_ends_the_backup(server, tmp_path):
    seal = server.directory / "seal" / "auth"
    text = seal.read_text()
    seal.unlink()
    seal.mkdir()
    said = server.medicore("backup", tmp_path / "b", "--without-secrets")
    seal.rmdir()
    seal.write_text(text)
    refused(said, "seal/auth: Is a directory", "seals are in every backup")
    assert names(tmp_path / "b") == []


def test_old_backups_go_and_the_last_whole_one_never_does(server, tmp_path):
    directory = tmp_path / "b"
    for old in ("20200101T000000Z", "20210101T000000Z"):
        (directory / old).mkdir(parents=True)
        (directory / old / "manifest.json").write_text("{}")
    for other in ("20190101T000000Z.partial", "20190102T000000Z.removing", "20220101T000000Z", "mine"):
        (directory / other).mkdir()  # the last but one has no manifest: it is none of ours
    failed = server.medicore("backup", directory, "--keep", "1", MEDICORE__DATABASE__AUTH="medicore_nowhere")
    assert failed.returncode == 1 and "nothing was kept of this one" in failed.stderr
    assert names(directory) == ["20200101T000000Z", "20210101T000000Z", "20220101T000000Z", "mine"]
    assert server.medicore("backup", directory, "--keep", "2").returncode == 0
    kept = names(directory)
    assert kept[:2] == ["20210101T000000Z", "20220101T000000Z"] and len(kept) == 4
    for number in ("0", "-1", "many"):
        assert server.medicore("backup", directory, "--keep", number).returncode == 2


def test_one_backup_at_a_time_in_a_directory_that_nobody_else_writes(server, tmp_path):
    (tmp_path / "b").mkdir(mode=0o700)
    with open(tmp_path / "b" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(server.medicore("backup", tmp_path / "b"), "another medicore backup")
    (tmp_path / "b").chmod(0o777)
    refused(server.medicore("backup", tmp_path / "b"), "others may write there")
    assert names(tmp_path / "b") == []


def test_a_backup_that_is_stopped_leaves_nothing_and_a_killed_one_nothing_that_looks_whole(server, tmp_path):
    directory, tools = tmp_path / "b", tmp_path / "tools"
    tools.mkdir()
    (tools / "pg_dump").write_text(f'#!/bin/sh\nfor a; do case $a in --file=*) echo half >"${{a#--file=}}";; esac; done\n'
                                   f'echo $$ >{tools}/new && mv {tools}/new {tools}/pid && exec sleep 60\n')
    (tools / "pg_dump").chmod(0o755)
    for how in (signal.SIGTERM, signal.SIGKILL):
        running = subprocess.Popen(server.command("backup", directory), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=server.settings(PATH=f"{tools}:{os.environ['PATH']}"))
        wait_until((tools / "pid").exists, 20, "the first dump")
        pid = int((tools / "pid").read_text())
        (tools / "pid").unlink()
        running.send_signal(how)
        if how == signal.SIGKILL:
            os.kill(pid, how)  # it has nobody to tell it
        out, err = running.communicate(timeout=20)
        wait_until(lambda: not alive(pid), 20, "the end of pg_dump")
        if how == signal.SIGTERM:
            assert running.returncode == 1 and b"stopped by signal 15" in err and names(directory) == [], err
    assert [n.endswith(".partial") for n in names(directory)] == [True]
    name, = names(directory)
    refused(server.restore(directory / name), "manifest.json")
    assert server.medicore("backup", directory).returncode == 0
    assert [len(n) for n in names(directory)] == [16]


def mounted(directory, size):
    directory.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", directory], stderr=subprocess.PIPE).returncode != 0:
        pytest.skip("needs the right to mount")


def test_a_full_disk_leaves_no_half_backup(server, tmp_path):
    directory = tmp_path / "small"
    mounted(directory, "1m")
    try:
        refused(server.medicore("backup", directory), "are needed", "nothing was kept")
        assert names(directory) == []
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def test_a_disk_that_fills_up_meanwhile_leaves_no_half_backup(server, tmp_path):
    directory = tmp_path / "small"
    server.sql("scheduling", "create table filler (bytes bytea)")
    mounted(directory, "22m")
    try:
        for _ in range(7):
            server.sql("scheduling", "insert into filler values (%s)", os.urandom(4 << 20))
        refused(server.medicore("backup", directory), "No space left on device", "nothing was kept")
        assert names(directory) == []
    finally:
        server.sql("scheduling", "drop table filler")
        subprocess.run(["umount", "-l", directory], check=True)


def test_a_backup_needs_no_more_rights_than_its_unit_has(server, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs rights to give away")
    said = subprocess.run(["setpriv", "--bounding-set=-all,+dac_read_search", "--no-new-privs", *server.command("backup", tmp_path / "b")],
                          env=server.settings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert said.returncode == 0 and len(names(tmp_path / "b")) == 1, said


# --- what is refused ---

def test_a_backup_that_was_cut_or_changed_is_refused(server, backup, tmp_path):
    def cut(b):
        with open(b / "patient.dump", "r+b") as f:
            f.truncate(1000)

    def change(b):
        with open(b / "billing.dump", "r+b") as f:
            f.seek(5000)
            byte = f.read(1)
            f.seek(5000)
            f.write(bytes([byte[0] ^ 1]))

    def climb(b):
        manifest = json.loads((b / "manifest.json").read_text())
        manifest["databases"][0]["file"] = "../elsewhere"
        (b / "manifest.json").write_text(json.dumps(manifest))

    before = server.databases()
    for n, (spoil, word) in enumerate([
            (cut, "patient.dump: has 1000 bytes"), (change, "billing.dump: isn't what was written"), (climb, "file or checksum is none"),
            (lambda b: (b / "auth.dump").unlink(), "auth.dump: No such file"),
            (lambda b: (b / "seal/auth").write_text("another\n"), "seal/auth"),
            (lambda b: (b / "manifest.json").write_text((b / "manifest.json").read_text()[:500]), "manifest.json"),
            (lambda b: (b / "manifest.json").unlink(), "name a backup itself")]):
        spoiled = pathlib.Path(shutil.copytree(backup, tmp_path / str(n)))
        spoil(spoiled)
        refused(server.restore(spoiled, "--replace"), word)
    assert server.databases() == before


def test_a_newer_schema_and_another_format_are_refused(server, copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["databases"][2]["schema"] = 99
    (copy / "manifest.json").write_text(json.dumps(manifest))
    refused(server.restore(copy, "--replace"), "patient: the backup has schema 99", "install the MediCore that made the backup")
    alone = server.restore(copy, "--replace", "--dry-run", "--only", "auth")  # which that doesn't touch
    assert alone.returncode == 0 and "auth: database medicore_auth will be" in alone.stdout, alone
    manifest["databases"][2]["schema"] = 4
    manifest["format"] = 2
    (copy / "manifest.json").write_text(json.dumps(manifest))
    refused(server.restore(copy, "--replace"), "another format")


def test_what_is_not_empty_or_in_use_is_left_alone(server, backup):
    before = server.databases()
    refused(server.restore(backup), "medicore_billing is not empty", "--replace")
    with server.cursor("medicore_patient", "medicore_patient_rest"):
        refused(server.restore(backup, "--replace"), "medicore_patient: 1 of medicore_patient_rest", "stop them first")
    assert server.databases() == before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(server, backup):
    before = server.databases()
    with server.cursor("medicore_patient", "medicore_patient_rest"):  # it may come while all goes on
        said = server.restore(backup, "--replace", "--dry-run")
    assert said.returncode == 0 and "what is there now is kept as medicore_patient_before_" in said.stdout, said
    assert "medicore_patient: 1 of medicore_patient_rest" in said.stdout
    assert server.databases() == before


def test_a_restore_that_fails_leaves_everything_as_it_was(server, copy):
    dump = copy / "scheduling.dump"
    manifest = json.loads((copy / "manifest.json").read_text())
    dump.write_bytes((copy / "patient.dump").read_bytes()[:5000])  # whole as far as the manifest knows
    digest = subprocess.run(["sha256sum", dump], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]
    manifest["databases"][1].update(size=5000, sha256=digest)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    before, rows = server.databases(), server.sql("patient", "select xmin::text, id::text from patient")
    said = server.restore(copy, "--replace")
    refused(said, "pg_restore", "the databases are as they were")
    assert "restoring" in said.stdout
    assert server.databases() == before and server.sql("patient", "select xmin::text, id::text from patient") == rows


# --- what comes back ---

def test_an_empty_server_gets_all_of_it_with_everybodys_rights(servers, server, backup):
    other = servers("second")
    said = other.restore(backup)
    assert said.returncode == 0, said
    assert "invoices go on behind number 2026-000041" in said.stdout and "medicore check --mend" in said.stdout
    assert other.databases() == sorted(f"medicore_{d}" for d in DOMAINS)
    for domain in DOMAINS:
        assert other.rights(domain) == server.rights(domain)
        assert (other.directory / "seal" / domain).read_text() == f"seal of {domain}\n"
    assert other.sql("patient", "select name from patient") == [("Ada",)]
    # Who was logged out since would be in again.
    assert "1 logins ended" in said.stdout and other.sql("auth", "select count(*) from session where ended_at is null") == [(0,)]
    with other.cursor("medicore_patient", "medicore_patient_rest") as c:
        c.execute("select name from patient")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            c.execute("delete from patient")
    key, = (other.directory / "keys").iterdir()
    original, = (server.directory / "keys").iterdir()
    assert key.read_text() == original.read_text() and key.stat().st_mode & 0o777 == 0o600
    assert abs(key.stat().st_mtime - original.stat().st_mtime) < 0.001  # its age says since when it signs
    assert other.migrate("--status").returncode == 0


def test_replacing_keeps_what_was_there_under_another_name(server, backup):
    (server.directory / "seal" / "patient").write_text("a later seal\n")
    server.sql("patient", "update patient set name = 'Later'")
    said = server.restore(backup, "--replace")
    assert said.returncode == 0, said
    assert server.sql("patient", "select name from patient") == [("Ada",)]
    aside, = [n for n in server.databases() if n.startswith("medicore_patient_before_")]
    with server.cursor(aside) as c:
        c.execute("select name from patient")
        assert c.fetchall() == [("Later",)]
    later, = (server.directory / "seal").glob("patient.before-*")
    assert later.read_text() == "a later seal\n"
    assert (server.directory / "seal" / "patient").read_text() == "seal of patient\n"


def test_one_domain_can_come_back_alone(server, backup):
    server.sql("patient", "update patient set name = 'Later'")
    server.sql("billing", "update service set description = 'Later'")
    time.sleep(1)  # what is put aside is named by the second
    assert server.restore(backup, "--replace", "--only", "nobody").returncode == 2
    said = server.restore(backup, "--replace", "--only", "billing")
    assert said.returncode == 0 and said.stdout.count("restoring") == 1, said
    assert server.sql("patient", "select name from patient") == [("Later",)]
    assert server.sql("billing", "select description from service") == [("Visit",)]


def test_what_a_killed_restore_left_is_dropped_by_the_next(server, backup):
    left = "medicore_auth_restore_20200101T000000Z"
    with server.cursor(autocommit=True) as c:
        c.execute(f'create database "{left}"')
    time.sleep(1)  # what is put aside is named by the second
    said = server.restore(backup, "--replace")
    assert said.returncode == 0 and f"dropped database {left}" in said.stdout, said
    assert left not in server.databases()


def test_an_older_schema_is_restored_and_then_migrated(servers, tmp_path):
    old = shutil.copytree(TOP / "db", tmp_path / "db")
    newest = sorted(pathlib.Path(old, "billing").glob("0*.sql"))[-1]
    newest.unlink()
    server = servers("older")
    assert server.migrate(migrations=old).returncode == 0
    server.sql("billing", "insert into service (code, description, price, currency) values ('GP-1', 'Visit', 8555, 'USD')")
    assert server.medicore("backup", tmp_path / "b", "--without-secrets").returncode == 0
    name, = names(tmp_path / "b")
    said = server.restore(tmp_path / "b" / name, "--replace")
    assert said.returncode == 0 and "medicore migrate" in said.stdout, said
    assert f"applied {newest.name}" in server.migrate().stdout
    assert server.sql("billing", "select code from service") == [("GP-1",)]
