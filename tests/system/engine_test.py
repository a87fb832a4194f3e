"""Either FastCGI engine as a web server meets it: kept connections, bodies nobody asked for, SIGTERM.  No database is there."""
import contextlib
import json
import os
import pathlib
import random
import resource
import signal
import socket
import struct
import subprocess
import time

import pytest

from fastcgi import ABORT, BEGIN, PARAMS, STDIN, Connection, record
from medicore import BUILD, wait_until
from tokens import KeyServer

pytestmark = pytest.mark.alone  # a stop has microseconds to keep


# Four connections at once: the loop's engine keeps 64 and a thread's for other things; libfcgi's has a thread for each.
THREADS, DESCRIPTORS = 4, 64 + 4 + 4


class Program:
    """medicore-patient.fcgi on a socket that outlives it, as under systemd."""

    def __init__(self, directory, engine, threads, keys, descriptors=DESCRIPTORS, below=()):
        self.path = str(directory / "socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(512)
        self.environ = dict(os.environ, MEDICORE_CONFIG="", MEDICORE__DATABASE__HOST=str(directory),
                            MEDICORE__WEB__ENGINE=engine, MEDICORE__WEB__THREADS=str(threads), MEDICORE__AUDIT__SPOOL=str(directory / "spool"), **keys.environ())
        (directory / "spool" / "patient").mkdir(parents=True)
        self.keys, self.descriptors, self.below = keys, descriptors, below
        self.log = open(directory / "log", "ab")
        self.start()

    def begin(self):
        return subprocess.Popen([*self.below, BUILD / "medicore-patient.fcgi"], stdin=self.listener, stderr=self.log, env=self.environ,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors,) * 2))

    def start(self):
        self.process = self.begin()
        self.token = self.keys.sign()
        wait_until(lambda: Connection(self).ask(path="/patients/none")[0] == 400, 30, "the program's learning of keys")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def keys():
    server = KeyServer()
    yield server
    server.stop()


@pytest.fixture(params=["loop", "libfcgi"])
def engine(request):
    return request.param


@pytest.fixture
def program(engine, tmp_path, keys):
    p = Program(tmp_path, engine, threads=THREADS, keys=keys)
    yield p
    if p.process.poll() is None:
        p.process.kill()
        p.process.wait()


def test_a_kept_connection_answers_request_after_request_whatever_their_bodies(program):
    c = Connection(program)
    for n in range(200):
        assert c.ask(body=b"x" * (n * 97), pieces=1 + n % 5)[0] == 200
        assert c.ask(method="POST", path="/nowhere", body=b"y" * n)[0] == 404
        assert c.ask(method="POST", path="/patients", body=b"{" * (n + 1))[0] == 400


def test_a_body_that_is_too_large_is_answered_and_the_connection_goes_on(program):
    c = Connection(program)
    assert c.ask(method="POST", path="/patients", body=b" " * 1000000, pieces=100)[0] == 413
    assert c.ask()[0] == 200


def test_a_connection_not_to_be_kept_is_closed(program):
    c = Connection(program, keep=False)
    assert c.ask()[0] == 200
    assert c.read(1) is None


def test_garbage_ends_its_connection_and_nothing_else(program):
    other = Connection(program)
    for bytes_ in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, record(BEGIN, b"\0\1"), record(STDIN, b"x"), b""):
        c = Connection(program)
        c.socket.sendall(bytes_)
        c.socket.shutdown(socket.SHUT_WR)
        assert c.answer() is None
    assert other.ask()[0] == 200


def hostile(program):
    """What no web server sends, each for a connection of its own: bytes, and whether more could follow."""
    whole = Connection(program).request(method="POST", path="/patients", body=b"{}" * 100, pieces=3)
    dice = random.Random(7)
    for cut in range(1, len(whole), 41):
        yield whole[:cut]
    for at in range(0, len(whole), 29):
        yield whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1:]
    for _ in range(100):
        yield dice.randbytes(dice.randrange(1, 3000))
    for _ in range(50):
        yield b"".join(record(dice.randrange(13), dice.randbytes(dice.randrange(40)), dice.randrange(3)) for _ in range(dice.randrange(1, 30)))
    begin = record(BEGIN, struct.pack(">HB5x", 1, 1))
    yield begin + b"".join(record(PARAMS, b"\4\0name" * 9000) for _ in range(40))  # more variables than there can be
    yield begin + record(PARAMS, struct.pack(">II", 0xffffffff, 0xffffffff) + b"x") + record(PARAMS, b"") + record(STDIN, b"")
    yield begin + record(PARAMS, b"\4\0name" * 500) + b"".join(record(BEGIN, struct.pack(">HB5x", 1, 1), id) for id in range(2, 500))
    yield b"".join(record(BEGIN, struct.pack(">HB5x", role, 1), role) for role in range(2, 300))


