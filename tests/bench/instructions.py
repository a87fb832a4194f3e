"""Instructions per request, by callgrind: what a request costs, without the noise of whatever else the machine does.

A program runs under valgrind with one thread for requests and is asked by one connection: N times, then 2 N times, each the cheapest of three; the difference is N requests without what
a start or a dump takes.  Of a REST program only the thread that answers counts, since those beside it work by the
clock; gRPC hands a call from one thread to another, and polls and locks as it happens, so there all threads
count, but only what is ours, libpq's and protobuf-c's.  What valgrind shows of a processor is the same for nearly all, and what glibc
makes of it is fixed, so that another machine gives the same figures.
"""
import collections
import dataclasses
import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import uuid

import grpc

import wire
from fastcgi import BEGIN, PARAMS, STDIN, Connection, record
from medicore import BUILD, TOP, Postgres, free_base, wait_until
from stand import engines
from supervisor import listening
from tokens import KeyServer

RECORDED = TOP / "tests" / "bench" / "instructions.txt"
PATIENTS = 100
TOLERANCE = 0.05
SMALLEST = 0.01  # of a case's instructions: what a function needs to be recorded
SHOWN = 10
# Which of its variants of memcpy and the like glibc takes: without these it would go by the processor.
STEADY = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-BMI2,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load", "LC_ALL": "C"}

NAME = re.compile(r"(fn|cfn|ob|cob)=\((\d+)\)(?: (.*))?$")


@dataclasses.dataclass
class Case:
    name: str
    path: str
    method: str = "GET"
    body: str = ""  # with {n}: a number of eight digits that each request has to itself
    count: int = 40


WEB = [
    Case("GET /patients/{id}", "/patients/00000000-0000-7000-8000-000000000001", count=60),
    Case("POST /patients", "/patients", "POST", '{{"name":"Bench Mark","email":"bench-{n:08}@example.org","gender":"OTHER","address":"1 Street",'
         '"dateOfBirth":"1990-01-01","registeredDate":"2026-01-01"}}'),
    Case("GET /patients?limit=50", "/patients?limit=50", count=10),
]


NUMBERS = itertools.count()
READY = Case("ready", "/health/patient/ready")


