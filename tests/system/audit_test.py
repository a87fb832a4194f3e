"""The audit trail: what is read or changed is in it, once, whatever dies when; and nobody touches it unseen."""
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import uuid

import grpc
import pytest

from medicore import System, alive, wait_until
from wire import billing_pb2, billing_pb2_grpc, patient_pb2, patient_pb2_grpc

# The whole proof takes 10,000; fewer do where every commit is tested.
READS = 10_000 if os.environ.get("MEDICORE_LONG") else 3000
SEED = int(os.environ.get("MEDICORE_TEST_SEED", random.randrange(1 << 32)))
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def system():
    with System() as s:
        s.up("--no-demo")
        s.patient = s.register(name="Zoë Ñandú")["id"]
        yield s


def entries(s, domain, request):
    """What the trail says of a request, once it says anything."""
    return wait_until(lambda: s.sql(domain, "select action, thing, patient_id::text, filter, count, result from audit"
                                            " where request_id = %s order by seq", request), 5, f"the entry of {request}")


def asked(s, method, path, body=None, **more):
    request = str(uuid.uuid4())
    status, _, answer = s.http(method, path, body, headers={"X-Request-Id": request}, **more)
    return request, status, answer


def verify(s, *domains):
    return s.medicore("audit", "verify", *domains, check=False)


def sealed(s, domain="patient"):
    """Waits until all is stored and sealed."""
    wait_until(lambda: re.search(r"whole$", verify(s, domain).stdout.strip()), 10, "the seal")


# --- what is noted ---

def test_a_read_a_search_and_a_failure_are_noted(system):
    p = system.patient
    for method, path, status, entry in [
            ("GET", f"/patients/{p}", 200, ("GET /patients/{id}", p, p, None, 1, "ok")),
            ("HEAD", f"/patients/{p}", 200, ("GET /patients/{id}", p, p, None, 1, "ok")),
            ("GET", "/patients?name=zo%C3%AB&limit=5", 200, ("GET /patients", None, None, "name=zo%C3%AB&limit=5", 1, "ok")),
            ("GET", "/patients?nothing=1", 400, ("GET /patients", None, None, "nothing=1", 0, "invalid")),
            ("GET", f"/patients/{NOBODY}", 404, ("GET /patients/{id}", NOBODY, NOBODY, None, 0, "not_found")),
            ("GET", "/patients/a%09b%0Ac", 400, ("GET /patients/{id}", "a\tb\nc", None, None, 0, "invalid")),
            ("DELETE", f"/patients/{NOBODY}", 404, ("DELETE /patients/{id}", NOBODY, NOBODY, None, 0, "not_found"))]:
        request, got, _ = asked(system, method, path)
        assert got == status
        assert entries(system, "patient", request) == [entry]


def test_what_was_made_and_whom_it_is_about_is_noted(system):
    request, status, made = asked(system, "POST", "/patients", {
        "name": "New", "email": f"{uuid.uuid4()}@example.org", "gender": "OTHER", "address": "x", "dateOfBirth": "1990-01-01",
        "registeredDate": "2026-01-01"})
    assert status == 201
    assert entries(system, "patient", request) == [("POST /patients", made["id"], made["id"], None, 1, "ok")]
    system.price("AUDIT-1")
    request, status, appointment = asked(system, "POST", "/appointments", {
        "patientId": made["id"], "serviceCode": "AUDIT-1", "startsAt": "2027-01-01T10:00:00Z", "durationMinutes": 10})
    assert status == 201
    assert entries(system, "scheduling", request) == [("POST /appointments", appointment["id"], made["id"], None, 1, "ok")]
    # The patient service was asked about the same person, by that request.
    assert ("patient.PatientService/verifyPatient", None, made["id"], None, 1, "ok") in entries(system, "patient", request)
    request, status, _ = asked(system, "POST", f"/appointments/{appointment['id']}/cancel", {})
    assert status == 200
    assert entries(system, "scheduling", request) == [
        ("POST /appointments/{id}/cancel", appointment["id"], made["id"], None, 1, "ok")]
    request, status, invoice = asked(system, "POST", "/invoices", {"patientId": made["id"], "amount": "1.00"})
    assert status == 201
    assert entries(system, "billing", request) == [("POST /invoices", invoice["id"], made["id"], None, 1, "ok")]
    request, status, found = asked(system, "GET", f"/invoices?patientId={made['id']}")
    assert entries(system, "billing", request) == [
        ("GET /invoices", None, made["id"], f"patientId={made['id']}", len(found), "ok")]
    request, status, _ = asked(system, "POST", "/invoices", {"patientId": NOBODY, "amount": "1.00"})
    assert status == 404
    assert entries(system, "billing", request) == [("POST /invoices", None, NOBODY, None, 0, "not_found")]


