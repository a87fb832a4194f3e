"""All of the sample population through the real servers: 1,759 patients, 51 services, 7,961 appointments."""
import csv
import subprocess
import time
from decimal import Decimal

import pytest

from medicore import DATA, System, wait_until

PATIENTS, SERVICES, APPOINTMENTS, TOTAL = 1759, 51, 7961, Decimal("883576.02")


def rows(name):
    with open(DATA / name, newline="") as f:
        return list(csv.DictReader(f))


def invoiced(s):
    return s.sql("billing", "select count(*) from invoice where appointment_id is not null")[0][0]


def import_basics(s):
    s.medicore("import", "services", DATA / "services.csv")
    s.medicore("import", "patients", DATA / "patients.csv", "--visits", DATA / "encounters.csv")


def import_appointments(s, *flags):
    return s.medicore("import", "appointments", DATA / "encounters.csv", *flags, check=False)


def assert_every_booking_has_its_invoice(s):
    prices = {r["CODE"]: Decimal(r["PRICE"]) for r in rows("services.csv")}
    got = dict((a, (Decimal(m) / 100, c, st, p)) for a, m, c, st, p in s.sql(
        "billing", "select appointment_id::text, amount, currency, status, patient_id::text from invoice"))
    wanted = {r["Id"]: (prices[r["SERVICE"]], "USD", "ISSUED", r["PATIENT"]) for r in rows("encounters.csv")}
    assert got == wanted
    assert s.sql("billing", "select count(*), sum(amount) from invoice") == [(APPOINTMENTS, TOTAL * 100)]
    check = s.medicore("check")
    assert f"bookings {APPOINTMENTS}: invoiced {APPOINTMENTS}, pending 0, parked 0, missing 0, doubled 0" in check.stdout


@pytest.fixture(params=["kafka", "direct"])
def system(request):
    with System() as s:
        yield s.up("--no-demo", *(["--kafka"] if request.param == "kafka" else []))


def test_each_appointment_gets_one_invoice_at_its_listed_price_within_20_s(system):
    import_basics(system)
    begun = time.monotonic()
    done = import_appointments(system, "--without", "PROVIDER")
    assert done.returncode == 0, done.stderr
    assert f"imported {APPOINTMENTS}, already there 0, refused 0 of {APPOINTMENTS}" in done.stdout + done.stderr
    wait_until(lambda: invoiced(system) == APPOINTMENTS, 60, "all invoices")
    took = time.monotonic() - begun
    print(f"last invoice {took:.1f} s after the import began")
    assert took < 20
    assert_every_booking_has_its_invoice(system)

    stored = dict(system.sql("patient", "select id::text, name from patient"))
    assert stored == {r["Id"]: f"{r['FIRST']} {r['LAST']}" for r in rows("patients.csv")}
    assert any("'" in n for n in stored.values()) and any(not n.isascii() for n in stored.values())
    first = {}
    for r in rows("encounters.csv"):
        day = r["START"][:10]
        first[r["PATIENT"]] = min(day, first.get(r["PATIENT"], day))
    assert dict(system.sql("patient", "select id::text, registered_date::text from patient")) == {
        p: first.get(p, "2025-11-01") for p in stored}

    again = import_appointments(system, "--without", "PROVIDER")
    assert f"imported 0, already there {APPOINTMENTS}, refused 0 of {APPOINTMENTS}" in again.stdout + again.stderr
    assert invoiced(system) == APPOINTMENTS


def test_with_providers_the_129_that_collide_are_reported_line_by_line():
    with System() as s:
        s.up("--no-demo")
        import_basics(s)
        dry = s.medicore("import", "appointments", DATA / "encounters.csv", "--dry-run", check=False)
        assert s.sql("scheduling", "select count(*) from appointment") == [(0,)]
        done = import_appointments(s)
        assert done.returncode == 1
        for said in (dry, done):
            assert "imported 7832, already there 0, refused 129 of 7961" in said.stdout + said.stderr
        refused = [line for line in done.stderr.splitlines() if "encounters.csv:" in line]
        assert len(refused) == 129
        lines = {int(line.split("encounters.csv:")[1].split(":")[0]) for line in refused}
        assert lines == colliding_lines()
        assert all("already booked from" in line for line in refused)
        wait_until(lambda: invoiced(s) == 7832, 30, "the invoices")


def colliding_lines():
    """Line numbers of the visits that overlap one of the same provider already taken, in file order."""
    taken, lines = {}, set()
    for number, r in enumerate(rows("encounters.csv"), start=2):
        spans = taken.setdefault(r["PROVIDER"], [])
        if any(r["START"] < stop and start < r["STOP"] for start, stop in spans):
            lines.add(number)
        else:
            spans.append((r["START"], r["STOP"]))
    return lines


@pytest.mark.parametrize("transport,victims", [
    ("kafka", ["billing-worker", "relay-scheduling", "kafka", "postgres"]),
    ("direct", ["billing-worker", "relay-scheduling", "postgres"]),
])
def test_nothing_is_lost_or_doubled_when_each_in_turn_is_killed_halfway(transport, victims, tmp_path):
    """Each victim has its own part of the appointments, and dies while that part is on its way."""
    with System() as s:
        s.up("--no-demo", *(["--kafka"] if transport == "kafka" else []))
        import_basics(s)
        before = 0
        for part, victim in zip(parts(tmp_path, len(victims)), victims):
            after = before + len(part.read_text().splitlines()) - 1
            importing = subprocess.Popen(
                [s.tool("medicore"), "--config", str(s.run / "medicore.conf"), "import", "appointments", str(part), "--without",
                 "PROVIDER"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda: invoiced(s) > before, 60, "the first invoices of this part")
            assert invoiced(s) < after, f"{victim} would have died when all was done"
            s.kill(victim)
            importing.wait(120)
            s.again()
            # What the death of the database cut short goes on where it was.
            s.medicore("import", "appointments", part, "--without", "PROVIDER")
            wait_until(lambda: invoiced(s) == after, 60, f"all invoices of {victim}'s part")
            before = after
        assert_every_booking_has_its_invoice(s)


def parts(directory, count):
    """The sample's appointments in so many files, each with the line that names the columns."""
    head, *lines = (DATA / "encounters.csv").read_text().splitlines(keepends=True)
    files = [directory / f"{i}.csv" for i in range(count)]
    for i, file in enumerate(files):
        file.write_text(head + "".join(lines[i * len(lines) // count:(i + 1) * len(lines) // count]))
    return files
