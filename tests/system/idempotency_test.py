"""Whatever dies between the effect of a request with an Idempotency-Key and its answer: the retry gets the answer, and there is one effect."""
import contextlib
import itertools
import os
import random
import signal
import threading
import time
import urllib.error
import uuid

import psycopg2
import pytest

from medicore import System, alive, wait_until

ROUNDS = 200 if os.environ.get("MEDICORE_LONG") else 20
KILLS = 100 if os.environ.get("MEDICORE_LONG") else 10
REVIVING = threading.Lock()
SEED = int(os.environ.get("MEDICORE_SEED", random.randrange(10**6)))


class Kind:
    """A POST that makes something: its program and database, and how to count what came of it."""

    def __init__(self, path, program, body, table, column, member):
        self.path, self.program, self.body, self.table, self.column, self.member = path, program, body, table, column, member

    def ids(self, s, body):
        return [i for i, in s.sql(self.program, f"select id::text from {self.table} where {self.column} = %s", body[self.member])]


KINDS = {
    "patients": Kind("/patients", "patient", lambda s: {
        "name": "Ada Lovelace", "email": f"{uuid.uuid4()}@example.org", "gender": "FEMALE", "address": "12 St James's Square, London",
        "dateOfBirth": "1985-12-10", "registeredDate": "2026-01-05"}, "patient", "email", "email"),
    "appointments": Kind("/appointments", "scheduling", lambda s: {
        "patientId": s.patient, "serviceCode": f"S-{uuid.uuid4()}", "startsAt": "2027-03-01T09:00:00Z", "durationMinutes": 30},
        "appointment", "service_code", "serviceCode"),
    "invoices": Kind("/invoices", "billing", lambda s: {"patientId": s.patient, "amount": "85.55", "description": str(uuid.uuid4())},
                     "invoice", "description", "description"),
}


@pytest.fixture(scope="module")
def system():
    with System() as s:
        s.up("--no-demo")
        s.patient = s.register()["id"]
        yield s


def ask(s, kind, body, key):
    """Status, answer; (0, None) where there was none."""
    try:
        status, _, answer = s.http("POST", kind.path, body, {"Idempotency-Key": key})
        return status, answer
    except (OSError, urllib.error.URLError):
        return 0, None


def insist(s, kind, body, key):
    """Until it is there; all else is that nobody could say."""
    end = time.monotonic() + 30
    while True:
        status, answer = ask(s, kind, body, key)
        if status == 201:
            return answer
        assert status in (0, 409, 502, 503, 504), (status, answer)
        assert time.monotonic() < end, (status, answer)
        revive(s, kind.program)


def revive(s, program):
    """Its supervisor gives up where too many end in a short time."""
    with REVIVING:
        if not alive(s.pid(program)):
            s.again()


@contextlib.contextmanager
def commits_unanswered(s, program):
    """Commits are done, and on disk, but the server doesn't tell: it waits for a stand-by that isn't there.  Gives what tells the server's
    processes that wait so for the program."""
    role = f"medicore_{program}_rest"
    autocommit(s, "alter system set synchronous_standby_names = 'nobody'")
    try:
        yield lambda: [pid for pid, in s.sql(
            program, "select pid from pg_stat_activity where wait_event = 'SyncRep' and usename = %s", role)]
    finally:
        autocommit(s, "alter system reset synchronous_standby_names")


def autocommit(s, command):
    """alter system can't be in a transaction.  Not waited for itself: it writes nothing."""
    db = psycopg2.connect(host=s.env["MEDICORE_PGHOST"], port=s.env["MEDICORE_PGPORT"], user="postgres", dbname="postgres")
    try:
        db.autocommit = True
        with db.cursor() as c:
            c.execute(command)
            c.execute("select pg_reload_conf()")
    finally:
        db.close()


def interrupted(s, kind, interrupt):
    """Asks, and calls interrupt(pids of the server's processes) between commit and answer.  The body, the key, and the status got."""
    end = time.monotonic() + 60
    while True:
        body, key, got = kind.body(s), str(uuid.uuid4()), []
        revive(s, kind.program)
        with commits_unanswered(s, kind.program) as committed:
            thread = threading.Thread(target=lambda: got.append(ask(s, kind, body, key)[0]))
            thread.start()
            # It may be answered before the server has heard that it shall not, or not arrive: the front door found its last connection dead.
            pids = wait_until(lambda: committed() or not thread.is_alive(), 20, "a commit that waits")
            if pids is not True:
                interrupt(pids)
        thread.join()
        if pids is not True:
            return body, key, got[0]
        assert time.monotonic() < end, got


def test_a_program_killed_between_commit_and_answer_has_one_effect(system):
    def kill(_):
        for pid in system.workers(kind.program):
            os.kill(pid, signal.SIGKILL)

    kinds = itertools.cycle(KINDS.values())
    for i in range(ROUNDS):
        kind = next(kinds)
        body, key, status = interrupted(system, kind, kill)
        assert status in (0, 502, 503, 504), status
        answer = insist(system, kind, body, key)
        assert kind.ids(system, body) == [answer["id"]], (i, kind.path)
        assert insist(system, kind, body, key) == answer


@pytest.mark.parametrize("name", KINDS)
def test_a_commit_whose_answer_is_lost_is_503_and_the_retry_tells(system, name):
    kind = KINDS[name]
    body, key, status = interrupted(system, kind, lambda pids: [system.sql(kind.program, "select pg_terminate_backend(%s, 10000)", pid)
                                                                for pid in pids])
    assert status == 503
    made = kind.ids(system, body)
    assert len(made) == 1
    assert insist(system, kind, body, key)["id"] == made[0]
    assert kind.ids(system, body) == made


def test_programs_killed_at_any_moment_leave_one_effect_for_each_key(system):
    chance, done, wrong, kills, keys = random.Random(SEED), threading.Event(), [], 0, itertools.count()

    def work(kind):
        while not done.is_set():
            next(keys)
            body, key = kind.body(system), str(uuid.uuid4())
            try:
                answer = insist(system, kind, body, key)
                if kind.ids(system, body) != [answer["id"]]:
                    wrong.append((kind.path, answer, kind.ids(system, body)))
            except AssertionError as e:
                wrong.append((kind.path, repr(e)))

    workers = [threading.Thread(target=work, args=(kind,)) for kind in KINDS.values() for _ in range(2)]
    for w in workers:
        w.start()
    while kills < KILLS and not done.wait(chance.uniform(0.02, 0.12)):
        program = chance.choice(list(KINDS.values())).program
        revive(system, program)
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            for pid in system.workers(program)[:chance.choice((1, 2))]:
                os.kill(pid, signal.SIGKILL)
                kills += 1
    done.set()
    for w in workers:
        w.join()
    system.again()
    print(f"seed {SEED}: {next(keys)} keys, {kills} kills")
    assert not wrong, wrong[:5]
