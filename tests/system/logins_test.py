"""Logins through the whole system: what ends one ends it everywhere, keys rotate under load, and nobody needs auth to be there."""
import concurrent.futures
import json
import os
import subprocess
import threading
import time
import uuid

import pytest

import tokens
from medicore import System, wait_until

NOBODY = "6b29fc40-ca47-4067-b31d-00dd010662da"
EVERYWHERE = {"patient": f"/patients/{NOBODY}", "scheduling": f"/appointments/{NOBODY}", "billing": f"/invoices/{NOBODY}"}
ENDED_WITHIN_S = 1.5


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up("--no-demo")


def account(system, role="STAFF"):
    """An account of its own: its id and a login."""
    email, password = system.logins.register(role)
    found = [a for a in everyone(system) if a["email"] == email]
    return found[0]["id"], email, password, system.logins.login(email, password)


def everyone(system):
    status, _, accounts = system.http("GET", "/auth/accounts?limit=500")
    assert status == 200
    return accounts


def asked(system, token, path):
    return system.http("GET", path, headers={"Authorization": f"Bearer {token}"})[0]


def ended_everywhere(system, token):
    """Each process of each program must have heard: enough requests that all of them are asked."""
    return all(asked(system, token, path) == 401 for path in EVERYWHERE.values() for _ in range(12))


def assert_ends_within(system, token, end):
    for path in EVERYWHERE.values():
        assert asked(system, token, path) == 404
    end()
    begun = time.monotonic()
    wait_until(lambda: ended_everywhere(system, token), 10, "the login's end in every program")
    # The last round of questions takes a moment itself, which is the test's, not the programs'.
    assert time.monotonic() - begun < ENDED_WITHIN_S + 1


def test_logout_ends_the_access_token_in_every_program(system):
    _, _, _, login = account(system)
    assert_ends_within(system, login["accessToken"], lambda: system.http(
        "POST", "/auth/logout", headers={"Authorization": "Bearer " + login["accessToken"]}))
    assert asked(system, login["accessToken"], "/auth/me") == 401


def test_disabling_an_account_ends_its_access_tokens_in_every_program(system):
    identity, email, password, login = account(system)
    assert_ends_within(system, login["accessToken"], lambda: system.http("PATCH", f"/auth/accounts/{identity}", {"enabled": False}))
    assert tokens.ask(system.env["MEDICORE_URL"], "POST", "/auth/login", {"email": email, "password": password})[0] == 401


def test_the_operator_disables_from_the_command_line(system):
    _, email, _, login = account(system)
    assert_ends_within(system, login["accessToken"], lambda: system.medicore("user", "disable", email))


def test_a_new_password_ends_the_logins_made_with_the_old_one(system):
    _, email, password, login = account(system)
    assert_ends_within(system, login["accessToken"], lambda: system.http(
        "POST", "/auth/password", {"oldPassword": password, "newPassword": f"better {uuid.uuid4()}"},
        headers={"Authorization": "Bearer " + login["accessToken"]}))


def test_a_used_refresh_token_that_comes_again_ends_its_login_everywhere(system):
    _, _, _, login = account(system)
    url = system.env["MEDICORE_URL"]
    status, second = tokens.ask(url, "POST", "/auth/refresh", {"token": login["refreshToken"]})
    assert status == 200

    def again():
        status, body = tokens.ask(url, "POST", "/auth/refresh", {"token": login["refreshToken"]})
        assert (status, body["message"]) == (401, "Invalid or Rotated refresh token")

    assert_ends_within(system, second["accessToken"], again)
    assert tokens.ask(url, "POST", "/auth/refresh", {"token": second["refreshToken"]})[0] == 401


def test_of_100_parallel_refreshes_of_one_token_at_most_one_succeeds(system):
    _, _, _, login = account(system)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: tokens.ask(system.env["MEDICORE_URL"], "POST", "/auth/refresh", {"token": login["refreshToken"]})[0],
                                 range(100)))
    assert statuses.count(200) <= 1 and set(statuses) <= {200, 401}


