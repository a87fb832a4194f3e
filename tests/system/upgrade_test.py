"""medicore migrate on databases that are in use: from every schema there ever was, above all each release's, with rows in each table."""
import csv
import hashlib
import itertools
import re
import shutil
import subprocess
import time
import uuid

import pytest
from psycopg2.extras import Json, execute_values

from medicore import BUILD, DATA, TOP, Postgres
from wire import events_pb2

DOMAINS = ("patient", "scheduling", "billing", "auth")
APPOINTMENTS, PENDING, PARKED = 300, 50, 3
ARGON = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"


def files(domain):
    return sorted((TOP / "db" / domain).glob("[0-9]*.sql"))


def released():
    """{version: {domain/file: SHA-256}}, each with what the releases before it brought."""
    versions, known = {}, {}
    for line in (TOP / "db/releases").read_text().splitlines():
        if not line.startswith("#"):
            version, file, digest = line.split()
            known[file] = digest
            versions[version] = dict(known)
    return versions


def states():
    """Names and numbers of migrations: each release, and each step from the first."""
    newest = {domain: len(files(domain)) for domain in DOMAINS}
    for version, known in released().items():
        yield version, {domain: sum(file.startswith(domain + "/") for file in known) for domain in DOMAINS}
    for step in range(1, max(newest.values())):
        yield f"step {step}", {domain: min(step, count) for domain, count in newest.items()}


def test_what_was_released_is_as_it_was():
    for version, known in released().items():
        for file, digest in known.items():
            assert hashlib.sha256((TOP / "db" / file).read_bytes()).hexdigest() == digest, f"{file} of {version}: a change goes into a new file"


# --- what the programs of that schema would have left there ---

def new_id(kind, n):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {n}"))


def patients():
    with open(DATA / "patients.csv", newline="") as f:
        return list(itertools.islice(csv.DictReader(f), 200))


def appointments():
    """(number, id, patient, service, start, end, whether it was cancelled)"""
    with open(DATA / "encounters.csv", newline="") as f:
        for n, row in enumerate(itertools.islice(csv.DictReader(f), APPOINTMENTS)):
            yield n, row["Id"], row["PATIENT"], row["SERVICE"], row["START"], row["STOP"], n % 10 == 7


def insert(c, table, columns, rows):
    rows = list(rows)
    assert rows, table
    execute_values(c, f"insert into {table} ({columns}) values %s", rows)


def fill_common(c, audit, kept):
    """What each domain has, since its schema was that one."""
    if audit:
        insert(c, "audit", "seq, at, account, role, action, thing, patient_id, count, result, request_id, mac",
               [(n, f"2026-01-{n % 28 + 1}", f"account {n}", "STAFF", "GET /x", "ü", new_id("patient", n), n, "ok", f"r-{n}", bytes([n] * 32))
                for n in range(1, 100)])
        insert(c, "audit_spool", "file, position", [("a.spool", 17), ("b.spool", 2 ** 40)])
    if kept:
        insert(c, "kept_answer", "account, route, key, fingerprint, status, headers, body, thing, patient_id",
               [("a", "POST /x", b"k%d" % n, b"f", 201, "Location: /x\n", b"\0\xff{}", "x", new_id("patient", n)) for n in range(5)])


def fill_patient(c, schema):
    insert(c, "patient", "id, name, email, gender, address, date_of_birth, registered_date, version, deleted_at",
           [(row["Id"], f"{row['FIRST']} {row['LAST']}", f"p{n // 2 if n % 40 == 1 else n}@example.org", "FEMALE" if row["GENDER"] == "F" else "MALE", row["ADDRESS"],
             row["BIRTHDATE"], "2026-01-05", n + 1, "2026-03-01" if n % 20 == 0 else None) for n, row in enumerate(patients())])
    fill_common(c, schema >= 2, schema >= 4)


