"""A bare server's own Apache and lighttpd, as Debian configures them, with the one line that makes them the front door; what answers is the
installed programs, started by their units."""
import re
import subprocess
import threading
import time
import uuid

import pytest

from installed import MODULES, Installed, apache, front_door
from medicore import wait_until

SOMEBODY = "6b29fc40-ca47-4067-b31d-00dd010662da"
@pytest.fixture(scope="module")
def system():
    with Installed() as s:
        s.start("medicore.target")
        yield s


@pytest.fixture(scope="module", params=["apache", "lighttpd"])
def door(request, system):
    with front_door(system, request.param) as d:
        yield d


def bearer(door):
    return ["-H", f"Authorization: {door.logins.bearer()}"]


@pytest.mark.parametrize("path", ["/patients?limit=1", "/appointments?limit=1", "/services?limit=1", "/invoices?limit=1", "/auth/me",
                                  "/.well-known/jwks.json", "/audit", "/audit/patient", "/metrics", "/openapi.json"])
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
    ids = []
    for given in ([], ["-H", "X-Request-Id: mine-1"], ["-H", "X-Request-Id: not one"]):
        _, headers, _ = door.get(f"/patients/{SOMEBODY}?name=secretive", *bearer(door), *given)
        found = headers["x-request-id"]
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", found) and (found == "mine-1") == ("X-Request-Id: mine-1" in given)
        ids.append(found)
    wait_until(lambda: all(f'"request":"{found}"' in door.log.read_text() for found in ids), 10, "the lines in the log")
    assert "secretive" not in "".join(log.read_text() for log in (door.directory / "log").iterdir())


def test_errors_of_its_own_have_the_programs_shape(door):
    for path, args, expected in (("/nothing", [], 404), ("/patients/" + "x" * 9000, [], 414 if door.server == "apache" else 431), ("/patients", ["-H", "Content-Length: 2000000", "-d", "x"], 413),
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


def test_the_authorization_header_reaches_the_program(door):
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
    wait_until(lambda: len(codes) > 10, 20, "clients")
    assert system.tool("restart", "medicore-patient@*.service").returncode == 0
    asked = len(codes)
    wait_until(lambda: len(codes) > asked + 10, 20, "clients after the restart")
    done.set()
    for t in threads:
        t.join()
    after = system.status("medicore-patient@1.service", "medicore-patient@2.service")
    assert all(after[name][0] == "active" and after[name][1] != before[name][1] for name in before)
    assert set(codes) == {404}, codes


# --- a server that is MediCore's alone ---

@pytest.mark.parametrize("define, kept", [("", "enablereuse=on smax=8 ttl=60"), ("Define MEDICORE_libfcgi\n", "enablereuse=off")],
                         ids=["loop", "libfcgi"])
def test_the_limits_of_a_server_of_its_own_fit_debians_tree(system, tmp_path, define, kept):
    """With the worker MPM, which they are for, and connections kept, but for libfcgi, where that is said."""
    part = tmp_path / "part.conf"
    part.write_text(system.here((system.prefix / "etc/medicore/apache.conf").read_text()))
    command = apache(tmp_path, system.http, f"IncludeOptional {part}")
    enabled = tmp_path / "apache2/mods-enabled"
    for old in enabled.glob("mpm_*"):
        old.unlink()
    for kind in ("load", "conf"):
        (enabled / f"mpm_worker.{kind}").symlink_to(f"../mods-available/mpm_worker.{kind}")
    (tmp_path / "apache2/conf-enabled/medicore.conf").write_text(f"{define}Include {system.prefix}/etc/medicore/apache-limits.conf\n")
    asked = [*command[:-2], "-t", "-D", "DUMP_RUN_CFG"]
    done = subprocess.run(asked, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
    assert f"Define: MEDICORE_KEPT={kept}\n" in done.stdout


@pytest.mark.parametrize("module", MODULES.split())
def test_a_module_that_is_missing_is_named(system, tmp_path, module):
    command = apache(tmp_path, system.http, f"IncludeOptional {system.prefix}/etc/medicore/apache.conf")
    for enabled in (tmp_path / "apache2/mods-enabled").glob(f"{module}*.load"):
        enabled.unlink()
    done = subprocess.run([*command[:-2], "-t"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode != 0 and f"a2enmod {module}" in done.stdout
