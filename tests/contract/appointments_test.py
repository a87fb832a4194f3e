"""/appointments by REST: booking, its rules, collisions, lists and cancelling."""
import datetime
import json
import re
import threading
import uuid

import pytest

import rest
from medicore import sql
from rest import UUID, assert_error, follow, get, next_link, post, query, registered, send, short

MEMBERS = {"id", "patientId", "providerId", "serviceCode", "status", "startsAt", "endsAt", "zone", "cancelReason"}


@pytest.fixture(scope="module")
def patient_id():
    return registered()["id"]


def provider():
    return str(uuid.uuid4())


def asked(patient_id, **members):
    """What POST /appointments takes; a member given as None is left out."""
    given = {"patientId": patient_id, "serviceCode": "162673000", "startsAt": "2027-03-01T10:00:00Z", "durationMinutes": 30,
             **members}
    return {k: v for k, v in given.items() if v is not None}


def book(patient_id, **members):
    return post("/appointments", asked(patient_id, **members))


def booked(patient_id, **members):
    answer = book(patient_id, **members)
    assert answer.status == 201, answer
    return answer.json


def outbox(appointment_id):
    """Type, key and headers of the events of an appointment, oldest first."""
    return sql("scheduling", "select type, aggregateid, headers, aggregatetype, id::text from outbox"
               " where headers->>'appointment_id' = %s order by seq", appointment_id)


# --- booking ---

def test_booking_comes_back_with_id_location_and_etag(patient_id):
    who = provider()
    answer = book(patient_id, providerId=who, zone="Europe/Berlin")
    assert answer.status == 201, answer
    made = answer.json
    assert UUID.match(made["id"]) and set(made) == MEMBERS
    assert made == {"id": made["id"], "patientId": patient_id, "providerId": who, "serviceCode": "162673000",
                    "status": "BOOKED", "startsAt": "2027-03-01T10:00:00Z", "endsAt": "2027-03-01T10:30:00Z",
                    "zone": "Europe/Berlin", "cancelReason": None}
    assert answer.headers["Location"].endswith(f"/appointments/{made['id']}")
    assert answer.headers["ETag"] == '"1"'
    again = get(f"/appointments/{made['id'].upper()}")
    assert again.status == 200 and again.json == made and again.headers["ETag"] == '"1"'
    assert again.headers["Cache-Control"] == "no-store"


def test_end_may_be_given_instead_of_the_duration(patient_id):
    made = booked(patient_id, durationMinutes=None, endsAt="2027-03-01T12:00:00.25+01:00")
    assert made["endsAt"] == "2027-03-01T11:00:00.25Z"


def test_without_provider_nothing_collides_and_the_zone_is_the_clinics(patient_id):
    one, two = booked(patient_id), booked(patient_id)
    assert one["providerId"] is None and one["zone"] == two["zone"] and one["zone"]
    assert one["id"] != two["id"]


def test_the_past_is_allowed(patient_id):
    assert booked(patient_id, startsAt="1999-12-31T23:50:00Z")["endsAt"] == "2000-01-01T00:20:00Z"


def test_times_are_taken_with_any_offset_and_given_in_utc(patient_id):
    made = booked(patient_id, startsAt="2027-03-01T00:15:00+05:45", durationMinutes=1)
    assert (made["startsAt"], made["endsAt"]) == ("2027-02-28T18:30:00Z", "2027-02-28T18:31:00Z")


def test_longest_appointment_lasts_366_days(patient_id):
    assert booked(patient_id, durationMinutes=366 * 24 * 60)["endsAt"] == "2028-03-01T10:00:00Z"
    assert booked(patient_id, durationMinutes=None, endsAt="2028-03-01T10:00:00Z")["endsAt"] == "2028-03-01T10:00:00Z"


def test_service_that_billing_does_not_know_is_accepted(patient_id):
    code = f"new-{uuid.uuid4()}"
    assert booked(patient_id, serviceCode=code)["serviceCode"] == code