def fill_scheduling(c, schema):
    later = ("BOOKED", "CHECKED_IN", "COMPLETED", "BOOKED")
    insert(c, "appointment", "id, patient_id, provider_id, service_code, status, starts_at, ends_at, zone, cancel_reason, version",
           [(a, patient, new_id("provider", n), service, ("NO_SHOW" if schema >= 4 and n % 20 == 7 else "CANCELLED") if gone else
             later[n % 4] if schema >= 4 else "BOOKED", start, end, "Europe/Berlin", "ill" if gone else None, n + 1)
            for n, a, patient, service, start, end, gone in appointments()])
    events = []
    for n, a, patient, service, _, _, gone in appointments():
        published = None if n >= APPOINTMENTS - PENDING else "2026-01-01"
        booked = events_pb2.AppointmentBooked(appointment_id=a, patient_id=patient, service_code=service, version=1).SerializeToString()
        kinds = [("booked", booked)]
        if gone:
            kind = "no-show" if schema >= 4 and n % 20 == 7 else "cancelled"
            kinds.append((kind, events_pb2.AppointmentCancelled(appointment_id=a, patient_id=patient, version=2).SerializeToString()))
        for kind, payload in kinds:
            events.append((new_id(kind, n), "appointment", patient, f"medicore.appointment.{kind}.v1", payload,
                           Json({"appointment_id": a, "ce_time": "2026-01-01T00:00:00Z", "request_id": f"r-{n}"}), published))
    insert(c, "outbox", "id, aggregatetype, aggregateid, type, payload, headers, published_at", events)
    fill_common(c, schema >= 2, schema >= 3)


class Books:
    """Invoices with all that belongs to them, as far as the schema has it."""

    def __init__(self, c, schema):
        self.c, self.schema, self.postings, self.number = c, schema, 0, 0

    def invoice(self, n, patient, amount, status, *, appointment=None, paid=0, credited=0, refunded=0, due=None, gone=False, code="GP"):
        made = new_id("invoice", n)
        remaining = 0 if status in ("VOID", "REFUNDED") else amount - paid - credited
        columns = ["id", "patient_id", "appointment_id", "service_code", "status", "amount", "remaining_amount", "currency", "description",
                   "due_date", "appointment_cancelled", "version"]
        row = [made, patient, appointment, code, status, amount, remaining, "USD", "a visit", due, gone, n + 1]
        if self.schema >= 3:
            if status != "DRAFT":
                self.number += 1
            columns += ["number", "subtotal", "amount_paid", "amount_credited", "amount_refunded"]
            row += [None if status == "DRAFT" else f"2026-{self.number:06}", amount, paid, credited, refunded]
        insert(self.c, "invoice", ", ".join(columns), [row])
        if self.schema >= 3:
            insert(self.c, "invoice_line", "invoice_id, position, service_code, description, quantity, unit_price, net, tax",
                   [(made, 1, code, "a visit", 1, amount, amount, 0)])
            if status != "DRAFT":
                self.post("ISSUE", made, patient, ("RECEIVABLE", amount), ("REVENUE", -amount))
            if status == "VOID":
                self.post("VOID", made, patient, ("RECEIVABLE", -amount), ("REVENUE", amount))
        return made

    def post(self, kind, invoice, patient, *entries, payment=None):
        self.postings += 1
        insert(self.c, "ledger", "posting, kind, account, amount, currency, patient_id, invoice_id, payment_id, service_code",
               [(new_id("posting", self.postings), kind, account, amount, "USD", patient, invoice, payment, "GP" if account == "REVENUE" else None)
                for account, amount in entries if amount])

    def pay(self, n, invoice, patient, amount, *, credited=0, refunded=0, method="CASH", bounced=False):
        made = new_id("payment", n)
        insert(self.c, "payment", "id, invoice_id, patient_id, amount, credited, refunded, currency, method, status, received_at",
               [(made, invoice, patient, amount, credited, refunded, "USD", method, "BOUNCED" if bounced else "RECEIVED", "2026-02-01")])
        entries = [(method, amount), ("RECEIVABLE", credited - amount), ("CREDIT", -credited)]
        self.post("PAYMENT", invoice, patient, *entries, payment=made)
        if bounced:
            self.post("BOUNCE", invoice, patient, *[(account, -entry) for account, entry in entries], payment=made)
        if refunded:
            self.post("REFUND", invoice, patient, ("REVENUE", refunded), (method, -refunded), payment=made)
            insert(self.c, "refund", "id, payment_id, invoice_id, amount, currency, reason", [(new_id("refund", n), made, invoice, refunded, "USD", "never came")])