class Profiled:
    """A program under callgrind."""

    def __init__(self, directory, argv, environ, objects=None, **more):
        self.directory, self.parts, self.objects = directory, 0, objects
        directory.mkdir()
        self.process = subprocess.Popen(
            ["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={directory}/out", *map(str, argv)],
            env={**environ, **STEADY}, stdout=subprocess.DEVNULL, stderr=open(directory / "log", "wb"), **more)

    def dump(self):
        """Instructions by function since the last one, of the thread that answered; of all threads, where only some objects count."""
        done = subprocess.run(["callgrind_control", "--dump", str(self.process.pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.parts += 1
        files = wait_until(lambda: list(self.directory.glob(f"out.{self.parts}-*")), 20, f"a profile; callgrind_control said {done.stdout}")
        costs = [collections.Counter(self_cost(file, self.objects)) for file in files]
        return sum(costs, collections.Counter()) if self.objects else max(costs, key=lambda cost: cost.total())

    def log(self):
        return (self.directory / "log").read_text(errors="replace")[-2000:]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()


def self_cost(path, objects=None):
    """Function → instructions of its own, of one of callgrind's files; of these programs and libraries alone, where some are named."""
    cost, names, files, function, file, called, skip = {}, {}, {}, None, None, None, False
    for line in path.read_text().splitlines():
        known = NAME.match(line)  # "fn=(7) main" once, "fn=(7)" from then on
        if known:
            what, number, name = known.groups()
            if what in ("ob", "cob"):
                now = files.setdefault(number, pathlib.Path(name or "").name)
                file, called = (now, called) if what == "ob" else (file, now)
            else:
                now = names.setdefault(number, f"{called if what == 'cfn' else file}:{name}" if (name or "").startswith("0x") else name)
                function = now if what == "fn" else function
                called = file
        elif line.startswith("calls="):
            skip = True  # the next line is what was called
        elif line and line[0] in "0123456789+-*":
            if not skip and (objects is None or file.startswith(objects)):
                cost[function] = cost.get(function, 0) + int(line.split()[1])
            skip = False
    return cost


def cheapest(profiled, count, ask):
    """Of three times that count requests take: what works by the clock comes on top of one or the other."""
    costs = []
    for _ in range(3):
        for _ in range(count):
            ask()
        costs.append(profiled.dump())
    return min(costs, key=lambda cost: cost.total())


def per_request(profiled, count, ask):
    """Function → instructions per request."""
    for _ in range(20):  # what is made once: statements, buffers, the token in its cache
        ask()
    profiled.dump()
    once, twice = cheapest(profiled, count, ask), cheapest(profiled, 2 * count, ask)
    return {f: (n - once.get(f, 0)) / count for f, n in twice.items()}


class Front(Connection):
    """As a web server asks."""

    def variables(self, case, body):
        return {"REQUEST_METHOD": case.method, "REQUEST_URI": case.path, "QUERY_STRING": case.path.partition("?")[2], "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": "application/json" if body else "", "HTTP_AUTHORIZATION": "Bearer " + self.token, "SERVER_SOFTWARE": "lighttpd/1.4.69",
                "SERVER_NAME": "127.0.0.1", "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PORT": "8080", "SERVER_ADDR": "127.0.0.1", "REMOTE_PORT": "40000",
                "REMOTE_ADDR": "127.0.0.1", "SCRIPT_NAME": case.path.partition("?")[0], "PATH_INFO": "", "DOCUMENT_ROOT": "/srv/static/",
                "REDIRECT_STATUS": "200", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1:8080", "HTTP_ACCEPT": "*/*"}

    def ask_for(self, case, n):
        body = case.body.format(n=n).encode()
        params = b"".join(record_text(k) + record_text(v) + k.encode() + v.encode() for k, v in self.variables(case, body).items())
        out = record(BEGIN, b"\0\1\1\0\0\0\0\0") + record(PARAMS, params) + record(PARAMS, b"")
        self.socket.sendall(out + (record(STDIN, body) if body else b"") + record(STDIN, b""))
        return self.answer()[0]


def record_text(text):
    """The length before a name or value."""
    size = len(text)
    return bytes([size]) if size < 128 else (size | 1 << 31).to_bytes(4, "big")


class Web:
    """medicore-patient.fcgi with an engine, under callgrind."""

    def __init__(self, directory, postgres, auth, engine):
        self.engine, self.path, self.token = engine, str(directory / f"{engine}.socket"), auth.sign()
        environ = postgres.environ(**auth.environ(), MEDICORE__WEB__THREADS="1", **({"MEDICORE__WEB__ENGINE": engine} if len(engines()) > 1 else {}))
        with listening(self.path) as socket:
            self.profiled = Profiled(directory / engine, [BUILD / "medicore-patient.fcgi"], environ, stdin=socket)

    def measure(self):
        """Case → function → instructions."""
        found = {}
        connection = Front(self)
        connection.socket.settimeout(60)
        wait_until(lambda: connection.ask_for(READY, 0) == 200, 60, f"the program with {self.engine}")

        def ask():
            status = connection.ask_for(case, next(NUMBERS))
            assert status in (200, 201), (case.name, self.engine, status, self.profiled.log())
        for case in WEB:
            found[f"{case.name}, {self.engine}"] = per_request(self.profiled, case.count, ask)
        connection.socket.close()
        return found


class Verify:
    """medicore-patientd under callgrind."""

    COUNT = 120

    def __init__(self, directory, postgres, auth):
        port = free_base(1)
        self.address = f"127.0.0.1:{port}"
        self.profiled = Profiled(directory / "patientd", [BUILD / "medicore-patientd"],
                                 postgres.environ(**auth.environ(), MEDICORE__PATIENTD__LISTEN=self.address), objects=("medicore-patientd", "libpq.", "libprotobuf-c."))

    def measure(self):
        asked = wire.patient_pb2.PatientLookupRequest(patientId="00000000-0000-7000-8000-000000000001")
        with grpc.insecure_channel(self.address) as channel:
            stub = wire.patient_pb2_grpc.PatientServiceStub(channel)
            stub.verifyPatient(asked, timeout=60, wait_for_ready=True)

            def ask():
                assert stub.verifyPatient(asked, timeout=60).exists
            return {"verifyPatient, without gRPC's own": per_request(self.profiled, self.COUNT, ask)}


def measure():
    """Case → function → instructions per request, of all cases."""
    found, started = {}, []
    with tempfile.TemporaryDirectory(prefix="medicore-instructions-") as tmp:
        directory = pathlib.Path(tmp)
        postgres, auth = Postgres(directory), KeyServer()
        try:
            done = postgres.migrate()
            assert done.returncode == 0, done.stderr
            postgres.rows("""insert into patient (id, name, email, gender, address, date_of_birth, registered_date)
                select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Patient ' || lpad(n::text, 4, '0'), 'b' || lpad(n::text, 4, '0') || '@example.org',
                       'OTHER', '1 Street', '1990-01-01', '2026-01-01' from generate_series(1, %s) n""", "medicore_patient", parameters=(PATIENTS,))
            started = [Web(directory, postgres, auth, engine) for engine in engines()] + [Verify(directory, postgres, auth)]
            for program in started:
                found.update(program.measure())
        finally:
            for program in started:
                program.profiled.stop()
            auth.stop()
            postgres.stop()
    return found


# --- what was recorded ---

def total(functions):
    return round(sum(functions.values()))


def write(found):
    """A line for each case, and one for each of its functions that matter."""
    lines = ["# Instructions per request, of each function those of its own; ./dev bench --record-instructions writes this file anew."]
    for case, functions in found.items():
        lines.append(f"{total(functions)}\t{case}")
        lines += [f"\t{round(n)}\t{name}" for name, n in sorted(functions.items(), key=lambda f: (-round(f[1]), f[0])) if n >= SMALLEST * total(functions)]
    RECORDED.write_text("\n".join(lines) + "\n")


def read():
    """Case → (instructions, function → instructions)."""
    recorded = {}
    for line in RECORDED.read_text().splitlines():
        fields = line.split("\t")
        if line.startswith("\t"):
            functions[fields[2]] = int(fields[1])
        elif not line.startswith("#"):
            recorded[fields[1]] = int(fields[0]), (functions := {})
    return recorded


def difference(case, recorded, found):
    """What to say of a case; None where it takes what it took."""
    was, now = recorded[0], total(found)
    if abs(now - was) <= TOLERANCE * was:
        return None
    by = {name: found.get(name, 0) - recorded[1].get(name, 0) for name in {*found, *recorded[1]}
          if name in recorded[1] or found[name] >= SMALLEST * was}
    most = sorted((f for f in by.items() if abs(f[1]) >= 1), key=lambda f: -abs(f[1]))[:SHOWN]
    return "\n".join([f"{case}: {was:,} instructions were recorded, now it takes {now:,} ({now / was - 1:+.1%})",
                      *(f"{round(n):+10,}  {name}" for name, n in most)])
