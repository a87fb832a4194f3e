"""What becomes of events, over both transports: as others send them, and when the programs in between die."""
import datetime
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import grpc
import pytest

import wire
from medicore import System, alive, wait_until

TOPIC = "medicore.appointment.v1"
BOOKED, CANCELLED = "medicore.appointment.booked.v1", "medicore.appointment.cancelled.v1"


@pytest.fixture(scope="module", params=["direct", "kafka"])
def system(request):
    with System() as s:
        s.environ.update(MEDICORE__BILLING__LATE_HOURS="24", MEDICORE__BILLING__LATE_SERVICE="LATE",
                         MEDICORE__BILLING__NO_SHOW_SERVICE="MISSED")
        s.up("--no-demo", *(["--kafka"] if request.param == "kafka" else []))
        s.transport = request.param
        s.price()
        s.patient = s.register()["id"]
        yield s


# --- events as others send them ---


def booked(patient, appointment=None, service="GP-1"):
    return wire.events_pb2.AppointmentBooked(
        appointment_id=appointment or str(uuid.uuid4()), patient_id=patient, service_code=service,
        starts_at_ms=1796115600000, ends_at_ms=1796116800000, zone="UTC", version=1)


def cancelled(patient, appointment):
    return wire.events_pb2.AppointmentCancelled(appointment_id=appointment, patient_id=patient, reason="", version=2)


def kcat_send(s, key, headers, payload):
    """An empty payload goes as null, a tombstone, which kcat only sends with the key before it."""
    given = [part for name, value in headers.items() if value is not None for part in ("-H", f"{name}={value}")]
    command = ["kcat", "-P", "-b", s.env["MEDICORE_KAFKA"], "-t", TOPIC, *given]
    if not payload:
        subprocess.run([*command, "-Z", "-K", "="], input=f"{key}=\n".encode(), check=True)
        return
    with tempfile.NamedTemporaryFile() as f:
        f.write(payload)
        f.flush()
        subprocess.run([*command, "-k", key, f.name], check=True)


def grpc_send(s, key, headers, payload, times):
    socket = next(line.split("=")[1].strip() for line in (s.run / "medicore.conf").read_text().splitlines()
                  if line.startswith("socket"))
    event = wire.events_pb2.Event(id=headers["ce_id"] or "", type=headers["ce_type"] or "", source=headers["ce_source"],
                                  time=headers["ce_time"], topic=TOPIC, key=key, payload=payload)
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        wire.events_pb2_grpc.EventSinkStub(channel).deliver(wire.events_pb2.EventBatch(events=[event] * times), timeout=10)


def send(s, payload, ce_type, ce_id="", times=1):
    """ce_id None: without one."""
    ce_id = str(uuid.uuid4()) if ce_id == "" else ce_id
    headers = {"ce_id": ce_id, "ce_specversion": "1.0", "ce_type": ce_type, "ce_source": "/test",
               "ce_time": "2026-11-01T10:00:00Z", "content-type": "application/protobuf"}
    payload = payload if isinstance(payload, bytes) else payload.SerializeToString()
    if s.transport == "direct":
        grpc_send(s, s.patient, headers, payload, times)
    else:
        for _ in range(times):
            kcat_send(s, s.patient, headers, payload)
    return ce_id


def invoices(s, appointment):
    return s.sql("billing", "select status, amount, appointment_cancelled from invoice where appointment_id = %s", appointment)


def reason(s, ce_id):
    rows = s.sql("billing", "select reason from dead_letters where ce_id = %s", ce_id)
    return rows[0][0] if rows else None


def settled(s):
    """Waits until all that was sent before has been dealt with: of one patient, events stay in order."""
    last = booked(s.patient)
    send(s, last, BOOKED)
    wait_until(lambda: invoices(s, last.appointment_id), 10, "the last event's invoice")


def test_an_event_of_others_becomes_an_invoice(system):
    event = booked(system.patient)
    send(system, event, BOOKED)
    wait_until(lambda: invoices(system, event.appointment_id), 5, "the invoice")
    assert invoices(system, event.appointment_id) == [("ISSUED", 8555, False)]


def test_the_same_event_ten_times_is_one_invoice(system):
    event = booked(system.patient)
    send(system, event, BOOKED, times=10)
    settled(system)
    assert invoices(system, event.appointment_id) == [("ISSUED", 8555, False)]


def test_the_same_booking_in_two_events_is_one_invoice(system):
    event = booked(system.patient)
    send(system, event, BOOKED)
    send(system, event, BOOKED)
    settled(system)
    assert invoices(system, event.appointment_id) == [("ISSUED", 8555, False)]


