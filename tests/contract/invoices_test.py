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
MONEY_MEMBERS = ["subtotal", "tax", "discount", "amountPaid", "amountCredited", "amountRefunded", "lines"]


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


def unnumbered(invoice):
    """Without what it may get within a second of being issued."""
    return {k: v for k, v in invoice.items() if k != "number"}


# --- issuing ---

def test_an_invoice_comes_back_with_id_location_and_etag(patient_id):
    answer = issue(patient_id, currency="EUR", description="Consultation, à la carte", dueDate="2027-01-31")
    assert answer.status == 201, answer
    made = answer.json
    assert list(made)[:11] == MEMBERS and set(made) == {*MEMBERS, "serviceCode", *MONEY_MEMBERS}
    assert UUID.match(made["id"])
    issued_at = datetime.datetime.fromisoformat(made["issuedAt"].replace("Z", "+00:00"))
    assert abs(issued_at - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=1)
    assert {k: made[k] for k in MEMBERS if k not in ("id", "issuedAt", "number")} == {
        "patientId": patient_id, "appointmentId": None, "status": "ISSUED", "amount": "85.55",
        "remainingAmount": "85.55", "currency": "EUR", "description": "Consultation, à la carte", "dueDate": "2027-01-31"}
    assert {k: made[k] for k in MONEY_MEMBERS} == {
        "subtotal": "85.55", "tax": "0.00", "discount": "0.00", "amountPaid": "0.00", "amountCredited": "0.00",
        "amountRefunded": "0.00", "lines": [{
            "serviceCode": None, "description": "Consultation, à la carte", "quantity": 1, "unitPrice": "85.55", "taxRate": "0",
            "discount": "0.00", "net": "85.55", "tax": "0.00"}]}
    assert answer.headers["Location"].endswith(f"/invoices/{made['id']}")
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"
    again = get(f"/invoices/{made['id'].upper()}")
    assert again.status == 200 and unnumbered(again.json) == unnumbered(made)


def test_currency_description_and_due_date_may_be_left_out(patient_id):
    made = issued(patient_id)
    assert (made["currency"], made["description"]) == ("USD", None)
    # Thirty days, the terms where none are configured; midnight may pass meanwhile.
    terms = datetime.date.fromisoformat(made["dueDate"]) - datetime.datetime.now(datetime.timezone.utc).date()
    assert abs(terms.days - 30) <= 1
    assert issued(patient_id, description=None, dueDate=None)["dueDate"] == made["dueDate"]


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
    assert unnumbered(get(f"/invoices/{made['id']}").json) == unnumbered(made)


def test_what_rest_registered_the_patient_service_verifies(patient_id):
    with grpc.insecure_channel(os.environ["MEDICORE_PATIENT_GRPC"]) as channel:
        stub = patient_pb2_grpc.PatientServiceStub(channel)
        assert stub.verifyPatient(patient_pb2.PatientLookupRequest(patientId=patient_id), timeout=10).exists


# --- lines ---

def with_lines(patient_id, lines, **members):
    return issue(patient_id, amount=None, lines=lines, **members)


@pytest.mark.parametrize("currency, lines, discount, subtotal, tax, amount", [
    ("USD", [{"unitPrice": "0.1"}, {"unitPrice": "0.2"}], None, "0.30", "0.00", "0.30"),
    ("USD", [{"unitPrice": "0.05", "taxRate": "10"}] * 2, None, "0.10", "0.02", "0.12"),
    ("USD", [{"unitPrice": "0.05", "quantity": 2, "taxRate": "10"}], None, "0.10", "0.01", "0.11"),
    ("USD", [{"unitPrice": "1.00"}] * 3, "0.10", "2.90", "0.00", "2.90"),
    ("JPY", [{"unitPrice": "150", "quantity": 3, "taxRate": "8"}], "1", "449", "36", "485"),
    ("KWD", [{"unitPrice": "1.234", "quantity": 2, "taxRate": "0.5"}], None, "2.468", "0.012", "2.480"),
    ("USD", [{"unitPrice": "92233720368547758.06"}, {"unitPrice": "0.01"}], None, "92233720368547758.07", "0.00", "92233720368547758.07"),
])
def test_lines_add_up(patient_id, currency, lines, discount, subtotal, tax, amount):
    answer = with_lines(patient_id, lines, currency=currency, discount=discount)
    assert answer.status == 201, answer
    made = answer.json
    assert (made["subtotal"], made["tax"], made["amount"], made["remainingAmount"]) == (subtotal, tax, amount, amount)
    assert unnumbered(get(f"/invoices/{made['id']}").json) == unnumbered(made)