def fill_billing(c, schema):
    with open(DATA / "services.csv", newline="") as f:
        prices = {row["CODE"]: round(float(row["PRICE"]) * 100) for row in csv.DictReader(f)}
    insert(c, "service", "code, description, price, currency", [(code, f"Service {code}", price, "USD") for code, price in prices.items()])
    books = Books(c, schema)
    done = list(appointments())[:APPOINTMENTS - PENDING]
    for n, a, patient, service, _, _, gone in done:
        for kind in ("booked", "no-show" if schema >= 4 and n % 20 == 7 else "cancelled")[:1 + gone]:
            insert(c, "inbox", "ce_id, type", [(new_id(kind, n), f"medicore.appointment.{kind}.v1")])
        if gone:
            insert(c, "cancelled_appointment", "appointment_id", [(a,)])
        if n % 80 == 1 and n // 80 < PARKED:
            insert(c, "dead_letters", "ce_id, type, source, time, traceparent, topic, key, payload, reason, replay_asked_at",
                   [(new_id("booked", n), "medicore.appointment.booked.v1", "s", "t", None, "medicore.appointment.v1", patient, b"\0\1", "no_price", None)])
        else:
            books.invoice(n, patient, prices[service], "VOID" if gone else "ISSUED", appointment=a, gone=gone, code=service)
    insert(c, "idempotency", "account, route, key, fingerprint, result_id", [("a", "POST /invoices", "k", "f", new_id("invoice", 0))])
    if schema >= 3:
        fill_money(c, books)
    if schema >= 5:
        insert(c, "fee", "appointment_id, invoice_id", [(done[7][1], books.invoice(2000, done[7][2], 500, "ISSUED"))])
    if schema >= 3:
        insert(c, "invoice_series", "series, year, last", [("", 2026, books.number)])
    fill_common(c, schema >= 2, schema >= 4)


def fill_money(c, books):
    """Every state that an invoice can be in, and every way there."""
    patient = [row["Id"] for row in patients()]
    books.invoice(1000, patient[0], 900, "DRAFT")
    books.invoice(1001, patient[1], 900, "OVERDUE", due="2026-01-02")
    part = books.invoice(1002, patient[2], 900, "PARTIALLY_PAID", paid=400)
    books.pay(2, part, patient[2], 400, method="CARD")
    paid = books.invoice(1003, patient[3], 900, "PAID", paid=900)
    books.pay(3, paid, patient[3], 1000, credited=100)
    insert(c, "patient_credit", "patient_id, currency, amount", [(patient[3], "USD", 100)])
    back = books.invoice(1004, patient[4], 900, "REFUNDED", paid=900, refunded=900)
    books.pay(4, back, patient[4], 900, refunded=900)
    given_up = books.invoice(1005, patient[5], 900, "UNCOLLECTIBLE")
    books.post("WRITE_OFF", given_up, patient[5], ("WRITE_OFF", 900), ("RECEIVABLE", -900))
    less = books.invoice(1006, patient[6], 900, "ISSUED", credited=200)
    books.post("CREDIT_NOTE", less, patient[6], ("REVENUE", 200), ("RECEIVABLE", -200))
    insert(c, "credit_note", "id, invoice_id, amount, currency, reason", [(new_id("note", 6), less, 200, "USD", "too much")])
    bounced = books.invoice(1007, patient[7], 900, "ISSUED")
    books.pay(7, bounced, patient[7], 900, method="CHEQUE", bounced=True)
    insert(c, "outbox", "id, aggregatetype, aggregateid, type, payload, headers, published_at",
           [(new_id("told", n), "invoice", patient[n], "medicore.invoice.issued.v1", b"\0%d" % n, Json({"n": n}), None if n % 2 else "2026-01-01") for n in range(9)])


