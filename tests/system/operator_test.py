"""What the operator sees and mends: medicore check and medicore dead-letters, on a whole system."""
import json
import subprocess
import uuid

import pytest

from medicore import System, wait_until


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up("--no-demo")


@pytest.fixture
def s(system):
    """The system, running and without appointments."""
    system.again()
    wait_until(lambda: system.sql("scheduling", "select count(*) from outbox where published_at is null") == [(0,)], 20,
               "what is still on its way")
    system.sql("billing", "truncate invoice, invoice_line, ledger, invoice_series, inbox, cancelled_appointment, dead_letters, service cascade")
    system.sql("scheduling", "truncate appointment, outbox")
    system.price("GP-1", "85.55")
    return system


def check(s, *flags, status=0):
    done = s.medicore("check", "--json", *flags, check=False)
    assert done.returncode == status, done
    return json.loads(done.stdout)


def counts(s, *flags, status=0):
    """bookings, invoiced, pending, parked, missing, doubled"""
    said = check(s, *flags, status=status)
    return tuple(said[k] for k in ("bookings", "invoiced", "pending", "parked", "missing", "doubled"))


def letters(s):
    return json.loads(s.medicore("dead-letters", "list", "--json").stdout)


def park(s, service):
    """An appointment whose service has no price."""
    a = s.book(s.register()["id"], service)
    wait_until(lambda: s.sql("billing", "select 1 from dead_letters where encode(payload, 'escape') like %s", f"%{a['id']}%"), 20,
               "the dead letter")
    return a["id"]


def cancel(s, appointment_id):
    status, _, body = s.http("POST", f"/appointments/{appointment_id}/cancel", {})
    assert status == 200, body


# --- check ---

def test_invoiced_bookings_are_counted_with_their_money(s):
    for i in range(3):
        s.wait_invoice(s.book(s.register()["id"])["id"])
    s.price("KW", "1.234", "KWD")
    gone = s.book(s.register()["id"], "KW")["id"]
    s.wait_invoice(gone)
    s.wait_invoice(s.book(s.register()["id"], "KW")["id"])
    cancel(s, gone)
    wait_until(lambda: s.sql("billing", "select 1 from invoice where status = 'VOID'"), 20, "the void invoice")
    said = check(s)
    assert said["totals"] == [
        {"currency": "KWD", "invoices": 1, "amount": "1.234", "remainingAmount": "1.234", "void": 1},
        {"currency": "USD", "invoices": 3, "amount": "256.65", "remainingAmount": "256.65", "void": 0}]
    assert counts(s) == (5, 5, 0, 0, 0, 0)
    assert said["books"]["invoices"] == 5 and not any(said["books"]["wrong"].values()) and said["books"]["named"] == []
    text = s.medicore("check").stdout
    assert text.splitlines()[-1].startswith("books of 5 invoices, ")
    assert text.splitlines()[0] == "bookings 5: invoiced 5, pending 0, parked 0, missing 0, doubled 0"
    assert "USD 256.65 in 3 invoices, 256.65 still to pay; 0 void" in text


def test_events_on_their_way_are_pending_until_the_grace_is_over(s):
    s.kill("billing-worker")
    a = s.book(s.register()["id"])
    assert counts(s) == (1, 0, 1, 0, 0, 0)
    # As it is with a broker: published, and not taken yet.
    s.sql("scheduling", "update outbox set published_at = now()")
    assert counts(s) == (1, 0, 1, 0, 0, 0)
    assert counts(s, "--grace", "0", status=1) == (1, 0, 0, 0, 1, 0)
    assert check(s, "--grace", "0", status=1)["missingAppointments"] == [a["id"]]
    assert f"missing: appointment {a['id']}" in s.medicore("check", "--grace", "0", check=False).stdout
    s.sql("scheduling", "update outbox set published_at = null; notify outbox")
    s.again()
    s.wait_invoice(a["id"])
    assert counts(s) == (1, 1, 0, 0, 0, 0)


