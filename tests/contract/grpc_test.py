"""patient.PatientService and billing.BillingService as bytes on the wire, with a client that isn't ours (grpcio), against the system that
MEDICORE_PATIENT_GRPC, MEDICORE_BILLING_GRPC, MEDICORE_PGHOST and MEDICORE_PGPORT name."""
import concurrent.futures
import os
import shutil
import subprocess
import threading
import time
import uuid

import grpc
import pytest

from medicore import sql
from rest import bearer
from wire import (billing_pb2, billing_pb2_grpc, health_pb2, health_pb2_grpc, patient_pb2, patient_pb2_grpc, reflection_pb2,
                  reflection_pb2_grpc)

PATIENT = os.environ.get("MEDICORE_PATIENT_GRPC", "127.0.0.1:9000")
BILLING = os.environ.get("MEDICORE_BILLING_GRPC", "127.0.0.1:9001")
Code = grpc.StatusCode
RANGE = "must be between 0 and 9223372036854775807"
NO_UUID = "The provided string is not a valid UUID format"
LARGEST = "92233720368547758.07"  # 2^63-1 cents


@pytest.fixture(scope="module")
def patientd():
    with grpc.insecure_channel(PATIENT) as channel:
        yield channel


@pytest.fixture(scope="module")
def billingd():
    with grpc.insecure_channel(BILLING) as channel:
        yield channel


