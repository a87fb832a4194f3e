"""A whole MediCore for tests: brought up by ./dev below a directory of its own, on ports of its own.

    with System() as s:
        s.up("--no-demo", "--kafka")
        status, headers, body = s.http("POST", "/patients", {...})
        s.kill("billing-worker")
        s.up("--no-demo", "--kafka")      # starts what has died
"""
import json
import os
import pathlib
import random
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import psycopg2

import tokens

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MEDICORE_DEV_BUILD") or TOP / "build")
DATA = TOP / "tests" / "data"


def wait_until(condition, seconds, what):
    """Polls until condition() is true and returns what it gave; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)


def free_base(count=6):
    """The first of `count` ports in a row that nobody listens on, below the ephemeral range; of tests that run beside each
    other, each has a range of its own, as a port that was found free isn't taken yet."""
    first = 20000 + 3000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        base = random.randrange(first, first + 3000 - count)
        taken = []
        try:
            for port in range(base, base + count):
                s = socket.socket()
                taken.append(s)
                s.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for s in taken:
                s.close()


def sql(domain, query, *params, env=os.environ):
    """Rows of a query as the superuser of the server that env names; [] where it gives none."""
    with psycopg2.connect(host=env["MEDICORE_PGHOST"], port=env["MEDICORE_PGPORT"], user="postgres",
                          dbname=f"medicore_{domain}") as db:
        with db.cursor() as c:
            c.execute(query, params)
            return c.fetchall() if c.description else []


def certs(*args):
    """medicore certs, and what it says."""
    done = subprocess.run([BUILD / "medicore", "certs", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, MEDICORE_CONFIG=""))
    assert done.returncode == 0, done.stderr
    return done.stdout