def test_a_stream_is_noted_before_it_leaves_and_when_it_has_ended(system):
    system.sql("patient", "insert into patient (id, name, email, gender, address, date_of_birth, registered_date)"
               " select gen_random_uuid(), 'Many ' || n, n || '@many.example.org', 'OTHER', 'x', '1990-01-01', '2026-01-01'"
               " from generate_series(1, 1000) n")
    request, status, everyone = asked(system, "GET", "/patients")
    assert status == 200 and len(everyone) > 1000
    found = wait_until(lambda: [e for e in entries(system, "patient", request)] if len(entries(system, "patient", request)) == 2
                       else None, 5, "both entries")
    assert [(e[0], e[5]) for e in found] == [("GET /patients", "begun"), ("GET /patients", "ok")]
    assert found[1][4] == len(everyone)
    system.sql("patient", "delete from patient where email like '%%@many.example.org'")


def test_who_may_not_is_noted_and_who_is_nobody_is_not(system):
    request, status, _ = asked(system, "GET", "/audit/patient", role="STAFF")
    assert status == 403
    assert entries(system, "patient", request) == [("GET /audit/patient", None, None, None, 0, "forbidden")]
    account, role, address = system.sql("patient", "select account, role, address from audit where request_id = %s", request)[0]
    assert (str(uuid.UUID(account)), role, address) == (account, "STAFF", "127.0.0.1")
    unknown, status, _ = asked(system, "GET", f"/patients/{system.patient}", role=None)
    assert status == 401
    entries(system, "patient", asked(system, "GET", f"/patients/{system.patient}")[0])
    assert system.sql("patient", "select count(*) from audit where request_id = %s", unknown) == [(0,)]


def test_calls_by_grpc_are_noted_with_whom_they_asked_about(system):
    request, other = str(uuid.uuid4()), str(uuid.uuid4())
    how = {"timeout": 10, "metadata": [("x-request-id", request)]}
    with grpc.insecure_channel(system.env["MEDICORE_PATIENT_GRPC"]) as channel:
        stub = patient_pb2_grpc.PatientServiceStub(channel)
        stub.verifyPatients(patient_pb2.PatientsLookupRequest(patientId=[system.patient, "x" * 1000, other]), **how)
        stub.verifyPatient(patient_pb2.PatientLookupRequest(patientId=system.patient.upper()), **how)
        with pytest.raises(grpc.RpcError):
            stub.verifyPatients(patient_pb2.PatientsLookupRequest(patientId=[other] * 1001), **how)
        wait_until(lambda: len(entries(system, "patient", request)) == 3, 5, "three entries")
    many, one, refused = entries(system, "patient", request)
    assert many == ("patient.PatientService/verifyPatients", None, None, f"{system.patient} - {other}", 1, "ok")
    assert one == ("patient.PatientService/verifyPatient", None, system.patient, None, 1, "ok")
    assert refused[4:] == (0, "invalid") and len(refused[3]) == 37 * 1000 - 1
    request = str(uuid.uuid4())
    with grpc.insecure_channel(system.env["MEDICORE_BILLING_GRPC"]) as channel:
        made = billing_pb2_grpc.BillingServiceStub(channel).createInvoice(
            billing_pb2.InvoiceRequest(patientId=system.patient, amount="1.00"), timeout=10, metadata=[("x-request-id", request)])
    assert entries(system, "billing", request) == [
        ("billing.BillingService/createInvoice", made.invoiceId, system.patient, None, 1, "ok")]


def test_health_is_nobodys_business(system):
    request, status, _ = asked(system, "GET", "/health/patient/ready", role=None)
    assert status == 200
    later, _, _ = asked(system, "GET", f"/patients/{system.patient}")
    entries(system, "patient", later)
    assert system.sql("patient", "select count(*) from audit where request_id = %s", request) == [(0,)]


# --- who may read it ---

def trail(s, query="", **more):
    status, headers, found = s.http("GET", "/audit/patient" + query, **more)
    assert status == 200, found
    return found, headers


