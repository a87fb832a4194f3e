"""A client that asks too often is told so, whichever of a program's processes it meets; others go on."""
import collections
import concurrent.futures
import os
import re
import signal
import time

import pytest

from medicore import System, wait_until

RATE = 60  # a minute: one a second comes back
SOMEBODY = "/patients/6b29fc40-ca47-4067-b31d-00dd010662da"


@pytest.fixture(scope="module")
def system():
    with System() as s:
        s.environ["MEDICORE__WEB__RATE_LOOPBACK"] = str(RATE)
        s.up("--no-demo")
        for role in ("ADMIN", "STAFF", "DOCTOR", "BILLING"):
            s.bearer(role)  # the logins are over before anything is counted
        yield s


def ask(system, role, path=SOMEBODY):
    return system.http("GET", path, role=role)[:2]


def test_a_quota_is_for_all_processes_of_a_program_together(system):
    """One takes what comes as long as it can, so each of the two ends once."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(system, "STAFF")[0], range(RATE // 2)))
        for pid in system.workers("patient"):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: pid not in system.workers("patient") and len(system.workers("patient")) == 2, 10, "another process")
            answers += pool.map(lambda _: ask(system, "STAFF")[0], range(RATE))
    counted = collections.Counter(answers)
    came_back = int(time.monotonic() - began) + 1
    assert counted.keys() == {404, 429}
    assert RATE <= counted[404] <= RATE + came_back


def test_who_asked_too_often_is_told_when_to_come_again(system):
    while ask(system, "DOCTOR")[0] != 429:
        pass
    status, headers, body = system.http("GET", SOMEBODY, role="DOCTOR")
    assert (status, body["status"], body["message"]) == (429, 429, f"More than {RATE} requests a minute")
    assert body["requestId"] == headers["X-Request-Id"]
    assert headers["RateLimit-Policy"] == f'"account";q={RATE};w=60'
    assert re.match(r'"account";r=0;t=(59|60)$', headers["RateLimit"])
    wait = int(headers["Retry-After"])
    assert wait == 1
    time.sleep(wait)  # what it was told is what is tried here
    assert ask(system, "DOCTOR")[0] == 404


def test_what_remains_is_said(system):
    left = []
    for _ in range(3):
        status, headers = ask(system, "BILLING")
        assert status == 404 and headers["RateLimit-Policy"] == f'"account";q={RATE};w=60'
        left.append(int(re.match(r'"account";r=(\d+);t=\d+$', headers["RateLimit"])[1]))
    assert left[0] in (RATE - 1, RATE - 2) and left == sorted(left, reverse=True)


def test_others_of_the_same_address_go_on(system):
    while ask(system, "STAFF")[0] != 429:
        pass
    assert ask(system, "ADMIN")[0] == 404
    # … and so do the other programs, health checks, and what programs ask of each other.
    assert ask(system, "STAFF", "/appointments?limit=1")[0] == 200
    assert [ask(system, None, "/health/patient/ready")[0] for _ in range(2 * RATE)] == [200] * (2 * RATE)


def test_without_a_login_an_address_counts(system):
    answers = [ask(system, None) for _ in range(RATE + 10)]
    assert answers[0][0] == 401 and answers[0][1]["RateLimit-Policy"] == f'"address";q={RATE};w=60'
    assert answers[-1][0] == 429
    assert ask(system, "ADMIN")[0] == 404


def test_clients_on_this_machine_are_free_by_default(system):
    del system.environ["MEDICORE__WEB__RATE_LOOPBACK"]
    system.down()
    system.up("--no-demo")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(system, "STAFF"), range(4 * RATE)))
    assert collections.Counter(status for status, _ in answers) == {404: 4 * RATE}
    assert not [headers for _, headers in answers if "RateLimit" in headers]
