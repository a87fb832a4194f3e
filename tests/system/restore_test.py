"""Everything is lost while the clinic works, and comes back: a backup made meanwhile is restored, and what the domains disagree on is mended."""
import concurrent.futures
import contextlib
import json
import os
import random
import re
import signal
import threading
import time

import psycopg2
import pytest

from medicore import TOP, System, wait_until

DOMAINS = ("billing", "scheduling", "patient", "auth")
PROGRAMS = [*(f"relay-{d}" for d in DOMAINS), "billing-worker", "patient", "scheduling", "billing", "documents", "auth", "billingd", "patientd"]
CLIENTS = 4


class Clinic:
    """Clients who book, pay and cancel, and remember what they were told."""

    def __init__(self, s):
        self.s = s
        self.patients = [s.register()["id"] for _ in range(CLIENTS)]
        self.booked, self.cancelled, self.paid = {}, set(), set()
        self.stop = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.clients = []

    def open(self):
        self.stop.clear()
        self.clients = [self.pool.submit(self.client, n) for n in range(CLIENTS)]

    def close(self):
        self.stop.set()
        for c in self.clients:
            c.result()

    def client(self, n):
        rng = random.Random(n)
        while not self.stop.is_set():
            a = self.s.book(self.patients[n])["id"]
            self.booked[a] = time.time()
            what = rng.random()
            if what < 0.3:
                status, _, body = self.s.http("POST", f"/appointments/{a}/cancel", {})
                assert status == 200, body
                self.cancelled.add(a)
            elif what < 0.6:
                self.pay(a)

    def pay(self, a):
        invoice = self.s.wait_invoice(a, 30)
        status, _, body = self.s.http("POST", f"/invoices/{invoice}/payments", {"amount": "85.55", "method": "CASH"})
        assert status == 201, body
        self.paid.add(a)


@pytest.fixture(scope="module")
def s():
    with System() as system:
        # With a broker, which has gone on when the databases go back, takes longer.
        system.up("--no-demo", *(["--kafka"] if os.environ.get("MEDICORE_LONG") else []))
        system.price()
        yield system


@pytest.fixture(scope="module")
def clinic(s):
    return Clinic(s)


