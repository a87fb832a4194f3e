"""/patients by REST: every line of the contract, and its "Better" list."""
import collections
import datetime
import json
import threading
import uuid

import pytest

import rest
from rest import UUID, assert_error, delete, get, patch, patient, post, query, registered, send, short

TODAY = datetime.datetime.now(datetime.timezone.utc).date()


# --- create ---

def test_created_patient_comes_back_with_id_location_and_etag():
    asked = patient()
    answer = post("/patients", asked)
    assert answer.status == 201, answer
    made = answer.json
    assert UUID.match(made["id"])
    assert made == {**asked, "id": made["id"]}
    assert answer.headers["Location"].endswith(f"/patients/{made['id']}")
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("member, message", [
    ("name", "Name is required"),
    ("email", "Email is required"),
    ("gender", "Gender is required"),
    ("address", "Address is required"),
    ("dateOfBirth", "Date Of Birth is required"),
    ("registeredDate", "Register date is required"),
])
@pytest.mark.parametrize("how", ["absent", "null", "empty", "blank"])
def test_each_member_is_required_on_create(member, message, how):
    body = patient()
    del body[member]
    if how != "absent":
        body[member] = {"null": None, "empty": "", "blank": " \u00a0\t"}[how]
    assert_error(post("/patients", body), 400, {member: message})


def test_all_field_errors_are_found_at_once():
    body = assert_error(post("/patients", {}), 400, ["name", "email", "gender", "address", "dateOfBirth", "registeredDate"])
    assert body["message"] == "Validation failed: 6 errors found"
    assert body["path"] == "/patients"


@pytest.mark.parametrize("member, value, message", [
    ("name", "x" * 81, "Name should be less then 80 characters"),
    ("name", "é" * 81, "Name should be less then 80 characters"),
    ("email", "x@" + "y" * 253, "Max size of email exceeded"),
    ("email", "nobody", "Invalid email format"),
    ("email", "@example.org", "Invalid email format"),
    ("email", "a b@example.org", "Invalid email format"),
    ("email", "a@b@example.org", "Invalid email format"),
    ("email", "a@", "Invalid email format"),
], ids=short)
def test_text_outside_its_limits_is_told_in_the_contracts_words(member, value, message):
    assert_error(post("/patients", patient(**{member: value})), 400, {member: message})


@pytest.mark.parametrize("member, value", [
    ("address", "x" * 256),
    ("gender", "UNKNOWN"),
    ("gender", "male"),
    ("dateOfBirth", "2025-02-29"),
    ("dateOfBirth", "2025-13-01"),
    ("dateOfBirth", "2025-1-1"),
    ("dateOfBirth", "0000-01-01"),
    ("dateOfBirth", "01/02/1990"),
    ("dateOfBirth", "1990-01-01T00:00:00Z"),
    ("dateOfBirth", "12abc"),
    ("dateOfBirth", str(TODAY + datetime.timedelta(days=2))),
    ("dateOfBirth", "9999-12-31"),
    ("registeredDate", "yesterday"),
    ("registeredDate", "2025-04-31"),
], ids=short)
def test_value_outside_its_limits_is_400_naming_the_field(member, value):
    assert_error(post("/patients", patient(**{member: value})), 400, [member])


@pytest.mark.parametrize("members", [
    {"name": "𝔘" * 80},
    {"name": "x"},
    {"name": "Zoë O'Brien-Þórsdóttir \\ \"Quoted\" 😀"},
    {"address": "é" * 255},
    {"gender": "MALE"},
    {"gender": "OTHER"},
    {"dateOfBirth": "2024-02-29"},
    {"dateOfBirth": str(TODAY)},
    {"dateOfBirth": "0001-01-01"},
    {"registeredDate": "2031-01-01"},
], ids=short)
def test_value_at_its_limits_is_taken_and_comes_back_the_same(members):
    made = registered(**members)
    assert {k: made[k] for k in members} == members
    assert get(f"/patients/{made['id']}").json == made