def test_whatever_comes_harms_nobody_else(program):
    other = Connection(program)
    for bytes_ in hostile(program):
        c = Connection(program)
        try:
            c.socket.sendall(bytes_)
            c.socket.shutdown(socket.SHUT_WR)
            while c.socket.recv(65536):
                pass
        except OSError:
            pass  # closed before all of it was sent
        c.socket.close()
        if not other.closed():
            assert other.ask()[0] == 200
        else:
            other = Connection(program)  # libfcgi's gives way where threads are few
    assert Connection(program).ask()[0] == 200
    assert program.stop() == 0


def test_records_may_come_a_byte_at_a_time(program):
    slow, others = Connection(program), Connection(program)
    for n, byte in enumerate(slow.request(method="POST", path="/patients", body=b"{", pieces=1)):
        slow.socket.sendall(bytes([byte]))
        if n % 97 == 0:
            assert others.ask()[0] == 200
    assert slow.answer()[0] == 400


@pytest.mark.skipif(os.environ.get("MEDICORE_LONG") != "yes", reason="takes ten seconds")
@pytest.mark.parametrize("program", ["loop"], indirect=True)  # libfcgi's waits a minute
def test_a_request_that_stalls_in_its_beginning_is_given_up(program):
    idle, stalled = Connection(program), Connection(program)
    stalled.socket.settimeout(15)
    began = time.monotonic()
    stalled.socket.sendall(stalled.request()[:100])
    assert stalled.read(1) is None
    assert 9 < time.monotonic() - began < 14
    assert idle.ask()[0] == 200


def test_who_leaves_in_the_middle_of_a_body_or_of_an_answer_takes_nothing_along(program):
    for n in range(40):
        c = Connection(program)
        sent = c.request(method="POST", path="/patients", body=b"{" * 60000, pieces=3)
        c.socket.sendall(sent[:40000 if n % 2 else len(sent)])
        if n % 3 == 0:
            c.socket.shutdown(socket.SHUT_WR)
        c.socket.close()
    assert Connection(program).ask()[0] == 200
    assert program.stop() == 0


def test_an_aborted_request_is_answered_and_done(program):
    c = Connection(program, keep=False)
    body_goes_on = c.request(method="POST", path="/patients", body=b"{" * 1000, pieces=2)[:-len(record(STDIN, b""))]
    c.socket.sendall(body_goes_on + record(ABORT, b""))
    assert c.answer()[0] == 400
    assert c.read(1) is None
    assert Connection(program).ask()[0] == 200


def test_each_of_many_requests_at_once_is_noted_and_logged_once(tmp_path, keys, engine):
    p = Program(tmp_path, engine, threads=8, keys=keys, descriptors=1024)
    try:
        connections = [Connection(p) for _ in range(8 if engine == "libfcgi" else 100)]
        for turn in range(3):
            for i, c in enumerate(connections):
                c.send(path=f"/patients/{turn}-{i}", HTTP_X_REQUEST_ID=f"many-{turn}-{i}")
            for c in connections:
                assert c.answer()[0] == 400
                # What has an answer has been noted, whoever wrote it.
                noted = "".join(f.read_text() for f in (tmp_path / "spool" / "patient").iterdir())
                assert f"\tmany-{turn}-{connections.index(c)}\t" in noted
        assert p.stop() == 0
        expected = sorted(f"many-{turn}-{i}" for turn in range(3) for i in range(len(connections)))
        noted = [line.split("\t")[11] for f in (tmp_path / "spool" / "patient").iterdir() for line in f.read_text().splitlines()]
        logged = [json.loads(line).get("request", "") for line in (tmp_path / "log").read_text().splitlines()]
        assert sorted(r for r in noted if r.startswith("many-")) == expected
        assert sorted(r for r in logged if r.startswith("many-")) == expected
    finally:
        p.process.kill()
        p.process.wait()


@pytest.mark.parametrize("engine", ["loop"], indirect=True)  # libfcgi's takes it and says nothing
def test_who_asks_for_limits_is_told(program):
    c = Connection(program)
    c.socket.sendall(record(9, b"\x0f\0FCGI_MPXS_CONNS", 0))
    assert c.read(8)[:4] == struct.pack(">BBH", 1, 10, 0)
    assert c.read(18) == b"\x0f\x01FCGI_MPXS_CONNS0"


def test_any_number_of_kept_connections_are_served_and_pin_nothing(tmp_path, keys):
    p = Program(tmp_path, "loop", threads=2, keys=keys, descriptors=1024)
    try:
        kept = [Connection(p) for _ in range(300)]
        for _ in range(2):
            for c in kept:
                c.send()
            assert all(c.answer()[0] == 200 for c in kept)
        assert Connection(p).ask()[0] == 200
        assert p.stop() == 0
    finally:
        p.process.kill()


VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]


@pytest.mark.skipif(b"__asan_init" in (BUILD / "medicore-patient.fcgi").read_bytes(), reason="valgrind and sanitizers don't go together")
def test_valgrind_finds_nothing_in_fibers(tmp_path, keys):
    p = Program(tmp_path, "loop", threads=2, keys=keys, descriptors=512, below=VALGRIND)
    try:
        kept = [Connection(p) for _ in range(20)]
        for n, c in enumerate(kept):
            c.send(method="POST", path="/patients", body=b"{" * n * 1000, pieces=3)
        assert all(c.answer()[0] == 400 for c in kept)
        for n, bytes_ in enumerate(hostile(p)):
            if n % 8 == 0:
                c = Connection(p)
                with contextlib.suppress(OSError):  # closed before all of it was sent
                    c.socket.sendall(bytes_)
                c.socket.close()
        assert kept[0].ask()[0] == 200
        assert p.stop() == 0, (tmp_path / "log").read_text()
    finally:
        p.process.kill()


