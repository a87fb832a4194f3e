"""/invoices by REST: issuing, finding, listing, idempotency keys."""
import datetime
import json
import os
import threading
import uuid

import grpc
import pytest

import rest
from medicore import sql
from rest import UUID, assert_error, follow, get, post, query, registered, send, short
from wire import patient_pb2, patient_pb2_grpc

MEMBERS = ["id", "number", "patientId", "appointmentId", "status", "amount", "remainingAmount", "currency", "description",
           "issuedAt", "dueDate"]


@pytest.fixture(scope="module")
def patient_id():
    return registered()["id"]


def asked(patient_id, **members):
    """What POST /invoices takes; a member given as None is left out."""
    given = {"patientId": patient_id, "amount": "85.55", **members}
    return {k: v for k, v in given.items() if v is not None}


def issue(patient_id, headers=None, **members):
    return send("POST", "/invoices", asked(patient_id, **members), headers)


def issued(patient_id, headers=None, **members):
    answer = issue(patient_id, headers, **members)
    assert answer.status == 201, answer
    return answer.json


# --- issuing ---

def test_an_invoice_comes_back_with_id_location_and_etag(patient_id):
    answer = issue(patient_id, currency="EUR", description="Consultation, à la carte", dueDate="2027-01-31")
    assert answer.status == 201, answer
    made = answer.json
    assert list(made)[:11] == MEMBERS and set(made) <= {*MEMBERS, "serviceCode"}
    assert UUID.match(made["id"])
    issued_at = datetime.datetime.fromisoformat(made["issuedAt"].replace("Z", "+00:00"))
    assert abs(issued_at - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=1)
    assert {k: made[k] for k in MEMBERS if k not in ("id", "issuedAt")} == {
        "number": None, "patientId": patient_id, "appointmentId": None, "status": "ISSUED", "amount": "85.55",
        "remainingAmount": "85.55", "currency": "EUR", "description": "Consultation, à la carte", "dueDate": "2027-01-31"}
    assert answer.headers["Location"].endswith(f"/invoices/{made['id']}")
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"
    again = get(f"/invoices/{made['id'].upper()}")
    assert again.status == 200 and again.json == made and again.headers["ETag"] == '"1"'


def test_currency_description_and_due_date_may_be_left_out(patient_id):
    made = issued(patient_id)
    assert (made["currency"], made["description"], made["dueDate"]) == ("USD", None, None)
    assert issued(patient_id, description=None, dueDate=None)["dueDate"] is None


@pytest.mark.parametrize("currency, amount, shown", [
    ("USD", "0", "0.00"), ("USD", "0.00", "0.00"), ("USD", "120.5", "120.50"), ("USD", "007", "7.00"),
    ("USD", "92233720368547758.07", "92233720368547758.07"), ("JPY", "1500", "1500"),
    ("JPY", "9223372036854775807", "9223372036854775807"), ("KWD", "1.234", "1.234"), ("KWD", "5", "5.000"),
])
def test_amounts_have_exactly_their_currencys_decimals(patient_id, currency, amount, shown):
    made = issued(patient_id, currency=currency, amount=amount)
    assert made["amount"] == made["remainingAmount"] == shown
    assert get(f"/invoices/{made['id']}").json["amount"] == shown


BAD_AMOUNTS = ["abc", "", " 5 ", " 5", "5 ", "+5", "-0.00", "-5", "1e3", "1.239", "NaN", "Infinity", "1.", ".5", "0x10", "1,5",
               "1_000", "５", "12abc", "9" * 19, "92233720368547758.08", "9" * 400, 5, 1.5, True, [], {}]


@pytest.mark.parametrize("amount", BAD_AMOUNTS, ids=short)
def test_bad_amounts_are_refused(patient_id, amount):
    assert_error(issue(patient_id, amount=amount), 400, ["amount"])


@pytest.mark.parametrize("currency, amount", [("JPY", "1.5"), ("JPY", "1.0"), ("KWD", "1.2345"), ("JPY", "9223372036854775808")])
def test_amounts_that_do_not_fit_their_currency_are_refused(patient_id, currency, amount):
    assert_error(issue(patient_id, currency=currency, amount=amount), 400, ["amount"])