def test_unknown_patient_is_404_naming_the_field():
    nobody = str(uuid.uuid4())
    assert_error(book(nobody), 404, {"patientId": f"Patient with the id {nobody} doesn't exist"})


def test_deleted_patient_is_unknown():
    gone = registered()["id"]
    assert rest.delete(f"/patients/{gone}").status == 204
    assert_error(book(gone), 404, ["patientId"])


@pytest.mark.parametrize("members, fields", [
    ({"durationMinutes": None}, ["endsAt"]),
    ({"endsAt": "2027-03-01T10:30:00Z"}, ["durationMinutes"]),
    ({"durationMinutes": None, "endsAt": "2027-03-01T10:00:00Z"}, ["endsAt"]),
    ({"durationMinutes": None, "endsAt": "2027-03-01T09:59:59Z"}, ["endsAt"]),
    ({"durationMinutes": None, "endsAt": "2028-03-01T10:00:00.000001Z"}, ["endsAt"]),
    ({"durationMinutes": 0}, ["durationMinutes"]),
    ({"durationMinutes": -1}, ["durationMinutes"]),
    ({"durationMinutes": 366 * 24 * 60 + 1}, ["durationMinutes"]),
    ({"durationMinutes": 2 ** 63}, ["durationMinutes"]),
    ({"durationMinutes": 10 ** 30}, ["durationMinutes"]),
    ({"durationMinutes": "30"}, ["durationMinutes"]),
    ({"durationMinutes": "12abc"}, ["durationMinutes"]),
    ({"durationMinutes": 1.5}, ["durationMinutes"]),
    ({"durationMinutes": True}, ["durationMinutes"]),
    ({"startsAt": "9999-12-31T23:59:00Z"}, ["durationMinutes"]),
    ({"startsAt": "2027-03-01T10:00:00"}, ["startsAt"]),
    ({"startsAt": "2027-03-01"}, ["startsAt"]),
    ({"startsAt": "2027-02-29T10:00:00Z"}, ["startsAt"]),
    ({"startsAt": "2027-03-01T24:00:00Z"}, ["startsAt"]),
    ({"startsAt": "2027-03-01T10:00:60Z"}, ["startsAt"]),
    ({"startsAt": "2027-03-01T10:00:00.1234567Z"}, ["startsAt"]),
    ({"startsAt": "9999-12-31T23:59:00-01:00"}, ["startsAt"]),
    ({"startsAt": "infinity"}, ["startsAt"]),
    ({"startsAt": 1800000000}, ["startsAt"]),
    ({"startsAt": None}, ["startsAt"]),
    ({"patientId": None}, ["patientId"]),
    ({"patientId": "1-1-1-1-1"}, ["patientId"]),
    ({"patientId": ""}, ["patientId"]),
    ({"serviceCode": None}, ["serviceCode"]),
    ({"serviceCode": ""}, ["serviceCode"]),
    ({"serviceCode": "a b"}, ["serviceCode"]),
    ({"serviceCode": "x" * 65}, ["serviceCode"]),
    ({"serviceCode": "é"}, ["serviceCode"]),
    ({"serviceCode": 162673000}, ["serviceCode"]),
    ({"providerId": "somebody"}, ["providerId"]),
    ({"providerId": ""}, ["providerId"]),
    ({"zone": "Berlin"}, ["zone"]),
    ({"zone": "../../etc/passwd"}, ["zone"]),
    ({"zone": "Europe"}, ["zone"]),
    ({"zone": ""}, ["zone"]),
    ({"id": str(uuid.uuid4())}, ["id"]),
    ({"status": "CANCELLED"}, ["status"]),
    ({"cancelReason": "why"}, ["cancelReason"]),
    ({"starts_at": "2027-03-01T10:00:00Z"}, ["starts_at"]),
    ({"startsAt": "x", "zone": "x", "providerId": "x"}, ["startsAt", "zone", "providerId"]),
], ids=short)
def test_bad_booking_is_400_naming_the_field(patient_id, members, fields):
    assert_error(book(patient_id, **members), 400, fields)