@pytest.fixture(params=["patientd", "billingd"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def patient_id():
    made = str(uuid.uuid4())
    sql("patient", "insert into patient (id, name, email, gender, address, date_of_birth, registered_date) values "
        "(%s, 'Ada Lovelace', %s, 'FEMALE', '12 St James''s Square, London', '1985-12-10', '2026-01-05')",
        made, f"{made}@example.org")
    return made


def verify(channel, asked, **how):
    stub = patient_pb2_grpc.PatientServiceStub(channel)
    return stub.verifyPatient(patient_pb2.PatientLookupRequest(patientId=asked), timeout=10, **how).exists


def verify_all(channel, asked):
    stub = patient_pb2_grpc.PatientServiceStub(channel)
    return list(stub.verifyPatients(patient_pb2.PatientsLookupRequest(patientId=asked), timeout=10).exists)


def create(channel, patient, amount, key=None, **how):
    stub = billing_pb2_grpc.BillingServiceStub(channel)
    metadata = () if key is None else (("idempotency-key", key),)
    return stub.createInvoice(billing_pb2.InvoiceRequest(patientId=patient, amount=amount), timeout=10, metadata=metadata, **how)


def raw(channel, method, message, timeout=10, **how):
    """message goes out as it is."""
    call = channel.unary_unary(method, request_serializer=lambda b: b, response_deserializer=lambda b: b)
    return call(message, timeout=timeout, **how)


def refused(call, code, words=None):
    with pytest.raises(grpc.RpcError) as e:
        call()
    assert e.value.code() == code, e.value
    if words is not None:
        assert e.value.details() == words
    return e.value


# --- verifyPatient ---

def test_a_registered_patient_exists(patientd, patient_id):
    assert verify(patientd, patient_id) is True


@pytest.mark.parametrize("form", [str.upper, lambda i: f" {i}", lambda i: f"{i}   ", lambda i: f"\t {i} \n"])
def test_case_and_spaces_around_the_id_do_not_matter(patientd, patient_id, form):
    assert verify(patientd, form(patient_id)) is True


@pytest.mark.parametrize("asked", ["", " ", "x", "1-1-1-1-1", "00000000-0000-0000-0000-000000000000", "null", "é", "'; drop table patient",
                                   "1e621f4c-db30-c273-49e9-2dcad508a9c", "{1e621f4c-db30-c273-49e9-2dcad508a9cb}", "x" * 100000])
def test_absent_malformed_and_empty_ids_do_not_exist(patientd, asked):
    assert verify(patientd, asked) is False


def test_an_id_that_is_not_sent_does_not_exist(patientd):
    assert raw(patientd, "/patient.PatientService/verifyPatient", b"") == b""


def test_a_space_within_an_id_is_no_id(patientd, patient_id):
    assert verify(patientd, patient_id[:8] + " " + patient_id[9:]) is False


@pytest.mark.parametrize("behind", [b"\0", b"\0junk", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80"])
def test_an_id_with_nul_or_bad_utf8_behind_it_does_not_exist(patientd, patient_id, behind):
    text = patient_id.encode() + behind
    assert raw(patientd, "/patient.PatientService/verifyPatient", b"\x0a" + bytes([len(text)]) + text) == b""


def test_a_deleted_patient_does_not_exist(patientd):
    gone = str(uuid.uuid4())
    sql("patient", "insert into patient (id, name, email, gender, address, date_of_birth, registered_date, deleted_at) values "
        "(%s, 'A', %s, 'OTHER', 'x', '1985-12-10', '2026-01-05', now())", gone, f"{gone}@example.org")
    assert verify(patientd, gone) is False


# --- verifyPatients ---

def test_several_are_answered_in_their_order(patientd, patient_id):
    asked = ["", patient_id, "x", f" {patient_id} ", str(uuid.uuid4()), patient_id.upper()]
    assert verify_all(patientd, asked) == [False, True, False, True, False, True]


def test_none_asked_none_answered(patientd):
    assert verify_all(patientd, []) == []


def test_a_thousand_may_be_asked_at_once_and_no_more(patientd, patient_id):
    asked = [str(uuid.uuid4()) for _ in range(999)] + [patient_id]
    assert verify_all(patientd, asked) == [False] * 999 + [True]
    refused(lambda: verify_all(patientd, asked + [patient_id]), Code.INVALID_ARGUMENT)


# --- getPatient ---

def record(channel, asked):
    return patient_pb2_grpc.PatientServiceStub(channel).getPatient(patient_pb2.PatientLookupRequest(patientId=asked), timeout=10)


@pytest.mark.parametrize("form", [str, str.upper, lambda i: f"\t {i} "])
def test_a_registered_patients_record_has_what_a_document_shows_and_no_more(patientd, patient_id, form):
    assert record(patientd, form(patient_id)) == patient_pb2.PatientRecord(
        exists=True, id=patient_id, name="Ada Lovelace", address="12 St James's Square, London", dateOfBirth="1985-12-10")


@pytest.mark.parametrize("asked", ["", " ", "x", "00000000-0000-0000-0000-000000000000", "'; drop table patient", "x" * 100000])
def test_nobodys_record_says_that_they_do_not_exist(patientd, asked):
    assert record(patientd, asked) == patient_pb2.PatientRecord()


def test_a_deleted_patients_record_is_nobodys(patientd):
    gone = str(uuid.uuid4())
    sql("patient", "insert into patient (id, name, email, gender, address, date_of_birth, registered_date, deleted_at) values "
        "(%s, 'A', %s, 'OTHER', 'x', '1985-12-10', '2026-01-05', now())", gone, f"{gone}@example.org")
    assert record(patientd, gone) == patient_pb2.PatientRecord()


@pytest.mark.parametrize("name,address", [("王小明", "北京市朝阳区建国路 1 号"), ("शिक्षा कुमारी", "कनॉट प्लेस\nनई दिल्ली"), ("José Ñandú", "1 Calle Mayor")])
def test_names_come_as_they_were_written(patientd, name, address):
    made = str(uuid.uuid4())
    sql("patient", "insert into patient (id, name, email, gender, address, date_of_birth, registered_date) values "
        "(%s, %s, %s, 'OTHER', %s, '1985-12-10', '2026-01-05')", made, name, f"{made}@example.org", address)
    found = record(patientd, made)
    assert (found.name, found.address) == (name, address)


# --- createInvoice ---

@pytest.mark.parametrize("amount", ["120.50", "0", "0.00", "85.5", "000012.10", LARGEST])
def test_a_new_invoice_is_issued_and_its_amount_comes_back_as_it_was_sent(billingd, patient_id, amount):
    made = create(billingd, patient_id, amount)
    assert made.status == "ISSUED" and made.remainingAmount == amount
    assert uuid.UUID(made.invoiceId)
    rows = sql("billing", "select status, patient_id::text from invoice where id = %s", made.invoiceId)
    assert rows == [("ISSUED", patient_id)]


def test_spaces_around_the_patient_are_trimmed(billingd, patient_id):
    made = create(billingd, f"  {patient_id} ", "1.00")
    assert sql("billing", "select patient_id::text from invoice where id = %s", made.invoiceId) == [(patient_id,)]


@pytest.mark.parametrize("amount", ["-1", "-0.01", "-99999999999999999999", "92233720368547758.08", "9223372036854775807", "9" * 40])
def test_an_amount_out_of_range_has_its_message(billingd, patient_id, amount):
    refused(lambda: create(billingd, patient_id, amount), Code.INVALID_ARGUMENT, f"Validation failed: {RANGE}")


@pytest.mark.parametrize("amount", ["abc", "", " 5 ", "5 ", "+5", "-0.00", "1e3", "1.239", "NaN", "Infinity", "1,50", ".5", "5.", "--5", "0x10",
                                    "1.2.3", "٥", "5\u00a0", "1_000", "12.505"])
def test_an_amount_that_is_no_amount_is_an_invalid_argument(billingd, patient_id, amount):
    e = refused(lambda: create(billingd, patient_id, amount), Code.INVALID_ARGUMENT)
    assert e.details().startswith("Validation failed: ")


@pytest.mark.parametrize("asked", ["", " ", "x", "1-1-1-1-1", "1e621f4cdb30c27349e92dcad508a9cb"])
def test_a_patient_id_that_is_no_uuid_has_its_message(billingd, asked):
    refused(lambda: create(billingd, asked, "1.00"), Code.INVALID_ARGUMENT, f"Validation failed: {NO_UUID}")


def test_where_both_are_wrong_the_amount_comes_first(billingd):
    refused(lambda: create(billingd, "x", "-1"), Code.INVALID_ARGUMENT, f"Validation failed: {RANGE}, {NO_UUID}")


def test_an_unknown_patient_is_not_found_and_nothing_is_written(billingd):
    nobody = str(uuid.uuid4())
    refused(lambda: create(billingd, nobody, "1.00"), Code.NOT_FOUND, f"patient with Id {nobody} do not exist")
    assert sql("billing", "select count(*) from invoice where patient_id = %s", nobody) == [(0,)]


def invoice_request(patient, amount):
    return b"\x0a" + bytes([len(patient)]) + patient + b"\x12" + bytes([len(amount)]) + amount


@pytest.mark.parametrize("bad", [b"\0", b"\0junk", b"\xff", b"\xc0\xaf"])
def test_nul_and_bad_utf8_get_through_nowhere(billingd, patient_id, bad):
    method, good = "/billing.BillingService/createInvoice", patient_id.encode()
    before = sql("billing", "select count(*) from invoice where patient_id = %s", patient_id)
    refused(lambda: raw(billingd, method, invoice_request(good + bad, b"1.00")), Code.INVALID_ARGUMENT, f"Validation failed: {NO_UUID}")
    refused(lambda: raw(billingd, method, invoice_request(good, b"1.00" + bad)), Code.INVALID_ARGUMENT)
    assert sql("billing", "select count(*) from invoice where patient_id = %s", patient_id) == before


# --- idempotency-key ---

def test_the_same_request_with_a_key_gives_the_same_invoice(billingd, patient_id):
    key = str(uuid.uuid4())
    first, again = create(billingd, patient_id, "7.00", key), create(billingd, patient_id, "7.00", key)
    assert first == again
    assert create(billingd, patient_id, "7.00").invoiceId != first.invoiceId


def test_fifty_racing_requests_with_one_key_make_one_invoice(billingd, patient_id):
    key, amount = str(uuid.uuid4()), "13.37"
    before = sql("billing", "select count(*) from invoice where patient_id = %s", patient_id)[0][0]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: create(billingd, patient_id, amount, key), range(50)))
    assert all(a == answers[0] for a in answers)
    assert sql("billing", "select count(*) from invoice where patient_id = %s", patient_id) == [(before + 1,)]


def test_another_request_with_the_same_key_is_a_conflict(billingd, patient_id):
    key = str(uuid.uuid4())
    create(billingd, patient_id, "7.00", key)
    refused(lambda: create(billingd, patient_id, "7.01", key), Code.FAILED_PRECONDITION)


def test_a_failure_does_not_use_the_key_up(billingd, patient_id):
    key = str(uuid.uuid4())
    refused(lambda: create(billingd, str(uuid.uuid4()), "7.00", key), Code.NOT_FOUND)
    assert create(billingd, patient_id, "7.00", key).status == "ISSUED"


def test_a_key_that_is_too_long_is_refused(billingd, patient_id):
    refused(lambda: create(billingd, patient_id, "7.00", "k" * 256), Code.INVALID_ARGUMENT)


# --- request ids ---

def initial(call):
    return dict((m.key, m.value) for m in call.initial_metadata())


@pytest.mark.parametrize("sent,kept", [("abc-1.2_3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("a/b", False)])
def test_a_request_id_comes_back_where_it_is_one(patientd, sent, kept):
    stub = patient_pb2_grpc.PatientServiceStub(patientd)
    _, call = stub.verifyPatient.with_call(patient_pb2.PatientLookupRequest(), timeout=10, metadata=(("x-request-id", sent),))
    given = initial(call)["x-request-id"]
    assert (given == sent) is kept
    assert kept or uuid.UUID(given)


def test_a_traceparent_is_the_request_id_where_there_is_no_other(patientd):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    stub = patient_pb2_grpc.PatientServiceStub(patientd)
    _, call = stub.verifyPatient.with_call(patient_pb2.PatientLookupRequest(), timeout=10, metadata=(("traceparent", parent),))
    assert initial(call)["x-request-id"] == parent


def test_a_token_need_not_be_there_but_has_to_be_good(patientd, patient_id):
    assert verify(patientd, patient_id, metadata=(("authorization", bearer()["Authorization"]),))
    for bad in ["Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", bearer()["Authorization"] + "x"]:
        with pytest.raises(grpc.RpcError) as failed:
            verify(patientd, patient_id, metadata=(("authorization", bad),))
        assert failed.value.code() == Code.UNAUTHENTICATED, bad
        assert failed.value.details() == "Invalid or expired token"


def test_a_failure_has_a_request_id_too(billingd):
    e = refused(lambda: create(billingd, "x", "-1"), Code.INVALID_ARGUMENT)
    assert initial(e)["x-request-id"]


# --- what any client may get wrong ---

@pytest.mark.parametrize("method", ["/patient.PatientService/nothing", "/nobody.Service/verifyPatient", "/x", "/" + "x" * 500,
                                    "/patient.PatientService/verifypatient", "/grpc.health.v1.Health/List"])
def test_an_unknown_method_is_unimplemented_and_does_not_hang(either, method):
    refused(lambda: raw(either, method, b""), Code.UNIMPLEMENTED)


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x7fx", b"\x0b", b"\xff" * 20, b"\x08\x01"])
def test_bytes_that_are_no_message_are_an_invalid_argument(patientd, message):
    refused(lambda: raw(patientd, "/patient.PatientService/verifyPatient", message), Code.INVALID_ARGUMENT)


def test_a_message_that_is_too_large_is_refused_and_the_next_is_served(patientd, patient_id):
    with grpc.insecure_channel(PATIENT, options=[("grpc.max_send_message_length", -1)]) as channel:
        refused(lambda: verify(channel, "x" * (4 * 1024 * 1024 + 1)), Code.RESOURCE_EXHAUSTED)
        assert verify(channel, patient_id) is True


def test_a_message_that_unpacks_to_a_flood_is_not_unpacked(patientd, patient_id):
    refused(lambda: verify(patientd, "x" * 3000000, compression=grpc.Compression.Gzip), Code.UNIMPLEMENTED)
    assert verify(patientd, patient_id) is True


def test_unknown_fields_are_left_alone(patientd, patient_id):
    text = patient_id.encode()
    sent = b"\x12\x03abc" + b"\x0a" + bytes([len(text)]) + text + b"\x98\x01\x05"
    assert raw(patientd, "/patient.PatientService/verifyPatient", sent) == b"\x08\x01"


def test_a_deadline_that_has_all_but_passed_is_honoured(either):
    started = time.monotonic()
    for _ in range(20):
        try:
            raw(either, "/patient.PatientService/verifyPatient", b"", timeout=0.0001)
        except grpc.RpcError as e:
            assert e.code() in (Code.DEADLINE_EXCEEDED, Code.UNIMPLEMENTED)
    assert time.monotonic() - started < 5


def test_a_cancelled_call_harms_nobody(patientd, patient_id):
    stub = patient_pb2_grpc.PatientServiceStub(patientd)
    for _ in range(100):
        stub.verifyPatient.future(patient_pb2.PatientLookupRequest(patientId=patient_id), timeout=10).cancel()
    assert verify(patientd, patient_id) is True


def test_thousands_of_calls_at_once_are_all_answered(patientd, patient_id):
    stub = patient_pb2_grpc.PatientServiceStub(patientd)
    asked = [patient_id if i % 3 else "x" for i in range(3000)]
    calls = [stub.verifyPatient.future(patient_pb2.PatientLookupRequest(patientId=a), timeout=60) for a in asked]
    assert [c.result().exists for c in calls] == [a == patient_id for a in asked]


# --- health ---

def services(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    answers = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=10)
    return [s.name for s in next(answers).list_services_response.service]


def test_health_serves_the_whole_and_each_service(either):
    stub = health_pb2_grpc.HealthStub(either)
    for name in ["", services(either)[0]]:
        assert stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_service_is_not_found(either):
    stub = health_pb2_grpc.HealthStub(either)
    refused(lambda: stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10), Code.NOT_FOUND)


@pytest.mark.parametrize("name,status", [("", "SERVING"), ("nobody", "SERVICE_UNKNOWN")])
def test_watch_tells_the_status_at_once_and_stays_open(either, name, status):
    answers = health_pb2_grpc.HealthStub(either).Watch(health_pb2.HealthCheckRequest(service=name), timeout=2)
    assert next(answers).status == health_pb2.HealthCheckResponse.ServingStatus.Value(status)
    with pytest.raises(grpc.RpcError) as e:  # nothing changes until our own deadline
        next(answers)
    assert e.value.code() == Code.DEADLINE_EXCEEDED


def test_a_watch_is_told_nothing_before_it_has_said_what_it_watches(either):
    said = threading.Event()

    def request():
        said.wait()
        yield health_pb2.HealthCheckRequest(service="nobody").SerializeToString()

    answers = either.stream_stream("/grpc.health.v1.Health/Watch", response_deserializer=health_pb2.HealthCheckResponse.FromString)(request(), timeout=10)
    for _ in range(3):  # whose answers are told to all who watch
        health_pb2_grpc.HealthStub(either).Check(health_pb2.HealthCheckRequest(), timeout=10)
    said.set()
    assert next(answers).status == health_pb2.HealthCheckResponse.ServingStatus.Value("SERVICE_UNKNOWN")
    answers.cancel()


def test_health_of_garbage_is_an_invalid_argument(either):
    refused(lambda: raw(either, "/grpc.health.v1.Health/Check", b"\x0a\x05x"), Code.INVALID_ARGUMENT)


# --- reflection ---

def reflect(channel, path, **asked):
    call = channel.stream_stream(path, request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
                                 response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
    return list(call(iter([reflection_pb2.ServerReflectionRequest(**asked)]), timeout=10))


@pytest.mark.parametrize("path", [f"/grpc.reflection.{v}.ServerReflection/ServerReflectionInfo" for v in ("v1alpha", "v1")])
def test_reflection_lists_what_is_served(patientd, billingd, path):
    common = ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]
    for channel, own in ((patientd, "patient.PatientService"), (billingd, "billing.BillingService")):
        [answer] = reflect(channel, path, list_services="")
        assert [s.name for s in answer.list_services_response.service] == [own] + common


V1ALPHA = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.mark.parametrize("symbol,name", [
    ("patient.PatientService", "patient.proto"), ("patient.PatientService.verifyPatient", "patient.proto"),
    ("patient.PatientLookupRequest", "patient.proto"), ("patient.PatientLookupRequest.patientId", "patient.proto"),
    ("billing.InvoiceRequest", "billing.proto"), ("grpc.health.v1.Health", "health.proto"),
    ("grpc.health.v1.HealthCheckResponse.ServingStatus", "health.proto"),
    ("grpc.reflection.v1alpha.ServerReflection", "reflection.proto")])
def test_reflection_finds_the_file_of_a_symbol(patientd, symbol, name):
    from google.protobuf import descriptor_pb2
    [answer] = reflect(patientd, V1ALPHA, file_containing_symbol=symbol)
    [found] = answer.file_descriptor_response.file_descriptor_proto
    assert descriptor_pb2.FileDescriptorProto.FromString(found).name == name
    assert answer.original_request.file_containing_symbol == symbol
    [again] = reflect(patientd, V1ALPHA, file_by_filename=name)
    assert list(again.file_descriptor_response.file_descriptor_proto) == [found]


@pytest.mark.parametrize("asked", [{"file_containing_symbol": s} for s in ("", "patient", "patient.", "patient.PatientServic", "x.y", "." * 100,
                                                                           "patient.PatientService.verifyPatient.x")] +
                         [{"file_by_filename": "x.proto"}, {"all_extension_numbers_of_type": "patient.PatientService"}])
def test_reflection_says_not_found(patientd, asked):
    [answer] = reflect(patientd, V1ALPHA, **asked)
    assert answer.error_response.error_code == Code.NOT_FOUND.value[0]


def test_one_reflection_stream_answers_many_questions(patientd):
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")] * 50
    answers = list(reflection_pb2_grpc.ServerReflectionStub(patientd).ServerReflectionInfo(iter(asked), timeout=10))
    assert len(answers) == 50 and all(a == answers[0] for a in answers)


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="needs grpcurl")
def test_grpcurl_lists_describes_and_calls_without_a_proto_file(patient_id):
    def grpcurl(*args):
        done = subprocess.run(["grpcurl", "-plaintext", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert "patient.PatientService" in grpcurl(PATIENT, "list").split()
    assert "rpc createInvoice" in grpcurl(BILLING, "describe", "billing.BillingService")
    assert '"exists": true' in grpcurl("-d", f'{{"patientId":"{patient_id}"}}', PATIENT, "patient.PatientService/verifyPatient")
