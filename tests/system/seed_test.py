"""medicore import seed: the three databases of the system replaced come over whole, and only once."""
import contextlib
import csv
import os
import signal
import subprocess
import time

import psycopg2
import pytest

from medicore import DATA, System, wait_until

# As its Hibernate makes them.
TABLES = {
    "patients": "create table patient (id uuid primary key, address varchar(255) not null, date_of_birth date not null,"
                " email varchar(255) not null unique, gender varchar(255) not null, name varchar(255) not null,"
                " registered_date date not null)",
    "billing": "create table invoice (id uuid primary key, amount numeric(38,2), patient_id uuid, status varchar(255))",
    "auth": "create table users (id uuid primary key, email varchar(255) not null unique, name varchar(255) not null,"
            " password varchar(255) not null, refresh_token varchar(255), role varchar(255) not null)",
}
SEVEN = ["PAID", "ISSUED", "PARTIALLY_PAID", "OVERDUE", "UNCOLLECTIBLE", "REFUNDED", "VOID"]

SPRINGS = "$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG"  # "password", in Spring Security's documentation
CHEAP = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"    # "U*U", of crypt_blowfish's tests

BAD_PATIENTS = [  # id's end, what differs, what is said
    ("01", {"name": "n" * 81}, "name: Name should be less then 80 characters"),
    ("02", {"name": "  "}, "name: Name is required"),
    ("03", {"email": "nobody"}, "email: Invalid email format"),
    ("04", {"email": "e" * 243 + "@example.org"}, "email: Max size of email exceeded"),
    ("05", {"gender": "UNKNOWN", "address": ""},
     "gender: gender must be one of MALE, FEMALE, OTHER; address: Address is required"),
    ("06", {"date_of_birth": "2999-01-01"}, "date_of_birth: Date Of Birth must not be in the future"),
    ("07", {"date_of_birth": "infinity"}, "date_of_birth: dateOfBirth must be a date that exists, as YYYY-MM-DD"),
    ("08", {"registered_date": "0044-03-15 BC"}, "registered_date: registeredDate must be a date that exists, as YYYY-MM-DD"),
    ("0a", {"email": "Twice@Example.Org"}, "email: another has that address, in this case or another"),
]
GOOD_PATIENT = {"name": "José Ñandú", "email": None, "gender": "OTHER", "address": 'Calle "Mayor" \\ 1,\t{x}\n2º',
                "date_of_birth": "0999-12-31", "registered_date": "2031-01-01"}

BAD_INVOICES = [
    ("01", (None, True, "ISSUED"), "amount: amount is required"),
    ("02", ("-0.01", True, "ISSUED"), "amount: must be between 0 and 9223372036854775807"),
    ("03", ("92233720368547758.08", True, "ISSUED"), "amount: must be between 0 and 9223372036854775807"),
    ("04", ("NaN", True, "ISSUED"), "amount: amount must be an amount with at most 2 decimals"),
    ("05", ("1.00", False, "ISSUED"), "patient_id: patientId is required"),
    ("06", ("1.00", True, None), "status: status is required"),
    ("07", ("1.00", True, "DRAFT"), "status: status must be one of the seven"),
    ("08", ("1.00", True, "paid"), "status: status must be one of the seven"),
]
OF_NOTHING = [("PAID", "ISSUED", "is ISSUED here: nothing of 0 can be paid, or past due"),
              ("OVERDUE", "ISSUED", "is ISSUED here: nothing of 0 can be paid, or past due"),
              ("REFUNDED", "VOID", "was REFUNDED, and is VOID here: nothing of 0 can be refunded"),
              ("VOID", "VOID", None), ("UNCOLLECTIBLE", "UNCOLLECTIBLE", None), ("ISSUED", "ISSUED", None)]
PARTLY = ("was PARTIALLY_PAID, and is ISSUED here, with all of it open: how much was paid isn't kept there; enter that payment")