@pytest.fixture(scope="module")
def backups(s, clinic):
    """Two, a little apart, made while clients were at work before, meanwhile and afterwards."""
    directory = s.run / "backups"
    made = []
    clinic.open()
    for n in (20, 60):
        wait_until(lambda n=n: len(clinic.booked) >= n and len(clinic.paid) >= n // 8 and len(clinic.cancelled) >= n // 8, 60, f"{n} bookings")
        said = s.medicore("backup", directory, "--keep", "5").stdout
        made.append(re.search(r"/(\d{8}T\d{6}Z) is whole", said)[1])
    wait_until(lambda: len(clinic.booked) >= 80, 60, "bookings that are in no backup")
    clinic.close()
    return [directory / name for name in made]


def stop_programs(s):
    for name in PROGRAMS:
        s.kill(name, signal.SIGTERM)


def query(s, database, *statements):
    """Each in a transaction of its own."""
    with contextlib.closing(psycopg2.connect(host=s.env["MEDICORE_PGHOST"], port=s.env["MEDICORE_PGPORT"], user="postgres", dbname=database)) as db:
        db.autocommit = True
        with db.cursor() as c:
            for statement in statements:
                c.execute(statement)
            return c.fetchall() if c.description else []


def restore(s, backup, *args):
    said = s.medicore("restore", backup, "--migrations", TOP / "db", *args)
    s.logins.tokens.clear()  # logins don't outlive it
    s.again()
    return said.stdout


def mend(s, *flags, status=0):
    done = s.medicore("check", "--mend", "--grace", "0", *flags, check=False)
    assert done.returncode == status, done
    return done.stdout


def settle(s):
    """Until all that was sent again has its effect."""
    def clean():
        waits = s.sql("scheduling", "select count(*) from outbox where published_at is null")
        return waits == [(0,)] and s.medicore("check", "--grace", "0", check=False).returncode == 0
    wait_until(clean, 30, "a clean check")


def agree(s, clinic):
    """Each booking that scheduling has has one invoice, void if it is cancelled and nothing is paid; each invoice has its booking."""
    appointments = dict(s.sql("scheduling", "select id::text, status from appointment"))
    invoices = s.sql("billing", "select appointment_id::text, status, amount_paid, appointment_cancelled from invoice")
    assert sorted(a for a, *_ in invoices) == sorted(appointments)
    for a, status, paid, cancelled in invoices:
        if appointments[a] == "CANCELLED":
            assert a in clinic.cancelled and cancelled and (status == "VOID" or paid > 0)
        else:
            assert not cancelled and status in ("ISSUED", "PAID")
    return appointments


def test_what_was_lost_comes_back_as_of_the_backup_and_all_goes_on(s, clinic, backups):
    moment = max(d["moment"] for d in json.loads((backups[1] / "manifest.json").read_text())["databases"])
    stop_programs(s)
    query(s, "postgres", *(f"drop database medicore_{d}" for d in DOMAINS))
    said = restore(s, backups[1])
    assert said.count("restoring") == 4 and "invoices go on behind number" in said
    first = mend(s)
    settle(s)
    appointments = agree(s, clinic)
    assert 60 <= len(appointments) < len(clinic.booked)
    # What was acknowledged before the first moment is there.
    early = min(d["moment"] for d in json.loads((backups[1] / "manifest.json").read_text())["databases"])
    assert {a for a, at in clinic.booked.items() if time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) < early[:19]} <= set(appointments), (early, moment)
    assert "mended 0, left for a person 0" in mend(s), first
    verified = s.medicore("audit", "verify").stdout
    assert [line.split(":")[0] for line in verified.splitlines()] == ["patient", "scheduling", "billing", "auth"] and verified.count("whole") == 4
    status, _, _ = s.http("POST", "/auth/login", {"email": s.env["MEDICORE_ADMIN_EMAIL"], "password": s.env["MEDICORE_ADMIN_PASSWORD"]}, role=None)
    assert status == 200
    clinic.pay(s.book(clinic.patients[0], starts="2027-02-01T10:00:00Z")["id"])


def test_bookings_and_cancellations_that_an_older_billing_lacks_are_sent_again_or_told_anew(s, clinic, backups):
    stop_programs(s)
    restore(s, backups[0], "--replace", "--only", "billing")
    lacking = len(s.sql("scheduling", "select 1 from appointment")) - len(s.sql("billing", "select 1 from invoice"))
    assert lacking >= 20
    # Some of the events were purged, as they are after seven days; neither may they go out on their own.
    wait_until(lambda: s.sql("scheduling", "select count(*) from outbox where published_at is null") == [(0,)], 20, "what was on its way")
    s.sql("scheduling", "delete from outbox where substring(id::text from 36) < '8'")
    assert s.medicore("check", "--grace", "0", check=False).returncode == 1
    would = mend(s, "--dry-run", status=1)
    assert "would be sent again" in would and "would be told anew" in would and "mended 0" in would
    s.kill("billing-worker")
    said = mend(s)
    assert re.search(r"^booking [-0-9a-f]{36}: it has no invoice: sent again$", said, re.M), said
    assert re.search(r"^booking [-0-9a-f]{36}: it has no invoice: told anew$", said, re.M), said
    assert re.search(r"^cancellation [-0-9a-f]{36}: its invoice doesn't know: (sent again|told anew)$", said, re.M), said
    s.again()
    settle(s)
    agree(s, clinic)
    assert "mended 0, left for a person 0" in mend(s)
    assert s.medicore("check").returncode == 0


