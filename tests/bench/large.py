#!/usr/bin/python3
"""Ten million patients and as many invoices: does what one request costs stay the same?

fill(system, count) puts them in, measure(system) says what single requests then cost in processor time (web server, program and database
together), as rows (name, value, unit); compare() does both for ten thousand and for many and says how the one is to the other.
    tests/bench/large.py [--count N] [--lighttpd]
"""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from medicore import System  # noqa: E402

FEW, MANY = 10_000, 10_000_000
OF_ONE = 10  # invoices of a patient who has any; the last one is open
REQUESTS = 3000
PASSES = 8
YARDSTICK = "GET /health/patient/live"  # asks no database: how quick the machine is in these minutes

PATIENTS = """
insert into patient (id, name, email, gender, address, date_of_birth, registered_date)
select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
       ('{{Ada,Björn,Chen,Dolores,Edgar,Fatima,Grace,Henri,Ines,José}}'::text[])[1 + mod(n, 10)] || ' ' ||
           initcap(translate(substr(md5(n::text), 1, 7), '0123456789', 'ghijklmnop')),
       'p' || n || '@large.example', 'OTHER', n || ' Calle Mayor, Whitman, Massachusetts 02382', date '1930-01-01' + mod(n, 30000), '2026-01-01'
from generate_series(1, {count}) n
"""
INVOICES = """
insert into invoice (id, number, patient_id, status, amount, subtotal, remaining_amount, amount_paid, currency, issued_at, due_date)
select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'L-' || n,
       ('00000000-0000-7000-8000-' || lpad((1 + (n - 1) / {of_one})::text, 12, '0'))::uuid,
       case when mod(n, {of_one}) = 0 then 'ISSUED' else 'PAID' end, 8555, 8555,
       case when mod(n, {of_one}) = 0 then 8555 else 0 end, case when mod(n, {of_one}) = 0 then 0 else 8555 end,
       'USD', timestamptz '2026-01-01' + n * interval '1 second', current_date + 30
from generate_series(1, {count}) n
"""
LINES = "insert into invoice_line (invoice_id, position, quantity, unit_price, net, tax) select id, 1, 1, 8555, 8555, 0 from invoice"
LEDGER = """
insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, at)
select id, 'ISSUE', account, sign * amount, 'USD', patient_id, id, issued_at
from invoice, lateral (values ('RECEIVABLE', 1), ('REVENUE', -1)) as a (account, sign)
"""


def fast(system, domain, tables, *statements):
    """Fills tables in the transaction that empties them (which then needs no WAL, below), and before they have indexes."""
    tables = list(tables)
    keys = system.sql(domain, """
        select format('alter table %%s drop constraint %%I', conrelid::regclass, conname),
               format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
                   || case contype when 'f' then ' not valid' else '' end
        from pg_constraint where contype in ('p', 'u', 'f') and (conrelid::regclass::text = any(%s) or confrelid::regclass::text = any(%s))
        order by contype = 'f'""", tables, tables)
    indexes = system.sql(domain, """
        select format('drop index %%s', indexrelid::regclass), pg_get_indexdef(indexrelid) from pg_index
        where indrelid::regclass::text = any(%s) and not exists (select from pg_constraint where conindid = indexrelid)""", tables)
    system.sql(domain, ";\n".join(
        ["set local maintenance_work_mem = '1GB'", "set local work_mem = '256MB'"] + [f"truncate {', '.join(tables)} cascade"] +
        [f"alter table {t} disable trigger user" for t in tables] + [drop for drop, _ in keys[::-1] + indexes] + list(statements) +
        [make for _, make in keys + indexes] + [f"alter table {t} enable trigger user" for t in tables]).replace("%", "%%"))


