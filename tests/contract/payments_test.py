"""Payments, refunds, bounces, credit, credit notes, voids and write-offs by REST."""
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

import rest
from medicore import sql
from rest import UUID, assert_error, get, post, registered, send

OVERDUE = "2020-02-29"


@pytest.fixture()
def patient_id():
    return registered()["id"]


def invoice(patient_id, amount="100.00", **members):
    answer = post("/invoices", {"patientId": patient_id, "amount": amount, **members})
    assert answer.status == 201, answer
    return answer.json["id"]


def pay(invoice_id, amount, method="CASH", **members):
    return post(f"/invoices/{invoice_id}/payments", {"amount": amount, "method": method, **members})


def paid(invoice_id, amount, method="CASH", **members):
    answer = pay(invoice_id, amount, method, **members)
    assert answer.status == 201, answer
    return answer.json


def state(invoice_id):
    found = get(f"/invoices/{invoice_id}").json
    return found["status"], found["remainingAmount"]


def ledger(invoice_id):
    """What the ledger says of an invoice, by account, in smallest units."""
    rows = sql("billing", f"select account, sum(amount) from ledger where invoice_id = '{invoice_id}' group by account order by account")
    return {account: int(total) for account, total in rows}


def act(invoice_id, action, **headers):
    return post(f"/invoices/{invoice_id}/{action}", None, **headers)


# --- paying ---

def test_a_payment_is_there_with_its_invoice_after_it(patient_id):
    of = invoice(patient_id)
    answer = pay(of, "40.00", "CARD", reference="slip 17", receivedAt="2026-11-01T10:00:00+01:00")
    assert answer.status == 201, answer
    made = answer.json
    assert UUID.match(made["id"]) and answer.headers["Location"].endswith(f"/payments/{made['id']}")
    assert {k: made[k] for k in made if k != "id"} == {
        "invoiceId": of, "patientId": patient_id, "amount": "40.00", "credited": "0.00", "amountRefunded": "0.00", "currency": "USD",
        "method": "CARD", "reference": "slip 17", "status": "RECEIVED", "receivedAt": "2026-11-01T09:00:00Z",
        "invoiceStatus": "PARTIALLY_PAID", "remainingAmount": "60.00"}
    found = get(f"/payments/{made['id']}")
    assert found.status == 200 and found.headers["ETag"] == answer.headers["ETag"]
    assert found.json == {**made, "invoiceStatus": None, "remainingAmount": None}
    assert paid(of, "60.00")["invoiceStatus"] == "PAID" and state(of) == ("PAID", "0.00")
    assert [p["amount"] for p in get(f"/invoices/{of}/payments").json] == ["40.00", "60.00"]
    assert ledger(of) == {"CARD": 4000, "CASH": 6000, "RECEIVABLE": 0, "REVENUE": -10000}


@pytest.mark.parametrize("members, blamed", [
    ({"amount": "0"}, "amount"), ({"amount": "0.00"}, "amount"), ({"amount": "-5"}, "amount"), ({"amount": "1.234"}, "amount"),
    ({"amount": 5}, "amount"), ({"amount": None}, "amount"), ({"amount": "9" * 19}, "amount"),
    ({"method": "BARTER"}, "method"), ({"method": "IMPORTED"}, "method"), ({"method": None}, "method"), ({"method": "cash"}, "method"),
    ({"currency": "JPY", "amount": "10"}, "currency"), ({"currency": "XXX"}, "currency"),
    ({"receivedAt": "2099-01-01T00:00:00Z"}, "receivedAt"), ({"receivedAt": "2026-11-01"}, "receivedAt"),
    ({"overpayment": "keep"}, "overpayment"), ({"reference": "x" * 256}, "reference"), ({"tip": "1.00"}, "tip"),
])
def test_what_is_wrong_is_named_and_nothing_is_booked(patient_id, members, blamed):
    of = invoice(patient_id)
    body = {k: v for k, v in {"amount": "10.00", "method": "CASH", **members}.items() if v is not None}
    assert_error(post(f"/invoices/{of}/payments", body), 400, [blamed])
    assert state(of) == ("ISSUED", "100.00")


def test_unknown_ones_are_404():
    nobody = uuid.uuid4()
    assert_error(pay(nobody, "1.00"), 404)
    for path in (f"/payments/{nobody}", f"/payments/{nobody}/refunds", f"/invoices/{nobody}/payments", f"/invoices/{nobody}/credit-notes"):
        assert_error(get(path), 404)
    for path in (f"/payments/{nobody}/reverse", f"/invoices/{nobody}/void", f"/invoices/{nobody}/write-off", f"/invoices/{nobody}/issue"):
        assert_error(post(path), 404)


