"""What is measured, in order, and what it is to reach.  One more of either is a row here and a short function."""
import dataclasses
import typing

import measure_bulk
import measure_events
import measure_large
import measure_rpc
import measure_web
import measure_whole
from figures import growth, processor, ratio, ratio_of_medians, value

TREES = ("web server", "program", "PostgreSQL")


@dataclasses.dataclass
class Measurement:
    name: str  # of --only
    run: typing.Callable  # (Context): one round
    rounds: int = 0  # 0: as many as --rounds says
    large: bool = False  # only with --large, or where it is named
    flags: tuple = ()  # of ./dev up; those with the same share a system


@dataclasses.dataclass
class Target:
    what: str
    samples: typing.Callable  # (Figures): one of each round
    at_least: float = None
    at_most: float = None
    unit: str = ""

    def reached(self, measured):
        return measured >= self.at_least if self.at_least is not None else measured <= self.at_most


KAFKA = ("--kafka",)
MEASUREMENTS = [
    Measurement("get", measure_web.get),
    Measurement("post", measure_web.post),
    Measurement("list", measure_web.list_of_50),
    Measurement("verify", measure_rpc.verify),
    Measurement("invoice", measure_rpc.invoice),
    Measurement("door", measure_web.door),
    Measurement("clients", measure_web.clients, rounds=1, large=True),
    Measurement("hosts", measure_web.hosts, large=True),
    Measurement("import", measure_bulk.import_patients, rounds=1),
    Measurement("stream", measure_bulk.stream),
    Measurement("whole", measure_whole.whole, rounds=1),  # ends what ./dev has started
    Measurement("events", measure_events.events, flags=KAFKA),
    Measurement("two-workers", measure_events.two_workers, flags=KAFKA),
    Measurement("large", measure_large.large, rounds=1, large=True, flags=("--lighttpd",)),
]


def web(server, engine, get, get_p99_ms, get_us, post):
    """The rows of a web server with an engine."""
    by = f"{server}, {engine}"
    rows = [Target(f"GET /patients/{{id}} by {by}: of pgbench's SELECT", ratio(f"GET by {by}", "pgbench, the SELECT of GET"), at_least=get)]
    if get_p99_ms:
        rows.append(Target(f"… p99 by {by}", value(f"GET by {by}", "p99"), at_most=get_p99_ms, unit="ms"))
    if get_us:
        rows.append(Target(f"… CPU by {by}: web server, program, database", processor(f"GET by {by}", *TREES), at_most=get_us, unit="µs"))
    if post:
        rows.append(Target(f"POST /patients by {by}: of pgbench's INSERT", ratio(f"POST by {by}", "pgbench, the INSERT of POST"), at_least=post))
    return rows


TARGETS = [
    *web("lighttpd", "loop", 0.30, 5, 75, 0.45),
    *web("lighttpd", "libfcgi", 0.20, None, None, None),
    *web("apache", "loop", 0.20, 9, None, 0.35),
    *web("apache", "libfcgi", 0.15, None, None, None),
    Target("verifyPatient: of a listener that answers a constant", ratio("verifyPatient", "listener that answers a constant"), at_least=0.55),
    Target("… CPU of ours", processor("verifyPatient", "program"), at_most=30, unit="µs"),
    Target("verifyPatients", value("verifyPatients, ids", "rate"), at_least=300_000, unit="ids/s"),
    Target("createInvoice, 32 in flight", value("createInvoice", "rate"), at_least=6_500, unit="/s"),
    Target("list of 50: CPU by lighttpd", processor("list of 50 by lighttpd, loop", *TREES), at_most=700, unit="µs"),
    Target("events to invoices, one worker", value("events to invoices, one worker", "rate"), at_least=15_000, unit="/s"),
    Target("… two workers, of what one does", ratio_of_medians("events to invoices, two workers", "events to invoices, one worker"), at_least=1),
    Target("relay", value("relay, outbox rows to Kafka", "rate"), at_least=20_000, unit="rows/s"),
    Target("GET /patients streaming 1,000,000 by lighttpd", value("stream of patients by lighttpd", "rate"), at_least=150_000, unit="rows/s"),
    Target("… what a process grew by meanwhile", value("stream of patients by lighttpd", "grown"), at_most=1, unit="MiB"),
    Target("import of 1,000,000 patients with all checks", value("import of patients", "whole_s"), at_most=60, unit="s"),
    *(Target(f"10,000 → 10,000,000: CPU of {what}", growth(what), at_most=most) for what, most in
      (("GET /patients/{id}", 1.3), ("GET /patients?limit=50", 1.3), ("GET /accounts/{patientId}", 1.3))),
    Target("all programs' memory after this load, one process each (PSS)", value("memory of all programs", "mib"), at_most=64, unit="MiB"),
    Target("start to ready, all programs", value("start of all programs", "seconds"), at_most=1, unit="s"),
]