def test_email_without_a_dot_in_its_domain_is_valid():
    address = f"{uuid.uuid4().hex}@localhost"
    assert registered(email=address)["email"] == address


def test_254_characters_of_email_are_taken():
    local = uuid.uuid4().hex
    domain = ".".join(["d" * 54] * 4)
    address = f"{local}@{domain}"
    address += "d" * (254 - len(address))
    assert len(address) == 254 and registered(email=address)["email"] == address


@pytest.mark.parametrize("why, value", rest.BAD_VALUES, ids=[why for why, _ in rest.BAD_VALUES])
def test_malformed_json_is_400(why, value):
    answer = post("/patients", rest.with_value(patient(), "name", value))
    body = answer.json
    assert answer.status == 400 and len(body["errors"]) == 1, answer
    assert set(body["errors"]) <= {"name", "body"}


@pytest.mark.parametrize("value", [b'"Ada\\u0000"', b'"Ada\x00"', b'"Ada\xc0\xaf"', b'"Ada\\ud800"', b'"Jos\xe9"'])
def test_nul_and_bad_utf8_are_blamed_on_their_field(value):
    assert_error(post("/patients", rest.with_value(patient(), "name", value)), 400, ["name"])


@pytest.mark.parametrize("why, value", rest.WRONG_TYPES, ids=[why for why, _ in rest.WRONG_TYPES])
@pytest.mark.parametrize("member", ["name", "email", "gender", "address", "dateOfBirth", "registeredDate"])
def test_wrong_type_is_400_naming_the_field(member, why, value):
    assert_error(post("/patients", rest.with_value(patient(), member, value)), 400, [member])


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"12", b"{", b"}", b"{}{}", b"{} x", b"\xef\xbb\xbf{}",
                                  b'{"name":"a",}', b"{name:1}", b"[" * 60000, b'{"name" "x"}', b"\x00", b" "], ids=short)
def test_body_that_is_no_json_object_is_400(body):
    assert_error(post("/patients", body), 400, ["body"])


def test_empty_body_is_400():
    assert_error(send("POST", "/patients", b""), 400, ["body"])


def test_duplicated_key_is_400_naming_it():
    body = json.dumps(patient()).encode()
    assert_error(post("/patients", body[:-1] + b',"name":"Other"}'), 400, ["name"])
    assert_error(post("/patients", body[:-1] + b',"n\\u0061me":"Other"}'), 400, ["name"])


@pytest.mark.parametrize("member", ["id", "version", "nmae", "Name", "registered_date", ""])
def test_unknown_member_is_400_naming_it(member):
    assert_error(post("/patients", {**patient(), member: str(uuid.uuid4())}), 400, [member])


def test_unknown_members_are_named_beside_other_errors():
    assert_error(post("/patients", {**patient(name=None), "nick": "A", "tel": 1}), 400, ["name", "nick", "tel"])


# --- the e-mail address is unique ---

def test_taken_email_is_409_in_message_and_field():
    made = registered()
    message = f"A patient with this email: {made['email']} already exists"
    assert_error(post("/patients", patient(email=made["email"])), 409, {"email": message}, message)


def test_email_is_taken_whatever_its_case():
    made = registered(email=f"Jörg.{uuid.uuid4()}@Example.ORG")
    assert "@Example.ORG" in made["email"]
    for asked in (made["email"].lower(), made["email"].upper(), made["email"].swapcase()):
        assert_error(post("/patients", patient(email=asked)), 409,
                     {"email": f"A patient with this email: {asked} already exists"})


def test_of_racing_creates_exactly_one_wins_each_email():
    addresses = [rest.email() for _ in range(40)]
    jobs = collections.deque(addresses * 8)
    statuses = collections.defaultdict(list)
    barrier = threading.Barrier(32)

    def work():
        barrier.wait()
        while True:
            try:
                address = jobs.popleft()
            except IndexError:
                return
            statuses[address].append(post("/patients", patient(email=address)).status)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    counts = collections.Counter(s for one in statuses.values() for s in one)
    assert counts == {201: 40, 409: 280}
    assert all(one.count(201) == 1 for one in statuses.values())