@pytest.mark.parametrize("currency, amount, part, rest_of_it", [
    ("USD", "0.30", "0.10", "0.20"), ("JPY", "9223372036854775807", "1", "9223372036854775806"), ("JPY", "1000", "1", "999"),
    ("KWD", "1.234", "0.001", "1.233"), ("USD", "92233720368547758.07", "0.01", "92233720368547758.06"),
])
def test_parts_are_exact_in_every_currency(patient_id, currency, amount, part, rest_of_it):
    of = invoice(patient_id, amount, currency=currency)
    assert paid(of, part, currency=currency)["remainingAmount"] == rest_of_it
    assert paid(of, rest_of_it, currency=currency)["invoiceStatus"] == "PAID"


def test_nothing_is_owed_on_an_invoice_of_nothing(patient_id):
    of = invoice(patient_id, "0.00", dueDate=OVERDUE)
    assert state(of) == ("ISSUED", "0.00")
    assert_error(pay(of, "0.01"), 409)
    assert_error(pay(of, "0.01", overpayment="credit"), 409)
    assert act(of, "void").json["status"] == "VOID"


# --- credit ---

def test_more_than_is_owed_is_refused_or_becomes_credit_which_pays(patient_id):
    first, second = invoice(patient_id), invoice(patient_id, "30.00")
    refused = assert_error(pay(first, "120.00"), 409)
    assert refused["message"] == "Only 100.00 USD is owed"
    made = paid(first, "120.00", overpayment="credit")
    assert (made["credited"], made["invoiceStatus"], made["remainingAmount"]) == ("20.00", "PAID", "0.00")
    assert_error(pay(second, "25.00", "CREDIT"), 409)
    assert paid(second, "15.00", "CREDIT")["remainingAmount"] == "15.00"
    # Its credit was used, so it can't bounce before what it paid does.
    assert_error(post(f"/payments/{made['id']}/reverse"), 409)
    credit_payment = get(f"/invoices/{second}/payments").json[0]
    assert post(f"/payments/{credit_payment['id']}/reverse").json["invoiceStatus"] == "ISSUED"
    assert post(f"/payments/{made['id']}/reverse").json["invoiceStatus"] == "ISSUED"
    assert state(first) == ("ISSUED", "100.00") and state(second) == ("ISSUED", "30.00")
    assert sql("billing", f"select amount from patient_credit where patient_id = '{patient_id}'") == [(0,)]


# --- back ---

def test_a_payment_that_bounces_opens_its_invoice_again_once(patient_id):
    of = invoice(patient_id)
    part, whole = paid(of, "30.00", "CHEQUE"), paid(of, "70.00", "CHEQUE")
    first = post(f"/payments/{whole['id']}/reverse", None, If_Match='"1"')
    assert first.status == 200 and first.json["status"] == "BOUNCED" and state(of) == ("PARTIALLY_PAID", "70.00")
    again = post(f"/payments/{whole['id']}/reverse", None, If_Match='"1"')
    assert again.status == 200 and again.json == first.json
    assert_error(post(f"/payments/{part['id']}/reverse", None, If_Match='"9"'), 412)
    assert post(f"/payments/{part['id']}/reverse").status == 200 and state(of) == ("ISSUED", "100.00")
    assert ledger(of) == {"CHEQUE": 0, "RECEIVABLE": 10000, "REVENUE": -10000}


def test_a_bounce_of_what_is_past_due_is_overdue(patient_id):
    of = invoice(patient_id, dueDate=OVERDUE)
    payment = paid(of, "100.00")
    assert post(f"/payments/{payment['id']}/reverse").json["invoiceStatus"] == "OVERDUE"


def test_refunds_leave_it_paid_until_all_was_given_back(patient_id):
    of = invoice(patient_id)
    payment = paid(of, "100.00", "CARD")
    path = f"/payments/{payment['id']}/refunds"
    refund = post(path, {"amount": "99.99", "reason": "moved away"})
    assert refund.status == 201 and refund.json["invoiceStatus"] == "PAID", refund
    found = get(f"/invoices/{of}").json
    assert (found["status"], found["remainingAmount"], found["amountRefunded"]) == ("PAID", "0.00", "99.99")
    assert_error(post(path, {"amount": "0.02", "reason": "more"}), 409)
    assert_error(post(f"/payments/{payment['id']}/reverse"), 409)
    assert post(path, {"amount": "0.01", "reason": "the rest"}).json["invoiceStatus"] == "REFUNDED"
    assert state(of) == ("REFUNDED", "0.00")
    assert [r["reason"] for r in get(path).json] == ["moved away", "the rest"]
    assert ledger(of) == {"CARD": 0, "RECEIVABLE": 0, "REVENUE": 0}
    assert_error(post(path, {"amount": "1.00"}), 400, ["reason"])


def test_a_refund_needs_an_invoice_that_is_paid(patient_id):
    of = invoice(patient_id)
    payment = paid(of, "10.00")
    assert_error(post(f"/payments/{payment['id']}/refunds", {"amount": "1.00", "reason": "r"}), 409)


# --- corrections ---