@pytest.mark.parametrize("member, value", [
    ("currency", "XXX"), ("currency", ""), ("currency", 840),
    ("description", "x" * 256), ("description", 5),
    ("dueDate", "2027-02-29"), ("dueDate", "31.01.2027"), ("dueDate", ""), ("dueDate", 20270131),
    ("patientId", ""), ("patientId", "1-1-1-1-1"), ("patientId", " 0198f000-0000-7000-8000-00000000000a"), ("patientId", 5),
], ids=short)
def test_bad_members_are_refused_by_name(patient_id, member, value):
    answer = issue(patient_id, **{member: value})
    assert answer.status == 400 and member in answer.errors, answer


@pytest.mark.parametrize("member", ["patientId", "amount"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_patient_and_amount_are_required(patient_id, member, how):
    body = asked(patient_id)
    body[member] = None
    if how == "absent":
        del body[member]
    assert_error(post("/invoices", body), 400, [member])


def test_all_field_errors_are_found_at_once():
    assert_error(post("/invoices", {"amount": "x", "dueDate": "x", "extra": 1}), 400, ["amount", "dueDate", "extra", "patientId"])


@pytest.mark.parametrize("member", ["id", "status", "remainingAmount", "number", "appointmentId", "ammount"])
def test_members_that_are_not_the_clients_to_set_are_refused(patient_id, member):
    assert_error(issue(patient_id, **{member: "ISSUED"}), 400, [member])


def test_an_unknown_patient_is_404_naming_the_field_and_nothing_is_written():
    nobody = str(uuid.uuid4())
    assert_error(issue(nobody), 404, {"patientId": f"patient with Id {nobody} do not exist"})
    assert sql("billing", "select count(*) from invoice where patient_id = %s", nobody) == [(0,)]


def test_a_deleted_patient_is_unknown_but_invoices_stay():
    patient_id = registered()["id"]
    made = issued(patient_id)
    assert rest.delete(f"/patients/{patient_id}").status == 204
    assert_error(issue(patient_id), 404, ["patientId"])
    assert get(f"/invoices/{made['id']}").json == made


def test_what_rest_registered_the_patient_service_verifies(patient_id):
    with grpc.insecure_channel(os.environ["MEDICORE_PATIENT_GRPC"]) as channel:
        stub = patient_pb2_grpc.PatientServiceStub(channel)
        assert stub.verifyPatient(patient_pb2.PatientLookupRequest(patientId=patient_id), timeout=10).exists


# --- idempotency keys ---

def test_the_same_request_with_a_key_gives_the_same_invoice(patient_id):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = issue(patient_id, key), issue(patient_id, key)
    assert first.status == again.status == 201
    assert first.json == again.json and first.headers["Location"] == again.headers["Location"]
    assert issued(patient_id)["id"] != first.json["id"]


def test_another_request_with_the_same_key_is_refused(patient_id):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    issued(patient_id, key)
    assert_error(issue(patient_id, key, amount="85.56"), 422, message="This idempotency key was used for another request")


def test_only_a_success_is_kept(patient_id):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert issue(str(uuid.uuid4()), key).status == 404
    assert issue(patient_id, key, amount="x").status == 400
    assert issue(patient_id, key).status == 201


def test_any_number_at_once_with_one_key_make_one_invoice():
    patient_id = registered()["id"]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    ids = []
    threads = [threading.Thread(target=lambda: ids.append(issued(patient_id, key)["id"])) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(ids) == 16 and len(set(ids)) == 1
    assert sql("billing", "select count(*) from invoice where patient_id = %s", patient_id) == [(1,)]


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"], ids=short)
def test_keys_that_are_none_are_refused(patient_id, key):
    answer = issue(patient_id, {"Idempotency-Key": key.encode("latin-1")})
    assert answer.status == 400, answer


def test_a_key_of_255_characters_is_taken(patient_id):
    key = {"Idempotency-Key": (str(uuid.uuid4()) + "!~ x" * 64)[:255]}
    assert issued(patient_id, key)["id"] == issued(patient_id, key)["id"]


# --- finding ---

def test_an_unknown_invoice_is_404_and_a_bad_id_400():
    nowhere = str(uuid.uuid4())
    assert_error(get(f"/invoices/{nowhere}"), 404, message=f"Invoice with the id {nowhere} doesn't exist")
    assert_error(get("/invoices/1-1-1-1-1"), 400, ["id"])


def test_lists_are_bare_arrays_in_order_of_id_with_filters_and_pages():
    patient_id = registered()["id"]
    # Ids begin with the millisecond: two of the same one may stand either way round.
    made = sorted((issued(patient_id, amount=f"{i}.00") for i in range(5)), key=lambda m: m["id"])
    sql("billing", "update invoice set status = 'PAID', remaining_amount = 0 where id = %s", made[1]["id"])
    ids = [m["id"] for m in made]
    assert [i["id"] for i in get(query("/invoices", patientId=patient_id)).json] == ids
    paged, pages = follow(query("/invoices", patientId=patient_id, limit=2))
    assert [i["id"] for i in paged] == ids and pages == 3
    by_status, _ = follow(query("/invoices", patientId=patient_id, status="ISSUED", limit=2))
    assert [i["id"] for i in by_status] == ids[:1] + ids[2:]
    paid = get(query("/invoices", patientId=patient_id, status="PAID")).json
    assert [(i["id"], i["status"], i["remainingAmount"]) for i in paid] == [(ids[1], "PAID", "0.00")]
    everybodys, _ = follow(query("/invoices", status="PAID", limit=500))
    assert ids[1] in [i["id"] for i in everybodys] and {i["status"] for i in everybodys} == {"PAID"}
    assert get(query("/invoices", patientId=patient_id, status="VOID")).json == []
    assert get(query("/invoices", patientId=patient_id.upper())).json[0]["id"] == ids[0]


def test_without_a_limit_there_are_at_most_50():
    patient_id = registered()["id"]
    sql("billing", "insert into invoice (id, patient_id, amount, remaining_amount, currency)"
        " select gen_random_uuid(), %s, 1, 1, 'USD' from generate_series(1, 60)", patient_id)
    first = get(query("/invoices", patientId=patient_id))
    assert len(first.json) == 50 and rest.next_link(first)
    assert len(follow(query("/invoices", patientId=patient_id))[0]) == 60


@pytest.mark.parametrize("parameters, member", [
    ({"limit": "0"}, "limit"), ({"limit": "501"}, "limit"), ({"limit": "1e2"}, "limit"), ({"limit": ""}, "limit"),
    ({"cursor": "x"}, "cursor"), ({"cursor": ""}, "cursor"), ({"status": "issued"}, "status"), ({"status": ""}, "status"),
    ({"patientId": "x"}, "patientId"), ({"patient": "x"}, "patient"),
])
def test_bad_query_parameters_are_refused(parameters, member):
    assert_error(get(query("/invoices", **parameters)), 400, [member])


def test_a_cursor_of_another_list_is_refused():
    for i in range(2):
        send("PUT", f"/services/cursor-{i}", {"description": "x", "price": "1.00"})
    link = rest.next_link(get("/services?limit=1"))
    assert_error(get(link.replace("/services", "/invoices")), 400, ["cursor"])


# --- HTTP ---

def test_other_methods_are_405_with_allow(patient_id):
    made = issued(patient_id)
    for method, path, allowed in (("PUT", "/invoices", {"GET", "HEAD", "POST"}), ("DELETE", f"/invoices/{made['id']}", {"GET"})):
        answer = send(method, path, {})
        assert_error(answer, 405)
        assert allowed <= {m.strip() for m in answer.headers["Allow"].split(",")}
    assert get(f"/invoices/{made['id']}").json == made


@pytest.mark.parametrize("value", [v for _, v in rest.BAD_VALUES], ids=[n for n, _ in rest.BAD_VALUES])
def test_malformed_json_is_refused(patient_id, value):
    answer = send("POST", "/invoices", rest.with_value(asked(patient_id), "description", value))
    assert answer.status == 400, answer


@pytest.mark.parametrize("value", [v for _, v in rest.WRONG_TYPES], ids=[n for n, _ in rest.WRONG_TYPES])
@pytest.mark.parametrize("member", ["patientId", "amount", "currency", "description", "dueDate"])
def test_values_of_a_wrong_type_are_refused_by_name(patient_id, member, value):
    answer = send("POST", "/invoices", rest.with_value(asked(patient_id), member, value))
    assert answer.status == 400 and member in answer.errors, answer
