"""/openapi.json: a valid document, and what the programs answer is what it says."""
import json
import pathlib
import re
import uuid

import jsonschema
import pytest

from rest import email, get, patch, patient, post, query, registered, send

# The OpenAPI Initiative's own schema of OpenAPI 3.1 (https://spec.openapis.org/oas/3.1/schema/2022-10-07, Apache-2.0).
OPENAPI_SCHEMA = json.loads((pathlib.Path(__file__).parent / "openapi-3.1.schema.json").read_text())
METHODS = ["get", "put", "post", "delete", "patch"]


@pytest.fixture(scope="module")
def document():
    answer = get("/openapi.json")
    assert answer.status == 200, answer
    return answer.json


def operations(document):
    return [(path, method, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item]


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document, node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def check(document, schema, value):
    """value by a schema of the document, whose references are the document's."""
    whole = {"components": document["components"], **schema}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.draft202012_format_checker).validate(value)


def refused(document, name, value):
    try:
        check(document, {"$ref": f"#/components/schemas/{name}"}, value)
    except jsonschema.ValidationError:
        return True
    return False


# --- the document alone ---

def test_the_document_is_openapi_3_1(document):
    jsonschema.Draft202012Validator(OPENAPI_SCHEMA).validate(document)


def test_every_schema_is_a_json_schema(document):
    assert len(document["components"]["schemas"]) > 5
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document):
    found = set(references(document))
    assert found
    for reference in found:
        assert resolve(document, {"$ref": reference}), reference


def test_every_operation_has_an_id_of_its_own_a_summary_and_roles(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) > 10
    for path, method, operation in operations(document):
        assert operation["summary"] and operation["x-roles"], (path, method)


def test_every_parameter_of_a_path_is_described(document):
    for path, _, operation in operations(document):
        described = [resolve(document, p) for p in operation["parameters"]]
        assert set(re.findall(r"\{(\w+)\}", path)) == {p["name"] for p in described if p["in"] == "path"}, path


def test_every_body_refuses_unknown_members(document):
    bodies = [o["requestBody"]["content"]["application/json"]["schema"] for _, _, o in operations(document) if "requestBody" in o]
    assert len(bodies) >= 5
    for body in bodies:
        assert resolve(document, body)["additionalProperties"] is False


def test_only_a_body_that_can_be_left_out_is_not_required(document):
    free = [(path, method) for path, method, o in operations(document) if "requestBody" in o and not o["requestBody"].get("required")]
    assert free == [("/appointments/{id}/cancel", "post")]


# --- and what is answered ---

def said(document, path, method, answer):
    """The answer is one that the operation names, its body and headers are as it says."""
    responses = document["paths"][path][method]["responses"]
    assert str(answer.status) in responses, (path, method, answer)
    response = resolve(document, responses[str(answer.status)])
    for name in response.get("headers", {}):
        if name == "Content-Disposition":  # of files alone, and these answers are JSON
            assert name not in answer.headers, (path, answer)
        elif name not in ("Link", "Idempotency-Replayed"):  # of some answers only
            assert name in answer.headers, (path, method, name, answer)
    if answer.raw:
        content = response["content"][answer.headers["Content-Type"].split(";")[0]]
        check(document, content["schema"], answer.json)
    else:
        assert "content" not in response
    return answer


def test_patients_answer_what_the_document_says(document):
    one, all_of_them = "/patients/{id}", "/patients"
    made = said(document, all_of_them, "post", post("/patients", patient()))
    path = f"/patients/{made.json['id']}"
    said(document, all_of_them, "post", post("/patients", patient(email=made.json["email"])))
    said(document, all_of_them, "post", post("/patients", {}))
    said(document, all_of_them, "post", send("POST", "/patients", b"x", {"Content-Type": "text/plain"}))
    said(document, all_of_them, "post", send("POST", "/patients", b'"' + b"x" * 2_000_000 + b'"'))
    said(document, all_of_them, "post", post("/patients", patient(email=f"Jörg.{uuid.uuid4()}@Example.ORG")))
    said(document, all_of_them, "get", get("/patients?limit=3"))
    said(document, all_of_them, "get", get("/patients?limit=x"))
    said(document, one, "get", get(path))
    said(document, one, "get", get(path, If_None_Match=made.headers["ETag"]))
    said(document, one, "get", get(path, Accept="text/html"))
    said(document, one, "get", get("/patients/1-1-1-1-1"))
    said(document, one, "get", get(f"/patients/{uuid.uuid4()}", Accept="application/problem+json"))
    said(document, one, "patch", patch(path, {"name": "Grace Hopper"}))
    said(document, one, "patch", patch(path, {"name": "Ada"}, If_Match='"1"'))
    said(document, one, "delete", send("DELETE", path))
    said(document, one, "delete", send("DELETE", path))


