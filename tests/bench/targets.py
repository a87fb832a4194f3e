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
from stand import engines

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


def default(name, figure, *more):
    """Of the engine that is the default: the first that the build has."""
    return lambda f: figure(f"{name}, {engines()[0]}", *more)(f)


SELECT, INSERT = "pgbench, the SELECT of GET", "pgbench, the INSERT of POST"

TARGETS = [
    Target("GET /patients/{id} by lighttpd: of pgbench's SELECT", default("GET by lighttpd", ratio, SELECT), at_least=0.30),
    Target("… p99", default("GET by lighttpd", value, "p99"), at_most=5, unit="ms"),
    Target("… CPU of web server, program and database", default("GET by lighttpd", processor, *TREES), at_most=75, unit="µs"),
    Target("… by libfcgi", ratio("GET by lighttpd, libfcgi", SELECT), at_least=0.20),
    Target("GET /patients/{id} by Apache: of pgbench's SELECT", default("GET by apache", ratio, SELECT), at_least=0.20),
    Target("… p99", default("GET by apache", value, "p99"), at_most=9, unit="ms"),
    Target("… by libfcgi", ratio("GET by apache, libfcgi", SELECT), at_least=0.15),
    Target("POST /patients by lighttpd: of pgbench's INSERT", default("POST by lighttpd", ratio, INSERT), at_least=0.45),
    Target("POST /patients by Apache: of pgbench's INSERT", default("POST by apache", ratio, INSERT), at_least=0.35),
    Target("verifyPatient: of a listener that answers a constant", ratio("verifyPatient", "listener that answers a constant"), at_least=0.55),
    Target("… CPU of ours", processor("verifyPatient", "program"), at_most=30, unit="µs"),
    Target("verifyPatients", value("verifyPatients, ids", "rate"), at_least=300_000, unit="ids/s"),
    Target("createInvoice, 32 in flight", value("createInvoice", "rate"), at_least=6_500, unit="/s"),
    Target("list of 50: CPU by lighttpd", default("list of 50 by lighttpd", processor, *TREES), at_most=700, unit="µs"),
    Target("events to invoices, one worker", value("events to invoices, one worker", "rate"), at_least=15_000, unit="/s"),
    Target("… of a bare loop that writes the same rows", ratio("events to invoices, one worker", "events to rows, a bare loop"), at_least=0.5),
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