def test_a_cancellation_before_its_booking_makes_a_void_invoice(system):
    event = booked(system.patient)
    send(system, cancelled(system.patient, event.appointment_id), CANCELLED)
    send(system, event, BOOKED)
    settled(system)
    assert invoices(system, event.appointment_id) == [("VOID", 8555, True)]


def test_a_second_cancellation_changes_nothing(system):
    event = booked(system.patient)
    send(system, event, BOOKED)
    for _ in range(2):
        send(system, cancelled(system.patient, event.appointment_id), CANCELLED)
    settled(system)
    assert invoices(system, event.appointment_id) == [("VOID", 8555, True)]


def fees(s, appointment):
    return s.sql("billing", "select status, amount, currency, description, patient_id::text from invoice join fee on fee.invoice_id = invoice.id"
                 " where fee.appointment_id = %s", appointment)


def test_who_cancels_late_or_does_not_come_pays_a_fee_instead(system):
    system.price("LATE", "20.00")
    system.price("MISSED", "40.00")
    patient = system.register()["id"]
    now = datetime.datetime.now(datetime.timezone.utc)
    made = [system.book(patient, starts=(now + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"))["id"]
            for hours in (25, 23, -1, 25)]
    early, late, missed, seen = made
    for appointment, step in ((early, "cancel"), (late, "cancel"), (late, "cancel"), (missed, "no-show"), (missed, "no-show"),
                              (seen, "check-in"), (seen, "complete")):
        status, _, answer = system.http("POST", f"/appointments/{appointment}/{step}")
        assert status == 200, answer
    wait_until(lambda: fees(system, missed), 10, "the last fee")
    wait_until(lambda: system.sql("scheduling", "select count(*) from outbox where published_at is null") == [(0,)], 10, "the outbox's end")
    settled(system)
    assert fees(system, late) == [("ISSUED", 2000, "USD", "Service LATE", patient)]
    assert fees(system, missed) == [("ISSUED", 4000, "USD", "Service MISSED", patient)]
    assert fees(system, early) == fees(system, seen) == []
    assert [invoices(system, a) for a in made] == [[("VOID", 8555, True)]] * 3 + [[("ISSUED", 8555, False)]]
    types = ("rescheduled", "checked-in", "completed", "no-show")
    assert system.sql("billing", "select count(*) from dead_letters where type = any(%s)",
                      [f"medicore.appointment.{t}.v1" for t in types]) == [(0,)]
    assert "missing 0, doubled 0" in system.medicore("check", check=False).stdout


UNUSABLE = [
    ("garbage", b"\xff\xfe\xfd", BOOKED, "malformed"),
    ("nothing", b"", BOOKED, "malformed"),
    ("text", b"hello, world", CANCELLED, "malformed"),
    ("overlong UTF-8", b"\x0a\x02\xc0\xaf", BOOKED, "malformed"),
    ("an unknown type", b"", "medicore.appointment.moved.v1", "unknown_type"),
    ("no type", b"", None, "unknown_type"),
]


@pytest.mark.parametrize("what,payload,ce_type,why", UNUSABLE, ids=[u[0] for u in UNUSABLE])
def test_what_is_no_event_of_ours_is_parked_and_holds_nothing_up(system, what, payload, ce_type, why):
    ce_id = send(system, payload, ce_type)
    settled(system)
    assert reason(system, ce_id) == why
    stored = system.sql("billing", "select payload, topic, key, attempts from dead_letters where ce_id = %s", ce_id)
    assert [(bytes(p), t, k, n) for p, t, k, n in stored] == [(payload, TOPIC, system.patient, 1)]


@pytest.mark.parametrize("ce_id", [None, "x" * 5000], ids=["none", "one that is too long for an index"])
def test_an_event_without_a_usable_id_is_parked(system, ce_id):
    before = system.sql("billing", "select count(*) from dead_letters where ce_id is null")[0][0]
    event = booked(system.patient)
    send(system, event, BOOKED, ce_id=ce_id)
    settled(system)
    assert invoices(system, event.appointment_id) == []
    assert system.sql("billing", "select count(*) from dead_letters where ce_id is null")[0][0] == before + 1


def test_an_unknown_patient_and_an_unpriced_service_are_parked_and_the_price_mends_it(system):
    unknown, unpriced = booked(str(uuid.uuid4())), booked(system.patient, service=f"NEW-{uuid.uuid4().hex[:8]}")
    unknown_id, unpriced_id = send(system, unknown, BOOKED), send(system, unpriced, BOOKED)
    settled(system)
    assert (reason(system, unknown_id), reason(system, unpriced_id)) == ("unknown_patient", "no_price")
    system.price(unpriced.service_code, "12.00")
    system.medicore("dead-letters", "replay", "--all", check=False)
    wait_until(lambda: invoices(system, unpriced.appointment_id) == [("ISSUED", 1200, False)], 10, "the replay")
    wait_until(lambda: reason(system, unpriced_id) is None, 10, "the end of the dead letter")
    assert reason(system, unknown_id) == "unknown_patient"


def test_what_goes_out_over_kafka_is_as_the_contract_has_it(system):
    if system.transport != "kafka":
        pytest.skip("no broker")
    a = system.book(system.patient, starts="2026-12-24T10:00:00Z", minutes=30)
    system.wait_invoice(a["id"])
    listing = subprocess.run(["kcat", "-C", "-b", system.env["MEDICORE_KAFKA"], "-t", TOPIC, "-e", "-q", "-J"],
                             check=True, stdout=subprocess.PIPE).stdout.decode(errors="replace")
    message = next(m for m in map(json.loads, listing.splitlines()) if a["id"] in (m["payload"] or ""))
    headers = dict(zip(message["headers"][::2], message["headers"][1::2]))
    assert message["key"] == system.patient
    assert headers["ce_type"] == BOOKED
    assert headers["ce_specversion"] == "1.0"
    assert headers["content-type"] == "application/protobuf"
    assert uuid.UUID(headers["ce_id"]) and headers["ce_source"] and headers["ce_time"].endswith("Z")
    assert headers["traceparent"].startswith("00-")
    raw = subprocess.run(["kcat", "-C", "-b", system.env["MEDICORE_KAFKA"], "-t", TOPIC, "-p", str(message["partition"]),
                          "-o", str(message["offset"]), "-c", "1", "-q", "-D", "", "-f", "%s"], check=True, stdout=subprocess.PIPE).stdout
    event = wire.events_pb2.AppointmentBooked.FromString(raw)
    assert (event.appointment_id, event.patient_id, event.service_code) == (a["id"], system.patient, "GP-1")
    assert (event.starts_at_ms, event.ends_at_ms, event.zone) == (1798106400000, 1798108200000, "UTC")
    assert event.version == 1


# --- programs that die ---


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def test_worker_and_relay_killed_again_and_again_make_one_invoice_each(system):
    system.kill("billing-worker")
    system.kill("relay-scheduling")
    running = {name: system.start_another(name) for name in ("billing-worker", "relay-scheduling")}
    made, done = [], threading.Event()

    def book():
        try:
            for i in range(300):
                made.append(system.book(system.patient, starts=f"2027-02-01T{i % 24:02}:{i % 60:02}:00Z")["id"])
        finally:
            done.set()

    thread = threading.Thread(target=book)
    thread.start()
    kills = 0
    while not done.wait(0.15) or kills < 12:
        name = ("billing-worker", "relay-scheduling")[kills % 2]
        end(running[name])
        running[name] = system.start_another(name)
        kills += 1
    thread.join()
    try:
        assert len(made) == 300
        found = "select count(*), count(distinct appointment_id) from invoice where appointment_id = any(%s::uuid[])"
        wait_until(lambda: system.sql("billing", found, made)[0][1] == 300, 30, "all invoices")
        assert system.sql("billing", found, made) == [(300, 300)]
        wait_until(lambda: system.sql("scheduling", "select count(*) from outbox where published_at is null") == [(0,)], 10,
                   "an empty outbox")
    finally:
        for p in running.values():
            end(p)
        system.again()


def outbox(s, events):
    """What relay-scheduling is to publish: (patient, type, event)."""
    rows = [(str(uuid.uuid4()), patient, ce_type, event.SerializeToString(), event.appointment_id) for patient, ce_type, event in events]
    s.sql("scheduling", "insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)"
                        " select id, 'appointment', patient, type, payload,"
                        " jsonb_build_object('ce_time', '2026-11-27T12:00:00Z', 'appointment_id', appointment, 'request_id', 'test')"
                        " from unnest(%s::uuid[], %s, %s, %s::bytea[], %s) as e (id, patient, type, payload, appointment)", *map(list, zip(*rows)))
    return [row[0] for row in rows]


def test_a_worker_killed_in_a_backlog_of_many_patients_loses_nothing_and_keeps_each_ones_order(system):
    """It takes two batches at once, and commits offsets up to where both have come."""
    if system.transport != "kafka":
        pytest.skip("no offsets")
    patients = [system.register()["id"] for _ in range(12)]
    made = [booked(patients[i % 12]) for i in range(4000)]
    gone = [cancelled(e.patient_id, e.appointment_id) for e in made[::4]]
    before = system.sql("billing", "select coalesce(max(seq), 0) from outbox")[0][0]
    system.kill("billing-worker")
    sent = outbox(system, [(e.patient_id, BOOKED, e) for e in made] + [(e.patient_id, CANCELLED, e) for e in gone])
    wait_until(lambda: system.sql("scheduling", "select count(*) from outbox where published_at is null") == [(0,)], 30, "an empty outbox")
    received = lambda: system.sql("billing", "select count(*) from inbox where ce_id = any(%s)", sent)[0][0]
    worker = None
    try:
        for kill in range(5):
            # So few at once that none is cancelled in the batch that books it, which makes no event of its issue.
            worker = system.start_another("billing-worker", {"MEDICORE__EVENTS__BATCH": "50"})
            wait_until(lambda: received() > kill * len(sent) // 5, 30, "some more of them")
            if kill == 4:
                wait_until(lambda: received() == len(sent), 30, "all of them")
            end(worker)
    finally:
        end(worker)
        system.again()
    appointments = [e.appointment_id for e in made]
    assert system.sql("billing", """select count(*), count(distinct appointment_id), count(distinct number), count(*) filter (where status = 'VOID')
        from invoice where appointment_id = any(%s::uuid[])""", appointments) == [(4000, 4000, 4000, 1000)]
    assert system.sql("billing", "select count(*) from dead_letters where ce_id = any(%s)", sent) == [(0,)]
    first, last, count = system.sql("billing", """select min(n), max(n), count(*)
        from (select split_part(number, '-', 2)::bigint as n from invoice where appointment_id = any(%s::uuid[])) i""", appointments)[0]
    assert last - first + 1 == count  # nobody else made any meanwhile
    # One event of each issue, and each void behind it.
    assert system.sql("billing", """select count(*), count(v.seq), count(*) filter (where v.seq < i.seq)
        from (select * from outbox where type = 'medicore.invoice.issued.v1' and seq > %s) i
        left join (select * from outbox where type = 'medicore.invoice.voided.v1' and seq > %s) v on v.headers->>'invoice_id' = i.headers->>'invoice_id'""",
                      before, before) == [(4000, 1000, 0)]


def test_a_worker_that_stops_in_a_backlog_leaves_nothing_to_be_taken_twice(system):
    """While there is more to do than fits a batch, offsets are committed only now and then."""
    if system.transport != "kafka":
        pytest.skip("no offsets")
    system.kill("billing-worker", signal.SIGTERM)
    made = [system.book(system.patient, starts=f"2027-04-{1 + i // 24:02}T{i % 24:02}:00:00Z")["id"] for i in range(400)]
    wait_until(lambda: system.sql("scheduling", "select count(*) from outbox where published_at is null") == [(0,)], 10, "an empty outbox")
    invoiced = lambda: system.sql("billing", "select count(*) from invoice where appointment_id = any(%s::uuid[])", made)[0][0]
    worker = system.start_another("billing-worker", {"MEDICORE__EVENTS__BATCH": "1"})
    try:
        wait_until(lambda: invoiced() > 0, 30, "the first invoices")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
        assert invoiced() < len(made)
    finally:
        end(worker)
        before = len(system.log("billing-worker"))
        system.again()
    wait_until(lambda: invoiced() == len(made), 30, "all invoices")
    assert "repeated" not in system.log("billing-worker")[before:].replace(" 0 repeated", "")


def test_a_second_relay_stands_by_and_takes_over(system):
    standby = system.start_another("relay-scheduling")
    try:
        wait_until(lambda: "standing by" in system.log("relay-scheduling"), 10, "the second relay")
        system.kill("relay-scheduling")
        a = system.book(system.patient, starts="2027-03-01T10:00:00Z")
        system.wait_invoice(a["id"], 2)
    finally:
        end(standby)
        system.again()


@pytest.mark.parametrize("name", ["billing-worker", "relay-scheduling"])
def test_a_program_asked_to_stop_ends_in_good_order_at_once(system, name):
    pid = system.pid(name)
    begun = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid), 5, f"the end of {name}")
    took = time.monotonic() - begun
    print(f"{name} stopped in {took:.2f} s")
    assert took < 2
    a = system.book(system.patient, starts="2027-03-02T10:00:00Z")
    system.again()
    system.wait_invoice(a["id"], 3)