# --- read ---

def test_get_gives_what_was_created():
    made = registered()
    answer = get(f"/patients/{made['id']}")
    assert answer.status == 200
    assert answer.json == made
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_upper_case_uuid_is_accepted():
    made = registered()
    assert get(f"/patients/{made['id'].upper()}").json == made


def test_unknown_id_is_404_in_the_contracts_words():
    asked = str(uuid.uuid4())
    for answer in (get(f"/patients/{asked}"), patch(f"/patients/{asked}", {"name": "X"}), delete(f"/patients/{asked}")):
        body = assert_error(answer, 404, None, f"Patient with the id {asked} doesn't exist")
        assert body["path"] == f"/patients/{asked}"


@pytest.mark.parametrize("asked", ["1", "1-1-1-1-1", "abc", "123e4567e89b12d3a456426614174000", "%7B123e4567-e89b-12d3-a456-426614174000%7D",
                                   "123e4567-e89b-12d3-a456-42661417400g", "123e4567-e89b-12d3-a456-4266141740001", "%20", "%00",
                                   "123e4567-e89b-12d3-a456-426614174000%00", "%C0%AF", "'"])
def test_id_that_is_no_uuid_is_400(asked):
    for answer in (get(f"/patients/{asked}"), patch(f"/patients/{asked}", {"name": "X"}), delete(f"/patients/{asked}")):
        if "%00" in asked or "%C0" in asked:
            assert answer.status in (400, 404), "front doors may refuse such a path themselves"
        else:
            assert_error(answer, 400, ["id"])


# --- change ---

@pytest.mark.parametrize("member, value", [
    ("name", "Grace Hopper"), ("gender", "OTHER"), ("address", "New York"), ("dateOfBirth", "1906-12-09"),
    ("email", None),
], ids=short)
def test_patch_changes_what_is_given_and_nothing_else(member, value):
    made = registered()
    value = value or rest.email()
    answer = patch(f"/patients/{made['id']}", {member: value})
    assert answer.status == 200, answer
    assert answer.json == {**made, member: value}
    assert answer.headers["ETag"] == '"2"'
    assert get(f"/patients/{made['id']}").json == answer.json


def test_null_means_unchanged():
    made = registered()
    changed = patch(f"/patients/{made['id']}", {"name": "New", "gender": None, "address": None, "dateOfBirth": None,
                                                "email": None, "id": None, "registeredDate": None})
    assert changed.json == {**made, "name": "New"}


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": None, "gender": None, "address": None, "dateOfBirth": None}])
def test_patch_of_nothing_is_400(body):
    made = registered()
    assert_error(patch(f"/patients/{made['id']}", body), 400,
                 {"patientUpdateDTO": "You must provide at least one field to update"})


@pytest.mark.parametrize("member, value, message", [
    ("name", "x" * 81, "size must be between 0 and 80"),
    ("name", "", "Name is required"),
    ("name", "  ", "Name is required"),
    ("address", "", "Address is required"),
    ("address", "\u2003", "Address is required"),
    ("email", "nobody", "Invalid email format"),
    ("email", "x@" + "y" * 253, "Max size of email exceeded"),
    ("address", "x" * 256, None),
    ("gender", "FEMAIL", None),
    ("dateOfBirth", "2023-02-29", None),
    ("dateOfBirth", str(TODAY + datetime.timedelta(days=2)), None),
    ("registeredDate", "2001-01-01", None),
    ("registeredDate", "no date", None),
    ("id", str(uuid.uuid4()), None),
    ("id", "no uuid", None),
    ("nmae", "Ada", None),
    ("version", 1, None),
    ("name", 12, None),
    ("name", {}, None),
], ids=short)
def test_patch_with_a_bad_value_is_400_naming_the_field_and_changes_nothing(member, value, message):
    made = registered()
    body = {"gender": "OTHER", member: value}
    assert_error(patch(f"/patients/{made['id']}", body), 400, {member: message} if message else [member])
    assert get(f"/patients/{made['id']}").json == made


