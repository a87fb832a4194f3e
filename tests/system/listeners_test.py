"""medicore-patientd and medicore-billingd as processes: stopping, starting, a database or a patient service that is away or mute."""
import concurrent.futures
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

import grpc
import pytest

from medicore import BUILD, free_base, wait_until
from wire import (billing_pb2, billing_pb2_grpc, health_pb2, health_pb2_grpc, patient_pb2, patient_pb2_grpc, reflection_pb2,
                  reflection_pb2_grpc)

pytestmark = pytest.mark.alone  # answers have tenths of a second

WORKERS = 4  # threads of patientd that run methods
CALLS = 32
Code = grpc.StatusCode
Serving = health_pb2.HealthCheckResponse


class Listener:
    def __init__(self, server, name, address, log, descriptors=None, **settings):
        self.address = address
        section = name.upper()
        environ = server.environ(**{f"MEDICORE__{section}__LISTEN": address, **settings})
        self.log = log
        with open(log, "ab") as to:
            self.process = subprocess.Popen([BUILD / f"medicore-{name}"], env=environ, stderr=to, preexec_fn=descriptors and (
                lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))))
        self.channel = grpc.insecure_channel(address, options=[
            ("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100), ("grpc.use_local_subchannel_pool", 1)])
        grpc.channel_ready_future(self.channel).result(20)

    def verify(self, asked, timeout=20):
        return patient_pb2_grpc.PatientServiceStub(self.channel).verifyPatient(
            patient_pb2.PatientLookupRequest(patientId=asked), timeout=timeout).exists

    def verifying(self, asked, timeout=20):
        """A call that has begun."""
        return patient_pb2_grpc.PatientServiceStub(self.channel).verifyPatient.future(
            patient_pb2.PatientLookupRequest(patientId=asked), timeout=timeout)

    def create(self, patient, timeout=20):
        return billing_pb2_grpc.BillingServiceStub(self.channel).createInvoice(
            billing_pb2.InvoiceRequest(patientId=patient, amount="12.50"), timeout=timeout)

    def health(self):
        return health_pb2_grpc.HealthStub(self.channel).Check(health_pb2.HealthCheckRequest(), timeout=20).status

    def end(self, how=signal.SIGTERM):
        """The exit status, and how long that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(30)
        self.channel.close()
        return status, time.monotonic() - began


@pytest.fixture
def start(server, tmp_path):
    """Starts a listener; what still runs at the test's end is killed."""
    started = []

    def one(name="patientd", address=None, **settings):
        log = tmp_path / f"{name}.log"
        started.append(Listener(server, name, address or f"127.0.0.1:{free_base(1)}", log, **settings))
        return started[-1]
    yield one
    for listener in started:
        listener.end(signal.SIGKILL)


class Locked:
    """While it lasts, a question about patients waits in the database."""

    def __init__(self, server):
        self.db = server.connect("medicore_patient")

    def __enter__(self):
        self.db.cursor().execute("lock table patient in access exclusive mode")
        return self

    def __exit__(self, *_):
        self.db.rollback()
        self.db.close()

    def wait_for(self, count):
        """Until so many statements wait for us."""
        def waiting():
            with self.db.cursor() as c:
                c.execute("select count(*) from pg_locks where not granted and locktype = 'relation'")
                return c.fetchone()[0] >= count
        wait_until(waiting, 20, f"{count} waiting statements")


def code_of(call):
    try:
        call()
        return Code.OK
    except grpc.RpcError as e:
        return e.code()


# --- stopping and starting ---

def test_calls_in_flight_finish_when_told_to_stop(server, start, patient):
    listener = start()
    with Locked(server) as lock:
        calls = [listener.verifying(patient) for _ in range(CALLS)]
        lock.wait_for(1)
        assert listener.health() == Serving.SERVING  # on the same connection: by now all of them are there
        listener.process.send_signal(signal.SIGTERM)
        wait_until(lambda: '"stopping"' in listener.log.read_text(), 10, "the listener to stop listening")
        with grpc.insecure_channel(listener.address, options=[("grpc.use_local_subchannel_pool", 1)]) as late:
            stub = patient_pb2_grpc.PatientServiceStub(late)
            wait_until(lambda: code_of(lambda: stub.verifyPatient(patient_pb2.PatientLookupRequest(), timeout=1)) == Code.UNAVAILABLE,
                       10, "no new calls")
    assert [c.result().exists for c in calls] == [True] * CALLS
    assert listener.process.wait(10) == 0


def test_open_streams_do_not_delay_the_end(start):
    listener = start()
    watch = health_pb2_grpc.HealthStub(listener.channel).Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == Serving.SERVING
    asked = iter(lambda: time.sleep(30), 1)  # a client that says nothing
    reflection = reflection_pb2_grpc.ServerReflectionStub(listener.channel).ServerReflectionInfo(asked)
    listener.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert next(watch).status == Serving.NOT_SERVING
    assert listener.process.wait(10) == 0
    assert time.monotonic() - began < 3
    reflection.cancel()


def test_what_takes_longer_than_the_grace_is_cancelled(server, start, patient):
    listener = start(MEDICORE__PATIENTD__STOP_GRACE="300ms", MEDICORE__DATABASE__STATEMENT_TIMEOUT="800ms")
    with Locked(server) as lock, concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(code_of, lambda: listener.verify(patient))
        lock.wait_for(1)
        status, took = listener.end()
        assert call.result() in (Code.CANCELLED, Code.UNAVAILABLE)
    assert status == 0 and 0.3 <= took < 3


def test_a_taken_port_is_said_at_the_start(server, start):
    listener = start()
    second = subprocess.run([BUILD / "medicore-patientd"], env=server.environ(MEDICORE__PATIENTD__LISTEN=listener.address),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    assert second.returncode != 0 and listener.address in second.stderr


@pytest.mark.parametrize("name", ["patientd", "billingd"])
def test_what_a_listener_says_of_itself(server, name):
    def say(*args):
        return subprocess.run([BUILD / f"medicore-{name}", *args], env=server.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=20)

    assert "--config" in say("--help").stdout
    assert say("--version").stdout.startswith(f"medicore-{name} ")
    assert f"[{name}]" in say("--print-config").stdout
    assert say("--nonsense").returncode == 2 and say("stray").returncode == 2
    assert say("--config", "/nonexistent").returncode not in (0, 2)


def test_ten_starts_and_stops_under_calls_lose_no_answer(start, patient):
    """What a method answered, its client got; a call that comes with the order to stop may be refused, but then it hasn't run."""
    address = f"127.0.0.1:{free_base(1)}"
    answered = 0
    for _ in range(10):
        listener = start(address=address)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def ask_until_the_end():
                count = 0
                while (code := code_of(lambda: listener.verify(patient))) == Code.OK:
                    count += 1
                return count, code
            calls = [pool.submit(ask_until_the_end) for _ in range(8)]
            wait_until(lambda: '"status":0' in listener.log.read_text(), 10, "a first answer")
            listener.process.send_signal(signal.SIGTERM)
            assert listener.process.wait(15) == 0
            ended = [c.result() for c in calls]
        answered += sum(count for count, _ in ended)
        assert {code for _, code in ended} <= {Code.UNAVAILABLE, Code.CANCELLED}
    assert listener.log.read_text().count('"status":0') == answered


def test_out_of_descriptors_it_goes_on_with_those_connected_and_serves_again_afterwards(start, patient):
    listener = start(descriptors=100)
    assert listener.verify(patient) is True
    host, _, port = listener.address.rpartition(":")
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    crowd = []
    try:
        for _ in range(200):
            crowd.append(socket.create_connection((host, int(port)), timeout=5))
            crowd[-1].send(hello)
        assert [listener.verify(patient) for _ in range(20)] == [True] * 20
        assert listener.health() == Serving.SERVING
    finally:
        for s in crowd:
            s.close()

    def one_more():
        with grpc.insecure_channel(listener.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = patient_pb2_grpc.PatientServiceStub(channel)
            return code_of(lambda: stub.verifyPatient(patient_pb2.PatientLookupRequest(), timeout=2)) == Code.OK
    wait_until(one_more, 10, "a new connection")
    assert listener.end()[0] == 0


def test_who_calls_on_loopback_is_nobody_but_has_an_address(server, start, patient):
    assert start().verify(patient) is True
    last = max((e for e in server.noted("patient") if e["patient_id"] == patient), key=lambda e: int(e["at"]))
    assert (last["account"], last["address"], last["result"]) == ("", "127.0.0.1", "ok")


# --- deadlines ---

def test_a_deadline_is_honoured_and_the_worker_is_free_again(server, start, patient):
    listener = start()
    with Locked(server):
        began = time.monotonic()
        assert [code_of(lambda: listener.verify(patient, timeout=0.3)) for _ in range(3)] == [Code.DEADLINE_EXCEEDED] * 3
        assert time.monotonic() - began < 3
    assert listener.verify(patient) is True
    assert listener.end()[0] == 0
    assert '"status":4' in listener.log.read_text()


def test_a_stalled_database_stalls_neither_health_nor_reflection_nor_unknown_methods(server, start, patient):
    listener = start()
    with Locked(server) as lock:
        calls = []
        for n in range(1, WORKERS + 1):  # one is stuck, so another takes its place
            calls.append(listener.verifying(patient))
            lock.wait_for(n)
        calls += [listener.verifying(patient) for _ in range(CALLS)]
        began = time.monotonic()
        assert listener.health() == Serving.SERVING
        answers = reflection_pb2_grpc.ServerReflectionStub(listener.channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=10)
        assert next(answers).list_services_response.service
        unknown = listener.channel.unary_unary("/nobody/nothing")
        assert code_of(lambda: unknown(b"", timeout=10)) == Code.UNIMPLEMENTED
        with grpc.insecure_channel(listener.address, options=[("grpc.use_local_subchannel_pool", 1)]) as another:
            assert health_pb2_grpc.HealthStub(another).Check(health_pb2.HealthCheckRequest(), timeout=10).status == Serving.SERVING
        assert time.monotonic() - began < 2
        lock.db.rollback()
        assert all(c.result().exists for c in calls)


# --- the database away ---

@pytest.mark.parametrize("away,back", [("stop", "start"), ("kill", "start")])
def test_the_database_away_is_unavailable_and_the_first_call_after_its_return_works(server, start, patient, away, back):
    listener = start()
    assert listener.verify(patient) is True
    watch = health_pb2_grpc.HealthStub(listener.channel).Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == Serving.SERVING
    server.does(away)
    began = time.monotonic()
    assert code_of(lambda: listener.verify(patient)) == Code.UNAVAILABLE
    assert time.monotonic() - began < 1
    assert listener.health() == Serving.NOT_SERVING
    assert next(watch).status == Serving.NOT_SERVING
    server.does(back)
    assert listener.verify(patient) is True
    assert listener.health() == Serving.SERVING
    assert next(watch).status == Serving.SERVING
    assert listener.end()[0] == 0


def test_a_listener_starts_without_its_database_and_serves_when_it_comes(server, start, patient):
    server.does("stop")
    try:
        listener = start()
        assert code_of(lambda: listener.verify(patient)) == Code.UNAVAILABLE
        assert listener.health() == Serving.NOT_SERVING
    finally:
        server.does("start")
    assert listener.verify(patient) is True
    assert listener.health() == Serving.SERVING


# --- the patient service away, seen from billing ---

def test_billing_says_unavailable_at_once_and_finds_the_patient_service_again(start, patient):
    patientd = start()
    billingd = start("billingd", MEDICORE__PATIENT_SERVICE__TARGET=patientd.address)
    assert billingd.create(patient).status == "ISSUED"
    patientd.end(signal.SIGKILL)
    for _ in range(5):
        began = time.monotonic()
        assert code_of(lambda: billingd.create(patient)) == Code.UNAVAILABLE
        assert time.monotonic() - began < 0.8
    start(address=patientd.address)
    wait_until(lambda: code_of(lambda: billingd.create(patient)) == Code.OK, 2, "an invoice again")


def test_a_mute_patient_service_costs_its_timeout(start, patient):
    patientd = start()
    billingd = start("billingd", MEDICORE__PATIENT_SERVICE__TARGET=patientd.address, MEDICORE__PATIENT_SERVICE__TIMEOUT="300ms")
    assert billingd.create(patient).status == "ISSUED"
    patientd.process.send_signal(signal.SIGSTOP)
    tasks = f"/proc/{patientd.process.pid}/task"
    wait_until(lambda: all(pathlib.Path(tasks, t, "stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for t in os.listdir(tasks)), 5, "its stop")
    try:
        began = time.monotonic()
        assert code_of(lambda: billingd.create(patient)) in (Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE)
        assert time.monotonic() - began < 1.5
    finally:
        patientd.process.send_signal(signal.SIGCONT)
    wait_until(lambda: code_of(lambda: billingd.create(patient)) == Code.OK, 5, "an invoice again")