USERS = [  # e-mail, password as it is stored, role, what is logged in with
    ("clear@seed.example", "correct horse battery", "ADMIN", "correct horse battery"),
    ("spring@seed.example", SPRINGS, "STAFF", "password"),
    ("marked@seed.example", "{bcrypt}" + CHEAP, "STAFF", "U*U"),
    ("noop@seed.example", "{noop}{curly} and long", "STAFF", "{curly} and long"),
    ("weak@seed.example", "secret", "STAFF", "secret"),
]
BAD_USERS = [
    ("01", {"password": "$2a$31$" + "x" * 53}, "password: hashed otherwise than by bcrypt of cost 4 to 14: nobody here can verify it"),
    ("02", {"password": "{pbkdf2}ab12"}, "password: hashed otherwise than by bcrypt of cost 4 to 14: nobody here can verify it"),
    ("03", {"password": " "}, "password: Password is required"),
    ("04", {"password": "p" * 129}, "password: password must have at most 128 characters"),
    ("05", {"role": "ROOT"}, "role: role must be one of ADMIN, STAFF, DOCTOR, BILLING, AUDITOR"),
    ("06", {"email": "CLEAR@seed.example"}, "email: another has that address, in this case or another"),
    ("07", {"name": " "}, "name: Name is required"),
]
MANY = 25  # accounts besides, more than are one batch


def numbered(prefix, end):
    return f"{prefix}-0000-4000-8000-0000000000{end}"


def population():
    """Everybody of the repository's sample, as rows of their table."""
    genders = {"M": "MALE", "F": "FEMALE"}
    with open(DATA / "patients.csv", encoding="utf-8") as file:
        return [(row["Id"], f"{row['ADDRESS']}, {row['CITY']}", row["BIRTHDATE"], f"p{n}@seed.example",
                 genders.get(row["GENDER"], "OTHER"), f"{row['FIRST']} {row['LAST']}", "2025-11-01")
                for n, row in enumerate(csv.DictReader(file))]


class Replaced:
    """The databases of the system replaced, beside ours on the same server."""

    def __init__(self, s):
        self.s = s
        for option, table in TABLES.items():
            with contextlib.closing(self.connect("postgres")) as db:
                db.autocommit = True
                db.cursor().execute(f"drop database if exists replaced_{option} with (force)")
                db.cursor().execute(f"create database replaced_{option}")
            self.put(option, table)

    def connect(self, database):
        db = psycopg2.connect(host=self.s.env["MEDICORE_PGHOST"], port=self.s.env["MEDICORE_PGPORT"], user="postgres", dbname=database)
        return db

    def put(self, option, sql, rows=((),)):
        with self.connect(f"replaced_{option}") as db:
            for row in rows:
                db.cursor().execute(sql, row)

    def uri(self, option):
        host, port = (self.s.env[name] for name in ("MEDICORE_PGHOST", "MEDICORE_PGPORT"))
        return f"postgresql://postgres@/replaced_{option}?host={host}&port={port}"

    def flags(self, *options):
        return [word for option in options or TABLES for word in (f"--{option}", self.uri(option))]


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up("--no-demo")


@pytest.fixture
def s(system):
    """The system, running and with nobody in it but its administrator."""
    system.sql("patient", "truncate patient")
    system.sql("billing", "truncate invoice, invoice_line, ledger, invoice_series, outbox cascade")
    system.sql("auth", "delete from login_address where account_id in (select id from account where email like '%%seed.example')")
    system.sql("auth", "delete from session where account_id in (select id from account where email like '%%seed.example')")
    system.sql("auth", "delete from account where email like '%%seed.example'")
    return system


def seed(s, *words, status=0):
    done = s.medicore("import", "seed", *words, check=False)
    assert done.returncode == status, done
    return done.stdout.splitlines(), done.stderr.splitlines()


def books(s):
    """Are they right?  Once what the relay numbers is numbered."""
    wait_until(lambda: s.sql("billing", "select 1 from invoice where number is null limit 1") == [], 60, "the numbers")
    return s.medicore("check", check=False)


def login(s, email, password):
    return s.http("POST", "/auth/login", {"email": email, "password": password}, role=None)[0]


# --- patients ---

def put_patients(old):
    insert = ("insert into patient (id, address, date_of_birth, email, gender, name, registered_date)"
              " values (%s, %s, %s, %s, %s, %s, %s)")
    everybody = population()
    old.put("patients", insert, everybody)
    good = dict(GOOD_PATIENT, email="twice@example.org", id=numbered("bbbbbbbb", "00"))
    rows = [good] + [{**GOOD_PATIENT, "email": f"b{end}@example.org", **bad, "id": numbered("bbbbbbbb", end)}
                     for end, bad, _ in BAD_PATIENTS]
    old.put("patients", "insert into patient values (%(id)s, %(address)s, %(date_of_birth)s, %(email)s, %(gender)s, %(name)s,"
                        " %(registered_date)s)", rows)
    return everybody, good