def test_required_members_are_all_named():
    assert_error(post("/appointments", {}), 400, ["patientId", "serviceCode", "startsAt"])


@pytest.mark.parametrize("why, value", rest.BAD_VALUES, ids=[why for why, _ in rest.BAD_VALUES])
def test_malformed_json_is_400(patient_id, why, value):
    answer = post("/appointments", rest.with_value(asked(patient_id), "serviceCode", value))
    assert answer.status == 400 and set(answer.errors) <= {"serviceCode", "body"} and answer.errors, answer


@pytest.mark.parametrize("value", [b"1.", b"NaN", b"0x10", b"030", b"+30", b"1e2", b"3O", b"99999999999999999999"])
def test_number_that_is_none_is_400(patient_id, value):
    answer = post("/appointments", rest.with_value(asked(patient_id), "durationMinutes", value))
    assert answer.status == 400 and set(answer.errors) <= {"durationMinutes", "body"} and answer.errors, answer


def test_duplicated_key_is_400_naming_it(patient_id):
    body = json.dumps(asked(patient_id)).encode()
    assert_error(post("/appointments", body[:-1] + b',"durationMinutes":31}'), 400, ["durationMinutes"])


# --- collisions ---

def test_taken_provider_is_409_saying_from_when_to_when(patient_id):
    who = provider()
    booked(patient_id, providerId=who, startsAt="2027-05-01T10:00:00Z", durationMinutes=60)
    for start, minutes in (("2027-05-01T10:00:00Z", 60), ("2027-05-01T10:59:59Z", 1), ("2027-05-01T09:00:00Z", 61),
                           ("2027-05-01T10:20:00Z", 5), ("2027-05-01T09:00:00Z", 600)):
        message = f"Provider {who} is already booked from 2027-05-01T10:00:00Z to 2027-05-01T11:00:00Z"
        assert_error(book(patient_id, providerId=who, startsAt=start, durationMinutes=minutes), 409, {"startsAt": message},
                     message)


def test_first_of_several_collisions_is_told(patient_id):
    who = provider()
    for hour in (14, 12, 13):
        booked(patient_id, providerId=who, startsAt=f"2027-05-01T{hour}:00:00Z", durationMinutes=60)
    answer = book(patient_id, providerId=who, startsAt="2027-05-01T12:30:00Z", durationMinutes=120)
    assert_error(answer, 409, {"startsAt": f"Provider {who} is already booked from 2027-05-01T12:00:00Z to 2027-05-01T13:00:00Z"})


def test_touching_appointments_do_not_collide(patient_id):
    who = provider()
    for start in ("2027-05-02T10:00:00Z", "2027-05-02T10:30:00Z", "2027-05-02T09:30:00Z"):
        assert booked(patient_id, providerId=who, startsAt=start)["status"] == "BOOKED"


def test_another_provider_does_not_collide(patient_id):
    assert booked(patient_id, providerId=provider())["startsAt"] == booked(patient_id, providerId=provider())["startsAt"]


def test_of_racing_bookings_of_one_provider_exactly_one_wins(patient_id):
    who, barrier, answers = provider(), threading.Barrier(16), []

    def work(i):
        barrier.wait()
        answers.append(book(patient_id, providerId=who, startsAt=f"2027-05-03T10:{i:02}:00Z"))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(a.status for a in answers) == [201] + [409] * 15
    won = next(a.json for a in answers if a.status == 201)
    assert {a.errors["startsAt"] for a in answers if a.status == 409} == {
        f"Provider {who} is already booked from {won['startsAt']} to {won['endsAt']}"}