def test_appointments_answer_what_the_document_says(document):
    asked = {"patientId": registered()["id"], "serviceCode": "162673000", "startsAt": "2027-03-01T10:00:00Z", "durationMinutes": 30}
    one, all_of_them, cancel = "/appointments/{id}", "/appointments", "/appointments/{id}/cancel"
    made = said(document, all_of_them, "post", post("/appointments", asked))
    path = f"/appointments/{made.json['id']}"
    taken = {**asked, "providerId": str(uuid.uuid4())}
    said(document, all_of_them, "post", post("/appointments", taken))
    said(document, all_of_them, "post", post("/appointments", taken))
    said(document, all_of_them, "post", post("/appointments", {**asked, "patientId": str(uuid.uuid4())}))
    said(document, all_of_them, "get", get(query("/appointments", patientId=asked["patientId"])))
    said(document, one, "get", get(path))
    said(document, cancel, "post", post(path + "/cancel", {}, If_Match='"9"'))
    said(document, cancel, "post", post(path + "/cancel"))
    said(document, cancel, "post", post(path + "/cancel", {"reason": "moved"}))
    said(document, cancel, "post", post(f"/appointments/{uuid.uuid4()}/cancel", {}))


def test_services_and_invoices_answer_what_the_document_says(document):
    code = f"t-{uuid.uuid4()}"
    price = {"description": "Chest X-ray", "price": "120.50", "currency": "USD"}
    said(document, "/services/{code}", "put", send("PUT", f"/services/{code}", price))
    said(document, "/services/{code}", "put", send("PUT", f"/services/{code}", price, {"If-Match": '"9"'}))
    said(document, "/services/{code}", "put", send("PUT", f"/services/{code}", {**price, "price": "80.00"}))
    said(document, "/services/{code}", "put", send("PUT", f"/services/{code}", {**price, "price": "1.234"}))
    said(document, "/services/{code}", "get", get(f"/services/{code}"))
    said(document, "/services", "get", get("/services?limit=2"))
    asked = {"patientId": registered()["id"], "amount": "85.55"}
    made = said(document, "/invoices", "post", post("/invoices", asked))
    said(document, "/invoices", "post", post("/invoices", {**asked, "description": "Room 4", "dueDate": "2030-01-31"}))
    said(document, "/invoices", "post", post("/invoices", {**asked, "patientId": str(uuid.uuid4())}))
    said(document, "/invoices", "get", get(query("/invoices", patientId=asked["patientId"])))
    said(document, "/invoices/{id}", "get", get(f"/invoices/{made.json['id']}"))


def test_accounts_and_reports_answer_what_the_document_says(document):
    patient_id = registered()["id"]
    said(document, "/accounts/{patientId}", "get", get(f"/accounts/{patient_id}"))
    post("/invoices", {"patientId": patient_id, "amount": "5.00"})
    invoice = post("/invoices", {"patientId": patient_id, "amount": "10.00"}).json
    post(f"/invoices/{invoice['id']}/payments", {"amount": "30.00", "method": "CASH", "overpayment": "credit"})
    said(document, "/accounts/{patientId}", "get", get(f"/accounts/{patient_id}"))
    said(document, "/accounts/{patientId}", "get", get(f"/accounts/{uuid.uuid4()}"))
    statement = said(document, "/accounts/{patientId}/statement", "get", get(f"/accounts/{patient_id}/statement"))
    assert statement.json["balances"][0]["closing"] == "-15.00"
    for by in ("day", "month", "service", "method"):
        said(document, "/reports/revenue", "get", get(query("/reports/revenue", by=by, **{"from": "1990-01-01", "to": "1990-12-31"})))
    said(document, "/reports/ageing", "get", get("/reports/ageing"))


def test_health_answers_what_the_document_says(document):
    for program in ["patient", "scheduling", "billing", "auth"]:
        for kind in ["live", "ready"]:
            said(document, f"/health/{{program}}/{kind}", "get", get(f"/health/{program}/{kind}"))


# --- the schema of a body and the program agree on what is sound ---

@pytest.mark.parametrize("change", [
    {"name": ""}, {"name": " "}, {"name": "x" * 81}, {"name": None}, {"name": 5}, {"email": "no"}, {"email": None},
    {"gender": "male"}, {"address": "x" * 256}, {"dateOfBirth": "2023-02-29"}, {"nmae": "x"}, {"id": str(uuid.uuid4())},
], ids=lambda c: next(iter(c)) + "_" + str(next(iter(c.values())))[:8].strip())
def test_what_the_schema_refuses_is_400(document, change):
    body = {**patient(), **change}
    assert refused(document, "PatientCreate", body)
    assert post("/patients", body).status == 400


@pytest.mark.parametrize("change", [{}, {"name": "x" * 80}, {"name": "é" * 80}, {"address": "x" * 255}, {"gender": "OTHER"}],
                         ids=lambda c: "_".join(c) or "plain")
def test_what_the_schema_takes_is_201(document, change):
    body = {**patient(), **change, "email": email()}
    assert not refused(document, "PatientCreate", body)
    assert post("/patients", body).status == 201
