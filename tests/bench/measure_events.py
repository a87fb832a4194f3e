"""Bookings to Kafka by the relay, and from there to invoices by workers: each begins with all that it shall do waiting for it."""
import io
import os
import signal
import subprocess
import time
import uuid

import load
import processor
import wire
from context import PATIENTS
from medicore import TOP, wait_until

EVENTS, QUICK = 60_000, 5_000
SERVICE = "GP-1"
FIRST, SECOND = "billing-worker-1", "billing-worker-2"  # members of the group of consumers, each of which keeps its partitions when it starts anew

# Whoever asks whether all is done takes the processors from those who do it: so he waits in between, on the server.
SELDOM = "with pause as materialized (select pg_sleep(0.2))"


def how_many(c):
    return QUICK if c.options.quick else EVENTS


def booked(n):
    """A row of the outbox, as COPY takes it."""
    patient, appointment = f"00000000-0000-7000-8000-{1 + n % PATIENTS:012}", str(uuid.uuid4())
    payload = wire.events_pb2.AppointmentBooked(
        appointment_id=appointment, patient_id=patient, provider_id=str(uuid.UUID(int=n)), service_code=SERVICE, starts_at_ms=1_800_000_000_000 + n,
        ends_at_ms=1_800_000_600_000 + n, zone="UTC", version=1).SerializeToString()
    headers = f'{{"ce_time":"2026-11-27T12:00:00Z","appointment_id":"{appointment}","request_id":"bench"}}'
    return "\t".join([str(uuid.uuid4()), "appointment", patient, "medicore.appointment.booked.v1", "\\\\x" + payload.hex(), headers]) + "\n"


def fill(c):
    """Events that the relay, which doesn't run, has yet to publish."""
    rows = io.StringIO("".join(map(booked, range(how_many(c)))))
    c.copy("scheduling", "copy outbox (id, aggregatetype, aggregateid, type, payload, headers) from stdin", rows)
    c.vacuum("scheduling")


def trees(c, process):
    return {"program": process.pid, "PostgreSQL": c.system.pid("postgres"), "Kafka": c.system.pid("kafka")}


def publish(c):
    """Rows a second from the start of a relay until the last is marked as published."""
    s = c.system
    if c.first("events"):
        c.patients()
        s.price(SERVICE)
        for name in ("relay-scheduling", "billing-worker"):
            s.kill(name, signal.SIGTERM)
    fill(c)
    begun = time.monotonic()
    with c.another("relay-scheduling") as p, processor.measured(trees(c, p)) as used:
        wait_until(lambda: not s.sql("scheduling", f"{SELDOM} select 1 from pause where exists (select from outbox where published_at is null)"), 120, "the relay")
        took = time.monotonic() - begun
    c.add("relay, outbox rows to Kafka", how_many(c), took, used)


SPAN = """select count(*) filter (where created_at = least), extract(epoch from max(created_at) - min(created_at))
    from (select created_at, min(created_at) over () as least from invoice where created_at > %s::timestamptz) i"""


def state(s, domain):
    return s.sql(domain, "select count(*), coalesce(max(created_at), '-infinity')::text from invoice")[0]


def bare(c):
    """The limit: the same rows, by a loop that decides nothing, in a database of its own."""
    s = c.system
    if c.first("bare"):
        load.run(s.tool("medicore"), "migrate", "--config", s.run / "medicore.conf", "--migrations", TOP / "db", env={**os.environ, "MEDICORE__DATABASE__BILLING": "medicore_bare"})
    _, newest = state(s, "bare")
    p = subprocess.Popen([c.built("bare_events"), s.env["MEDICORE_KAFKA"],
                          f"host={s.env['MEDICORE_PGHOST']} port={s.env['MEDICORE_PGPORT']} user=postgres dbname=medicore_bare", str(how_many(c))])
    with processor.measured(trees(c, p)) as used:
        assert p.wait(180) == 0
    first, span = s.sql("bare", SPAN, newest)[0]
    c.add("events to rows, a bare loop", how_many(c) - first, float(span), used)


def invoice(c, name, members):
    """Invoices a second, from the transaction that wrote the first of them to that of the last: joining a group of consumers takes seconds."""
    s = c.system
    before, newest = state(s, "billing")
    with c.others("billing-worker", [{"MEDICORE__EVENTS__INSTANCE": member} for member in members]) as processes:
        with processor.measured(trees(c, processes[0])) as used:
            wait_until(lambda: s.sql("billing", f"{SELDOM} select (select count(*) from invoice) from pause")[0][0] >= before + how_many(c), 180, name)
    first, span = s.sql("billing", SPAN, newest)[0]
    c.add(name, how_many(c) - first, float(span), used)


def events(c):
    publish(c)
    bare(c)
    invoice(c, "events to invoices, one worker", [FIRST])
    c.disk("scheduling", "events in an outbox, until purged", "outbox", "outbox")
    c.disk("billing", "invoices, with ledger, inbox and outbox", "invoice", "invoice", "invoice_line", "ledger", "inbox", "outbox")


def two_workers(c):
    publish(c)
    invoice(c, "events to invoices, two workers", [FIRST, SECOND])
