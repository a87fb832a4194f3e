"""A bare server's own Apache and lighttpd, as Debian configures them, with the one line that makes them the front door; what answers is the
installed programs, started by their units."""
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import uuid

import pytest

import medicore
import tokens
from installed import Installed
from medicore import wait_until

SOMEBODY = "6b29fc40-ca47-4067-b31d-00dd010662da"
# What apache.conf says it needs.
MODULES = "buffer headers include proxy proxy_fcgi rewrite unique_id"


def port_of_mine():
    return medicore.free_base(1)


class Door:
    def __init__(self, directory, port, command):
        self.directory, self.port, self.command = directory, port, command
        self.log = directory / "log" / "medicore.log"

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.directory / "stderr", "w"))
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(lambda: self.process.poll() is not None or self.get("/openapi.json")[0], 20, "the web server")
        assert self.process.poll() is None, (self.directory / "stderr").read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def get(self, path, *args):
        """status, header fields in lower case, content; status 0: nobody answers."""
        done = subprocess.run(["curl", "-sS", "-i", "--max-time", "20", *args, self.url + path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        head, _, content = done.stdout.partition("\n\n")
        first, _, fields = head.partition("\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in fields.splitlines() if ": " in line)}
        return int(first.split()[1]) if first else 0, headers, content


def apache(directory, port, line):
    """A copy of Debian's tree as it comes, its default virtual host on a port of ours, with the line at that host's end."""
    etc = directory / "apache2"
    shutil.copytree("/etc/apache2", etc, symlinks=True)
    for path in [etc / "apache2.conf", etc / "envvars", *etc.rglob("*.conf"), *etc.rglob("*.load")]:
        if not path.is_symlink():
            path.write_text(path.read_text().replace("/etc/apache2", str(etc)))
    (etc / "ports.conf").write_text(f"Listen 127.0.0.1:{port}\n")
    for name in MODULES.split():
        for kind in ("load", "conf"):
            enabled = etc / "mods-enabled" / f"{name}.{kind}"
            if (etc / "mods-available" / enabled.name).exists() and not enabled.exists():
                enabled.symlink_to(f"../mods-available/{enabled.name}")
    site = (etc / "sites-available/000-default.conf").read_text().replace("*:80", f"127.0.0.1:{port}").replace("CustomLog", "#CustomLog")
    (etc / "sites-available/000-default.conf").write_text(site.replace("</VirtualHost>", f"\t{line}\n</VirtualHost>"))
    (directory / "log").mkdir()
    (directory / "run").mkdir()
    user = "www-data" if os.geteuid() == 0 else subprocess.check_output(["id", "-un"], text=True).strip()
    environment = {"APACHE_RUN_USER": user, "APACHE_RUN_GROUP": user, "APACHE_PID_FILE": f"{directory}/run/pid", "APACHE_RUN_DIR": f"{directory}/run",
                   "APACHE_LOCK_DIR": f"{directory}/run", "APACHE_LOG_DIR": f"{directory}/log", "LANG": "C"}
    return ["env", *(f"{name}={value}" for name, value in environment.items()), "/usr/sbin/apache2", "-d", etc, "-f", etc / "apache2.conf", "-D", "FOREGROUND"]


def lighttpd(directory, port, line):
    """Debian's configuration, with paths and port of ours, and the line behind all else."""
    text = pathlib.Path("/etc/lighttpd/lighttpd.conf").read_text()
    (directory / "log").mkdir()
    changed = {"/var/log/lighttpd": directory / "log", "/run/lighttpd.pid": directory / "pid"}
    for theirs, ours in changed.items():
        text = text.replace(theirs, str(ours))
    text = re.sub(r"(?m)^server\.port.*$", f'server.port = {port}\nserver.bind = "127.0.0.1"', text)
    text = re.sub(r"(?m)^include_shell .*use-ipv6.*$", "", text)
    if os.geteuid() == 0:
        shutil.chown(directory / "log", "www-data")
    (directory / "lighttpd.conf").write_text(f"{text}\n{line}\n")
    return ["/usr/sbin/lighttpd", "-D", "-f", directory / "lighttpd.conf"]


@pytest.fixture(scope="module")
def system():
    with Installed(port_of_mine()) as s:
        s.tool("start", "medicore.target")
        yield s


@pytest.fixture(scope="module", params=["apache", "lighttpd"])
def door(request, system, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    for parent in [directory, *directory.parents][:3]:
        parent.chmod(0o755)
    part = directory / f"{request.param}-part.conf"
    text = system.here((system.prefix / "etc/medicore" / f"{request.param}.conf").read_text()).replace("/var/log/lighttpd", f"{directory}/log")
    part.write_text(text)
    if request.param == "apache":
        command = apache(directory, system.http, f"IncludeOptional {part}")
    else:
        command = lighttpd(directory, system.http, f'include "{part}"')
    for name in ("patient", "scheduling", "billing", "documents", "auth") if os.geteuid() == 0 else ():
        shutil.chown(system.run / "medicore" / name, "root", "www-data")
    with Door(directory, system.http, command) as d:
        d.server = request.param
        d.logins = logins(system, d)
        yield d


def logins(system, door):
    email = f"{door.server}@example.org"
    password = system.directory / door.server
    password.write_text("correct horse battery\n")
    system.medicore("user", "add", email, "--name", "The administrator", "--role", "ADMIN", "--password-file", password)
    for name in ("patient", "scheduling", "billing", "documents", "auth"):
        wait_until(lambda: door.get(f"/health/{name}/ready")[0] == 200, 20, f"{name} to be ready")
    return tokens.Logins(door.url, email, "correct horse battery")


def bearer(door):
    return ["-H", f"Authorization: {door.logins.bearer()}"]


@pytest.mark.parametrize("path", ["/patients?limit=1", "/appointments?limit=1", "/services?limit=1", "/invoices?limit=1", "/auth/me",
                                  "/.well-known/jwks.json", "/audit", "/audit/patient", "/openapi.json"])
def test_each_path_reaches_its_program(door, path):
    def answered():
        status, _, content = door.get(path, *bearer(door))
        return status != 503 and (status, content)
    assert wait_until(answered, 10, "the program to know this login")[0] == 200


def test_a_body_of_many_pieces_is_taken_whole(door):
    email = f"{uuid.uuid4()}@example.org"
    patient = ('{"name": "Ada Lovelace", "email": "%s", "gender": "FEMALE", "address": "12 St James Square", '
               '"dateOfBirth": "1985-12-10", "registeredDate": "2026-01-05"}' % email)
    args = [*bearer(door), "-H", "Content-Type: application/json", "-d", patient]
    assert door.get("/patients", *args)[0] == 201
    assert door.get("/patients", *args)[0] == 409
    assert door.get("/patients", *args, "-H", "Transfer-Encoding: chunked")[0] == 409


def test_one_id_is_in_the_log_and_in_the_answer(door):
    for given in ([], ["-H", "X-Request-Id: mine-1"], ["-H", "X-Request-Id: not one"]):
        _, headers, _ = door.get(f"/patients/{SOMEBODY}?name=secretive", *bearer(door), *given)
        found = headers["x-request-id"]
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", found) and (found == "mine-1") == ("X-Request-Id: mine-1" in given)
        wait_until(lambda: f'"request":"{found}"' in door.log.read_text(), 10, "the line in the log")
    assert "secretive" not in "".join(log.read_text() for log in (door.directory / "log").iterdir())


def test_errors_of_its_own_have_the_programs_shape(door):
    for path, args, expected in (("/nothing", [], 404), ("/patients/" + "x" * 9000, [], 414), ("/patients", ["-H", "Content-Length: 2000000", "-d", "x"], 413),
                                 ("/openapi.json", ["-X", "DELETE"], 405)):
        status, headers, content = door.get(path, *args)
        assert (status, headers["content-type"]) == (expected, "application/json"), path
        assert f'"requestId":"{headers["x-request-id"]}"' in content


def test_nothing_of_the_servers_own_configuration_changes_what_programs_get(door):
    priced = ["-X", "PUT", "-H", "Content-Type: application/json", "-d", '{"description": "An hour", "price": "1.00", "currency": "USD"}']
    assert door.get("/services/a.inc", *bearer(door), *priced)[0] in (200, 201)  # lighttpd.conf denies such names
    assert door.get("/services/a%2Finc", *bearer(door), *priced)[0] in (400, 404)  # and would decode this one
    _, headers, _ = door.get("/patients?limit=500", *bearer(door), "-H", "Accept-Encoding: gzip, br")
    assert "content-encoding" not in headers
    assert headers["x-content-type-options"] == "nosniff" and headers["content-security-policy"].startswith("default-src 'self'")


def test_the_programs_secrets_of_the_header_are_not_spoofed(door):
    _, headers, _ = door.get("/patients", "-H", "Authorization: Bearer nonsense")
    assert headers["www-authenticate"].startswith("Bearer")


def test_many_clients_at_once_wait_for_no_thread_that_never_comes(door):
    """More at once than a program has threads, on kept connections, so that Apache makes more children."""
    answered = []

    def client():
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "--max-time", "10", "-w", "%{http_code}\n", *bearer(door), f"{door.url}/patients/{SOMEBODY}#[1-20]"],
                              stdout=subprocess.PIPE, text=True)
        answered.extend(done.stdout.split())

    bearer(door)
    clients = [threading.Thread(target=client) for _ in range(48)]
    start = time.monotonic()
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    assert len(answered) == 48 * 20 and set(answered) == {"404"} and time.monotonic() - start < 30


def test_programs_restart_without_a_failed_request(system, door):
    before = system.status("medicore-patient@1.service", "medicore-patient@2.service")
    codes, done = [], threading.Event()

    def client():
        while not done.is_set():
            codes.append(door.get(f"/patients/{SOMEBODY}", *bearer(door))[0])

    threads = [threading.Thread(target=client) for _ in range(3)]
    for t in threads:
        t.start()
    assert system.tool("restart", "medicore-patient@*.service").returncode == 0
    done.set()
    for t in threads:
        t.join()
    after = system.status("medicore-patient@1.service", "medicore-patient@2.service")
    assert all(after[name][0] == "active" and after[name][1] != before[name][1] for name in before)
    assert set(codes) <= {404, 503} and codes.count(503) == 0, codes
