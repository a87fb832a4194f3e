"""Idempotency-Key on every POST that makes something: one effect, and the very same answer each time."""
import concurrent.futures
import json
import uuid

import pytest

import rest
from medicore import sql, wait_until
from rest import assert_error, post, send

MANY = 50


class Thing:
    """What a POST is to make: where, what with, and how many of it there are."""

    def __init__(self, path, body, database, count, *whose):
        self.path, self.body, self.database, self.count, self.whose = path, body, database, count, whose

    def ask(self, key, body=None, **headers):
        """As bytes, so that it is the same to the letter."""
        return send("POST", self.path, json.dumps(body or self.body).encode(), {"Idempotency-Key": key, **headers})

    def made(self):
        return sql(self.database, f"select count(*) from {self.count} = %s", *self.whose)[0][0]


def patient():
    body = rest.patient()
    return Thing("/patients", body, "patient", "patient where email", body["email"])


def appointment():
    whose = rest.registered()["id"]
    return Thing("/appointments", {"patientId": whose, "serviceCode": "GP-1", "startsAt": "2027-03-01T09:00:00Z", "durationMinutes": 30},
                 "scheduling", "appointment where patient_id", whose)


def invoice():
    whose = rest.registered()["id"]
    return Thing("/invoices", {"patientId": whose, "amount": "85.55"}, "billing", "invoice where patient_id", whose)


def account():
    email = rest.email()
    return Thing("/auth", {"name": "Ada", "email": email, "password": "correct horse 1 battery", "role": "STAFF"},
                 "auth", "account where email", email)


def issued():
    answer = post("/invoices", {"patientId": rest.registered()["id"], "amount": "85.55"})
    assert answer.status == 201, answer
    return answer.json["id"]


def payment():
    of = issued()
    return Thing(f"/invoices/{of}/payments", {"amount": "1.00", "method": "CASH"}, "billing", "payment where invoice_id", of)


def credit_note():
    of = issued()
    return Thing(f"/invoices/{of}/credit-notes", {"amount": "1.00", "reason": "A kindness"}, "billing", "credit_note where invoice_id", of)


def refund():
    paid = post(f"/invoices/{issued()}/payments", {"amount": "85.55", "method": "CARD"})
    assert paid.status == 201, paid
    of = paid.json["id"]
    return Thing(f"/payments/{of}/refunds", {"amount": "1.00", "reason": "Paid twice"}, "billing", "refund where payment_id", of)


kinds = pytest.mark.parametrize("kind", [patient, appointment, invoice, account, payment, credit_note, refund], ids=lambda k: k.__name__)


def same(first, again):
    return (again.status, again.raw, again.headers["Location"], again.headers.get("ETag")) == (
        first.status, first.raw, first.headers["Location"], first.headers.get("ETag"))


@kinds
def test_the_same_again_gets_the_same_bytes_and_has_no_effect(kind):
    thing, key = kind(), str(uuid.uuid4())
    first = thing.ask(key, **{"X-Request-Id": "first"})
    again = thing.ask(key, **{"X-Request-Id": "again"})
    assert first.status == 201, first
    assert same(first, again), (first, again)
    assert again.headers["X-Request-Id"] == "again" and again.headers["Content-Type"] == first.headers["Content-Type"]
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert thing.made() == 1


@kinds
def test_fifty_at_once_with_one_key_have_one_effect_and_equal_answers(kind):
    thing, key = kind(), str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: thing.ask(key), range(MANY)))
    assert answers[0].status == 201, answers[0]
    assert all(same(answers[0], a) for a in answers), {(a.status, a.raw) for a in answers}
    assert sum("Idempotency-Replayed" not in a.headers for a in answers) == 1
    assert thing.made() == 1


@kinds
def test_another_body_or_path_under_the_key_is_422(kind):
    thing, other, key = kind(), kind(), str(uuid.uuid4())
    assert thing.ask(key).status == 201
    assert_error(other.ask(key), 422, message="This idempotency key was used for another request")
    assert_error(thing.ask(key, {**thing.body, "more": "x"}), 422, message="This idempotency key was used for another request")
    assert (thing.made(), other.made()) == (1, 0)


@kinds
def test_what_failed_does_not_use_the_key_up(kind):
    thing, key = kind(), str(uuid.uuid4())
    assert thing.ask(key, {**thing.body, "nonsense": 1}).status == 400
    assert thing.ask(key).status == 201
    assert thing.made() == 1


@kinds
@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"], ids=rest.short)
def test_keys_that_are_none_are_refused(kind, key):
    thing = kind()
    assert_error(thing.ask(key.encode("latin-1")), 400, ["Idempotency-Key"])
    assert thing.made() == 0


def test_a_key_is_an_accounts_and_a_routes_own():
    key, patient_id = str(uuid.uuid4()), rest.registered()["id"]
    body = {"patientId": patient_id, "amount": "1.00"}
    mine = post("/invoices", body, Idempotency_Key=key)
    other = send("POST", "/invoices", body, {"Idempotency-Key": key, **rest.bearer("BILLING")})
    assert mine.status == other.status == 201 and mine.json["id"] != other.json["id"]
    assert post("/patients", rest.patient(), Idempotency_Key=key).status == 201


def test_a_replay_tells_the_thing_as_it_was_made_not_as_it_is():
    body, key = rest.patient(), str(uuid.uuid4())
    first = post("/patients", body, Idempotency_Key=key)
    assert rest.patch(f"/patients/{first.json['id']}", {"name": "Another"}).status == 200
    assert same(first, post("/patients", body, Idempotency_Key=key))


def test_a_replay_is_in_the_audit_trail_with_whom_it_tells_of():
    body, key = rest.patient(), str(uuid.uuid4())
    made = post("/patients", body, Idempotency_Key=key).json["id"]
    again = send("POST", "/patients", body, {"Idempotency-Key": key, "X-Request-Id": f"replay-{key}"})
    assert again.status == 201
    wait_until(lambda: sql("patient", "select patient_id::text, thing, result, count from audit where request_id = %s", f"replay-{key}")
               == [(made, made, "ok", 1)], 10, "the trail's entry")


def test_neither_key_nor_password_is_in_what_is_kept():
    thing, key = account(), str(uuid.uuid4())
    assert thing.ask(key).status == 201
    [row] = sql("auth", "select key, fingerprint, headers, body from kept_answer where thing = (select id::text from account where email = %s)",
                thing.body["email"])
    kept = b" ".join(column.encode() if isinstance(column, str) else bytes(column) for column in row)
    assert thing.body["email"].encode() in kept
    assert key.encode() not in kept and thing.body["password"].encode() not in kept