@pytest.mark.parametrize("members, blamed", [
    ({"lines": [{"unitPrice": "92233720368547758.07"}, {"unitPrice": "0.01"}]}, "lines[1]"),
    ({"lines": [{"unitPrice": "92233720368547758.07", "quantity": 2}]}, "lines[0]"),
    ({"lines": [{"unitPrice": "92233720368547758.07", "taxRate": "0.0001"}]}, "lines[0]"),
    ({"lines": [{"unitPrice": "1.00"}, {}]}, "lines[1].unitPrice"),
    ({"lines": [{"unitPrice": "1.00", "quantity": 0}]}, "lines[0].quantity"),
    ({"lines": [{"unitPrice": "1.00", "quantity": 1000001}]}, "lines[0].quantity"),
    ({"lines": [{"unitPrice": "1.001"}]}, "lines[0].unitPrice"),
    ({"lines": [{"unitPrice": "1.00", "taxRate": "100.0001"}]}, "lines[0].taxRate"),
    ({"lines": [{"unitPrice": "1.00"}], "discount": "1.01"}, "discount"),
    ({"lines": [{"unitPrice": "1.00"}], "amount": "1.00"}, "amount"),
    ({"lines": []}, "amount"),
    ({"lines": [{"unitPrice": "1.00"}] * 201}, "lines"),
    ({"lines": {}}, "lines"),
    ({"lines": [1]}, "lines[0]"),
], ids=short)
def test_lines_that_cannot_be_are_refused_by_name(patient_id, members, blamed):
    assert_error(issue(patient_id, **{"amount": None, **members}), 400, [blamed])


def test_what_a_line_leaves_out_is_the_price_lists(patient_id):
    code = f"line-{uuid.uuid4()}"
    assert send("PUT", f"/services/{code}", {"description": "X-ray", "price": "40.00", "taxRate": "20"}).json["taxRate"] == "20"
    made = with_lines(patient_id, [{"serviceCode": code, "quantity": 2}]).json
    assert made["lines"] == [{"serviceCode": code, "description": "X-ray", "quantity": 2, "unitPrice": "40.00", "taxRate": "20",
                              "discount": "0.00", "net": "80.00", "tax": "16.00"}]
    assert_error(with_lines(patient_id, [{"serviceCode": "unknown"}]), 404, ["lines[0].serviceCode"])


def test_an_invoice_is_in_the_books(patient_id):
    made = with_lines(patient_id, [{"unitPrice": "10.00", "taxRate": "10"}, {"unitPrice": "5.00"}]).json
    assert sql("billing", "select account, amount from ledger where invoice_id = %s order by seq", made["id"]) == [
        ("RECEIVABLE", 1600), ("TAX", -100), ("REVENUE", -1000), ("REVENUE", -500)]


# --- drafts ---

def test_a_draft_is_changed_and_issued_and_only_then_in_the_books(patient_id):
    draft = with_lines(patient_id, [{"unitPrice": "1500", "quantity": 2}], draft=True, currency="JPY").json
    path = f"/invoices/{draft['id']}"
    assert (draft["status"], draft["number"], draft["issuedAt"], draft["dueDate"]) == ("DRAFT", None, None, None)
    entries = "select count(*) from ledger where invoice_id = %s"
    assert sql("billing", entries, draft["id"]) == [(0,)]
    # Amounts are in the draft's currency though the clinic's is another.
    changed = send("PATCH", path, {"lines": [{"unitPrice": "700"}], "discount": "200", "description": "Two"}, {"If-Match": '"1"'})
    assert changed.status == 200, changed
    assert (changed.json["amount"], changed.json["description"], len(changed.json["lines"])) == ("500", "Two", 1)
    assert_error(send("PATCH", path, {"description": "x"}, {"If-Match": '"1"'}), 412)
    assert_error(send("PATCH", path, {"currency": "USD"}), 400, ["currency"])
    done = post(f"{path}/issue", None)
    assert done.status == 200, done
    assert (done.json["status"], done.json["amount"]) == ("ISSUED", "500") and done.json["issuedAt"] and done.json["dueDate"]
    assert done.json["lines"] == changed.json["lines"]
    assert post(f"{path}/issue", None).json["status"] == "ISSUED"
    assert sql("billing", entries, draft["id"]) == [(2,)]
    assert_error(send("PATCH", path, {"description": "x"}), 409)


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
    sql("billing", "update invoice set status = 'PAID', amount_paid = amount, remaining_amount = 0 where id = %s", made[1]["id"])
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
    sql("billing", "insert into invoice (id, patient_id, amount, remaining_amount, subtotal, currency)"
        " select gen_random_uuid(), %s, 1, 1, 1, 'USD' from generate_series(1, 60)", patient_id)
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
    assert unnumbered(get(f"/invoices/{made['id']}").json) == unnumbered(made)


@pytest.mark.parametrize("value", [v for _, v in rest.BAD_VALUES], ids=[n for n, _ in rest.BAD_VALUES])
def test_malformed_json_is_refused(patient_id, value):
    answer = send("POST", "/invoices", rest.with_value(asked(patient_id), "description", value))
    assert answer.status == 400, answer


@pytest.mark.parametrize("value", [v for _, v in rest.WRONG_TYPES], ids=[n for n, _ in rest.WRONG_TYPES])
@pytest.mark.parametrize("member", ["patientId", "amount", "currency", "description", "dueDate"])
def test_values_of_a_wrong_type_are_refused_by_name(patient_id, member, value):
    answer = send("POST", "/invoices", rest.with_value(asked(patient_id), member, value))
    assert answer.status == 400 and member in answer.errors, answer
