"""Memory stays flat: while 200,000 patients stream out, and over thousands of requests."""
import json
import subprocess
import urllib.request

import pytest

from medicore import System

MANY = 200_000


@pytest.fixture(scope="module")
def system():
    with System() as s:
        s.up("--no-demo")
        s.sql("patient", """
            insert into patient (id, name, email, gender, address, date_of_birth, registered_date)
            select gen_random_uuid(), 'Patient ' || n, 'p' || n || '@example.org', 'OTHER', n || ' Street', '1990-01-01',
                   '2026-01-01' from generate_series(1, %s) n""", MANY)
        s.sql("patient", "analyze patient")  # as autovacuum does within a minute
        yield s


def peak_kib(s):
    return max(s.memory_kib(pid, "Rss") for pid in s.workers("patient"))


def test_all_patients_stream_in_id_order_at_flat_memory(system):
    for _ in range(20):
        system.http("GET", "/patients?limit=500")
    before = peak_kib(system)
    highest, last, count = before, "", 0
    with urllib.request.urlopen(urllib.request.Request(system.env["MEDICORE_URL"] + "/patients", headers=system.bearer())) as rp:
        rest = b""
        while chunk := rp.read(1 << 20):
            highest = max(highest, peak_kib(system))
            rest += chunk
            *whole, rest = rest.split(b"},")
            for one in whole:
                patient = json.loads(one.lstrip(b"[") + b"}")
                assert patient["id"] > last
                last = patient["id"]
                count += 1
    patient = json.loads(rest.rstrip(b"]"))
    assert patient["id"] > last
    assert count + 1 == MANY
    print(f"resident: {before} KiB before, {highest} KiB at most")
    assert highest - before <= 1024


def test_thousands_of_requests_leave_no_memory_behind(system):
    some = system.http("GET", "/patients?limit=1")[2][0]["id"]

    def load(count):
        for path in (f"/patients/{some}", "/patients?limit=50", "/patients/none", "/patients?email=p77@example.org"):
            done = subprocess.run(["h2load", "--h1", "-c8", f"-n{count}",
                                   *(f"-H{name}: {value}" for name, value in system.bearer().items()), system.env["MEDICORE_URL"] + path],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert f"{count} done" in done.stdout, done.stdout

    load(1000)
    before = sum(system.memory_kib(pid, "Pss_Anon") for pid in system.workers("patient"))
    load(4000)
    after = sum(system.memory_kib(pid, "Pss_Anon") for pid in system.workers("patient"))
    print(f"anonymous memory: {before} KiB, then {after} KiB")
    assert after - before <= 512