def test_patients_keep_their_ids_and_what_is_refused_is_said_line_by_line(s):
    old = Replaced(s)
    everybody, good = put_patients(old)
    n = len(everybody) + 1
    refused = [f"patient {numbered('bbbbbbbb', end)}: {why}" for end, _, why in BAD_PATIENTS]

    out, err = seed(s, "--dry-run", *old.flags("patients"), status=1)
    assert out == [f"patients: imported {n}, already there 0, refused {len(refused)} of {n + len(refused)} rows"
                   " (dry run: nothing was kept)"]
    assert err == refused
    assert s.sql("patient", "select count(*) from patient") == [(0,)]

    out, err = seed(s, *old.flags("patients"), status=1)
    assert out == [f"patients: imported {n}, already there 0, refused {len(refused)} of {n + len(refused)} rows"]
    assert err == refused
    status, _, there = s.http("GET", f"/patients/{good['id']}")
    assert status == 200 and there == {
        "id": good["id"], "name": good["name"], "email": good["email"], "gender": "OTHER", "address": good["address"],
        "dateOfBirth": "0999-12-31", "registeredDate": "2031-01-01"}
    _, _, all_of_them = s.http("GET", "/patients", timeout=60)
    assert {p["id"]: (p["address"], p["dateOfBirth"], p["email"], p["gender"], p["name"], p["registeredDate"])
            for p in all_of_them if p["id"] != good["id"]} == {row[0]: row[1:] for row in everybody}

    out, err = seed(s, *old.flags("patients"), status=1)
    assert out == [f"patients: imported 0, already there {n}, refused {len(refused)} of {n + len(refused)} rows"]
    assert err == refused

    # What changed since, on either side, is said; who was deleted here stays so.
    assert s.http("DELETE", f"/patients/{everybody[0][0]}")[0] == 204
    assert s.http("PATCH", f"/patients/{everybody[1][0]}", {"address": "elsewhere"})[0] == 200
    old.put("patients", "update patient set name = 'Another' where id = %s", [(everybody[2][0],)])
    out, err = seed(s, *old.flags("patients"), status=1)
    assert out == [f"patients: imported 0, already there {n}, refused {len(refused)} of {n + len(refused)} rows; to be looked at 2"]
    assert sorted(err) == sorted(refused + [f"patient {everybody[k][0]}: is here with other values, and is left as it is" for k in (1, 2)])
    assert s.http("GET", f"/patients/{everybody[0][0]}")[0] == 404


# --- invoices ---

def put_invoices(old, patients):
    """One of each state for each of some patients, and the bad ones; gives rows by id."""
    rows, patient = {}, patients[0]
    for n, of in enumerate(patients):
        for k, status in enumerate(SEVEN):
            rows[f"aaaaaaaa-0000-4000-8000-{n:08d}{k:04d}"] = (f"{n}.{k + 1:02d}", of, status)
    for k, (status, _, _) in enumerate(OF_NOTHING):
        rows[numbered("aaaaaaab", f"1{k}")] = ("0.00", patient, status)
    rows[numbered("aaaaaaab", "20")] = ("92233720368547758.07", patient, "ISSUED")
    rows[numbered("aaaaaaab", "21")] = ("1.00", numbered("dddddddd", "00"), "OVERDUE")
    bad = {numbered("cccccccc", end): (amount, patient if of else None, status) for end, (amount, of, status), _ in BAD_INVOICES}
    old.put("billing", "insert into invoice (id, amount, patient_id, status) values (%s, %s, %s, %s)",
            [(i, *row) for i, row in {**rows, **bad}.items()])
    return rows


def report_of(rows):
    """What is said of the good ones, in order of id."""
    for i, (amount, _, status) in sorted(rows.items()):
        if amount == "0.00":
            said = next(note for was, _, note in OF_NOTHING if was == status)
        else:
            said = PARTLY if status == "PARTIALLY_PAID" else None
        if i == numbered("aaaaaaab", "21"):
            said = "its patient is not here"
        if said is not None:
            yield f"invoice {i}: is in, but look: {said}"


