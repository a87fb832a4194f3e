"""Idempotency-Key on every POST that makes something: one effect, and the very same answer each time."""
import concurrent.futures
import json
import uuid

import pytest

import rest
from medicore import sql, wait_until
from rest import assert_error, post, send

MANY = 50


class Kind:
    """A POST that makes something: where, what with, and how many of it there are."""

    def __init__(self, path, body, database, count):
        self.path, self.body, self.database, self.count = path, body, database, count

    def __repr__(self):
        return self.path.strip("/")

    def ask(self, body, key, **headers):
        """body as bytes, so that it is the same to the letter."""
        return send("POST", self.path, json.dumps(body).encode(), {"Idempotency-Key": key, **headers})

    def made(self, body):
        return sql(self.database, self.count[0], body[self.count[1]])[0][0]


KINDS = [
    Kind("/patients", rest.patient, "patient", ("select count(*) from patient where email = %s", "email")),
    Kind("/appointments", lambda: {"patientId": rest.registered()["id"], "serviceCode": "GP-1", "startsAt": "2027-03-01T09:00:00Z",
                                   "durationMinutes": 30},
         "scheduling", ("select count(*) from appointment where patient_id = %s", "patientId")),
    Kind("/invoices", lambda: {"patientId": rest.registered()["id"], "amount": "85.55"},
         "billing", ("select count(*) from invoice where patient_id = %s", "patientId")),
    Kind("/auth", lambda: {"name": "Ada", "email": rest.email(), "password": "correct horse 1 battery", "role": "STAFF"},
         "auth", ("select count(*) from account where email = %s", "email")),
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=repr)


def same(first, again):
    return (again.status, again.raw, again.headers["Location"], again.headers["ETag"]) == (
        first.status, first.raw, first.headers["Location"], first.headers["ETag"])


@kinds
def test_the_same_again_gets_the_same_bytes_and_has_no_effect(kind):
    body, key = kind.body(), str(uuid.uuid4())
    first = kind.ask(body, key, **{"X-Request-Id": "first"})
    again = kind.ask(body, key, **{"X-Request-Id": "again"})
    assert first.status == 201, first
    assert same(first, again), (first, again)
    assert again.headers["X-Request-Id"] == "again" and again.headers["Content-Type"] == first.headers["Content-Type"]
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert kind.made(body) == 1


@kinds
def test_fifty_at_once_with_one_key_have_one_effect_and_equal_answers(kind):
    body, key = kind.body(), str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: kind.ask(body, key), range(MANY)))
    assert answers[0].status == 201, answers[0]
    assert all(same(answers[0], a) for a in answers), {(a.status, a.raw) for a in answers}
    assert sum("Idempotency-Replayed" not in a.headers for a in answers) == 1
    assert kind.made(body) == 1


@kinds
def test_another_body_under_the_key_is_422(kind):
    body, key = kind.body(), str(uuid.uuid4())
    assert kind.ask(body, key).status == 201
    other = kind.body()
    assert_error(kind.ask(other, key), 422, message="This idempotency key was used for another request")
    assert kind.made(other) == 0


@kinds
def test_what_failed_does_not_use_the_key_up(kind):
    body, key = kind.body(), str(uuid.uuid4())
    assert kind.ask({**body, "nonsense": 1}, key).status == 400
    assert kind.ask(body, key).status == 201
    assert kind.made(body) == 1


@kinds
@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"], ids=rest.short)
def test_keys_that_are_none_are_refused(kind, key):
    body = kind.body()
    assert_error(kind.ask(body, key.encode("latin-1")), 400, ["Idempotency-Key"])
    assert kind.made(body) == 0


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


def test_a_password_can_not_be_tried_out_on_what_is_kept():
    kind = KINDS[3]
    body, key = kind.body(), str(uuid.uuid4())
    assert kind.ask(body, key).status == 201
    rows = sql("auth", "select key, fingerprint, headers, body from kept_answer where thing = (select id::text from account where email = %s)",
               body["email"])
    assert len(rows) == 1
    assert not any(word.encode() in bytes(str(rows), "utf-8") for word in (key, body["password"]))