def test_cancelled_appointment_collides_with_nothing(patient_id):
    who = provider()
    first = booked(patient_id, providerId=who)
    assert book(patient_id, providerId=who).status == 409
    assert post(f"/appointments/{first['id']}/cancel").status == 200
    second = booked(patient_id, providerId=who)
    assert_error(book(patient_id, providerId=who), 409, ["startsAt"])
    assert second["id"] != first["id"]


# --- cancelling ---

def test_cancelling_with_a_reason(patient_id):
    made = booked(patient_id)
    answer = post(f"/appointments/{made['id']}/cancel", {"reason": "Patient is ill – 'flu'"})
    assert answer.status == 200, answer
    assert answer.json == {**made, "status": "CANCELLED", "cancelReason": "Patient is ill – 'flu'"}
    assert answer.headers["ETag"] == '"2"'
    assert get(f"/appointments/{made['id']}").json == answer.json


@pytest.mark.parametrize("body", [None, {}, {"reason": None}], ids=["no body", "empty object", "null"])
def test_cancelling_without_a_reason(patient_id, body):
    made = booked(patient_id)
    answer = post(f"/appointments/{made['id']}/cancel", body)
    assert answer.status == 200 and answer.json == {**made, "status": "CANCELLED"}


def test_cancelling_without_saying_that_there_is_no_body(patient_id):
    made = booked(patient_id)
    answer = send("POST", f"/appointments/{made['id']}/cancel", headers={"Content-Length": None})
    assert answer.status in (200, 411), "lighttpd insists on Content-Length"
    status = get(f"/appointments/{made['id']}").json["status"]
    assert status == ("CANCELLED" if answer.status == 200 else "BOOKED")


def test_cancelling_again_changes_nothing_and_answers_the_same(patient_id):
    path = f"/appointments/{booked(patient_id)['id']}/cancel"
    first = post(path, {"reason": "one"}, If_Match='"1"')
    assert first.status == 200
    for again in (post(path, {"reason": "two"}), post(path), post(path, {"reason": "one"}, If_Match='"1"')):
        assert (again.status, again.raw, again.headers["ETag"]) == (200, first.raw, '"2"')


def test_racing_cancellations_make_one_event(patient_id):
    made, barrier, answers = booked(patient_id), threading.Barrier(8), []

    def work(i):
        barrier.wait()
        answers.append(post(f"/appointments/{made['id']}/cancel", {"reason": f"reason {i}"}))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert {a.status for a in answers} == {200} and len({a.raw for a in answers}) == 1
    assert [row[0] for row in outbox(made["id"])] == ["medicore.appointment.booked.v1", "medicore.appointment.cancelled.v1"]


def test_cancelling_with_a_stale_version_is_412(patient_id):
    made = booked(patient_id)
    for tag in ('"2"', '"9"', '"x"'):
        assert_error(post(f"/appointments/{made['id']}/cancel", If_Match=tag), 412)
    assert get(f"/appointments/{made['id']}").json == made
    assert post(f"/appointments/{made['id']}/cancel", If_Match='"1"').status == 200
    assert_error(post(f"/appointments/{made['id']}/cancel", If_Match='"7"'), 412)


@pytest.mark.parametrize("body, fields", [
    ({"reason": "x" * 256}, ["reason"]), ({"reason": 5}, ["reason"]), ({"why": "x"}, ["why"]), (b'{"reason":"a\\u0000b"}', ["reason"]),
    (b"[]", ["body"]), (b"{", ["body"]),
], ids=short)
def test_bad_body_of_a_cancellation_is_400_and_cancels_nothing(patient_id, body, fields):
    made = booked(patient_id)
    assert_error(post(f"/appointments/{made['id']}/cancel", body), 400, fields)
    assert get(f"/appointments/{made['id']}").json["status"] == "BOOKED"


def test_unknown_appointment_is_404_and_no_uuid_is_400():
    nothing = str(uuid.uuid4())
    for answer in (get(f"/appointments/{nothing}"), post(f"/appointments/{nothing}/cancel")):
        assert_error(answer, 404, None, f"Appointment with the id {nothing} doesn't exist")
    for answer in (get("/appointments/1-1-1-1-1"), post("/appointments/1-1-1-1-1/cancel")):
        assert_error(answer, 400, ["id"])