def test_a_trail_is_read_by_page_latest_first(system):
    requests = [asked(system, "GET", f"/patients/{system.patient}?")[0] for _ in range(5)]
    entries(system, "patient", requests[-1])
    found, headers = trail(system, f"?patientId={system.patient}&limit=2")
    pages = [found]
    while (link := headers.get("Link")):
        found, headers = trail(system, re.search(r"<[^>]*?(\?[^>]*)>", link)[1])
        pages.append(found)
    seqs = [e["seq"] for page in pages for e in page]
    assert seqs == sorted(set(seqs), reverse=True)
    assert all(len(page) == 2 for page in pages[:-1]) and len(pages) > 2
    assert all(e["patientId"] == system.patient for page in pages for e in page)
    assert set(requests) <= {e["requestId"] for page in pages for e in page}
    one = next(e for page in pages for e in page if e["requestId"] == requests[0])
    assert (one["action"], one["program"], one["result"], one["count"]) == ("GET /patients/{id}", "medicore-patient.fcgi", "ok", 1)


def test_a_trail_is_filtered_by_time_and_refuses_what_it_does_not_know(system):
    request, _, _ = asked(system, "GET", f"/patients/{system.patient}")
    entries(system, "patient", request)
    at = next(e["at"] for e in trail(system)[0] if e["requestId"] == request)
    assert request in {e["requestId"] for e in trail(system, f"?from={at}")[0]}
    assert request not in {e["requestId"] for e in trail(system, f"?to={at}&limit=500")[0]}
    assert trail(system, "?account=nobody-at-all")[0] == []
    for query in ("?from=yesterday", "?patientId=x", "?action=x", "?cursor=x", "?limit=0"):
        assert system.http("GET", "/audit/patient" + query)[0] == 400


@pytest.mark.parametrize("domain", ["patient", "scheduling", "billing", "auth"])
def test_every_trail_is_listed_and_served(system, domain):
    status, _, trails = system.http("GET", "/audit")
    assert status == 200 and {"name": domain, "path": f"/audit/{domain}"} in trails
    assert system.http("GET", f"/audit/{domain}?limit=1")[0] == 200


def test_a_login_is_noted_whether_it_succeeds_or_not(system):
    email = system.env["MEDICORE_ADMIN_EMAIL"]
    for password, status, result in ((system.env["MEDICORE_ADMIN_PASSWORD"], 200, "ok"), ("wrong, and long enough", 401, "unauthenticated")):
        request, got, _ = asked(system, "POST", "/auth/login", {"email": email, "password": password}, role=None)
        assert got == status
        (action, thing, _, _, _, said), = entries(system, "auth", request)
        assert (action, thing, said) == ("POST /auth/login", email, result)


# --- nothing goes unnoted ---

def test_what_can_not_be_noted_is_not_done(system):
    spool = system.run / "spool" / "patient"
    away = spool.with_name("away")
    before = system.sql("patient", "select count(*) from patient")
    spool.rename(away)
    try:
        for pid in system.workers("patient"):
            os.kill(pid, signal.SIGKILL)  # those that follow find no directory
        wait_until(lambda: system.http("GET", f"/patients/{system.patient}")[0] == 503, 10, "a refusal")
        status, headers, body = system.http("POST", "/patients", {
            "name": "Unseen", "email": "unseen@example.org", "gender": "OTHER", "address": "x", "dateOfBirth": "1990-01-01",
            "registeredDate": "2026-01-01"})
        assert (status, body["message"]) == (503, "Service Unavailable") and headers["Retry-After"] == "1"
        assert system.http("GET", "/health/patient/ready", role=None)[0] == 503
        assert system.sql("patient", "select count(*) from patient") == before
        assert "the audit spool" in system.log("patient")
    finally:
        away.rename(spool)
    wait_until(lambda: system.http("GET", f"/patients/{system.patient}")[0] == 200, 10, "an answer")