def test_parked_events_are_counted_also_when_the_outbox_has_forgotten_them(s):
    park(s, "NEW")
    s.wait_invoice(s.book(s.register()["id"])["id"])
    assert counts(s) == (2, 1, 0, 1, 0, 0)
    s.sql("scheduling", "delete from outbox")
    assert counts(s) == (2, 1, 0, 1, 0, 0)


@pytest.mark.parametrize("outbox", ["kept", "purged"])
def test_a_lost_invoice_is_missing(s, outbox):
    a = s.book(s.register()["id"])
    s.wait_invoice(a["id"])
    s.sql("billing", "truncate invoice, invoice_line, ledger cascade")
    if outbox == "purged":
        s.sql("scheduling", "delete from outbox")
    assert counts(s, status=1) == (1, 0, 0, 0, 1, 0)


def test_a_second_invoice_is_seen(s):
    a = s.book(s.register()["id"])
    s.wait_invoice(a["id"])
    s.sql("billing", "alter table invoice drop constraint invoice_appointment_id_key")
    try:
        s.sql("billing", "insert into invoice (id, patient_id, appointment_id, amount, subtotal, remaining_amount, currency)"
              " select gen_random_uuid(), patient_id, appointment_id, 1, 1, 1, 'USD' from invoice")
        assert counts(s, status=1) == (1, 1, 0, 0, 0, 1)
    finally:
        s.sql("billing", "truncate invoice, invoice_line, ledger cascade")
        s.sql("billing", "alter table invoice add constraint invoice_appointment_id_key unique (appointment_id)")


def test_a_cancellation_that_the_invoice_does_not_know_of_is_missing(s):
    a = s.book(s.register()["id"])
    s.wait_invoice(a["id"])
    cancel(s, a["id"])
    wait_until(lambda: s.sql("billing", "select 1 from invoice where status = 'VOID'"), 20, "the void invoice")
    assert counts(s) == (1, 1, 0, 0, 0, 0)
    # As if it had been paid before.  (Its entries say otherwise, which is found too.)
    s.sql("billing", "update invoice set status = 'PAID', amount_paid = amount")
    assert counts(s, status=1) == (1, 1, 0, 0, 0, 0)
    assert [(f["part"], f["why"]) for f in check(s, status=1)["books"]["named"]] == [("invoices", "amountPaid")]
    s.sql("billing", "update invoice set appointment_cancelled = false")
    assert counts(s, status=1) == (1, 0, 0, 0, 1, 0)
    s.sql("billing", "delete from inbox")
    s.sql("scheduling", "update outbox set published_at = null where type like '%%cancelled%%'; notify outbox")
    wait_until(lambda: counts(s, status=1) == (1, 1, 0, 0, 0, 0), 20, "the cancellation")


def test_many_that_do_not_match_are_each_counted_once(s):
    s.kill("relay-scheduling")
    s.sql("scheduling", "insert into appointment (id, patient_id, service_code, starts_at, ends_at, zone)"
          " select gen_random_uuid(), gen_random_uuid(), 'GP-1', now(), now() + interval '1 hour', 'UTC' from generate_series(1, 2500)")
    s.sql("billing", "insert into invoice (id, patient_id, appointment_id, amount, subtotal, remaining_amount, currency)"
          " select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 100, 100, 100, 'USD' from generate_series(1, 3000)")
    ids = s.sql("scheduling", "select id::text from appointment order by id limit 1200")
    s.sql("billing", "insert into invoice (id, patient_id, appointment_id, amount, subtotal, remaining_amount, currency)"
          " select gen_random_uuid(), gen_random_uuid(), a, 100, 100, 100, 'USD' from unnest(%s::uuid[]) a", [i for i, in ids])
    assert counts(s, status=1) == (2500, 1200, 0, 0, 1300, 0)
    assert "missing: 1280 more" in s.medicore("check", check=False).stdout


# --- dead letters ---