def test_idle_kept_connections_give_way_when_one_more_comes(program):
    kept = [Connection(program) for _ in range(4)]
    assert all(c.ask()[0] == 200 for c in kept)
    began = time.monotonic()
    assert Connection(program).ask()[0] == 200
    assert time.monotonic() - began < 5
    assert any(c.closed() for c in kept)


def test_sigterm_ends_an_idle_program_at_once(program):
    kept = Connection(program)
    assert kept.ask()[0] == 200
    began = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - began < 2
    assert kept.answer() is None


def test_a_kept_connection_gives_one_more_answer_after_sigterm(program):
    kept = Connection(program)
    assert kept.ask()[0] == 200
    program.process.send_signal(signal.SIGTERM)
    assert kept.ask()[0] == 200
    assert program.process.wait(timeout=10) == 0


def test_stopping_and_starting_loses_no_request(program):
    """FastCGI has no way to say that a connection ends: a request may cross its close, which must stay the rare exception."""
    answered = lost = 0
    for _ in range(20):
        kept = [Connection(program) for _ in range(3)]
        assert all(c.ask()[0] == 200 for c in kept)
        program.process.send_signal(signal.SIGTERM)
        while kept:
            for c in list(kept):
                if c.closed():
                    kept.remove(c)
                    continue
                try:
                    assert c.ask()[0] == 200
                    answered += 1
                except OSError:
                    kept.remove(c)
                    lost += 1
        assert program.process.wait(timeout=10) == 0
        waiting = Connection(program)  # in the socket's queue, for the next process
        waiting.send()
        program.start()
        assert waiting.answer()[0] == 200
    assert answered >= 60
    assert lost <= 6, (lost, answered)


def opened(pid, fd):
    with contextlib.suppress(FileNotFoundError):  # closed meanwhile
        return os.readlink(f"/proc/{pid}/fd/{fd}")


def stopped(pid):
    return all(" T " in (task / "stat").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


class Two:
    """Processes on one socket; each has had the time to say that it serves."""

    def __init__(self, program):
        self.program, self.processes = program, [program.process, program.begin()]
        log = pathlib.Path(program.log.name)
        wait_until(lambda: log.read_text().count("serving by one loop") == 2, 30, "the second process")

    def taken(self):
        """Connections that each process has: beside the listener the sockets of its path."""
        sockets = {f"socket:[{line.split()[6]}]" for line in open("/proc/net/unix") if line.rstrip().endswith(self.program.path)}
        return [sum(opened(p.pid, fd) in sockets for fd in os.listdir(f"/proc/{p.pid}/fd")) - 1 for p in self.processes if p.poll() is None]

    def stop(self):
        for p in self.processes:
            p.kill()
            p.wait()


@pytest.fixture
def two(tmp_path, keys):
    both = Two(Program(tmp_path, "loop", threads=4, keys=keys, descriptors=1024))
    yield both
    both.stop()


def test_one_of_two_processes_takes_what_comes_until_it_ends(two):
    kept = [Connection(two.program) for _ in range(20)]
    assert all(c.ask()[0] == 200 for c in kept)
    assert two.taken() == [20, 0]  # who came first leads
    two.processes[0].kill()
    two.processes[0].wait()
    more = [Connection(two.program) for _ in range(20)]
    began = time.monotonic()
    assert all(c.ask()[0] == 200 for c in more)
    assert time.monotonic() - began < 2
    assert two.taken() == [20]


def test_a_process_that_stops_leaves_what_comes_to_the_other_at_once(two):
    two.processes[0].send_signal(signal.SIGTERM)
    assert all(Connection(two.program).ask()[0] == 200 for _ in range(20))
    assert two.processes[0].wait(timeout=10) == 0
    assert Connection(two.program).ask()[0] == 200


def test_what_a_process_that_is_stuck_leaves_is_taken_by_the_other(two):
    two.processes[0].send_signal(signal.SIGSTOP)
    wait_until(lambda: stopped(two.processes[0].pid), 10, "the process to stand still")
    waiting = [Connection(two.program) for _ in range(5)]
    assert all(c.ask()[0] == 200 for c in waiting)
    assert two.taken()[1] == 5


def test_a_process_that_has_enough_in_hand_leaves_the_rest_to_the_other(two):
    def half_of_a_request():
        c = Connection(two.program)
        c.socket.sendall(c.request(method="POST", path="/patients", body=b"{}")[:-8])
        return c

    held = []
    while two.taken()[1] == 0:
        assert len(held) < 512
        held += [half_of_a_request() for _ in range(16)]
        assert Connection(two.program).ask()[0] == 200
    for c in held:
        c.socket.sendall(record(STDIN, b""))
    assert all(c.answer()[0] == 400 for c in held)
