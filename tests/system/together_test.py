"""verifyPatient, whose calls are answered together: each gets its own answer, whatever the others are and whatever becomes of the database meanwhile."""
import collections
import json
import os
import random
import signal
import struct
import subprocess
import time
import uuid

import grpc
import pytest

from medicore import BUILD, free_base, wait_until
from wire import health_pb2, health_pb2_grpc, patient_pb2, patient_pb2_grpc

Code = grpc.StatusCode
CONNECTIONS = 5  # to the database: of four workers, and for Health
METHOD = "/patient.PatientService/verifyPatient"
chance = random.Random(7)
LATE = {Code.DEADLINE_EXCEEDED}
GONE = {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}  # what a call may be told while the database is away


def backends(server):
    return [pid for (pid,) in server.rows("select pid from pg_stat_activity where usename = 'medicore_patient_grpc'")]


@pytest.fixture
def patientd(server, tmp_path):
    """Its address; its log is where() of it."""
    address, log = f"127.0.0.1:{free_base(1)}", tmp_path / "log"
    wait_until(lambda: backends(server) == [], 10, "the end of another's connections")
    with open(log, "ab") as to:
        p = subprocess.Popen([BUILD / "medicore-patientd"], env=server.environ(MEDICORE__PATIENTD__LISTEN=address), stderr=to)
    p.address, p.log = address, log
    wait_until(lambda: "listening" in log.read_text() and len(backends(server)) == CONNECTIONS, 20, "patientd")
    yield p
    p.send_signal(signal.SIGCONT)
    p.kill()
    p.wait(10)


