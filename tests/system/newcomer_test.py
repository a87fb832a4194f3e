"""What the README promises: after ./dev up, curl and grpcurl are enough."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from medicore import System, wait_until


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up()


@pytest.fixture(scope="module")
def grpcurl():
    tool = shutil.which("grpcurl")
    assert tool, "grpcurl must be in PATH; ./dev test builds it"
    return lambda *args: subprocess.run([tool, "-plaintext", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)


def curl(*args):
    done = subprocess.run(["curl", "-sS", *args], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def test_log_in_register_verify_book_and_see_the_invoice_with_curl_and_grpcurl(system, grpcurl):
    url = system.env["MEDICORE_URL"]
    as_json = ("-H", "Content-Type: application/json", "-d")
    account = {"email": system.env["MEDICORE_ADMIN_EMAIL"], "password": system.env["MEDICORE_ADMIN_PASSWORD"]}
    bearer = ("-H", "Authorization: Bearer " + curl(*as_json, json.dumps(account), url + "/auth/login")["accessToken"])
    as_json = (*bearer, *as_json)
    patient = curl(*as_json, '{"name":"José Ñandú","email":"jose@example.org","gender":"MALE","address":"1 Calle",'
                   '"dateOfBirth":"1970-02-28","registeredDate":"2026-11-01"}', url + "/patients")
    said = grpcurl("-d", json.dumps({"patientId": patient["id"]}), system.env["MEDICORE_PATIENT_GRPC"],
                   "patient.PatientService/verifyPatient")
    assert json.loads(said.stdout) == {"exists": True}
    service = curl(*bearer, url + "/services?limit=1")[0]
    booked = curl(*as_json, json.dumps({"patientId": patient["id"], "serviceCode": service["code"],
                                        "startsAt": "2026-12-24T09:00:00+01:00", "durationMinutes": 30}), url + "/appointments")
    assert (booked["status"], booked["startsAt"], booked["endsAt"]) == ("BOOKED", "2026-12-24T08:00:00Z", "2026-12-24T08:30:00Z")
    found = wait_until(lambda: curl(*bearer, url + "/invoices?patientId=" + patient["id"]), 5, "the invoice")
    assert [(i["appointmentId"], i["amount"], i["currency"], i["status"]) for i in found] == [
        (booked["id"], service["price"], service["currency"], "ISSUED")]


def test_grpcurl_lists_and_describes_the_services_by_reflection(system, grpcurl):
    listed = grpcurl(system.env["MEDICORE_PATIENT_GRPC"], "list").stdout.split()
    assert {"patient.PatientService", "grpc.health.v1.Health"} <= set(listed)
    assert "billing.BillingService" in grpcurl(system.env["MEDICORE_BILLING_GRPC"], "list").stdout
    described = grpcurl(system.env["MEDICORE_PATIENT_GRPC"], "describe", "patient.PatientService").stdout
    assert "rpc verifyPatient ( .patient.PatientLookupRequest ) returns ( .patient.PatientLookupResponse );" in described
    health = grpcurl(system.env["MEDICORE_BILLING_GRPC"], "grpc.health.v1.Health/Check").stdout
    assert json.loads(health) == {"status": "SERVING"}


def test_demonstration_population_is_there_and_books_balance(system):
    assert len(system.http("GET", "/patients")[2]) >= 200
    wait_until(lambda: "pending 0" in system.medicore("check").stdout, 20, "the invoices of the demonstration")
    assert "missing 0, doubled 0" in system.medicore("check").stdout


def test_up_again_starts_only_what_has_died(system):
    names = [p.stem for p in (system.run / "pid").glob("*.pid")]
    assert {"apache", "patient", "scheduling", "billing", "documents", "auth", "patientd", "billingd", "billing-worker", "relay-patient",
            "relay-scheduling", "relay-billing", "relay-auth", "postgres"} == set(names)
    before = {n: system.pid(n) for n in names}
    system.again()
    assert {n: system.pid(n) for n in names} == before
    system.kill("billingd")
    system.kill("patient")
    system.again()
    after = {n: system.pid(n) for n in names}
    assert {n for n in names if after[n] != before[n]} == {"billingd", "patient"}
    assert system.http("GET", "/patients?limit=1")[0] == 200


def test_lighttpd_is_an_equal_front_door(system):
    system.up("--lighttpd")
    try:
        assert system.http("GET", "/openapi.json")[2]["openapi"].startswith("3.1")
        patient = system.register(name="Lighttpd User")
        status, headers, body = system.http("GET", "/patients/" + patient["id"])
        assert (status, headers["ETag"], body) == (200, '"1"', patient)
        assert system.http("GET", "/patients/")[0] == 404
        for path in ("/nothing", "/no%22thing", "/health/nobody/live"):
            status, headers, body = system.http("GET", path)
            assert (status, body["status"], body["path"]) == (404, 404, path)
        assert len(system.http("GET", "/patients")[2]) > 200
        assert system.http("DELETE", "/patients/" + patient["id"])[0] == 204
    finally:
        system.up()


def test_openapi_is_served_and_names_every_path(system):
    status, headers, document = system.http("GET", "/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert document["openapi"].startswith("3.1.")
    assert {"/patients", "/patients/{id}", "/appointments", "/appointments/{id}", "/appointments/{id}/cancel", "/invoices",
            "/invoices/{id}", "/services", "/services/{code}", "/auth", "/auth/login"} <= set(document["paths"])


def test_web_servers_workers_and_programs_are_unprivileged(system):
    if os.geteuid() != 0:
        pytest.skip("only root can give rights away")
    parent = system.pid("apache")
    children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    serving = [int(c) for c in children] + [p for n in ("patient", "billing", "patientd", "billing-worker") for p in system.workers(n)]
    assert len(children) >= 2
    for pid in serving:
        assert os.stat(f"/proc/{pid}").st_uid != 0