class Postgres:
    """A server of its own without anything of ours, by with-postgres; its files are below directory."""

    def __init__(self, directory):
        self.spool = directory / "spool"
        for domain in ("auth", "patient", "scheduling", "billing"):
            (self.spool / domain).mkdir(parents=True)
        announced = directory / "environment"
        os.mkfifo(announced)
        self.process = subprocess.Popen([TOP / "tests/lib/with-postgres", "bash", "-c", 'env -0 >"$0"; read -r _', announced],
                                        stdin=subprocess.PIPE, text=True)
        self.env = dict(line.split("=", 1) for line in announced.read_text().split("\0") if line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()

    def does(self, action):
        """start, stop, kill, … (see postgres-server)"""
        subprocess.run([self.env["PGSERVER"], action], env=dict(os.environ, **self.env), check=True)

    def environ(self, **more):
        """With which our programs find it."""
        return {**os.environ, "MEDICORE_CONFIG": "", "MEDICORE__DATABASE__HOST": self.env["PGHOST"],
                "MEDICORE__DATABASE__PORT": self.env["PGPORT"], "MEDICORE__AUDIT__SPOOL": str(self.spool),
                "MEDICORE__METRICS__DIRECTORY": "", **more}

    def noted(self, domain):
        """What programs have noted for domain's audit trail, which no relay takes up here (lib/audit/line.c)."""
        members = ("version", "at", "count", "account", "role", "session", "address", "program", "action", "patient_id", "result",
                   "request_id", "thing", "filter")
        return [dict(zip(members, line.split("\t"), strict=True)) for file in (self.spool / domain).iterdir()
                for line in file.read_text().splitlines()]

    def connect(self, database="postgres", role="postgres"):
        return psycopg2.connect(host=self.env["PGHOST"], port=self.env["PGPORT"], user=role, dbname=database)

    def rows(self, sql, database="postgres", role="postgres", parameters=None):
        connection = self.connect(database, role)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def medicore(self, *args, **more):
        return subprocess.run([BUILD / "medicore", *args], text=True, env=self.environ(**more), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def migrate(self, *args, migrations=TOP / "db", **more):
        return self.medicore("migrate", "--migrations", migrations, *args, **more)


class System:
    def __init__(self):
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="medicore-test-"))
        self.run.chmod(0o755)
        self.environ = dict(os.environ, MEDICORE_DEV_RUN=str(self.run), MEDICORE_DEV_BASE=str(free_base()))
        self.env = {}
        self.logins = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Always: a fixture doesn't hear that a test of it failed.
        keep = os.environ.get("MEDICORE_TEST_LOGS")
        if keep and (self.run / "log").exists():
            shutil.copytree(self.run / "log", pathlib.Path(keep) / self.run.name)
        self.dev("down", "--wipe")

    def dev(self, *args, check=True):
        done = subprocess.run([str(TOP / "dev"), *args], env=self.environ, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check:
            assert done.returncode == 0, f"./dev {' '.join(args)} said:\n{done.stdout}"
        return done

    def up(self, *flags):
        self.flags = flags
        self.dev("up", *flags)
        for line in (self.run / "env").read_text().splitlines():
            name, _, value = line.partition("=")
            self.env[name] = shlex.split(value)[0] if value else ""
        if self.env["MEDICORE_ADMIN_EMAIL"] and self.logins is None:
            self.logins = tokens.Logins(self.env["MEDICORE_URL"], self.env["MEDICORE_ADMIN_EMAIL"], self.env["MEDICORE_ADMIN_PASSWORD"])
        return self

    def again(self):
        """Starts what has died."""
        return self.up(*self.flags)

    def down(self):
        self.dev("down")

    def medicore(self, *args, check=True):
        done = subprocess.run([self.tool("medicore"), "--config", str(self.run / "medicore.conf"), *map(str, args)],
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check:
            assert done.returncode == 0, f"medicore {args} said:\n{done.stdout}{done.stderr}"
        return done

    def tool(self, name):
        return str(BUILD / name)

    # --- processes ---

    def pid(self, name):
        return int((self.run / "pid" / f"{name}.pid").read_text())

    def workers(self, name):
        """The processes that serve: the children of a FastCGI program's supervisor, else the program itself."""
        pid = self.pid(name)
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(c) for c in children] if name in ("auth", "patient", "scheduling", "billing", "documents") else [pid]

    def kill(self, name, how=signal.SIGKILL):
        """Ends it and waits until it is gone."""
        pid = self.pid(name)
        os.kill(pid, how)
        wait_until(lambda: not alive(pid), 20, f"the end of {name}")

    def start_another(self, name, environ=None):
        """One more of a relay or worker, the way ./dev up starts it, which doesn't know of it."""
        relay = name.startswith("relay-")
        command = ["medicore-relay", name.removeprefix("relay-")] if relay else [f"medicore-{name}"]
        rights = {"user": "bin" if relay else "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        copy = self.run / "bin" / command[0]  # ./dev makes one where the build tree is out of that user's reach
        program = str(copy if copy.exists() else self.tool(command[0]))
        with open(self.run / "log" / f"{name}.log", "a") as log:
            return subprocess.Popen([program, *command[1:], "--config", str(self.run / "medicore.conf")],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                    env={**os.environ, **(environ or {})}, **rights)

    def memory_kib(self, pid, what="Pss"):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {what} for {pid}")

    def log(self, name):
        return (self.run / "log" / f"{name}.log").read_text(errors="replace")

    # --- what users do ---

    def bearer(self, role="ADMIN"):
        """The header field of who asks, for clients that tests start."""
        return {"Authorization": self.logins.bearer(role)} if self.logins else {}

    def http(self, method, path, body=None, headers=None, timeout=20, role="ADMIN"):
        """status, headers, decoded JSON (or text, or None) of one request; any status is an answer.  role None: nobody asks."""
        headers = dict(headers or {})
        if role is not None:
            headers = {**self.bearer(role), **headers}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        rq = urllib.request.Request(self.env["MEDICORE_URL"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(rq, timeout=timeout) as rp:
                return rp.status, rp.headers, decoded(rp.read())
        except urllib.error.HTTPError as e:
            return e.code, e.headers, decoded(e.read())

    def sql(self, domain, query, *params):
        return sql(domain, query, *params, env=self.env)

    def register(self, **members):
        given = {"name": "Ada Lovelace", "email": f"{uuid.uuid4()}@example.org", "gender": "FEMALE",
                 "address": "12 St James's Square, London", "dateOfBirth": "1985-12-10", "registeredDate": "2026-01-05"}
        status, _, patient = self.http("POST", "/patients", {**given, **members})
        assert status == 201, patient
        return patient

    def price(self, code="GP-1", price="85.55", currency="USD"):
        status, _, body = self.http("PUT", f"/services/{code}", {"description": f"Service {code}", "price": price,
                                                                 "currency": currency})
        assert status in (200, 201), body
        return code

    def book(self, patient_id, service="GP-1", starts="2026-12-01T10:00:00Z", minutes=20, **members):
        status, _, appointment = self.http("POST", "/appointments", {
            "patientId": patient_id, "serviceCode": service, "startsAt": starts, "durationMinutes": minutes, **members})
        assert status == 201, appointment
        return appointment

    def invoice_of(self, appointment_id):
        rows = self.sql("billing", "select id::text from invoice where appointment_id = %s", appointment_id)
        return rows[0][0] if rows else None

    def wait_invoice(self, appointment_id, seconds=10):
        return wait_until(lambda: self.invoice_of(appointment_id), seconds, f"the invoice of {appointment_id}")


def decoded(raw):
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