def check_invoice(s, i, amount, patient, status):
    here = {"PARTIALLY_PAID": "ISSUED"}.get(status, status)
    if amount == "0.00":
        here = next(becomes for was, becomes, _ in OF_NOTHING if was == status)
    answer, _, invoice = s.http("GET", f"/invoices/{i}")
    assert answer == 200
    left = amount if here in ("ISSUED", "OVERDUE", "UNCOLLECTIBLE") else "0.00"
    paid = amount if here in ("PAID", "REFUNDED") else "0.00"
    given_back = amount if here == "REFUNDED" else "0.00"
    assert (invoice["status"], invoice["amount"], invoice["remainingAmount"], invoice["amountPaid"], invoice["amountRefunded"],
            invoice["patientId"], invoice["currency"]) == (here, amount, left, paid, given_back, patient, "USD"), invoice
    assert [line["net"] for line in invoice["lines"]] == [amount]
    _, _, payments = s.http("GET", f"/invoices/{i}/payments")
    assert [(p["amount"], p["method"], p["amountRefunded"]) for p in payments] == (
        [(paid, "IMPORTED", given_back)] if paid != "0.00" else [])


def test_invoices_come_with_their_states_and_the_books_balance(s):
    old = Replaced(s)
    everybody, _ = put_patients(old)
    seed(s, *old.flags("patients"), status=1)
    rows = put_invoices(old, [row[0] for row in everybody[:60]])
    refused = [f"invoice {numbered('cccccccc', end)}: {why}" for end, _, why in BAD_INVOICES]
    notes = list(report_of(rows))
    told = (f"already there 0, refused {len(refused)} of {len(rows) + len(refused)} rows; to be looked at {len(notes)}")

    out, err = seed(s, "--dry-run", *old.flags("billing"), status=1)
    assert out == [f"invoices: imported {len(rows)}, {told} (dry run: nothing was kept)"]
    assert err == notes + refused
    assert s.sql("billing", "select count(*) from invoice") == s.sql("billing", "select count(*) from ledger") == [(0,)]

    out, err = seed(s, *old.flags("billing"), "--booked", "2025-12-31", status=1)
    assert out == [f"invoices: imported {len(rows)}, {told}"]
    assert err == notes + refused
    assert books(s).returncode == 0
    for i in [*sorted(rows)[-25:], *sorted(rows)[7:21]]:
        check_invoice(s, i, *rows[i])

    # The books of the year that has begun know nothing of them, and their numbers are the last year's.
    assert s.sql("billing", "select distinct at::date::text from ledger") == [("2025-12-31",)]
    assert s.sql("billing", "select series, year, last from invoice_series") == [("", 2025, len(rows))]
    assert s.sql("billing", "select count(*) from outbox") == [(0,)]

    out, err = seed(s, *old.flags("billing"), status=1)
    assert out == [f"invoices: imported 0, already there {len(rows)}, refused {len(refused)} of {len(rows) + len(refused)} rows"]
    assert err == refused
    live_on(s, rows)
    _, err = seed(s, *old.flags("billing"), status=1)
    assert len([line for line in err if line.endswith(": is here with other values, and is left as it is")]) == 4


def live_on(s, rows):
    """What may be done to an invoice of each state here may be done to one that came over."""
    def of(status):
        return next(i for i, (amount, _, was) in sorted(rows.items()) if was == status and not amount.startswith("0."))

    def did(path, body, *expected):
        status, _, answer = s.http("POST", path, body)
        assert (status, answer.get("invoiceStatus", answer.get("status"))) == expected, answer

    did(f"/invoices/{of('ISSUED')}/payments", {"amount": "0.50", "method": "IMPORTED"}, 400, 400)
    amount = rows[of("PAID")][0]
    payment = s.http("GET", f"/invoices/{of('PAID')}/payments")[2][0]["id"]
    did(f"/payments/{payment}/refunds", {"amount": amount, "reason": "x"}, 201, "REFUNDED")
    did(f"/invoices/{of('PARTIALLY_PAID')}/payments", {"amount": "0.50", "method": "CASH"}, 201, "PARTIALLY_PAID")
    did(f"/invoices/{of('OVERDUE')}/payments", {"amount": "0.50", "method": "CASH"}, 201, "OVERDUE")
    did(f"/invoices/{of('UNCOLLECTIBLE')}/payments", {"amount": rows[of("UNCOLLECTIBLE")][0], "method": "CARD"}, 201, "PAID")
    did(f"/invoices/{of('ISSUED')}/void", {}, 200, "VOID")
    did(f"/invoices/{of('VOID')}/payments", {"amount": "0.50", "method": "CASH"}, 409, 409)
    assert books(s).returncode == 0


# --- accounts ---