def memory():
    """The machine's, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def for_many(system):
    """Its server writes no WAL for what fast() does, and has the memory that doc/capacity.md says."""
    conf = system.run / "postgres" / "postgresql.conf"
    if "wal_level = minimal" not in conf.read_text():
        with open(conf, "a") as file:
            file.write("wal_level = minimal\nmax_wal_senders = 0\nmax_wal_size = 4GB\n"
                       f"shared_buffers = {memory() // 4 // 2**20}MB\n")
        system.kill("postgres", signal.SIGINT)
        system.again()


def fill(system, count=MANY):
    """In the place of what is there."""
    for_many(system)
    fast(system, "patient", ["patient"], PATIENTS.format(count=count))
    fast(system, "billing", ["invoice", "invoice_line", "ledger"], INVOICES.format(count=count, of_one=OF_ONE), LINES, LEDGER)
    for domain in ("patient", "billing"):
        subprocess.run(["/usr/bin/vacuumdb", "-q", "-z", "-h", system.env["MEDICORE_PGHOST"], "-p", system.env["MEDICORE_PGPORT"], "-U", "postgres",
                        f"medicore_{domain}"], check=True)


# --- what requests cost ---

def family(pid):
    """Processor time of a process and all below it, also those that have ended, in seconds."""
    total, wanted = 0, {pid}
    stats = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stats[int(entry)] = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                pass
    while wanted:
        for one in wanted & stats.keys():
            total += sum(map(int, stats[one][11:15]))
        wanted = {p for p, s in stats.items() if int(s[1]) in wanted}
    return total / os.sysconf("SC_CLK_TCK")


def spent(system, programs):
    names = ["lighttpd" if (system.run / "pid" / "lighttpd.pid").exists() else "apache", "postgres", *programs]
    return sum(family(system.pid(name)) for name in names)


def cost(system, program, paths):
    """Microseconds of all processes' time that one of these requests takes."""
    with tempfile.NamedTemporaryFile("w", suffix=".urls") as urls:
        urls.writelines(f"{system.env['MEDICORE_URL']}{path}\n" for path in paths)
        urls.flush()
        os.chmod(urls.name, 0o644)
        before = spent(system, [program])
        done = subprocess.run(["h2load", "--h1", "-c4", f"-n{len(paths)}", f"-i{urls.name}",
                               *(f"-H{name}: {value}" for name, value in system.bearer().items())],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert f"status codes: {len(paths)} 2xx" in done.stdout, done.stdout
        return 1e6 * (spent(system, [program]) - before) / len(paths)


def measure(system):
    """Name → µs of processor; the least of some passes, since whatever else the machine does only adds."""
    rng = random.Random(7)
    patients = system.sql("patient", "select count(*) from patient")[0][0]
    invoices = system.sql("billing", "select count(*) from invoice")[0][0]

    def id_of(n):
        return f"00000000-0000-7000-8000-{n:012}"

    def names(n):
        return [name.rsplit(" ", 1)[1] for name, in system.sql(
            "patient", "select name from patient where id = any(%s::uuid[])", [id_of(rng.randint(1, patients)) for _ in range(n)])]

    whose = max(1, invoices // OF_ONE)
    asked = {
        YARDSTICK: ("patient", ["/health/patient/live"] * REQUESTS),
        "GET /patients/{id}": ("patient", [f"/patients/{id_of(rng.randint(1, patients))}" for _ in range(REQUESTS)]),
        "GET /patients?limit=50": ("patient", ["/patients?limit=50"] * (REQUESTS // 3)),
        "GET /patients?email=": ("patient", [f"/patients?email=P{rng.randint(1, patients)}@large.example&limit=50" for _ in range(REQUESTS // 3)]),
        "GET /patients?name=": ("patient", [f"/patients?name={name}&limit=50" for name in names(REQUESTS // 6)]),
        "GET /invoices?limit=50": ("billing", ["/invoices?limit=50"] * (REQUESTS // 3)),
        "GET /invoices?patientId=": ("billing", [f"/invoices?patientId={id_of(rng.randint(1, whose))}" for _ in range(REQUESTS // 3)]),
        "GET /invoices?status=ISSUED": ("billing", ["/invoices?status=ISSUED&limit=50"] * (REQUESTS // 3)),
        "GET /accounts/{patientId}": ("billing", [f"/accounts/{id_of(rng.randint(1, whose))}" for _ in range(REQUESTS // 2)]),
        "GET /accounts/{patientId}/statement": (
            "billing", [f"/accounts/{id_of(rng.randint(1, whose))}/statement?from=2026-01-01&to=2026-12-31" for _ in range(REQUESTS // 3)]),
    }
    for program, paths in asked.values():
        cost(system, program, paths[:len(paths) // 10])  # pages and plans are as after a while
    passes = [{name: cost(system, *what) for name, what in asked.items()} for _ in range(PASSES)]
    return {name: min(one[name] for one in passes) for name in asked}


def compare(system, count=MANY):
    """Rows (name, with few, with many, how much that grew beside the yardstick)."""
    fill(system, FEW)
    few = measure(system)
    fill(system, count)
    many = measure(system)
    machine = many[YARDSTICK] / few[YARDSTICK]
    return [(name, few[name], many[name], many[name] / few[name] / machine) for name in few]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=MANY)
    parser.add_argument("--lighttpd", action="store_true")
    options = parser.parse_args()
    with System() as s:
        s.up("--no-demo", *(["--lighttpd"] if options.lighttpd else []))
        print(f"{'':40}{FEW:>14,}{options.count:>14,}")
        for name, few, many, growth in compare(s, options.count):
            print(f"{name:40}{few:14.0f}{many:14.0f} µs of CPU, {growth:.2f}")


if __name__ == "__main__":
    main()
