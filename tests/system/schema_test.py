"""Programs and the schema of their database: which they refuse, what they say then, and what they wait for."""
import json
import signal
import socket
import subprocess

import grpc
import pytest

from medicore import BUILD, free_base, wait_until
from wire import health_pb2, health_pb2_grpc

MISFIT = 78
PROGRAMS = {"patient.fcgi": "patient", "patientd": "patient", "relay patient": "patient", "scheduling.fcgi": "scheduling",
            "relay scheduling": "scheduling", "billing.fcgi": "billing", "documents.fcgi": "billing", "billingd": "billing",
            "billing-worker": "billing", "relay billing": "billing", "auth.fcgi": "auth", "relay auth": "auth"}
DOMAINS = ("auth", "patient", "scheduling", "billing")


@pytest.fixture
def start(server, tmp_path):
    """Starts a program with a listening socket as its standard input; what still runs at the test's end is killed."""
    started = []

    def one(name, **settings):
        program, *args = name.split()
        with socket.socket(socket.AF_UNIX) as listener, open(tmp_path / f"{name}.log", "ab") as log:
            listener.bind(str(tmp_path / f"{len(started)}.socket"))
            listener.listen()
            env = server.environ(MEDICORE__EVENTS__SOCKET=str(tmp_path / "events"), MEDICORE__PATIENTD__LISTEN=f"127.0.0.1:{free_base(1)}",
                                 MEDICORE__BILLINGD__LISTEN=f"127.0.0.1:{free_base(1)}", MEDICORE__AUTH__URL="http://127.0.0.1:9",
                                 MEDICORE__AUTH__KEYS=str(tmp_path), MEDICORE__AUDIT__KEY_FILE=str(key), MEDICORE__AUDIT__SEAL=str(tmp_path), **settings)
            started.append(subprocess.Popen([BUILD / f"medicore-{program}", *args], stdin=listener, stderr=log, env=env))
        return started[-1], tmp_path / f"{name}.log"
    key = tmp_path / "audit.key"
    key.write_text("x" * 32)
    yield one
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def recorded(server):
    """What a test changes of what is recorded is taken back."""
    for domain in DOMAINS:
        server.rows("drop table if exists recorded; create table recorded as select * from schema_migration", f"medicore_{domain}")
    yield
    for domain in DOMAINS:
        server.rows("delete from schema_migration; insert into schema_migration select * from recorded", f"medicore_{domain}")


def ended(process, log):
    """The exit status, and the last of what it said."""
    return process.wait(20), json.loads(log.read_text().splitlines()[-1])


def newest(server, domain):
    return server.rows("select max(number) from schema_migration", f"medicore_{domain}")[0][0]


@pytest.mark.parametrize("way, change, mend", [
    ("older", "delete from schema_migration where number = %s", "run `medicore migrate`"),
    ("newer", "insert into schema_migration values (%s + 1, 'x', 'x')", "install the MediCore that made it, or a newer one")])
def test_a_program_refuses_another_schema_and_says_what_mends_it(server, start, way, change, mend):
    known = {domain: newest(server, domain) for domain in DOMAINS}
    for domain, number in known.items():
        server.rows(change, f"medicore_{domain}", parameters=(number,))
    started = {name: start(name) for name in PROGRAMS}
    for name, (process, log) in started.items():
        domain = PROGRAMS[name]
        status, said = ended(process, log)
        assert status == MISFIT and said["level"] == "error", name
        assert said["message"] == (f"database medicore_{domain} has schema {newest(server, domain)}, this program is for {known[domain]}: {mend}"), name


@pytest.mark.parametrize("change, mend", [("delete from schema_migration where number = %s", "run `medicore migrate`"),
                                          ("insert into schema_migration values (%s + 1, 'x', 'x')", "install the MediCore that made it, or a newer one")])
def test_the_operators_command_refuses_another_schema_too(server, change, mend):
    for domain, verb in (("scheduling", ["check"]), ("auth", ["user", "list"]), ("billing", ["dead-letters", "list"])):
        known = newest(server, domain)
        server.rows(change, f"medicore_{domain}", parameters=(known,))
        done = subprocess.run([BUILD / "medicore", *verb], env=server.environ(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 1 and f"database medicore_{domain} has schema {newest(server, domain)}, this program is for {known}" in done.stderr
        assert mend in done.stderr


def test_a_database_without_tables_is_an_older_one(server, start):
    server.rows("create database nothing")
    status, said = ended(*start("patientd", MEDICORE__DATABASE__PATIENT="nothing"))
    assert status == MISFIT and "has schema 0" in said["message"] and said["message"].endswith("run `medicore migrate`")


def test_a_database_that_is_away_is_waited_for_and_then_looked_at(server, start):
    server.rows("delete from schema_migration where number = (select max(number) from schema_migration)", "medicore_patient")
    server.does("stop")
    try:
        started = [start(name) for name in ("patient.fcgi", "patientd", "relay patient", "auth.fcgi", "billing-worker", "relay auth")]
        for process, log in started:
            wait_until(lambda: "waiting for it" in log.read_text(), 20, f"{log.name} to say that it waits")
            assert process.poll() is None
    finally:
        server.does("start")
    for process, log in started[:3]:
        assert process.wait(20) == MISFIT
        assert sum("run `medicore migrate`" in line for line in log.read_text().splitlines()) == 1
    for role in ("medicore_billing_worker", "medicore_auth_relay"):
        wait_until(lambda: server.rows("select 1 from pg_stat_activity where usename = %s", parameters=(role,)), 20, f"{role} at work")
    for process, log in started[3:]:
        assert process.poll() is None and log.read_text().count("waiting for it") == 1


def test_a_program_goes_on_while_its_database_is_brought_up_to_date(server, start):
    process, log = start("patientd")
    address = wait_until(lambda: [line["message"].split()[-1] for line in all_lines(log) if line.get("message", "").startswith("listening on")], 20,
                         "the listener")[0]
    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        server.rows("insert into schema_migration values (1000, 'x', 'x')", "medicore_patient")
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=20, wait_for_ready=True).status == health_pb2.HealthCheckResponse.SERVING
        server.rows("delete from schema_migration where number > 1", "medicore_patient")
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=20).status == health_pb2.HealthCheckResponse.NOT_SERVING
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def all_lines(log):
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
