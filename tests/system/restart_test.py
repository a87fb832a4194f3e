"""SIGTERM to every program, again and again, and reloads of the web servers, under load: no request fails, no booking is lost or doubled."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

import grpc
import pytest

from medicore import System, wait_until
from supervisor import FCGI, Keeper
from wire import billing_pb2, billing_pb2_grpc, patient_pb2, patient_pb2_grpc

pytestmark = pytest.mark.alone

LONG = os.environ.get("MEDICORE_LONG") == "yes"
TIMES = 100 if LONG else 3
PAUSE_S = 0.01  # or nobody else had the processors
RELOADS = 30 if LONG else 5
# Of a busy machine, where a start takes longer than the half second that a booking waits for the patient service.
PATIENCE = {"MEDICORE__PATIENT_SERVICE__TIMEOUT": "5s"}


class Load:
    """Clients, each in a thread of its own, that ask some hundred times a second together; what failed is remembered."""

    def __init__(self, system):
        self.system = system
        self.url = urllib.parse.urlsplit(system.env["MEDICORE_URL"])
        self.patients = [p["id"] for p in (system.register() for _ in range(8))]
        system.price()
        self.invoice = system.wait_invoice(system.book(self.patients[0])["id"])
        self.done = threading.Event()
        self.failures, self.booked, self.count, self.kinds = [], [], 0, {}
        self.lock = threading.Lock()
        self.bearer = system.bearer()

    def note(self, what, failure=None, booked=None):
        with self.lock:
            self.count += 1
            self.kinds[what] = self.kinds.get(what, 0) + 1
            if failure is not None:
                self.failures.append((time.strftime("%T"), what, failure))
            if booked is not None:
                self.booked.append(booked)

    def ask(self, connection, method, path, body=None):
        headers = {**self.bearer, **({"Content-Type": "application/json"} if body else {})}
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def repeat(self, what, path, keep, bookings=None):
        """GETs, or bookings of that range's minutes, over one connection or each over its own."""
        connection = None
        while not self.done.is_set():
            try:
                connection = connection or http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)
                body = None if bookings is None else {
                    "patientId": self.patients[bookings[0] % 8], "serviceCode": "GP-1", "durationMinutes": 5,
                    "startsAt": time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(2000000000 + 600 * next(bookings[1])))}
                status, answer = self.ask(connection, "GET" if body is None else "POST", path, body)
                well = status in (200, 201)
                self.note(what, None if well else (status, answer[:200]),
                          json.loads(answer)["id"] if well and body is not None else None)
                if not keep:
                    connection.close()
                    connection = None
            except http.client.RemoteDisconnected as e:
                # A kept connection may end between two requests; clients ask again where nothing was answered, unless something was done by it.
                if not keep or body is not None:
                    self.note(what, repr(e))
                connection = None
            except (OSError, http.client.HTTPException) as e:
                self.note(what, repr(e))
                connection = None
            time.sleep(PAUSE_S)

    def call(self, what, address, ask):
        with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            while not self.done.is_set():
                try:
                    ask(channel)
                    self.note(what)
                except grpc.RpcError as e:
                    self.note(what, f"{e.code()}: {e.details()}")
                time.sleep(PAUSE_S)

    def clients(self):
        env, one = self.system.env, self.patients[0]
        paths = {"auth": "/.well-known/jwks.json", "patient": f"/patients/{one}", "scheduling": f"/appointments?patientId={one}&limit=3",
                 "billing": f"/invoices/{self.invoice}", "documents": f"/documents/invoices/{self.invoice}"}
        for name, path in paths.items():
            yield lambda name=name, path=path: self.repeat(f"{name}, kept", path, True)
            yield lambda name=name, path=path: self.repeat(f"{name}, new", path, False)
        for n in range(2):
            numbers = iter(range(n, 10 ** 6, 2))
            yield lambda n=n, numbers=numbers: self.repeat("booking", "/appointments", False, (n, numbers))
        for _ in range(2):
            yield lambda: self.call("verifyPatient", env["MEDICORE_PATIENT_GRPC"], lambda channel: patient_pb2_grpc.PatientServiceStub(
                channel).verifyPatient(patient_pb2.PatientLookupRequest(patientId=one), timeout=10))
            yield lambda: self.call("createInvoice", env["MEDICORE_BILLING_GRPC"], lambda channel: billing_pb2_grpc.BillingServiceStub(
                channel).createInvoice(billing_pb2.InvoiceRequest(patientId=one, amount="1.00"), timeout=10))

    def goes_on(self, times=3):
        """Waits until each kind of client has had so many more answers."""
        before = dict(self.kinds)
        wait_until(lambda: all(self.kinds[kind] >= n + times for kind, n in before.items()), 60, f"more than {before}, as {self.kinds}")

    @contextlib.contextmanager
    def running(self):
        clients = list(self.clients())
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            ends = [pool.submit(c) for c in clients]
            try:
                wait_until(lambda: len(self.kinds) == 2 * len(FCGI) + 3, 20, "the load")
                yield self
            finally:
                self.done.set()
            for end in ends:
                end.result(60)


