"""What billing's relay does to invoices, over both transports: numbers without gaps, events that others can read, and what is past due."""
import datetime
import json
import re
import subprocess
import threading
import uuid

import pytest

import wire
from medicore import System, wait_until

TOPIC = "medicore.invoice.v1"
ISSUED, VOIDED, OVERDUE = (f"medicore.invoice.{what}.v1" for what in ("issued", "voided", "overdue"))


@pytest.fixture(scope="module", params=["direct", "kafka"])
def system(request):
    with System() as s:
        s.up("--no-demo", *(["--kafka"] if request.param == "kafka" else []))
        s.transport = request.param
        s.price()
        s.patient = s.register()["id"]
        yield s


def book(s, minute=0):
    return s.book(s.patient, starts=f"2027-02-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z")["id"]


def invoiced(s):
    """An invoice that no booking made, which has no number before the relay gives it one."""
    status, _, made = s.http("POST", "/invoices", {"patientId": s.patient, "amount": "12.50"})
    assert status == 201 and made["number"] is None
    return made["id"]


def all_numbered(s):
    return s.sql("billing", "select count(*) from invoice where number is null and status <> 'DRAFT'") == [(0,)]


def assert_no_gaps(s):
    """Of all invoices there are: none has none, none has another's, and the last one's is their count."""
    year = datetime.datetime.now(datetime.timezone.utc).year
    numbers = [n for (n,) in s.sql("billing", "select number from invoice order by number")]
    assert numbers == [f"{year}-{n:06}" for n in range(1, len(numbers) + 1)]


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


# --- numbers ---


def test_a_bookings_invoice_has_its_number_at_once(system):
    invoice = system.wait_invoice(book(system))
    assert re.fullmatch(r"\d{4}-\d{6}", system.http("GET", f"/invoices/{invoice}")[2]["number"])


def test_any_other_invoice_has_its_number_within_a_second(system):
    invoice = invoiced(system)
    wait_until(lambda: all_numbered(system), 5, "the number")
    shown = system.http("GET", f"/invoices/{invoice}")[2]
    assert re.fullmatch(r"\d{4}-\d{6}", shown["number"])
    took = system.sql("billing", "select extract(epoch from updated_at - created_at) from invoice where id = %s", invoice)[0][0]
    print(f"numbered after {took:.3f} s")
    assert took < 1


def test_a_relay_killed_again_and_again_leaves_no_gap_and_no_number_twice(system):
    system.kill("relay-billing")
    relay, done, made = system.start_another("relay-billing"), threading.Event(), []

    def make():
        try:
            for i in range(200):
                made.append(book(system, i))
                invoiced(system)
        finally:
            done.set()

    thread = threading.Thread(target=make)
    thread.start()
    kills = 0
    try:
        while not done.wait(0.15) or kills < 12:
            end(relay)
            relay = system.start_another("relay-billing")
            kills += 1
        thread.join()
        assert len(made) == 200
        found = "select count(*) from invoice where appointment_id = any(%s::uuid[])"
        wait_until(lambda: system.sql("billing", found, made) == [(200,)], 30, "all invoices")
        wait_until(lambda: all_numbered(system), 10, "all numbers")
        assert_no_gaps(system)
    finally:
        thread.join()
        end(relay)
        system.again()


def test_a_second_relay_stands_by_and_goes_on_with_the_numbers(system):
    standby = system.start_another("relay-billing")
    try:
        wait_until(lambda: "invoices: another relay is active, standing by" in system.log("relay-billing"), 10, "the second relay")
        system.kill("relay-billing")
        invoiced(system)
        wait_until(lambda: all_numbered(system), 3, "the number")
        assert_no_gaps(system)
    finally:
        end(standby)
        system.again()


# --- what is past due, and the events ---


def past_due(s, relayed=True):
    """An invoice that should have been paid two days ago, wherever it is today."""
    invoice = s.wait_invoice(book(s))
    if relayed:
        wait_until(lambda: all_numbered(s), 5, "the number")
    s.sql("billing", "update invoice set due_date = current_date - 2 where id = %s", invoice)
    return invoice


