"""Every program as systemd would have it: it says when it serves, that it lives and that it stops; what is away is no reason to be killed."""
import os
import resource
import secrets
import signal
import socket
import subprocess
import time
import types

import grpc
import pytest

from fastcgi import Connection
from medicore import BUILD, Postgres, free_base, wait_until
from supervisor import Supervised, listening
from tokens import KeyServer
from wire import health_pb2, health_pb2_grpc

FCGI = ["auth", "billing", "documents", "patient", "scheduling"]
LISTENERS = ["billingd", "patientd"]
OTHERS = ["relay patient", "relay scheduling", "relay billing", "relay auth", "billing-worker"]
WATCHDOG_S = 0.6


@pytest.fixture(scope="module")
def keys():
    server = KeyServer()
    yield server
    server.stop()


@pytest.fixture
def environ(tmp_path, keys):
    """Without a database."""
    for domain in ("auth", "billing", "patient", "scheduling"):
        (tmp_path / "spool" / domain).mkdir(parents=True)
    for name in ("seal", "keys"):
        (tmp_path / name).mkdir()
    base = free_base(2)
    environ = {**os.environ, "MEDICORE_CONFIG": "", "MEDICORE__DATABASE__HOST": str(tmp_path), "MEDICORE__AUDIT__SPOOL": str(tmp_path / "spool"),
               "MEDICORE__AUDIT__SEAL": str(tmp_path / "seal"), "MEDICORE__AUDIT__KEY": secrets.token_hex(32),
               "MEDICORE__AUTH__KEYS": str(tmp_path / "keys"), "MEDICORE__EVENTS__SOCKET": str(tmp_path / "events"),
               "MEDICORE__PATIENTD__LISTEN": f"127.0.0.1:{base}", "MEDICORE__BILLINGD__LISTEN": f"127.0.0.1:{base + 1}", **keys.environ()}
    subprocess.run([BUILD / "medicore", "keys", "rotate"], env=environ, check=True, stdout=subprocess.DEVNULL)
    return environ


@pytest.fixture
def start(environ, tmp_path):
    started = []

    def one(name, **more):
        command = name.split()
        if name in FCGI:
            command = [f"{name}.fcgi"]
            more.setdefault("inetd", listening(str(tmp_path / name)))
        command[0] = BUILD / f"medicore-{command[0]}"
        started.append(Supervised(command, {**environ, **more.pop("settings", {})}, tmp_path / f"{name}.log", directory=tmp_path, **more))
        return started[-1]
    yield one
    for program in started:
        program.close()


@pytest.mark.parametrize("name", FCGI + LISTENERS + OTHERS)
def test_a_program_is_ready_and_lives_without_its_database_says_so_and_says_that_it_stops(start, name):
    program = start(name, watchdog_s=WATCHDOG_S, abstract=name != "patient").ready()
    program.status("unavailable" if name.startswith("relay") else "database can't be asked")
    for _ in range(3):
        program.hears(("WATCHDOG", "1"), 3)
    program.process.terminate()
    program.hears(("STOPPING", "1"))
    assert program.process.wait(20) == 0


def test_a_watchdog_is_answered_at_least_twice_in_its_time(start):
    program = start("patientd", watchdog_s=1).ready()
    program.hears(("WATCHDOG", "1"))
    began = time.monotonic()
    for _ in range(6):
        program.hears(("WATCHDOG", "1"))
    assert time.monotonic() - began < 6 * 0.9


def test_what_a_program_asks_itself_for_its_watchdog_is_no_call_of_a_service(start, environ, tmp_path):
    environ["MEDICORE__METRICS__DIRECTORY"] = str(tmp_path)
    program = start("billing-worker", watchdog_s=WATCHDOG_S).ready()
    for _ in range(3):
        program.hears(("WATCHDOG", "1"))
    said = subprocess.run([BUILD / "medicore", "metrics"], env=environ, check=True, text=True, stdout=subprocess.PIPE).stdout
    assert 'medicore_processes{program="billing-worker"} 1' in said
    assert "medicore_grpc_client_call_duration_seconds" not in said


@pytest.mark.parametrize("name", ["patient", "patientd", "relay patient"])
def test_a_watchdog_of_another_process_is_not_answered(start, name):
    program = start(name, watchdog_s=0.1, settings={"WATCHDOG_PID": "1"}).ready()
    program.listen(1)
    assert ("WATCHDOG", "1") not in program.told


def test_a_supervisor_that_is_gone_disturbs_nobody(start):
    program = start("patientd", watchdog_s=0.2).ready()
    program.socket.close()
    time.sleep(0.5)  # some watchdogs long
    assert program.process.poll() is None
    program.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


# --- what the watchdog sees, and what it must not ---