def test_all_errors_of_a_patch_are_found_at_once():
    made = registered()
    assert_error(patch(f"/patients/{made['id']}", {"name": "", "gender": "x", "nmae": 1}), 400, ["name", "gender", "nmae"])


@pytest.mark.parametrize("why, value", rest.BAD_VALUES, ids=[why for why, _ in rest.BAD_VALUES])
def test_malformed_json_in_a_patch_is_400(why, value):
    made = registered()
    answer = patch(f"/patients/{made['id']}", rest.with_value({}, "name", value))
    assert answer.status == 400 and set(answer.errors) <= {"name", "body"} and answer.errors, answer
    assert get(f"/patients/{made['id']}").json == made


def test_what_get_gave_can_be_sent_back():
    made = registered()
    answer = patch(f"/patients/{made['id']}", get(f"/patients/{made['id']}").json)
    assert answer.status == 200 and answer.json == made
    assert answer.headers["ETag"] == '"1"', "nothing changed"


def test_what_get_gave_can_be_sent_back_with_a_change():
    made = registered()
    changed = {**made, "id": made["id"].upper(), "name": "Someone Else"}
    answer = patch(f"/patients/{made['id']}", changed)
    assert answer.status == 200 and answer.json == {**made, "name": "Someone Else"}


def test_patch_to_a_taken_email_is_409():
    taken, made = registered(), registered()
    message = f"A patient with this email: {taken['email'].upper()} already exists"
    assert_error(patch(f"/patients/{made['id']}", {"email": taken["email"].upper()}), 409, {"email": message})
    assert get(f"/patients/{made['id']}").json == made


def test_own_email_in_another_case_is_no_conflict():
    made = registered()
    answer = patch(f"/patients/{made['id']}", {"email": made["email"].upper()})
    assert answer.status == 200 and answer.json["email"] == made["email"].upper()


def test_if_match_guards_patch_and_delete():
    path = f"/patients/{registered()['id']}"
    assert patch(path, {"name": "One"}, If_Match='"1"').headers["ETag"] == '"2"'
    for tag in ('"1"', '"3"', '"nonsense"', 'W/"2"', '"0"', '"2x"'):
        assert_error(patch(path, {"name": "Two"}, If_Match=tag), 412)
        assert_error(delete(path, If_Match=tag), 412)
    assert get(path).json["name"] == "One"
    assert patch(path, {"name": "Two"}, If_Match="*").status == 200
    assert patch(path, {"name": "Three"}, If_Match='"1", "3"').headers["ETag"] == '"4"'
    assert delete(path, If_Match='"4"').status == 204


def test_of_racing_changes_of_one_version_exactly_one_wins():
    path = f"/patients/{registered()['id']}"
    barrier, statuses = threading.Barrier(16), []

    def work(i):
        barrier.wait()
        statuses.append(patch(path, {"name": f"Name {i}"}, If_Match='"1"').status)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(statuses) == [200] + [412] * 15
    assert get(path).headers["ETag"] == '"2"'


# --- delete ---

def test_deleted_patient_is_gone_everywhere():
    made = registered(name=f"Gone{uuid.uuid4().hex[:12]}")
    path = f"/patients/{made['id']}"
    answer = delete(path)
    assert answer.status == 204 and answer.raw == b""
    assert_error(get(path), 404)
    assert_error(patch(path, {"name": "X"}), 404)
    assert_error(delete(path), 404)
    assert get(query("/patients", email=made["email"])).json == []
    assert get(query("/patients", name=made["name"])).json == []


def test_deleted_patients_email_is_free_again():
    first = registered()
    assert delete(f"/patients/{first['id']}").status == 204
    second = registered(email=first["email"])
    assert second["id"] != first["id"]


def test_routes_without_a_body_ignore_content_type():
    path = f"/patients/{registered()['id']}"
    assert get(path, Content_Type="text/plain").status == 200
    assert delete(path, Content_Type="text/plain").status == 204


def test_body_of_get_and_delete_is_read_and_ignored():
    path = f"/patients/{registered()['id']}"
    for _ in range(20):
        assert send("GET", path, b"x" * 5000, {"Content-Type": "text/plain"}).status == 200
    assert send("DELETE", path, b"x" * 5000, {"Content-Type": "text/plain"}).status == 204