# --- moving, and what becomes of a visit ---

STEPS = {"check-in": "CHECKED_IN", "complete": "COMPLETED", "no-show": "NO_SHOW", "cancel": "CANCELLED"}
FOLLOWS = {"BOOKED": {"check-in", "complete", "no-show", "cancel"}, "CHECKED_IN": {"complete"}, "COMPLETED": set(),
           "NO_SHOW": set(), "CANCELLED": set()}


def step(made, name, body=None, **headers):
    return post(f"/appointments/{made['id']}/{name}", body, **headers)


def reschedule(made, **members):
    return step(made, "reschedule", {"startsAt": "2027-03-02T09:00:00Z", "durationMinutes": 45, **members})


def test_moving_changes_the_times_and_tells(patient_id):
    made = booked(patient_id, providerId=provider(), zone="Europe/Berlin")
    answer = reschedule(made)
    assert answer.status == 200, answer
    assert answer.json == {**made, "startsAt": "2027-03-02T09:00:00Z", "endsAt": "2027-03-02T09:45:00Z"}
    assert answer.headers["ETag"] == '"2"'
    assert get(f"/appointments/{made['id']}").json == answer.json
    again = step(made, "reschedule", {"startsAt": "2027-03-02T09:00:00Z", "endsAt": "2027-03-02T09:45:00Z"}, If_Match='"1"')
    assert (again.status, again.raw, again.headers["ETag"]) == (200, answer.raw, '"2"')
    who = provider()
    answer = reschedule(made, providerId=who, zone="Asia/Tokyo")
    assert (answer.json["providerId"], answer.json["zone"]) == (who, "Asia/Tokyo")
    assert [row[0] for row in outbox(made["id"])] == ["medicore.appointment.booked.v1"] + ["medicore.appointment.rescheduled.v1"] * 2


def test_moving_to_where_the_provider_is_taken_is_409_and_moves_nothing(patient_id):
    who = provider()
    booked(patient_id, providerId=who, startsAt="2027-03-02T09:30:00Z")
    made = booked(patient_id, providerId=who)
    assert_error(reschedule(made), 409, {
        "startsAt": f"Provider {who} is already booked from 2027-03-02T09:30:00Z to 2027-03-02T10:00:00Z"})
    assert get(f"/appointments/{made['id']}").json == made
    assert reschedule(made, durationMinutes=30).status == 200
    overlapping_itself = reschedule(made, startsAt="2027-03-02T09:10:00Z", durationMinutes=20)
    assert overlapping_itself.status == 200


@pytest.mark.parametrize("body, fields", [
    ({}, ["startsAt"]), ({"startsAt": "2027-03-02T09:00:00Z"}, ["endsAt"]),
    ({"startsAt": "2027-03-02T09:00:00Z", "endsAt": "2027-03-02T09:00:00Z"}, ["endsAt"]),
    ({"startsAt": "2027-03-02T09:00:00Z", "endsAt": "2027-03-02T10:00:00Z", "durationMinutes": 60}, ["durationMinutes"]),
    ({"startsAt": "2027-03-02T09:00:00Z", "durationMinutes": 60, "patientId": str(uuid.uuid4())}, ["patientId"]),
    ({"startsAt": "2027-03-02T09:00:00Z", "durationMinutes": 60, "zone": "Mars/Base"}, ["zone"]),
    ({"startsAt": "tomorrow", "durationMinutes": 60}, ["startsAt"]),
], ids=short)
def test_bad_move_is_400_naming_the_field(patient_id, body, fields):
    made = booked(patient_id)
    assert_error(step(made, "reschedule", body), 400, fields)
    assert get(f"/appointments/{made['id']}").json == made