@pytest.fixture(scope="module", params=["apache", "lighttpd"])
def system(request):
    with System() as s:
        s.environ.update(PATIENCE)
        s.up("--no-demo", *([] if request.param == "apache" else ["--lighttpd"]))
        s.httpd = request.param
        yield s


def settled(system, load):
    """Whether each booking that was answered has its invoice, once."""
    def invoiced():
        return {id for id, count in system.sql("billing", "select appointment_id::text, count(*) from invoice where appointment_id is not null "
                                               "group by 1") if count == 1}
    wait_until(lambda: not set(load.booked) - invoiced(), 30, "an invoice of each booking")
    found = system.medicore("check", check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def generation(system):
    """The processes that serve for the web server: Apache's children, or lighttpd itself."""
    pid = system.pid(system.httpd)
    return set(subprocess.run(["pgrep", "-P", str(pid)], text=True, stdout=subprocess.PIPE).stdout.split()) if system.httpd == "apache" else {pid}


def test_a_reload_of_the_web_server_fails_no_request(system):
    load = Load(system)
    with load.running():
        for n in range(RELOADS):
            before = generation(system)
            os.kill(system.pid(system.httpd), signal.SIGUSR1)
            if system.httpd == "apache":
                wait_until(lambda before=before: generation(system) - before, 20, "children that know the new configuration")
            else:
                # The one before goes on with what is under way, as a child.
                wait_until(lambda n=n: system.log("lighttpd").count("server started") == n + 2, 20, "the new configuration")
            load.goes_on()
            assert load.failures == [], f"{len(load.failures)} of {load.count} at reload {n}"
    print(f"{load.count} requests, {len(load.booked)} bookings, {RELOADS} reloads of {system.httpd}")
    assert load.failures == [], f"{len(load.failures)} of {load.count}"
    settled(system, load)


@pytest.mark.parametrize("system", ["apache"], indirect=True)  # they are the same behind either
def test_a_signal_to_stop_fails_no_request_of_any_program(system):
    keeper = Keeper(system, PATIENCE)
    try:
        keeper.take_over()
        load = Load(system)
        with load.running():
            for _ in range(TIMES):
                for program in list(keeper.programs):
                    stopped_s, started_s = keeper.restart(*program)
                    print(f"{program[0]}: stopped in {stopped_s:.3f} s, ready {started_s:.3f} s later")
                assert load.failures == [], f"{len(load.failures)} of {load.count}"
        print(f"{load.count} requests, {len(load.booked)} bookings, {TIMES} signals to each program")
        assert load.failures == [], f"{len(load.failures)} of {load.count}"
        settled(system, load)
    finally:
        keeper.close()