# --- HTTP ---

def test_head_answers_as_get_without_the_body():
    made = registered()
    for path in (f"/patients/{made['id']}", query("/patients", email=made["email"])):
        full, head = get(path), send("HEAD", path)
        assert head.status == 200 and head.raw == b""
        for name in ("Content-Type", "ETag", "Cache-Control"):
            assert head.headers.get(name) == full.headers.get(name)
    assert send("HEAD", f"/patients/{uuid.uuid4()}").status == 404


def allowed(answer):
    return sorted(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("path, methods", [
    ("/patients", ["GET", "HEAD", "OPTIONS", "POST"]),
    ("/patients/6b29fc40-ca47-4067-b31d-00dd010662da", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"]),
])
def test_options_and_405_say_what_is_allowed(path, methods):
    answer = send("OPTIONS", path)
    assert answer.status in (200, 204) and allowed(answer) == methods
    for method in {"PUT", "POST", "PATCH", "DELETE", "GET"} - set(methods):
        answer = send(method, path, {} if method in ("PUT", "POST", "PATCH") else None)
        assert_error(answer, 405)
        assert allowed(answer) == methods


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
                                   "application/json; charset=latin1", None])
def test_body_that_is_not_called_json_is_415(media):
    made = registered()
    assert_error(send("POST", "/patients", json.dumps(patient()).encode(), {"Content-Type": media}), 415)
    assert_error(send("PATCH", f"/patients/{made['id']}", b'{"name":"X"}', {"Content-Type": media}), 415)


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""])
def test_json_by_any_of_its_names_is_taken(media):
    assert send("POST", "/patients", patient(), {"Content-Type": media}).status == 201


@pytest.mark.parametrize("accept, status", [
    (None, 200), ("*/*", 200), ("application/*", 200), ("application/json", 200), ("text/html, */*;q=0.1", 200),
    ("text/html", 406), ("image/png, text/plain", 406), ("application/json;q=0", 406), ("application/json;q=0, */*", 406),
])
def test_accept_decides_between_200_and_406(accept, status):
    path = f"/patients/{registered()['id']}"
    assert send("GET", path, headers={"Accept": accept}).status == status


def test_problem_json_goes_to_who_names_it():
    path = f"/patients/{uuid.uuid4()}"
    answer = get(path, Accept="application/problem+json")
    assert answer.status == 404 and answer.headers["Content-Type"].split(";")[0] == "application/problem+json"
    assert answer.json["message"] == answer.json["detail"]
    for accept in (None, "*/*", "application/json"):
        assert get(path, Accept=accept).headers["Content-Type"].split(";")[0] == "application/json"


def test_body_too_large_is_413():
    made = registered()
    answer = post("/patients", b'{"name":"' + b"x" * (4 << 20) + b'"}')
    assert answer.status == 413, answer
    assert get(f"/patients/{made['id']}").status == 200


@pytest.mark.parametrize("path", ["/patients/", "/patients/6b29fc40-ca47-4067-b31d-00dd010662da/", "/patients//",
                                  "/patients/6b29fc40-ca47-4067-b31d-00dd010662da/x"])
def test_trailing_slash_and_what_is_below_are_404(path):
    assert get(path).status == 404
    assert send("POST", path, {}).status == 404


def test_request_id_is_taken_from_the_client_where_it_is_one():
    path = f"/patients/{uuid.uuid4()}"
    mine = f"me.{uuid.uuid4()}_1"
    assert get(path, X_Request_Id=mine).json["requestId"] == mine
    for bad in ("a b", "x" * 65, "ä", "<script>"):
        assert get(path, X_Request_Id=bad.encode("utf-8").decode("latin-1")).json["requestId"] != bad


def test_error_path_holds_nothing_to_inject():
    answer = get("/patients/%22%3E%3Cscript%3E")
    assert answer.status == 400
    assert "<script>" not in answer.json["path"]