def fill_auth(c, schema):
    insert(c, "account", "id, email, name, role, password, password_version, enabled, version",
           [(new_id("account", n), f"a{n}@example.org", f"Ä {n}", ("ADMIN", "STAFF", "DOCTOR", "BILLING", "AUDITOR")[n % 5], ARGON, n + 1, n % 7 != 3, n + 1)
            for n in range(50)])
    insert(c, "session", "id, account_id, token_hash, access_until, expires_at, ended_at, ended_seq",
           [(new_id("session", n), new_id("account", n), bytes([n] * 32), "2027-01-01", "2027-02-01", "2026-02-01" if n % 3 == 0 else None,
             n + 1 if n % 3 == 0 else None) for n in range(50)])
    c.execute("select setval('session_ended_seq', 51)")
    insert(c, "login_failure", "subject, address, failures, held_until", [("s", "192.0.2.1", 3, "2027-01-01"), ("", "192.0.2.2", 300, "2027-01-01")])
    insert(c, "login_address", "account_id, address", [(new_id("account", n), "192.0.2.3") for n in range(5)])
    fill_common(c, schema >= 2, schema >= 3)


FILL = {"patient": fill_patient, "scheduling": fill_scheduling, "billing": fill_billing, "auth": fill_auth}


# --- before and after ---

@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = Postgres(tmp_path_factory.mktemp("postgres"))
    yield s
    s.stop()


def content(connection, columns=None):
    """{table: (columns, its rows as text, in order)}; of given columns, or of all but generated ones."""
    with connection.cursor() as c:
        if columns is None:
            c.execute("select table_name, array_agg(quote_ident(column_name) order by ordinal_position) from information_schema.columns"
                      " join information_schema.tables using (table_schema, table_name)"
                      " where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'schema_migration' group by table_name")
            columns = {table: names if isinstance(names, list) else names[1:-1].split(",") for table, names in c.fetchall()}
        found = {}
        for table, names in columns.items():
            c.execute(f"select row({', '.join(names)})::text from {table} order by 1")
            found[table] = (names, [row for row, in c.fetchall()])
        return found


def schema_of(server, domain):
    done = subprocess.run([server.env["PGBIN"] + "/pg_dump", "-s", "-h", server.env["PGHOST"], "-p", server.env["PGPORT"], "-U", "postgres", f"medicore_{domain}"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return re.sub(r"(?m)^\\(un)?restrict .*\n", "", done.stdout)  # a word drawn by lot


def drop(server):
    for domain in DOMAINS:
        server.rows(f"drop database if exists medicore_{domain} with (force)")


@pytest.fixture(scope="module")
def fresh(server):
    """What a database that was made at once looks like."""
    drop(server)
    done = server.migrate()
    assert done.returncode == 0, done.stderr
    return {domain: schema_of(server, domain) for domain in DOMAINS}


@pytest.mark.parametrize("state", [numbers for _, numbers in states()], ids=[name for name, _ in states()])
def test_a_filled_database_comes_forward_with_every_row_it_had(server, fresh, tmp_path, state):
    drop(server)
    old = shutil.copytree(TOP / "db", tmp_path / "db")
    for domain, number in state.items():
        for file in sorted((old / domain).glob("[0-9]*.sql"))[number:]:
            file.unlink()
    done = server.migrate(migrations=old)
    assert done.returncode == 0, done.stderr
    before = {}
    for domain, number in state.items():
        with server.connect(f"medicore_{domain}") as db, db.cursor() as c:
            FILL[domain](c, number)
        with server.connect(f"medicore_{domain}") as db:
            before[domain] = content(db)
        empty = [table for table, (_, rows) in before[domain].items() if not rows]
        assert not empty, f"{domain} {number}: the sample has nothing in {empty}"
    began = time.monotonic()
    done = server.migrate()
    assert done.returncode == 0, done.stderr
    print(f"{state}: {time.monotonic() - began:.2f} s")
    for domain in DOMAINS:
        with server.connect(f"medicore_{domain}") as db:
            after = content(db, {table: columns for table, (columns, _) in before[domain].items()})
        for table, (columns, rows) in before[domain].items():
            assert after[table] == (columns, rows), f"{domain}.{table}"
        assert schema_of(server, domain) == fresh[domain], domain
        # What is there holds to each constraint, also to those that were added without a look at it.
        assert server.rows("select conname from pg_constraint where not convalidated", f"medicore_{domain}") == []
    check = subprocess.run([BUILD / "medicore", "check"], env=server.environ(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert f"bookings {APPOINTMENTS}: invoiced {APPOINTMENTS - PENDING - PARKED}, pending {PENDING}, parked {PARKED}, missing 0, doubled 0" in check.stdout, check.stdout
    assert check.returncode == 0, check.stdout