def test_void_is_for_what_nobody_paid(patient_id):
    of, part = invoice(patient_id), invoice(patient_id)
    assert act(of, "void").json["status"] == "VOID" and state(of) == ("VOID", "0.00")
    assert act(of, "void").status == 200  # again
    assert ledger(of) == {"RECEIVABLE": 0, "REVENUE": 0}
    refused = assert_error(pay(of, "1.00"), 409)
    assert refused["message"] == "The invoice is VOID, which is final"
    paid(part, "1.00")
    refused = assert_error(act(part, "void"), 409)
    assert "PARTIALLY_PAID" in refused["message"] and "UNCOLLECTIBLE" in refused["message"]
    assert_error(act(part, "void", If_Match='"1"'), 412)


def test_what_is_written_off_may_still_come_in(patient_id):
    of = invoice(patient_id)
    paid(of, "40.00")
    assert act(of, "write-off").json["status"] == "UNCOLLECTIBLE" and state(of) == ("UNCOLLECTIBLE", "60.00")
    assert ledger(of) == {"CASH": 4000, "RECEIVABLE": 0, "REVENUE": -10000, "WRITE_OFF": 6000}
    assert paid(of, "10.00")["invoiceStatus"] == "UNCOLLECTIBLE"
    assert paid(of, "50.00")["invoiceStatus"] == "PAID"
    assert ledger(of) == {"CASH": 10000, "RECEIVABLE": 0, "REVENUE": -10000, "WRITE_OFF": 0}


@pytest.mark.parametrize("before, ends", [(None, "VOID"), ("25.00", "PAID")])
def test_credit_notes_lower_what_is_owed(patient_id, before, ends):
    of = invoice(patient_id)
    if before:
        paid(of, before)
    left = "75.00" if before else "100.00"
    path = f"/invoices/{of}/credit-notes"
    assert_error(post(path, {"amount": "100.01", "reason": "too much"}), 409)
    note = post(path, {"amount": "5.00", "reason": "goodwill"})
    assert note.status == 201 and float(note.json["remainingAmount"]) == float(left) - 5, note
    last = post(path, {"amount": f"{float(left) - 5:.2f}", "reason": "all of it"})
    assert last.json["invoiceStatus"] == ends and state(of) == (ends, "0.00")
    assert [n["reason"] for n in get(path).json] == ["goodwill", "all of it"]


# --- at once ---

def together(count, do):
    """What do(n) gives, for count of them begun at the same moment."""
    barrier = threading.Barrier(count)

    def one(n):
        barrier.wait()
        return do(n)
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_fifty_payments_at_once_never_overpay(patient_id):
    of = invoice(patient_id, "100.00")
    answers = together(50, lambda n: pay(of, f"{3 + n % 5}.00"))
    assert {a.status for a in answers} <= {201, 409}, [a for a in answers if a.status not in (201, 409)][:1]
    accepted = sum(int(a.json["amount"].replace(".", "")) for a in answers if a.status == 201)
    assert accepted <= 10000
    booked = ledger(of)
    assert booked["CASH"] == accepted and booked["RECEIVABLE"] == 10000 - accepted
    assert state(of)[1] == f"{(10000 - accepted) / 100:.2f}"
    # All that were refused were more than was left then, so less is left than the smallest of them.
    assert any(a.status == 409 for a in answers) and 10000 - accepted < 700


def test_fifty_requests_with_one_key_pay_once(patient_id):
    of = invoice(patient_id)
    key = str(uuid.uuid4())
    answers = together(50, lambda n: send("POST", f"/invoices/{of}/payments", {"amount": "10.00", "method": "CASH"},
                                          {"Idempotency-Key": key}))
    assert {a.status for a in answers} == {201}, answers[0]
    assert len({a.raw for a in answers}) == 1
    assert state(of) == ("PARTIALLY_PAID", "90.00")


def test_credit_is_not_spent_twice(patient_id):
    first = invoice(patient_id, "1.00")
    paid(first, "51.00", overpayment="credit")
    others = [invoice(patient_id, "10.00") for _ in range(20)]
    answers = together(20, lambda n: pay(others[n], "10.00", "CREDIT"))
    assert sorted(a.status for a in answers) == [201] * 5 + [409] * 15


# --- who may ---

def test_the_front_desk_takes_money_and_billing_gives_it_back(patient_id):
    of = invoice(patient_id)
    desk, office = rest.bearer("STAFF"), rest.bearer("BILLING")
    payment = send("POST", f"/invoices/{of}/payments", {"amount": "100.00", "method": "CASH"}, desk)
    assert payment.status == 201
    path = f"/payments/{payment.json['id']}/refunds"
    assert_error(send("POST", path, {"amount": "1.00", "reason": "r"}, desk), 403)
    assert send("POST", path, {"amount": "1.00", "reason": "r"}, office).status == 201
    assert_error(send("POST", f"/invoices/{of}/void", None, desk), 403)