def events(s, invoice, ce_type):
    return s.sql("billing", "select id, published_at is not null from outbox where type = %s and headers->>'invoice_id' = %s",
                 ce_type, invoice)


def test_a_booking_and_its_cancellation_are_told_of_in_this_order(system):
    appointment = book(system)
    invoice = system.wait_invoice(appointment)
    system.http("POST", f"/appointments/{appointment}/cancel")
    wait_until(lambda: system.http("GET", f"/invoices/{invoice}")[2]["status"] == "VOID", 10, "the cancellation")
    wait_until(lambda: system.sql("billing", "select type from outbox where headers->>'invoice_id' = %s and published_at is not null"
                                             " order by seq", invoice) == [(ISSUED,), (VOIDED,)], 5, "both events, published")


def test_what_is_past_due_is_marked_and_told_once_and_marked_no_more(system):
    invoice = past_due(system)
    assert re.fullmatch(r"overdue: [01]\n", system.medicore("sweep-overdue").stdout)  # the relay may be before it
    assert system.http("GET", f"/invoices/{invoice}")[2]["status"] == "OVERDUE"
    assert system.medicore("sweep-overdue").stdout == "overdue: 0\n"
    wait_until(lambda: [published for _, published in events(system, invoice, OVERDUE)] == [True], 5, "one event, published")


def test_a_relay_marks_what_became_due_while_none_was_there(system):
    system.kill("relay-billing")
    invoice = past_due(system, relayed=False)
    system.again()
    wait_until(lambda: system.http("GET", f"/invoices/{invoice}")[2]["status"] == "OVERDUE", 10, "the mark")
    assert len(events(system, invoice, OVERDUE)) == 1


def kcat(s, *args):
    return subprocess.run(["kcat", "-C", "-b", s.env["MEDICORE_KAFKA"], "-t", TOPIC, "-e", "-q", *args],
                          check=True, stdout=subprocess.PIPE).stdout


def test_invoice_events_go_out_over_kafka_as_the_contract_has_them(system):
    if system.transport != "kafka":
        pytest.skip("no broker")
    invoice = past_due(system)
    system.medicore("sweep-overdue")
    wait_until(lambda: [published for _, published in events(system, invoice, OVERDUE)] == [True], 10, "the event's publication")
    ce_id = events(system, invoice, OVERDUE)[0][0]
    messages = map(json.loads, kcat(system, "-J").decode(errors="replace").splitlines())
    message = next(m for m in messages if ce_id in m["headers"])
    headers = dict(zip(message["headers"][::2], message["headers"][1::2]))
    assert message["key"] == system.patient
    assert (headers["ce_type"], headers["ce_specversion"], headers["ce_source"]) == (OVERDUE, "1.0", "/medicore/billing")
    assert headers["content-type"] == "application/protobuf"
    assert uuid.UUID(headers["ce_id"]) and headers["ce_time"].endswith("Z") and headers["traceparent"].startswith("00-")
    raw = kcat(system, "-p", str(message["partition"]), "-o", str(message["offset"]), "-c", "1", "-D", "", "-f", "%s")
    event = wire.events_pb2.InvoiceChanged.FromString(raw)
    assert (event.invoice_id, event.patient_id, event.status) == (invoice, system.patient, "OVERDUE")
    assert (event.currency, event.amount, event.remaining_amount, event.amount_paid) == ("USD", 8555, 8555, 0)
    stored = system.sql("billing", "select due_date, version, appointment_id::text from invoice where id = %s", invoice)[0]
    assert (event.due_date, event.version, event.appointment_id) == (stored[0].isoformat(), stored[1], stored[2])


def test_topics_have_the_partitions_that_were_asked_for(system):
    if system.transport != "kafka":
        pytest.skip("no broker")
    listing = subprocess.run(["kcat", "-L", "-b", system.env["MEDICORE_KAFKA"], "-t", TOPIC, "-J"], check=True, stdout=subprocess.PIPE)
    topic = next(t for t in json.loads(listing.stdout)["topics"] if t["topic"] == TOPIC)
    assert len(topic["partitions"]) == 6