def put_users(old):
    rows = [{"id": numbered("eeeeeeee", f"0{n}"), "email": email, "name": "Ana", "password": password, "role": role}
            for n, (email, password, role, _) in enumerate(USERS)]
    good = {"email": None, "name": "Bad", "password": "long enough for it", "role": "STAFF"}
    rows += [{**good, "email": f"{n}@many.example", "password": CHEAP, "id": numbered("dddddddd", f"{n:02d}")} for n in range(MANY)]
    rows += [{**good, "email": f"u{end}@seed.example", **bad, "id": numbered("ffffffff", end)} for end, bad, _ in BAD_USERS]
    old.put("auth", "insert into users (id, email, name, password, refresh_token, role)"
                    " values (%(id)s, %(email)s, %(name)s, %(password)s, 'a.b.c', %(role)s)", rows)


def test_accounts_log_in_as_ever_and_end_with_argon2id(s):
    old = Replaced(s)
    put_users(old)
    refused = [f"users {numbered('ffffffff', end)}: {why}" for end, _, why in BAD_USERS]
    notes = [f"users {numbered('eeeeeeee', '04')}: is in, but look: password: Password must have at least 8 characters"]
    n, of = len(USERS) + MANY, len(USERS) + MANY + len(refused)

    out, err = seed(s, "--dry-run", *old.flags("auth"), status=1)
    assert out == [f"accounts: imported {n}, already there 0, refused {len(refused)} of {of} rows; to be looked at 1"
                   " (dry run: nothing was kept)"]
    assert s.sql("auth", "select count(*) from account where email like '%%seed.example'") == [(0,)]
    out, err = seed(s, *old.flags("auth"), status=1)
    assert out == [f"accounts: imported {n}, already there 0, refused {len(refused)} of {of} rows; to be looked at 1"]
    assert err == notes + refused

    def hashes():
        return dict(s.sql("auth", "select email, password from account where email like '%%seed.example'"))

    first = hashes()
    bcrypt = {"spring@seed.example": SPRINGS, "marked@seed.example": CHEAP}
    assert {e: h for e, h in first.items() if not h.startswith("$argon2id$v=19$")} == bcrypt
    for email, _, role, password in USERS:
        assert login(s, email, password + "x") == 401
        assert hashes()[email] == first[email]
        status, _, tokens = s.http("POST", "/auth/login", {"email": email.upper(), "password": password}, role=None)
        assert status == 200, tokens
        _, _, me = s.http("GET", "/auth/me", headers={"Authorization": "Bearer " + tokens["accessToken"]}, role=None)
        assert me == {"email": email, "name": "Ana", "role": role}
    second = hashes()
    assert all(h.startswith("$argon2id$v=19$") for h in second.values())
    assert {e for e in first if first[e] != second[e]} == set(bcrypt)
    assert s.sql("auth", "select id::text from account where email = 'clear@seed.example'") == [(numbered("eeeeeeee", "00"),)]
    for email, _, _, password in USERS:
        assert login(s, email, password) == 200

    out, err = seed(s, *old.flags("auth"), status=1)  # which takes nobody's new hash away
    assert out == [f"accounts: imported 0, already there {n}, refused {len(refused)} of {of} rows"]
    assert err == refused and hashes() == second
    old.put("auth", "update users set role = 'STAFF' where email = 'clear@seed.example'")
    _, err = seed(s, *old.flags("auth"), status=1)
    assert err == [f"users {numbered('eeeeeeee', '00')}: is here with other values, and is left as it is", *refused]


# --- whatever happens ---

def fill(old, n):
    old.put("patients", "insert into patient select ('aaaaaaaa-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'x', '1970-01-01',"
                        " 'p' || n || '@seed.example', 'OTHER', 'Somebody ' || n, '2025-01-01' from generate_series(1, %s) n", [(n,)])
    old.put("billing", "insert into invoice select ('bbbbbbbb-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n / 100.0,"
                       " ('aaaaaaaa-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, (%s::text[])[1 + n %% 7]"
                       " from generate_series(1, %s) n", [(SEVEN, n)])


IN_THE_WAY = {
    "patient": "insert into patient values ('aaaaaaaa-0000-4000-8000-000000001500', 'x', 'x@y', 'OTHER', 'x', '1970-01-01', '1970-01-01')",
    "billing": "insert into invoice (id, patient_id, amount, subtotal, remaining_amount, currency)"
               " values ('bbbbbbbb-0000-4000-8000-000000001500', gen_random_uuid(), 1, 1, 1, 'USD')",
}