def test_a_full_disk_refuses_a_change_before_it_is_made(system):
    spool = system.run / "spool" / "patient"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=3777", "tmpfs", spool], stderr=subprocess.PIPE)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        for pid in system.workers("patient"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: system.http("GET", "/health/patient/ready", role=None)[0] == 503, 10, "an unready program")
        before = system.sql("patient", "select count(*) from patient")
        status, _, _ = system.http("POST", "/patients", {
            "name": "Unseen", "email": "unseen@example.org", "gender": "OTHER", "address": "x", "dateOfBirth": "1990-01-01",
            "registeredDate": "2026-01-01"})
        assert status == 503 and system.sql("patient", "select count(*) from patient") == before
        assert "No space left on device" in system.log("patient")
        assert list(spool.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", spool], check=True)
    wait_until(lambda: system.http("GET", f"/patients/{system.patient}")[0] == 200, 10, "an answer")


def test_a_torn_line_is_dropped_and_a_strange_one_kept(system):
    spool = system.run / "spool" / "patient"
    request = str(uuid.uuid4())
    whole = "\t".join(["1", "1767225599999999", "1", "a\\tb", "", "", "", "test", "TORN", "", "ok", request, "", "x\\\\y"])
    file = spool / f"test.{uuid.uuid4()}"
    made = spool.parent / "made"
    made.write_bytes(whole.encode() + b"\nstrange \xff\x01 line\n" + whole.encode()[:40])
    made.chmod(0o644)
    made.rename(file)
    wait_until(lambda: not file.exists(), 10, "the file's removal")
    assert system.sql("patient", "select account, filter, at = '2025-12-31 23:59:59.999999Z' from audit where action = 'TORN'") == [
        ("a\tb", "x\\y", True)]
    assert system.sql("patient", "select filter from audit where action = '(unreadable)'") == [("strange ?? line",)]
    assert "40 bytes without an end are dropped" in system.log("relay-patient")
    assert system.sql("patient", "select count(*) from audit_spool where file = %s", file.name) == [(0,)]
    assert "whole" in verify(system, "patient").stdout


def test_no_read_that_was_answered_is_missing_whatever_is_killed(system):
    answered, lock, done, kills = [], threading.Lock(), threading.Event(), {"program": 0, "relay": 0}
    end = time.monotonic() + 60 + READS / 100

    def read():
        while True:
            with lock:
                if len(answered) >= READS and min(kills.values()) > 3 or time.monotonic() > end:
                    done.set()
                    return
            try:
                request, status, _ = asked(system, "GET", f"/patients/{system.patient}")
            except (OSError, urllib.error.URLError):
                continue
            if status == 200:
                with lock:
                    answered.append(request)

    system.kill("relay-patient")
    relays = [system.start_another("relay-patient"), system.start_another("relay-patient")]  # one of them stands by
    chance = random.Random(SEED)
    readers = [threading.Thread(target=read) for _ in range(8)]
    for r in readers:
        r.start()
    try:
        while not done.wait(chance.uniform(0.02, 0.12)):
            if chance.random() < 0.5:
                # Its supervisor gives up where too many end in a short time: then all is started anew.
                if not alive(system.pid("patient")):
                    system.again()
                for pid in system.workers("patient")[:1]:
                    os.kill(pid, signal.SIGKILL)
                    kills["program"] += 1
            else:
                which = chance.randrange(2)
                relays[which].kill()
                relays[which].wait()
                relays[which] = system.start_another("relay-patient")
                kills["relay"] += 1
    finally:
        for r in readers:
            r.join()
        for r in relays:
            r.terminate()
            r.wait()
        system.again()
    print(f"seed {SEED}: {len(answered)} reads answered, {kills['program']} kills of the program, {kills['relay']} of the relay")
    assert len(answered) >= READS
    assert kills["program"] > 3 and kills["relay"] > 3

    def missing():
        stored = system.sql("patient", "select request_id, count(*) from audit where request_id = any(%s) group by request_id", answered)
        return len(answered) - len(stored), max(n for _, n in stored) if stored else 0

    wait_until(lambda: missing()[0] == 0, 20, "every read that was answered")
    assert missing() == (0, 1)  # and none twice
    sealed(system)
    wait_until(lambda: len(list((system.run / "spool" / "patient").iterdir())) <= 4, 10, "files of the dead to be removed")


# --- nobody touches it unseen ---

COLUMNS = ("at", "account", "role", "session", "address", "program", "action", "thing", "patient_id", "filter", "count", "result",
           "request_id", "mac")


class Tampering:
    """One thing done to the table, and which row and word must come out."""

    def __init__(self, chance, rows):
        self.kind = chance.choice(["edit", "delete", "cut", "swap", "insert"])
        getattr(self, self.kind)(chance, rows)

    def edit(self, chance, rows):
        column = chance.choice(COLUMNS)
        value = {"at": "at + interval '1 microsecond'", "count": "count + 1", "patient_id": "gen_random_uuid()",
                 "mac": "set_byte(mac, 7, get_byte(mac, 7) # 1)"}.get(column, f"coalesce({column}, '') || '!'")
        self.row, self.says = chance.randint(1, rows), "was edited"
        self.sql = f"update audit set {column} = {value} where seq = {self.row}"

    def delete(self, chance, rows):
        self.row = chance.randint(1, rows)
        self.says = "missing"
        self.sql = f"delete from audit where seq = {self.row}"

    def cut(self, chance, rows):
        self.row, self.says = rows + 1 - chance.randint(1, 20), "all behind it are missing"
        self.sql = f"delete from audit where seq >= {self.row}"

    def swap(self, chance, rows):
        a, b = chance.sample(range(1, rows + 1), 2)
        self.row, self.says = min(a, b), f"was swapped: it stands at {max(a, b)}"
        self.sql = (f"update audit set seq = -1 where seq = {a}; update audit set seq = {a} where seq = {b};"
                    f" update audit set seq = {b} where seq = -1")

    def insert(self, chance, rows):
        self.row, self.says = chance.randint(1, rows + 1), "was inserted"
        self.sql = (f"update audit set seq = -seq - 1 where seq >= {self.row}; update audit set seq = -seq where seq < 0;"
                    f" insert into audit (seq, at, account, action, count, result, mac) values ({self.row}, now(), 'x',"
                    f" 'GET /patients', 1, 'ok', sha256('{self.row}'))")


def test_of_100_tamperings_each_is_named_by_its_first_bad_row(system):
    for _ in range(60):
        asked(system, "GET", f"/patients/{system.patient}")
    system.kill("relay-patient", signal.SIGTERM)
    try:
        assert "whole" in verify(system, "patient").stdout
        rows, = system.sql("patient", "select max(seq) from audit")[0]
        assert system.sql("patient", "select count(*) from audit") == [(rows,)]
        system.sql("patient", "create table kept as select * from audit")
        chance, kinds = random.Random(SEED), set()
        print(f"seed {SEED}, {rows} rows")
        for n in range(100):
            t = Tampering(chance, rows)
            kinds.add(t.kind)
            system.sql("patient", t.sql)
            done = verify(system, "patient")
            system.sql("patient", "truncate audit; insert into audit select * from kept")
            assert done.returncode == 1, (n, t.sql)
            assert re.match(rf"patient: row {t.row} .*{re.escape(t.says)}", done.stdout), (n, t.sql, done.stdout)
        assert len(kinds) == 5
        done = verify(system, "patient")
        assert (done.returncode, done.stdout) == (0, f"patient: {rows} rows, whole\n")
    finally:
        system.sql("patient", "drop table if exists kept")
        system.again()


def test_a_cut_stays_visible_when_the_relay_goes_on(system):
    """On the billing trail, which is not whole from then on."""
    for _ in range(10):
        last = asked(system, "GET", "/services")[0]
    entries(system, "billing", last)
    sealed(system, "billing")
    system.kill("relay-billing", signal.SIGTERM)
    rows, = system.sql("billing", "select max(seq) from audit")[0]
    system.sql("billing", "delete from audit where seq > %s", rows - 3)
    system.again()
    request = asked(system, "GET", "/services")[0]
    entries(system, "billing", request)
    assert system.sql("billing", "select seq from audit where request_id = %s", request)[0][0] > rows
    done = verify(system, "billing")
    assert done.returncode == 1 and done.stdout.startswith(f"billing: row {rows - 2} is missing")
    assert "`medicore audit verify billing` says where they part" in system.log("relay-billing")


def test_without_its_key_a_relay_refuses_to_start(system):
    conf = system.run / "no-key.conf"
    conf.write_text("".join(line for line in (system.run / "medicore.conf").read_text().splitlines(True) if "key_file" not in line))
    done = subprocess.run([system.tool("medicore-relay"), "patient", "--config", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=10)
    assert done.returncode == 1 and "[audit] key" in done.stdout and "key_file" in done.stdout
    done = subprocess.run([system.tool("medicore"), "--config", conf, "audit", "verify"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1 and "[audit] key" in done.stdout


def test_a_lost_seal_stops_the_relay_until_the_operator_makes_one(system):
    """On the scheduling trail."""
    seal = system.run / "audit" / "seal" / "scheduling"
    entries(system, "scheduling", asked(system, "GET", "/appointments")[0])
    sealed(system, "scheduling")
    system.kill("relay-scheduling", signal.SIGTERM)
    seal.unlink()
    system.again()
    request = asked(system, "GET", "/appointments")[0]
    wait_until(lambda: "there are rows, but no seal" in system.log("relay-scheduling"), 10, "the relay's complaint")
    assert system.sql("scheduling", "select count(*) from audit where request_id = %s", request) == [(0,)]
    assert verify(system, "scheduling").returncode == 1
    assert "sealed at row" in system.medicore("audit", "seal", "scheduling").stdout
    entries(system, "scheduling", request)
    sealed(system, "scheduling")
    assert system.medicore("audit", "seal", "scheduling", check=False).returncode == 1  # there is a good one