def test_a_database_that_hangs_is_told_and_kills_no_listener(start, tmp_path):
    mute = listening(str(tmp_path / ".s.PGSQL.5432"))  # takes connections, and never says anything
    program = start("patientd", watchdog_s=WATCHDOG_S).ready()
    program.status("database can't be asked")
    for _ in range(3):
        program.hears(("WATCHDOG", "1"), 5)
    mute.close()


def test_clients_that_take_all_connections_do_not_let_the_watchdog_kill_those_who_are_connected(start, environ):
    program = start("patientd", watchdog_s=WATCHDOG_S, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))).ready()
    host, port = environ["MEDICORE__PATIENTD__LISTEN"].split(":")
    with grpc.insecure_channel(f"{host}:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        health.Check(health_pb2.HealthCheckRequest(), timeout=10)
        flood = [socket.create_connection((host, int(port))) for _ in range(150)]
        for _ in range(6):
            program.hears(("WATCHDOG", "1"), 3)
        health.Check(health_pb2.HealthCheckRequest(), timeout=10)
        for s in flood:
            s.close()


def test_a_program_that_is_stopped_answers_no_watchdog(start):
    program = start("patientd", watchdog_s=0.2).ready()
    program.process.send_signal(signal.SIGSTOP)
    program.listen(0.5)
    program.told.clear()
    program.listen(0.5)
    assert program.told == []
    program.process.send_signal(signal.SIGCONT)
    program.hears(("WATCHDOG", "1"))


def test_a_status_ends_with_what_it_told_of(tmp_path_factory, start):
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    try:
        assert server.migrate().returncode == 0
        settings = {k: v for k, v in server.environ().items() if k.startswith("MEDICORE__")}
        program = start("patientd", watchdog_s=WATCHDOG_S, settings=settings).ready()
        relay = start("relay scheduling", watchdog_s=WATCHDOG_S, settings=settings).ready()
        server.does("stop")
        program.status("database can't be asked")
        relay.status("unavailable")
        server.does("start")
        wait_until(lambda: "can't" not in program.status("Listening on"), 20, "the status without the complaint")
        relay.status("Working")
    finally:
        server.stop()


# --- sockets ---

def test_a_fastcgi_program_serves_what_systemd_socket_activate_hands_over(environ, tmp_path, keys):
    path = str(tmp_path / "activated")
    with open(tmp_path / "log", "ab") as log:
        activate = subprocess.Popen(["systemd-socket-activate", "--inetd", "-l", path, *(f"-E{k}" for k in environ if k.startswith("MEDICORE_")),
                                     BUILD / "medicore-patient.fcgi"], env=environ, stderr=log, stdin=subprocess.DEVNULL)
    try:
        def connection():
            try:
                return Connection(types.SimpleNamespace(path=path, token=keys.sign()))
            except (FileNotFoundError, ConnectionRefusedError):
                return None
        assert wait_until(connection, 10, "the socket").ask()[0] == 200
        activate.terminate()
        assert activate.wait(20) == 0
    finally:
        activate.kill()
        activate.wait()


@pytest.mark.parametrize("name", LISTENERS)
def test_a_listener_serves_what_systemd_socket_activate_hands_over(environ, tmp_path, name):
    address = environ[f"MEDICORE__{name.upper()}__LISTEN"]
    with open(tmp_path / "log", "ab") as log:
        activate = subprocess.Popen(["systemd-socket-activate", "-l", address, *(f"-E{k}" for k in environ if k.startswith("MEDICORE_")),
                                     BUILD / f"medicore-{name}"], env=environ, stderr=log, stdin=subprocess.DEVNULL)
    try:
        with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20, wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING  # there is no database
        activate.terminate()
        assert activate.wait(20) == 0
    finally:
        activate.kill()
        activate.wait()


def test_the_sockets_of_all_addresses_and_of_a_path_are_taken(start, environ, tmp_path):
    port = int(environ["MEDICORE__PATIENTD__LISTEN"].split(":")[1])
    kept = listening(("127.0.0.1", port))
    program = start("patientd", kept=[kept], settings={"MEDICORE__PATIENTD__LISTEN": f"localhost:{port}"}).ready()
    assert program.stop() == 0
    kept.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    waiting = socket.create_connection(("127.0.0.1", port))  # in the queue, for the next
    start("patientd", kept=[kept]).ready()
    waiting.settimeout(10)
    assert waiting.recv(9)[3] == 4, "SETTINGS, HTTP/2's first frame"
    worker = start("billing-worker", kept=[listening(environ["MEDICORE__EVENTS__SOCKET"])]).ready()
    inode = os.stat(environ["MEDICORE__EVENTS__SOCKET"]).st_ino
    assert worker.stop() == 0
    assert os.stat(environ["MEDICORE__EVENTS__SOCKET"]).st_ino == inode, "its file stays its parent's"


def test_a_socket_of_another_address_is_refused(start, tmp_path):
    program = start("patientd", kept=[listening(str(tmp_path / "elsewhere"))])
    assert program.process.wait(20) == 1
    assert "has another address" in open(program.log).read()