@pytest.mark.parametrize("first", [None, *STEPS])
def test_only_the_steps_of_the_table_are_taken(patient_id, first):
    for second in STEPS:
        made = booked(patient_id)
        if first is not None:
            assert step(made, first).status == 200
        now = get(f"/appointments/{made['id']}")
        state, answer = now.json["status"], step(made, second)
        if second in FOLLOWS[state]:
            assert answer.status == 200 and answer.json == {**made, "status": STEPS[second]}, answer
            again = step(made, second, If_Match=now.headers["ETag"])
            assert (again.status, again.raw) == (200, answer.raw)
        elif second == first:
            assert (answer.status, answer.raw, answer.headers["ETag"]) == (200, now.raw, now.headers["ETag"])
        else:
            possible = "which is final" if not FOLLOWS[state] else "it can only become COMPLETED"
            assert answer.status == 409 and state in answer.json["message"] and possible in answer.json["message"], answer
            assert get(f"/appointments/{made['id']}").raw == now.raw
        assert reschedule(made).status == 409


def test_visit_leaves_an_event_for_each_step(patient_id):
    made = booked(patient_id)
    for name in ("check-in", "check-in", "complete", "complete"):
        assert step(made, name).status == 200
    missed = booked(patient_id)
    assert step(missed, "no-show", {}).status == 200
    types = [row[0].removeprefix("medicore.appointment.") for row in outbox(made["id"]) + outbox(missed["id"])]
    assert types == ["booked.v1", "checked-in.v1", "completed.v1", "booked.v1", "no-show.v1"]
    assert {row[1] for row in outbox(made["id"]) + outbox(missed["id"])} == {patient_id}


@pytest.mark.parametrize("name", ["check-in", "complete", "no-show"])
def test_step_with_a_stale_version_is_412_and_with_a_member_400(patient_id, name):
    made = booked(patient_id)
    assert_error(step(made, name, If_Match='"2"'), 412)
    assert_error(step(made, name, {"reason": "x"}), 400, ["reason"])
    assert get(f"/appointments/{made['id']}").json == made
    assert step(made, name, If_Match='"1"').headers["ETag"] == '"2"'
    nothing = str(uuid.uuid4())
    assert_error(post(f"/appointments/{nothing}/{name}"), 404, None, f"Appointment with the id {nothing} doesn't exist")


def test_of_racing_steps_one_is_taken_and_one_event_left(patient_id):
    made, barrier, answers = booked(patient_id), threading.Barrier(8), []

    def work(name):
        barrier.wait()
        answers.append((name, step(made, name)))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("check-in", "no-show", "cancel", "no-show") * 2]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    state = get(f"/appointments/{made['id']}").json["status"]
    assert len(answers) == 8 and state != "BOOKED"
    assert [a.status for name, a in answers] == [200 if STEPS[name] == state else 409 for name, a in answers]
    assert len(outbox(made["id"])) == 2


def test_who_did_not_come_collides_with_nothing(patient_id):
    who = provider()
    made = booked(patient_id, providerId=who)
    assert step(made, "no-show").status == 200
    assert step(booked(patient_id, providerId=who), "check-in").status == 200
    assert_error(book(patient_id, providerId=who), 409, ["startsAt"])


# --- the outbox ---

def test_booking_and_cancellation_leave_one_event_each_keyed_by_patient(patient_id):
    trace = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    answer = send("POST", "/appointments", asked(patient_id), {"traceparent": trace})
    assert answer.status == 201
    made = answer.json
    post(f"/appointments/{made['id']}/cancel")
    post(f"/appointments/{made['id']}/cancel")
    rows = outbox(made["id"])
    assert [row[0] for row in rows] == ["medicore.appointment.booked.v1", "medicore.appointment.cancelled.v1"]
    assert {row[1] for row in rows} == {patient_id} and {row[3] for row in rows} == {"appointment"}
    assert rows[0][2]["request_id"] == trace
    sent, told = trace.split("-"), rows[0][2]["traceparent"].split("-")
    assert (told[0], told[1], told[3]) == (sent[0], sent[1], "01") and told[2] != sent[2]
    for row in rows:
        when = datetime.datetime.fromisoformat(row[2]["ce_time"].replace("Z", "+00:00"))
        assert abs(when - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=5)
        assert UUID.match(row[4])