def test_keys_rotate_while_requests_go_on_and_no_program_is_restarted(system):
    names = ("patient", "scheduling", "billing", "auth")
    before = {name: system.workers(name) for name in names}
    _, email, password, old = account(system)
    wrong, stop = [], threading.Event()

    def ask_on():
        while not stop.is_set():
            for path in EVERYWHERE.values():
                status = system.http("GET", path)[0]
                if status != 404:
                    wrong.append((path, status))

    asking = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in asking:
        thread.start()
    try:
        known = published(system)
        system.medicore("keys", "rotate")
        new = wait_until(lambda: published(system) - known, 10, "the new key among those published").pop()
        login = wait_until(lambda: signed_by(system, email, password, new), 60, "a token signed with the new key")
        for path in EVERYWHERE.values():
            for _ in range(12):
                assert asked(system, login["accessToken"], path) == 404
                assert asked(system, old["accessToken"], path) == 404
    finally:
        stop.set()
        for thread in asking:
            thread.join()
    assert wrong == []
    assert {name: system.workers(name) for name in names} == before
    assert tokens.ask(system.env["MEDICORE_URL"], "POST", "/auth/refresh", {"token": old["refreshToken"]})[0] == 200


def published(system):
    return {key["kid"] for key in system.http("GET", "/.well-known/jwks.json", role=None)[2]["keys"]}


def signed_by(system, email, password, kid):
    time.sleep(0.5)  # a login takes a hash, and there is no hurry
    login = system.logins.login(email, password)
    header = tokens.jwt.get_unverified_header(login["accessToken"])
    return login if header["kid"] == kid else None


def test_keys_that_are_published_have_no_private_part(system):
    for key in system.http("GET", "/.well-known/jwks.json", role=None)[2]["keys"]:
        assert set(key) <= {"kty", "crv", "use", "alg", "kid", "x", "y"} and key["kty"] == "EC"


def test_only_auth_can_read_the_private_keys(system):
    if os.geteuid() != 0:
        pytest.skip("only root can give rights away")
    keys = system.run / "keys"
    files = list(keys.iterdir())
    assert files
    for name in ("patient", "billing", "patientd", "relay-auth"):
        pid = system.workers(name)[0]
        status = dict(line.split(":", 1) for line in (open(f"/proc/{pid}/status").read().splitlines()) if ":" in line)
        uid, gid = status["Uid"].split()[1], status["Gid"].split()[1]
        for path in (keys, files[0]):
            done = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--", "test", "-r", str(path)])
            assert done.returncode != 0, (name, path)


def test_without_auth_the_rest_goes_on_serving(system):
    _, _, _, login = account(system)
    for path in EVERYWHERE.values():
        for _ in range(12):  # each process must have met its key once
            assert asked(system, login["accessToken"], path) == 404
    system.kill("auth")
    for pid in children_left(system):
        os.kill(pid, 9)
    try:
        assert system.http("POST", "/auth/login", {"email": "x@example.org", "password": "whatever it is"}, role=None)[0] in (502, 503)
        for _ in range(20):
            for path in EVERYWHERE.values():
                assert asked(system, login["accessToken"], path) == 404
        patient = system.register()
        assert system.http("GET", "/patients/" + patient["id"])[0] == 200
        for name in EVERYWHERE:
            wait_until(lambda: "auth" in system.log(name) and '"level":"warning"' in system.log(name), 10, f"{name}'s word that auth is away")
    finally:
        system.again()
    assert tokens.ask(system.env["MEDICORE_URL"], "POST", "/auth/refresh", {"token": login["refreshToken"]})[0] == 200


def children_left(system):
    """Processes of medicore-auth.fcgi that lost their supervisor."""
    found = subprocess.run(["pgrep", "-f", f"medicore-auth.fcgi --config {os.path.realpath(system.run)}/"], stdout=subprocess.PIPE, text=True)
    return [int(pid) for pid in found.stdout.split()]


def test_a_program_that_can_ask_nobody_says_so_rather_than_no(system):
    """Started while auth is away, it knows no keys yet: that is 503, not 401."""
    environ = {"PATH": os.environ["PATH"], "REQUEST_METHOD": "GET", "REQUEST_URI": EVERYWHERE["patient"], "SERVER_PROTOCOL": "HTTP/1.1",
               "PATH_INFO": EVERYWHERE["patient"], "CONTENT_LENGTH": "0", "HTTP_AUTHORIZATION": system.logins.bearer(),
               "MEDICORE__AUTH__URL": "http://127.0.0.1:1"}
    done = subprocess.run([system.tool("medicore-patient.fcgi"), "--config", str(system.run / "medicore.conf")], env=environ,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"Status: 503") and b"Retry-After" in head
    assert json.loads(body)["status"] == 503