def killed_midway(s, old, domain):
    """Kills it while it waits for somebody who has one of its rows in hand; how many rows of the table are there then?"""
    with contextlib.closing(old.connect(f"medicore_{domain}")) as db:
        db.cursor().execute(IN_THE_WAY[domain])
        running = subprocess.Popen([s.tool("medicore"), "--config", str(s.run / "medicore.conf"), "import", "seed",
                                    *old.flags("patients", "billing")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: running.poll() is not None or s.sql(domain, "select 1 from pg_stat_activity where usename = 'medicore_operator'"
                                                                       " and wait_event_type = 'Lock'"), 60, "its wait")
        running.send_signal(signal.SIGKILL)
        running.wait()
        db.rollback()
    table = "patient" if domain == "patient" else "invoice"
    return s.sql(domain, f"select count(*) from {table}")[0][0]


def test_a_run_that_was_killed_is_repeated_until_all_is_there_once(s):
    old, n = Replaced(s), 3000
    fill(old, n)
    assert killed_midway(s, old, "patient") == 1000  # the batches before
    assert killed_midway(s, old, "billing") == 1000
    out, err = seed(s, *old.flags("patients", "billing"))
    assert out[0] == f"patients: imported 0, already there {n}, refused 0 of {n} rows"
    assert out[1].startswith("invoices: imported ") and f" refused 0 of {n} rows; to be looked at " in out[1]
    assert len(err) > 0 and all(PARTLY in line for line in err)
    assert s.sql("patient", "select count(*) from patient") == s.sql("billing", "select count(*) from invoice") == [(n,)]
    assert books(s).returncode == 0


def test_two_at_once_are_one_too_many(s):
    old = Replaced(s)
    fill(old, 10)
    with contextlib.closing(old.connect("medicore_patient")) as db:
        db.cursor().execute("select pg_advisory_lock(%s)", (0x6d65646973656564,))
        _, err = seed(s, *old.flags("patients"), status=2)
        assert err[0] == "medicore import: another import seed is under way in database medicore_patient"
    assert s.sql("patient", "select count(*) from patient") == [(0,)]
    out, err = seed(s, *old.flags("patients", "billing"))
    assert out[0] == "patients: imported 10, already there 0, refused 0 of 10 rows"


@pytest.mark.parametrize("words, said", [
    ([], "name a database to read: --patients, --billing, --auth"),
    (["--patients"], "--patients needs a value"),
    (["--patience", "x"], "there is no option --patience"),
    (["x.csv"], "what is x.csv?"),
    (["--patients", "x", "--booked", "2025-01-01"], "--booked is for invoices: --billing"),
    (["--billing", "x", "--booked", "2025-02-30"], "--booked needs a day that has come, as YYYY-MM-DD"),
    (["--billing", "x", "--booked", "2999-01-01"], "--booked needs a day that has come, as YYYY-MM-DD"),
])
def test_wrong_words_are_named(s, words, said):
    _, err = seed(s, *words, status=2)
    assert err[0] == f"medicore import: {said}"


def test_what_cannot_be_read_is_said_without_any_password(s):
    host, port = s.env["MEDICORE_PGHOST"], s.env["MEDICORE_PGPORT"]
    for uri, said in ((f"postgresql://postgres:geheim@/nowhere?host={host}&port={port}", 'database "nowhere" does not exist'),
                      ("postgresql://postgres:geheim@[::1", "no URI or connection string that libpq can read"),
                      (f"postgresql://postgres:geheim@/postgres?host={host}&port={port}", "can't read table patient of --patients")):
        out, err = seed(s, "--patients", uri, status=2)
        assert said in err[0] and "geheim" not in "\n".join(out + err)


@pytest.mark.skipif(os.environ.get("MEDICORE_LONG") != "yes", reason="a minute")
def test_a_hundred_thousand_of_each_come_at_flat_memory(s):
    old, n = Replaced(s), 100000
    fill(old, n)
    command = [s.tool("medicore"), "--config", str(s.run / "medicore.conf"), "import", "seed"]
    for option in ("patients", "billing"):
        start = time.monotonic()
        running = subprocess.Popen([*command, *old.flags(option)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        out = running.stdout.read()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - start
        print(f"{option}: {n / took:.0f} rows/s, {usage.ru_maxrss} KiB")
        assert running.returncode == 0 and f"imported {n}" in out
        assert usage.ru_maxrss < 40000
    assert books(s).returncode == 0