def test_refused_booking_leaves_no_event(patient_id):
    who = provider()
    booked(patient_id, providerId=who)
    mine = f"refused-{uuid.uuid4()}"
    assert send("POST", "/appointments", asked(patient_id, providerId=who), {"X-Request-Id": mine}).status == 409
    assert sql("scheduling", "select count(*) from outbox where headers->>'request_id' = %s", mine) == [(0,)]


# --- lists ---

@pytest.fixture(scope="module")
def diary():
    """A patient's and a provider's: ten appointments of an hour each, at 8:00 to 17:00, every second of the provider."""
    patient, who = registered()["id"], provider()
    made = [booked(patient, startsAt=f"2027-06-01T{8 + i:02}:00:00Z", durationMinutes=60,
                   providerId=who if i % 2 == 0 else provider()) for i in range(10)]
    return patient, who, made


def test_list_is_in_order_of_the_start(diary):
    patient, who, made = diary
    assert get(query("/appointments", patientId=patient)).json == made
    assert get(query("/appointments", patientId=patient.upper())).json == made
    assert get(query("/appointments", providerId=who)).json == made[::2]
    assert get(query("/appointments", patientId=patient, providerId=who)).json == made[::2]
    assert get(query("/appointments", patientId=str(uuid.uuid4()))).json == []


@pytest.mark.parametrize("start, end, first, last", [
    ("2027-06-01T10:00:00Z", "2027-06-01T12:00:00Z", 2, 4),
    ("2027-06-01T10:30:00Z", "2027-06-01T12:30:00Z", 2, 5),
    ("2027-06-01T12:30:00+02:00", "2027-06-01T10:31:00Z", 2, 3),
    ("2027-06-01T10:30:00Z", None, 2, 10),
    (None, "2027-06-01T10:30:00Z", 0, 3),
    ("2027-06-01T18:00:00Z", None, 10, 10),
    (None, "2027-06-01T08:00:00Z", 0, 0),
])
def test_from_and_to_choose_those_that_overlap(diary, start, end, first, last):
    patient, who, made = diary
    window = {k: v for k, v in (("from", start), ("to", end)) if v is not None}
    assert get(query("/appointments", patientId=patient, **window)).json == made[first:last]
    assert get(query("/appointments", providerId=who, **window)).json == [
        a for a in made[first:last] if a["providerId"] == who]
    everything, _ = follow(query("/appointments", limit=500, **{"from": "2027-06-01T00:00:00Z", "to": "2027-06-02T00:00:00Z",
                                                                **window}))
    assert [a for a in everything if a["patientId"] == patient] == made[first:last]


def test_long_appointment_is_found_in_its_last_hour():
    patient = registered()["id"]
    made = booked(patient, startsAt="2027-01-01T00:00:00Z", durationMinutes=366 * 24 * 60)
    window = {"from": "2028-01-01T23:59:59.999999Z", "to": "2028-01-03T00:00:00Z"}
    assert get(query("/appointments", patientId=patient, **window)).json == [made]
    assert get(query("/appointments", patientId=patient, **{**window, "from": "2028-01-02T00:00:00Z"})).json == []


