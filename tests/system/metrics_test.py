"""What programs count: that values move by exactly what was done, who may read them, and that Prometheus does."""
import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request
import uuid

import grpc
import pytest

from medicore import BUILD, TOP, System, free_base, wait_until
from wire import billing_pb2, billing_pb2_grpc

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up("--no-demo")


def parsed(text):
    """{(name, (label, value), …): number} of Prometheus' text format."""
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            values[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return values


class Counts:
    """All that is counted, at one moment."""

    def __init__(self, system):
        self.text = system.medicore("metrics").stdout
        self.values = parsed(self.text)

    def get(self, name, **labels):
        return self.values.get(("medicore_" + name, frozenset(labels.items())))


class Moved:
    """How far counters have moved since."""

    def __init__(self, system):
        self.system, self.before = system, Counts(system)

    def __call__(self, name, **labels):
        return (Counts(self.system).get(name, **labels) or 0) - (self.before.get(name, **labels) or 0)

    def reaches(self, n, name, **labels):
        wait_until(lambda: self(name, **labels) == n, 20, f"{name} {labels} to move by {n}, not {self(name, **labels)}")


def requests(program, route, method, status):
    return {"program": program, "route": route, "method": method, "status": str(status)}


def test_requests_are_counted_by_route_method_and_status(system):
    patient = system.register()
    moved = Moved(system)
    for _ in range(3):
        assert system.http("GET", "/patients/" + patient["id"])[0] == 200
    assert system.http("HEAD", "/patients/" + patient["id"])[0] == 200
    assert system.http("GET", f"/patients/{uuid.uuid4()}")[0] == 404
    assert system.http("PUT", "/patients/" + patient["id"])[0] == 405
    assert system.http("GET", "/patients/" + patient["id"], role=None)[0] == 401
    one = "/patients/{id}"
    assert moved("http_requests_total", **requests("patient", one, "GET", 200)) == 4
    assert moved("http_requests_total", **requests("patient", one, "GET", 404)) == 1
    assert moved("http_requests_total", **requests("patient", one, "GET", 401)) == 1
    assert moved("http_requests_total", **requests("patient", "(none)", "(any)", 405)) == 1
    assert moved("http_request_duration_seconds_count", program="patient", route=one, method="GET") == 6
    assert moved("http_request_duration_seconds_bucket", program="patient", route=one, method="GET", le="+Inf") == 6
    assert 0 < moved("http_request_duration_seconds_sum", program="patient", route=one, method="GET") < 60
    assert moved("http_requests_total", **requests("patient", one, "PATCH", 200)) == 0
    assert moved("database_statement_duration_seconds_count", program="patient", statement="read") == 5


def test_logins_and_tokens_are_counted(system):
    system.bearer("STAFF")
    system.http("GET", "/patients?limit=1", role="STAFF")
    moved = Moved(system)
    given = {"email": system.env["MEDICORE_ADMIN_EMAIL"], "password": "not that one"}
    assert system.http("POST", "/auth/login", given, role=None)[0] == 401
    assert system.http("POST", "/auth/login", {"email": 7}, role=None)[0] == 400
    assert system.http("POST", "/auth/login", {**given, "password": system.env["MEDICORE_ADMIN_PASSWORD"]}, role=None)[0] == 200
    assert moved("logins_refused_total", program="auth", reason="credentials") == 1
    assert moved("logins_refused_total", program="auth", reason="malformed") == 1
    assert moved("logins_total", program="auth") == 1
    moved = Moved(system)
    headers = {"Authorization": "Bearer nonsense"}
    assert system.http("GET", "/patients?limit=1", headers=headers, role=None)[0] == 401
    assert moved("tokens_refused_total", program="patient", reason="malformed") == 1
    for _ in range(20):
        system.http("GET", "/patients?limit=1", role="STAFF")
    hits, misses = (moved("token_cache_lookups_total", program="patient", result=r) for r in ("hit", "miss"))
    assert hits + misses == 21 and 1 <= misses <= 2  # the nonsense, and once in the other process


def test_a_booking_is_counted_all_its_way(system):
    code, patient = system.price("GP-7"), system.register()
    moved = Moved(system)
    system.wait_invoice(system.book(patient["id"], code)["id"])
    moved.reaches(1, "events_total", program="billing-worker", verdict="done")
    moved.reaches(1, "outbox_published_total", program="relay-scheduling")
    moved.reaches(1, "invoices_numbered_total", program="billing-worker")  # with what it made
    moved.reaches(1, "outbox_published_total", program="relay-billing")  # what became of the invoice
    moved.reaches(1, "audit_entries_stored_total", program="relay-scheduling")
    verify = {"program": "patientd", "method": "patient.PatientService/verifyPatient", "status": "OK"}
    batch = {**verify, "method": "patient.PatientService/verifyPatients"}
    assert moved("grpc_calls_total", **verify) + moved("grpc_calls_total", **batch) == 2
    assert moved("grpc_client_call_duration_seconds_count", program="scheduling", outcome="ok") == 1
    assert moved("grpc_client_call_duration_seconds_count", program="billing-worker", outcome="ok") == 1
    assert moved("event_batch_size_sum", program="billing-worker") == 1
    assert moved("http_requests_total", **requests("scheduling", "/appointments", "POST", 201)) == 1
    assert moved("events_total", program="billing-worker", verdict="park") == 0


def test_an_invoice_is_counted_by_whoever_numbers_it(system):
    patient, made = system.register()["id"], []
    request = billing_pb2.InvoiceRequest(patientId=patient, amount="12.50")
    moved = Moved(system)
    with grpc.insecure_channel(system.env["MEDICORE_BILLING_GRPC"]) as channel:
        create = billing_pb2_grpc.BillingServiceStub(channel).createInvoice

        def numbered_at_once():
            asked = [create.future(request, timeout=20) for _ in range(32)]
            made.extend(answer.result().invoiceId for answer in asked)
            return moved("invoices_numbered_total", program="billingd")

        wait_until(numbered_at_once, 20, "calls that come together")  # and find the counter free
    wait_until(lambda: system.sql("billing", "select count(number) from invoice where id = any(%s::uuid[])", made) == [(len(made),)], 20, "their numbers")
    at_once = moved("invoices_numbered_total", program="billingd")
    assert 4 <= at_once <= len(made)
    moved.reaches(len(made) - at_once, "invoices_numbered_total", program="relay-billing")


def test_a_dead_letter_is_counted_by_its_reason(system):
    moved = Moved(system)
    booked = system.book(system.register()["id"], f"NO-{uuid.uuid4().hex[:8]}", starts="2026-12-02T10:00:00Z")
    moved.reaches(1, "events_parked_total", program="billing-worker", reason="no_price")
    assert moved("events_total", program="billing-worker", verdict="park") == 1
    wait_until(lambda: Counts(system).get("dead_letters", program="billing-worker", reason="no_price") == 1, 5, "the dead letter")
    system.price(booked["serviceCode"])
    system.medicore("dead-letters", "replay", "--all")
    wait_until(lambda: Counts(system).get("dead_letters", program="billing-worker", reason="no_price") == 0, 20, "no dead letter")


def test_a_backlog_is_seen_and_its_age_grows(system):
    code, patient = system.price("GP-8"), system.register()
    system.kill("billing-worker")
    system.book(patient["id"], code, starts="2026-12-03T10:00:00Z")
    oldest = {"program": "relay-scheduling"}

    def waiting():
        counts = Counts(system)
        return counts if counts.get("outbox_events", **oldest) == 1 else None

    first = wait_until(waiting, 20, "one event that waits")
    age = first.get("outbox_oldest_age_seconds", **oldest)
    assert 0 < age < 60
    assert first.get("processes", program="billing-worker") == 0
    assert first.get("task_success_timestamp_seconds", program="billing-worker", task="dead_letters") is None  # it is dead
    wait_until(lambda: Counts(system).get("outbox_oldest_age_seconds", **oldest) > age + 0.5, 20, "an older one")
    assert Counts(system).get("task_failures_total", **oldest, task="outbox") > 0
    system.again()
    wait_until(lambda: Counts(system).get("outbox_events", **oldest) == 0, 20, "none that waits")
    assert Counts(system).get("outbox_oldest_age_seconds", **oldest) == 0


def test_a_process_that_is_killed_takes_nothing_with_it(system):
    patient = system.register()
    moved = Moved(system)
    for _ in range(10):
        system.http("GET", "/patients/" + patient["id"])
    for pid in system.workers("patient"):
        os.kill(pid, signal.SIGKILL)
    moved.reaches(2, "process_starts_total", program="patient")
    wait_until(lambda: Counts(system).get("processes", program="patient") == 2, 20, "two processes")
    assert system.http("GET", "/patients/" + patient["id"])[0] == 200
    assert moved("http_requests_total", **requests("patient", "/patients/{id}", "GET", 200)) == 11


def test_a_database_that_is_away_is_counted(system):
    patient = system.register()
    moved = Moved(system)
    system.kill("postgres", signal.SIGINT)
    assert system.http("GET", "/patients/" + patient["id"])[0] == 503
    assert moved("http_requests_total", **requests("patient", "/patients/{id}", "GET", 503)) == 1
    assert moved("database_connections_lost_total", program="patient") >= 1
    assert moved("database_connection_failures_total", program="patient") >= 1
    wait_until(lambda: moved("task_failures_total", program="relay-billing", task="invoices") > 1, 20, "turns that failed")
    # Not known is not none.
    wait_until(lambda: Counts(system).get("outbox_events", program="relay-billing") is None, 20, "a backlog that isn't known")
    # What is noted meanwhile waits, and is seen to.
    wait_until(lambda: Counts(system).get("audit_spool_bytes", program="relay-patient") > 0, 20, "a spool that fills")
    assert Counts(system).get("audit_spool_oldest_age_seconds", program="relay-patient") > 0
    system.again()
    assert system.http("GET", "/patients/" + patient["id"])[0] == 200
    wait_until(lambda: Counts(system).get("audit_spool_bytes", program="relay-patient") == 0, 20, "an empty spool")
    wait_until(lambda: Counts(system).get("outbox_events", program="relay-billing") == 0, 20, "a relay that knows")


def test_a_file_of_the_spool_that_can_not_be_read_is_no_success(system):
    labels = {"program": "relay-auth", "task": "audit"}
    strange = system.run / "spool" / "auth" / f"test.{uuid.uuid4()}"
    moved = Moved(system)
    strange.mkdir()
    try:
        wait_until(lambda: moved("task_failures_total", **labels) > 0, 20, "a turn that failed")
        before, moved = Counts(system).get("task_success_timestamp_seconds", **labels), Moved(system)
        system.http("POST", "/auth/login", {"email": "nobody@example.org", "password": "not that one"}, role=None)
        # The rest goes on, but the task as a whole didn't get through.
        wait_until(lambda: moved("audit_entries_stored_total", program="relay-auth") > 0 and moved("task_failures_total", **labels) > 1, 20,
                   "an entry")
        assert Counts(system).get("task_success_timestamp_seconds", **labels) == before
    finally:
        strange.rmdir()
    wait_until(lambda: Counts(system).get("task_success_timestamp_seconds", **labels) > before, 20, "a turn that got through")


def front_door(system, path="/metrics", **headers):
    rq = urllib.request.Request(system.env["MEDICORE_URL"] + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(rq, timeout=20) as rp:
            return rp.status, rp.headers, rp.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, ""


def passes_promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0 and not done.stdout, done.stdout


@pytest.mark.parametrize("server", ["apache", "lighttpd"])
def test_the_front_door_tells_this_machine_alone(system, server):
    system.up("--no-demo", *(["--lighttpd"] if server == "lighttpd" else []))
    status, headers, text = front_door(system)
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    passes_promtool(text)
    command = Counts(system).text
    assert {line for line in text.splitlines() if line.startswith("# ")} == \
        {line for line in command.splitlines() if line.startswith("# ")}
    assert len(parsed(text)) == len(set(text.splitlines()) - {x for x in text.splitlines() if x.startswith("#")})
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Host"):
        for value in ("127.0.0.1", "192.0.2.1", "for=127.0.0.1"):
            for path in ("/metrics", "/%6detrics", "/metric%73?x=1", "//metrics", "/x/../metrics"):
                assert front_door(system, path, **{header.replace("-", "_"): value})[0] in (400, 404), (header, path)
    assert system.http("POST", "/metrics", {})[0] in (404, 405)
    assert system.http("GET", "/metrics/", role=None)[0] == 404


@pytest.mark.parametrize("address, status", [("127.0.0.1", 200), ("127.8.9.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("192.0.2.1", 404),
                                             ("::ffff:192.0.2.1", 404), ("2001:db8::1", 404), ("", 404), ("localhost", 404)])
def test_the_program_looks_at_who_asks_as_well(system, address, status):
    """As plain CGI, as a web server would ask it that lets everybody through."""
    env = {**os.environ, "MEDICORE_CONFIG": str(system.run / "medicore.conf"), "REQUEST_METHOD": "GET", "REQUEST_URI": "/metrics",
           "REMOTE_ADDR": address, "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1"}
    done = subprocess.run([BUILD / "medicore-documents.fcgi"], env=env, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.stdout.startswith(f"Status: {status} "), done.stdout + done.stderr
    assert ("medicore_processes{" in done.stdout) == (status == 200)


def test_a_directory_that_is_not_there_stops_nobody(system):
    env = {**os.environ, "MEDICORE_CONFIG": str(system.run / "medicore.conf"), "REQUEST_METHOD": "GET", "REQUEST_URI": "/health/patient/live",
           "MEDICORE__METRICS__DIRECTORY": "/nonexistent"}
    done = subprocess.run([BUILD / "medicore-patient.fcgi"], env=env, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.stdout.startswith("Status: 200 ")
    warned = [line for line in map(json.loads, done.stderr.splitlines()) if line.get("message", "").startswith("[metrics]")]
    assert [(w["level"], "/nonexistent: No such file or directory" in w["message"]) for w in warned] == [("warning", True)]
    env = {**os.environ, "MEDICORE__METRICS__DIRECTORY": "/nonexistent"}
    done = subprocess.run([BUILD / "medicore", "metrics"], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 1 and done.stdout == "" and "/nonexistent: No such file or directory" in done.stderr


def test_prometheus_scrapes_it(system):
    base = free_base(1)
    with tempfile.TemporaryDirectory(prefix="medicore-test-") as directory:
        config = os.path.join(directory, "prometheus.yml")
        target = urllib.parse.urlsplit(system.env["MEDICORE_URL"]).netloc
        with open(config, "w", encoding="utf-8") as f:
            json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                       "rule_files": [str(TOP / "prometheus/medicore.rules.yml")],
                       "scrape_configs": [{"job_name": "medicore", "static_configs": [{"targets": [target]}]}]}, f)
        prometheus = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
                                       f"--web.listen-address=127.0.0.1:{base}", "--log.level=warn"], cwd=directory)

        def ask(path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{base}/api/v1/{path}", timeout=5) as rp:
                    return json.load(rp)["data"]
            except OSError:
                return None

        def value(query):
            found = ask("query?query=" + urllib.parse.quote(query))
            return float(found["result"][0]["value"][1]) if found and found["result"] else None

        try:
            wait_until(lambda: value('up{job="medicore"}') == 1, 30, "a scrape")
            before = value('medicore_logins_total{program="auth"}')
            system.http("POST", "/auth/login", {"email": system.env["MEDICORE_ADMIN_EMAIL"],
                                                "password": system.env["MEDICORE_ADMIN_PASSWORD"]}, role=None)
            wait_until(lambda: value('medicore_logins_total{program="auth"}') == before + 1, 30, "one login more")
            wait_until(lambda: value('medicore_processes{program="patient"}') == 2, 30, "two processes")
            rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
            wait_until(lambda: all(rule["health"] == "ok" for group in ask("rules")["groups"] for rule in group["rules"]), 30,
                       "rules that can be reckoned")
            assert rules and [rule["name"] for rule in rules if rule["state"] == "firing"] == []
        finally:
            prometheus.terminate()
            prometheus.wait()