@pytest.fixture
def channels(patientd):
    made = [grpc.insecure_channel(patientd.address, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(4)]
    yield made
    for c in made:
        c.close()


@pytest.fixture(scope="module")
def patients(server):
    made = [str(uuid.uuid4()) for _ in range(20)]
    with server.connect("medicore_patient") as db, db.cursor() as c:
        c.execute("insert into patient (id, name, email, gender, address, date_of_birth, registered_date) select id::uuid, 'A', "
                  "id || '@example.org', 'OTHER', 'x', '1985-12-10', '2026-01-05' from unnest(%s) id", (made,))
    return made


class Call:
    """One that has begun: raw is the id's bytes, exists what is true of it."""

    def __init__(self, channel, raw, exists, timeout=20.0):
        self.exists, self.id = exists, str(uuid.uuid4())
        call = channel.unary_unary(METHOD, request_serializer=lambda b: b, response_deserializer=patient_pb2.PatientLookupResponse.FromString)
        self.future = call.future(b"\x0a" + bytes([len(raw)]) + raw, timeout=timeout, metadata=(("x-request-id", self.id),))

    def code(self):
        """OK only for the right answer."""
        try:
            assert self.future.result().exists == self.exists
            return Code.OK
        except grpc.FutureCancelledError:
            return Code.CANCELLED
        except grpc.RpcError as e:
            return e.code()


def mixture(channels, patients, count):
    """Calls of all kinds, by kind."""
    made = collections.defaultdict(list)
    for n in range(count):
        channel, known = channels[n % len(channels)], chance.choice(patients)
        kind = chance.choice(["known", "known", "unknown", "no id", "no text", "late", "cancelled"])
        if kind == "unknown":
            call = Call(channel, str(uuid.uuid4()).encode(), False)
        elif kind == "no id":
            call = Call(channel, known[:-1].encode(), False)
        elif kind == "no text":
            call = Call(channel, known.encode() + b"\xff", False)
        elif kind == "late":
            call = Call(channel, known.encode(), True, timeout=0.001)
        else:
            call = Call(channel, f" {known.upper()} ".encode(), True)
        if kind == "cancelled":
            call.future.cancel()
        made[kind].append(call)
    return made


def codes(calls):
    return collections.Counter(c.code() for c in calls)


def right(made, allowed=frozenset()):
    """Each kind has the answers that it may have; all OK ones are right."""
    for kind, calls in made.items():
        may = {Code.OK} | allowed | {"late": LATE, "cancelled": {Code.CANCELLED}}.get(kind, set())
        assert set(codes(calls)) <= may, kind


def on_record(server, patientd, made):
    """Each answer that a client has got was noted, as what it was, and each call that was noted, once, is in the log, once."""
    ours = {c.id: c for calls in made.values() for c in calls}

    def noted():
        return {e["request_id"]: e for e in server.noted("patient") if e["request_id"] in ours}

    def logged():
        requests = (json.loads(line).get("request") for line in patientd.log.read_text().splitlines())
        return collections.Counter(r for r in requests if r in ours)
    wait_until(lambda: logged() == collections.Counter(e["request_id"] for e in server.noted("patient") if e["request_id"] in ours), 10,
               "as many lines as there are entries")
    assert set(logged().values()) == {1}
    entries = noted()
    for call in ours.values():
        if call.code() == Code.OK:
            assert (entries[call.id]["result"], entries[call.id]["count"]) == ("ok", str(int(call.exists)))


def still_answers(channels, patients):
    for channel in channels:
        wait_until(lambda: Call(channel, patients[0].encode(), True).code() == Code.OK, 10, "an answer")


def test_each_call_of_a_crowd_has_its_own_answer(server, patientd, channels, patients):
    made = mixture(channels, patients, 2000)
    right(made)
    assert codes(made["known"]) == {Code.OK: len(made["known"])}
    on_record(server, patientd, made)


def test_a_server_that_stops_for_a_moment_costs_none_that_has_time(server, patientd, channels, patients):
    stopped = backends(server)
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        made = mixture(channels, patients, 200)
        hasty = [Call(channels[0], patients[1].encode(), True, timeout=0.3) for _ in range(20)]
        began = time.monotonic()
        assert set(codes(hasty)) <= {Code.DEADLINE_EXCEEDED, Code.OK}  # by a worker that has given up its connection for another
        assert time.monotonic() - began < 2
        health = health_pb2_grpc.HealthStub(channels[1]).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert health.status == health_pb2.HealthCheckResponse.NOT_SERVING  # asked in vain, and answered
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    right(made)
    assert codes(made["known"]) == {Code.OK: len(made["known"])}
    on_record(server, patientd, made)


def test_a_deadline_is_the_calls_own_though_others_with_it_have_more_time(server, patientd, channels, patients, tmp_path):
    """By a client that keeps no time itself."""
    frame = tmp_path / "frame"
    frame.write_bytes(struct.pack(">BI", 0, 38) + b"\x0a\x24" + patients[0].encode())
    stopped = backends(server)
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        others = [Call(channels[n % 4], patients[n % 20].encode(), True) for n in range(40)]
        began = time.monotonic()
        said = subprocess.run(["curl", "-s", "-D", "-", "-o", "/dev/null", "--max-time", "10", "--http2-prior-knowledge", "-H", "te: trailers",
                               "-H", "content-type: application/grpc", "-H", "grpc-timeout: 400m", "--data-binary", f"@{frame}",
                               f"http://{patientd.address}{METHOD}"], stdout=subprocess.PIPE, text=True)
        assert "grpc-status: 4" in said.stdout
        assert 0.3 < time.monotonic() - began < 2
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert codes(others) == {Code.OK: 40}


@pytest.mark.parametrize("victim", ["backends", "server"])
def test_a_database_that_dies_amid_a_crowd_makes_no_wrong_answer(server, patientd, channels, patients, victim):
    made = mixture(channels, patients, 500)
    if victim == "backends":
        server.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'medicore_patient_grpc'")
    else:
        server.does("kill")
    for kind, calls in mixture(channels, patients, 500).items():
        made[kind] += calls
    if victim == "server":
        server.does("start")
    right(made, GONE if victim == "server" else frozenset())
    on_record(server, patientd, made)
    still_answers(channels, patients)