def test_a_replay_after_pricing_makes_the_invoice(s):
    code = f"new-{uuid.uuid4()}"
    a = park(s, code)
    (letter,) = letters(s)
    assert letter["reason"] == "no_price" and letter["attempts"] == 1 and letter["type"] == "medicore.appointment.booked.v1"
    assert "no_price" in s.medicore("dead-letters", "list").stdout
    again = s.medicore("dead-letters", "replay", letter["id"], check=False)
    assert again.returncode == 1 and f"{letter['id']}: no_price again, after 2 attempts" in again.stdout
    s.price(code, "10.00")
    done = s.medicore("dead-letters", "replay", letter["id"])
    assert done.stdout == f"{letter['id']}: gone, it has its effect now\n"
    assert s.invoice_of(a) and letters(s) == [] and "no dead letters" in s.medicore("dead-letters", "list").stdout
    assert counts(s) == (1, 1, 0, 0, 0, 0)


def test_all_can_be_replayed_at_once_and_each_says_how_it_ended(s):
    mended, other = f"new-{uuid.uuid4()}", f"new-{uuid.uuid4()}"
    for code in (mended, mended, other):
        park(s, code)
    ids = [letter["id"] for letter in letters(s)]
    s.price(mended, "10.00")
    done = s.medicore("dead-letters", "replay", "--all", check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"{ids[0]}: gone, it has its effect now", f"{ids[1]}: gone, it has its effect now",
                                        f"{ids[2]}: no_price again, after 2 attempts"]
    assert [letter["id"] for letter in letters(s)] == ids[2:]


def test_without_a_worker_a_replay_says_so_and_stays_asked_for(s):
    code = f"new-{uuid.uuid4()}"
    a = park(s, code)
    s.price(code, "10.00")
    s.kill("billing-worker")
    done = s.medicore("dead-letters", "replay", "--all", "--wait", "1", check=False)
    assert done.returncode == 1 and "not tried yet" in done.stdout
    assert "1 not tried within 1 s" in done.stderr and "medicore-billing-worker running" in done.stderr
    assert "(replay asked for)" in s.medicore("dead-letters", "list").stdout
    s.again()
    s.wait_invoice(a)
    assert letters(s) == []


def test_a_replay_need_not_be_waited_for(s):
    park(s, f"new-{uuid.uuid4()}")
    assert s.medicore("dead-letters", "replay", "--all", "--wait", "0").stdout == "asked for: 1\n"


def test_a_dropped_letter_is_gone_and_its_booking_missing(s):
    park(s, f"new-{uuid.uuid4()}")
    (letter,) = letters(s)
    assert s.medicore("dead-letters", "drop", letter["id"]).stdout == f"{letter['id']}: dropped\n"
    assert letters(s) == []
    assert counts(s, status=1) == (1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_a_letter_that_is_not_there_is_named(s, verb):
    done = s.medicore("dead-letters", verb, "999999", check=False)
    assert done.returncode == 1 and "There is no dead letter 999999" in done.stderr


@pytest.mark.parametrize("arguments", [
    [], ["list", "1"], ["replay"], ["replay", "--all", "1"], ["replay", "x"], ["replay", "0"], ["replay", "-1"], ["drop"],
    ["drop", "--all"], ["replay", "1", "--wait", "x"], ["replay", "1", "--wait"], ["purge"],
], ids=" ".join)
def test_wrong_arguments_show_the_usage(s, arguments):
    done = s.medicore("dead-letters", *arguments, check=False)
    assert done.returncode == 2 and "usage: medicore dead-letters" in done.stderr and done.stdout == ""


def test_control_characters_from_outside_do_not_reach_the_terminal(s):
    s.sql("billing", "insert into dead_letters (ce_id, type, topic, payload, reason)"
          " values (E'a\\x1b[31m', E'caf\\u00e9\\u009b1m', 't', '', 'unknown_type')")
    text = subprocess.run([s.tool("medicore"), "--config", str(s.run / "medicore.conf"), "dead-letters", "list"],
                          stdout=subprocess.PIPE, check=True).stdout
    assert b"a?[31m" in text and b"\x1b" not in text and b"\xc2" not in text


def test_with_the_database_away_it_says_what_to_look_at(s):
    s.kill("postgres")
    try:
        for verb in (["check"], ["dead-letters", "list"]):
            done = s.medicore(*verb, check=False)
            assert done.returncode == 1 and "is PostgreSQL up there" in done.stderr and done.stdout == ""
    finally:
        s.again()