def test_invoices_of_bookings_that_an_older_scheduling_lacks_are_voided_unless_money_came_in(s, clinic, backups):
    for n in range(3):
        clinic.pay(s.book(clinic.patients[n], starts="2027-02-02T10:00:00Z")["id"])
    stop_programs(s)
    restore(s, backups[0], "--replace", "--only", "scheduling")
    # A patient whom nobody knows any more, too.
    s.sql("patient", "delete from patient where id = %s", clinic.patients[3])
    known = {a for a, in s.sql("scheduling", "select id::text from appointment")}
    strange = [row for row in s.sql("billing", "select appointment_id::text, id::text, amount_paid, status, appointment_cancelled from invoice")
               if row[0] not in known]
    unpaid = [i for _, i, paid, status, _ in strange if paid == 0 and status == "ISSUED"]
    paid = [i for _, i, paid, status, cancelled in strange if paid > 0 and not cancelled]
    assert unpaid and paid
    ledger = s.sql("billing", "select count(*), sum(amount) from ledger where payment_id is not null")
    said = mend(s, status=1)
    for i in unpaid:
        assert re.search(rf"^invoice {i} \(.*\): .*: nothing was paid, voided$", said, re.M), said
    for i in paid:
        assert re.search(rf"^invoice {i} \(.*\): .*a person must decide", said, re.M), said
    assert re.search(rf"^patient {clinic.patients[3]}: has \d+ invoices, .*a person must decide$", said, re.M), said
    assert re.search(rf"^patient {clinic.patients[3]}: has \d+ appointments, .*a person must decide$", said, re.M), said
    assert s.sql("billing", "select count(*), sum(amount) from ledger where payment_id is not null") == ledger
    assert {row for row in s.sql("billing", "select status from invoice where id = any(%s::uuid[])", unpaid)} == {("VOID",)}
    again = mend(s, status=1)
    assert "mended 0, " in again and "voided" not in again
    # The person's decision: what was cancelled after the older moment is cancelled again, and the money goes back.
    cancelled = {a for a, in s.sql("billing", "select appointment_id::text from invoice where appointment_cancelled")}
    for a, in s.sql("scheduling", "select id::text from appointment where status = 'BOOKED'"):
        if a in cancelled:
            assert f"it knows its booking {a} as cancelled" in again
            assert s.http("POST", f"/appointments/{a}/cancel", {})[0] == 200
    for i in paid:
        payment = s.sql("billing", "select id::text from payment where invoice_id = %s", i)[0][0]
        status, _, body = s.http("POST", f"/payments/{payment}/refunds", {"amount": "85.55", "currency": "USD", "reason": "the visit is lost"})
        assert status == 201, body
    assert s.medicore("check", "--grace", "0").returncode == 0


def test_a_trail_that_ends_before_its_seal_and_one_without_are_told_of(s, clinic, backups):
    for relay in ("relay-patient", "relay-auth"):
        s.kill(relay, signal.SIGTERM)  # it seals what it has stored
    seals = s.run / "audit" / "seal"
    (seals / "auth").rename(seals / "auth.away")
    last, = s.sql("patient", "select max(seq) from audit")
    s.sql("patient", "delete from audit where seq = %s", last[0])
    said = mend(s, status=1)
    assert f"audit of patient: sealed up to row {last[0]}, and the trail ends at {last[0] - 1}" in said, said
    assert "audit of auth: there is no seal: where a restore lost it, `medicore audit seal auth`" in said, said
    # As it says.
    (seals / "patient").rename(seals / "patient.lost")
    for domain in ("patient", "auth"):
        s.medicore("audit", "seal", domain)
    s.again()
    wait_until(lambda: s.medicore("audit", "verify", check=False).returncode == 0, 10, "whole trails")
    assert "audit of" not in mend(s, status=1)


def test_a_booking_that_billing_alone_takes_for_cancelled_takes_a_person(s, clinic, backups):
    a = s.book(clinic.patients[0], starts="2027-03-01T10:00:00Z")["id"]
    invoice = s.wait_invoice(a)
    assert s.http("POST", f"/appointments/{a}/cancel", {})[0] == 200
    wait_until(lambda: s.sql("billing", "select 1 from invoice where id = %s and status = 'VOID'", invoice), 10, "the void invoice")
    s.sql("scheduling", "update appointment set status = 'BOOKED' where id = %s", a)
    assert f"not cancelled there: invoice {invoice}" in s.medicore("check", check=False).stdout
    assert f"invoice {invoice}: it knows its booking {a} as cancelled, which scheduling doesn't" in mend(s, status=1)
    assert s.http("POST", f"/appointments/{a}/cancel", {})[0] == 200
    assert s.medicore("check").returncode == 0
