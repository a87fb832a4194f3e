"""The figures of doc/capacity.md: of a run of ./dev bench, in place of those that the page had."""
import statistics

from medicore import TOP
from report import machine, number, table
from stand import engines
from targets import TREES

PAGE = TOP / "doc" / "capacity.md"
BEGIN, END = "<!-- measured: ./dev bench --large --capacity writes this anew -->", "<!-- end of what was measured -->"
BUSY = 0.6  # of all processors: beyond that, waiting grows faster than work
WANTED = [500, 2_000, 10_000, 50_000]  # requests a second


def median(values):
    return statistics.median(values) if values else None


def works(figures):
    """(what, name of its samples, process trees)."""
    engine = engines()[0]
    for server in ("lighttpd", "apache"):
        for what in ("GET", "POST", "list of 50"):
            name = {"GET": "`GET /patients/{id}`", "POST": "`POST /patients`"}.get(what, what)
            yield f"{name} by {server}", f"{what} by {server}, {engine}", TREES
    yield "`GET` by lighttpd, one host by TCP", "GET by lighttpd, one host by TCP", TREES
    yield "`GET` by lighttpd, two hosts by TCP", "GET by lighttpd, two hosts by TCP", (*TREES, "program 1")
    yield "`verifyPatient`", "verifyPatient", ("program", "PostgreSQL")
    yield "`verifyPatients`, ids", "verifyPatients, ids", ("program", "PostgreSQL")
    yield "`createInvoice`", "createInvoice", ("program", "PostgreSQL")
    yield "outbox to Kafka", "relay, outbox rows to Kafka", ("program", "PostgreSQL")
    yield "events to invoices", "events to invoices, one worker", ("program", "PostgreSQL")
    yield "rows of `GET /patients` as a stream", "stream of patients by lighttpd", TREES
    yield "patients imported", "import of patients", ("program", "PostgreSQL")


def cell(value, unit=""):
    return "" if value is None else f"{number(value)}{unit}"


def rates(figures):
    rows = []
    for what, name, trees in works(figures):
        if name in figures:
            samples = figures.samples[name]
            rows.append([what, cell(median(figures.values(name, "rate"))), cell(median(figures.values(name, "p99"))),
                         cell(median(figures.processor_us(name, trees))),
                         *(cell(median([s[k] / s["count"] for s in samples if k in s])) for k in ("bytes", "wal"))])
    return table(["", "per second", "p99 ms", "µs of CPU for each", "bytes answered", "bytes of WAL"], rows)


def processors(figures):
    """Processors for so many requests a second, where each is kept below BUSY."""
    rows = []
    for what, name, trees in works(figures):
        us = median(figures.processor_us(name, trees))
        if us and "by" in what and "stream" not in what or us and what == "`verifyPatient`":
            rows.append([what, *(number(n * us / 1e6 / BUSY) for n in WANTED)])
    return table(["processors for", *(f"{n:,}/s" for n in WANTED)], rows)


def held(figures):
    rows = [[name.removeprefix("disk: "), f"{values[-1] * 1e6 / 2**30:.2f} GiB"] for name in figures.samples if (values := figures.values(name, "disk"))]
    return table(["disk for a million", ""], rows)


def all_of_it(figures):
    rows = []
    for what, name, key, unit in (("memory of all programs, one process each (PSS)", "memory of all programs", "mib", " MiB"),
                                  ("start to ready, all programs", "start of all programs", "seconds", " s")):
        if name in figures:
            rows.append([what, cell(median(figures.values(name, key)), unit)])
    rows += [[name, str(figures.values(name, "connections")[0])] for name in figures.samples if name.startswith("connections of")]
    rows += [[f"CPU for {name}", f"{number(values[0])} → {number(figures.values(name, 'many')[0])} µs"]
             for name in figures.samples if (values := figures.values(name, "few"))]
    return table(["", ""], rows)


def write(figures):
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    parts = [table(["machine", ""], machine()), rates(figures), processors(figures), held(figures), all_of_it(figures)]
    PAGE.write_text(before + BEGIN + "\n\n" + "\n".join(part for part in parts if part.count("\n") > 2) + "\n" + END + after)
