"""A million patients in, by the operator's import, and out, as one answer."""
import re
import time

import load
import processor
from measure_web import SERVERS
from stand import engines

MILLION, QUICK = 1_000_000, 20_000
GIVEN, FAMILY = ["Ada", "José", "Grace", "Ingrid", "Olu", "Mei", "Ravi"], ["Lovelace", "Ñandú", "Hopper", "Øst", "Adeyemi", "Chen", "Iyer"]


def how_many(c):
    return QUICK if c.options.quick else MILLION


def file_of_patients(c):
    path = c.directory / "patients.csv"
    with open(path, "w") as f:
        f.write("Id,BIRTHDATE,FIRST,LAST,GENDER,ADDRESS,CITY,STATE,ZIP\n")
        for n in range(how_many(c)):
            f.write(f"10000000-0000-4000-8000-{n:012},{1930 + n % 90}-{1 + n % 12:02}-{1 + n % 28:02},{GIVEN[n % 7]},{FAMILY[n // 7 % 7]}{n},"
                    f"{'FM'[n % 2]},{n} Main Street,Whitman,Massachusetts,{n % 100000:05}\n")
    return path


def import_patients(c):
    path = file_of_patients(c)
    begun = time.monotonic()
    with processor.measured({"PostgreSQL": c.system.pid("postgres")}) as used:
        _, own = load.timed(lambda: c.system.medicore("import", "patients", path))
    took = time.monotonic() - begun
    path.unlink()
    c.vacuum("patient")
    c.add("import of patients", how_many(c), took, {"program": own, **used}, whole_s=took * MILLION / how_many(c))
    c.disk("patient", "patients", "patient", "patient")


def peak_kib(stand):
    """The most that a process of a patient program has had resident."""
    pids = [pid for pid in processor.tree(stand.programs[0].pid) if pid != stand.programs[0].pid]
    return max(int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) for pid in pids)


def stream(c):
    """All patients, by one GET; they are imported where that wasn't measured."""
    if c.first("many patients") and c.system.sql("patient", "select count(*) from patient")[0][0] < how_many(c):
        import_patients(c)
    rows = c.system.sql("patient", "select count(*) from patient where deleted_at is null")[0][0]
    for server in SERVERS:
        stand = c.stand(server, engines()[0])
        before = peak_kib(stand)

        def command():
            begun = time.monotonic()
            load.run("curl", "-fsS", "-o", "/dev/null", *(f"-H{field}: {value}" for field, value in c.system.bearer().items()), f"{stand.url}/patients")
            return {"rate": rows / (time.monotonic() - begun), "count": rows, "grown": (peak_kib(stand) - before) / 1024}
        c.note(f"stream of patients by {server}", stand.trees(), command)
        c.settle()