def test_pages_followed_to_the_end_are_the_whole_list(diary):
    patient, who, made = diary
    for limit in (1, 3, 9, 10, 11):
        things, pages = follow(query("/appointments", patientId=patient, limit=limit))
        assert things == made and pages == -(-len(made) // limit)
    things, _ = follow(query("/appointments", limit=7, **{"from": "2027-06-01T00:00:00Z", "to": "2027-06-02T00:00:00Z"}))
    assert [a for a in things if a["patientId"] == patient] == made
    keys = [(a["startsAt"], a["id"]) for a in things]
    assert keys == sorted(set(keys))


def test_those_that_start_together_are_paged_by_id():
    patient = registered()["id"]
    made = [booked(patient, startsAt="1902-01-01T00:00:00.5Z") for _ in range(5)]
    things, pages = follow(query("/appointments", patientId=patient, limit=2))
    assert things == sorted(made, key=lambda a: a["id"]) and pages == 3


def test_list_gives_50_where_no_limit_is_given():
    patient = registered()["id"]
    for i in range(51):
        booked(patient, startsAt=f"2027-07-01T10:{i:02}:00Z")
    answer = get(query("/appointments", patientId=patient))
    assert len(answer.json) == 50 and next_link(answer) is not None
    assert len(get(next_link(answer)).json) == 1


@pytest.mark.parametrize("asked_for, field", [
    ("limit=0", "limit"), ("limit=501", "limit"), ("cursor=x", "cursor"), ("cursor=", "cursor"),
    ("patientId=1", "patientId"), ("patientId=", "patientId"), ("providerId=x", "providerId"),
    ("from=2027-06-01", "from"), ("from=", "from"), ("to=now", "to"),
    ("from=2027-06-02T00:00:00Z&to=2027-06-01T00:00:00Z", "to"), ("from=2027-06-01T00:00:00Z&to=2027-06-01T00:00:00Z", "to"),
    ("status=BOOKED", "status"), ("patientid=x", "patientid"),
])
def test_bad_query_parameter_is_400_naming_it(asked_for, field):
    assert_error(get(f"/appointments?{asked_for}"), 400, [field])


def test_cursor_of_another_list_is_400(diary):
    foreign = next_link(get("/patients?limit=1"))
    assert foreign is not None
    cursor = re.search(r"cursor=([^&]+)", foreign).group(1)
    assert_error(get(f"/appointments?cursor={cursor}"), 400, ["cursor"])


# --- HTTP ---

@pytest.mark.parametrize("path, methods", [
    ("/appointments", ["GET", "HEAD", "OPTIONS", "POST"]),
    ("/appointments/6b29fc40-ca47-4067-b31d-00dd010662da", ["GET", "HEAD", "OPTIONS"]),
    ("/appointments/6b29fc40-ca47-4067-b31d-00dd010662da/cancel", ["OPTIONS", "POST"]),
])
def test_options_and_405_say_what_is_allowed(path, methods):
    answer = send("OPTIONS", path)
    assert answer.status in (200, 204)
    assert sorted(answer.headers["Allow"].replace(" ", "").split(",")) == methods
    for method in {"PUT", "PATCH", "DELETE", "GET", "POST"} - set(methods):
        answer = send(method, path, {} if method in ("PUT", "PATCH", "POST") else None)
        assert_error(answer, 405)
        assert sorted(answer.headers["Allow"].replace(" ", "").split(",")) == methods


def test_head_answers_as_get_without_the_body(patient_id):
    path = f"/appointments/{booked(patient_id)['id']}"
    head = send("HEAD", path)
    assert (head.status, head.raw, head.headers["ETag"]) == (200, b"", '"1"')


def test_body_that_is_not_called_json_is_415_and_a_trailing_slash_404(patient_id):
    body = json.dumps(asked(patient_id)).encode()
    assert_error(send("POST", "/appointments", body, {"Content-Type": "text/plain"}), 415)
    path = f"/appointments/{booked(patient_id)['id']}"
    assert_error(send("POST", f"{path}/cancel", b'{"reason":"x"}', {"Content-Type": "text/plain"}), 415)
    assert get(path).json["status"] == "BOOKED"
    for wrong in ("/appointments/", f"{path}/", f"{path}/cancel/"):
        assert get(wrong).status == 404
    assert send("GET", path, headers={"Accept": "text/html"}).status == 406
