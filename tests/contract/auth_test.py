"""Logins: the contract's /auth to the letter, and its "Better" list, through the front door."""
import concurrent.futures
import http.client
import json
import math
import os
import pathlib
import re
import statistics
import threading
import time
import uuid

import jwt
import pytest

import rest
from rest import assert_error, bearer, delete, email, get, patch, post, send

SECRET = "correct horse battery"
ME = "/auth/me"


def account(role="STAFF", **members):
    """A new one's e-mail address and its id; its password is SECRET."""
    given = {"name": "Grace Hopper", "email": email(), "password": SECRET, "role": role, **members}
    answer = post("/auth", given)
    assert answer.status == 201, answer
    return given["email"], answer.headers["Location"].rsplit("/", 1)[1]


def nobody(method, path, body=None, **headers):
    return send(method, path, body, {"Authorization": None, **headers})


def login(address, password=SECRET):
    return nobody("POST", "/auth/login", {"email": address, "password": password})


def pair(address, password=SECRET):
    answer = login(address, password)
    assert answer.status == 200, answer
    assert sorted(answer.json) == ["accessToken", "refreshToken"]
    return answer.json["accessToken"], answer.json["refreshToken"]


def refresh(token):
    return nobody("POST", "/auth/refresh", {"token": token})


def by(token, method="GET", path=ME, body=None, scheme="Bearer"):
    return send(method, path, body, {"Authorization": f"{scheme} {token}"})


def validate(token):
    answer = by(token, path="/auth/validate")
    assert answer.raw == b""
    return answer.status


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


# --- registering ---

def test_registering_answers_what_the_contract_says():
    given = {"name": "Ada", "email": email(), "password": SECRET, "role": "ADMIN"}
    answer = post("/auth", given)
    assert answer.status == 201 and answer.json == {k: given[k] for k in ("email", "name", "role")}
    assert answer.headers["ETag"] == '"1"'
    made = get(answer.headers["Location"])
    assert made.status == 200 and made.json["email"] == given["email"] and made.json["enabled"] is True


@pytest.mark.parametrize("role", ["ADMIN", "STAFF", "DOCTOR", "BILLING", "AUDITOR"])
def test_every_role_can_log_in(role):
    address, _ = account(role)
    access, _ = pair(address)
    assert by(access).json == {"email": address, "name": "Grace Hopper", "role": role}


def test_registering_takes_an_admins_token():
    given = {"name": "Eve", "email": email(), "password": SECRET, "role": "ADMIN"}
    assert_error(nobody("POST", "/auth", given), 401, message="Missing or invalid Authorization header")
    for role in ("STAFF", "DOCTOR", "BILLING", "AUDITOR"):
        assert_error(send("POST", "/auth", given, bearer(role)), 403)


def test_an_address_is_taken_whatever_its_case():
    address, _ = account()
    answer = post("/auth", {"name": "x", "email": address.upper(), "password": SECRET, "role": "STAFF"})
    assert_error(answer, 409, {"email": "User with this email already exists"}, "User with this email already exists")


def as_told(ask):
    """The answer of ask(), asked again as long as it says that too many passwords are being hashed."""
    end = time.monotonic() + 30
    while True:
        answer = ask()
        if answer.status != 503:
            return answer
        assert answer.headers["Retry-After"] and time.monotonic() < end, answer
        time.sleep(0.1)  # sooner than it asks for


def test_of_racing_registrations_one_wins():
    given = {"name": "x", "email": email(), "password": SECRET, "role": "STAFF"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: as_told(lambda: post("/auth", given)).status, range(8)))
    assert sorted(statuses) == [201] + [409] * 7


def test_all_field_errors_come_at_once():
    assert_error(post("/auth", {}), 400, {"name": "Name is required", "email": "Email is required",
                                          "password": "Password is required", "role": "Role is required"})
    answer = post("/auth", {"name": "x", "email": "x", "password": SECRET, "role": "KING", "admin": True})
    assert_error(answer, 400, ["admin", "email", "role"])


@pytest.mark.parametrize("password, good", [
    ("1234567", False), ("ééééééé", False), ("x" * 129, False), ("password1", False), ("PassWord1", False), ("qwertyuiop", False),
    ("12345678", False), ("é" * 8, True), ("Ω" * 128, True), ("8 letters", True), ("password1\n123456", True)])
def test_a_password_has_8_to_128_characters_and_is_not_common(password, good):
    given = {"name": "x", "email": email(), "password": password, "role": "STAFF"}
    if good:
        assert post("/auth", given).status == 201
        pair(given["email"], password)
    else:
        assert_error(post("/auth", given), 400, ["password"])


# --- logging in ---

def test_address_is_known_whatever_its_case():
    address, _ = account()
    access, _ = pair(address.upper())
    assert by(access).json["email"] == address


def test_unknown_account_wrong_password_and_disabled_account_look_the_same():
    address, _ = account()
    disabled, identity = account()
    assert patch(f"/auth/accounts/{identity}", {"enabled": False}).status == 200
    answers = [login(email(), SECRET), login(address, SECRET + "x"), login(disabled, SECRET)]
    for answer in answers:
        assert_error(answer, 401, message="Email or Password is wrong")
    varying = re.compile(rb'"(timestamp|requestId)":"[^"]*"')
    assert len({varying.sub(b"", a.raw) for a in answers}) == 1
    assert len({frozenset(k for k in a.headers) for a in answers}) == 1


def test_a_login_needs_both():
    assert_error(nobody("POST", "/auth/login", {}), 400, {"email": "Email is required", "password": "Password is required"})
    assert_error(nobody("POST", "/auth/login", {"email": "x", "password": "y"}), 400, {"email": "Invalid email format"})
    assert_error(nobody("POST", "/auth/login", {"email": "a@b", "password": 12345678}), 400, ["password"])


def test_tokens_say_what_others_need_and_no_more():
    address, identity = account("DOCTOR")
    access, again = (claims(t) for t in pair(address))
    assert set(access) == {"iss", "aud", "sub", "sid", "jti", "use", "iat", "exp", "role"}
    assert (access["sub"], access["role"], access["use"]) == (identity, "DOCTOR", "access")
    assert access["exp"] - access["iat"] == 15 * 60
    assert (again["use"], again["sid"], again["exp"] - again["iat"]) == ("refresh", access["sid"], 7 * 24 * 3600)
    assert "role" not in again and again["jti"] != access["jti"]


def test_published_keys_verify_tokens_and_hold_nothing_private():
    answer = nobody("GET", "/.well-known/jwks.json")
    assert answer.status == 200 and re.match(r"public, max-age=\d+$", answer.headers["Cache-Control"])
    for key in answer.json["keys"]:
        assert set(key) == {"kty", "crv", "use", "alg", "kid", "x", "y"}
    address, identity = account()
    access, _ = pair(address)
    key = jwt.PyJWKSet.from_dict(answer.json)[jwt.get_unverified_header(access)["kid"]]
    assert jwt.decode(access, key.key, ["ES256"], audience="medicore", issuer="medicore")["sub"] == identity


# --- who asks ---

@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x", "x.y.z"])
def test_without_a_token_nobody_asks(header):
    assert_error(send("GET", ME, headers={"Authorization": header}), 401, message="Missing or invalid Authorization header")
    answer = send("GET", "/auth/validate", headers={"Authorization": header})
    assert (answer.status, answer.raw) == (401, b"")
    assert_error(send("POST", "/auth/logout", headers={"Authorization": header}), 401,
                 message="Missing or invalid Authorization header")


def test_bearer_may_have_any_case():
    access, _ = pair(account()[0])
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        assert by(access, scheme=scheme).status == 200


def test_what_is_no_token_of_ours_is_refused():
    address, _ = account()
    access, again = pair(address)
    head, body, signature = access.split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    for bad in ("x", "x.y.z", f"{head}.{body}.", f"{head}.{body}.{flipped}", access + "=", again):
        assert_error(by(bad), 401, message="Invalid or expired token")
        assert validate(bad) == 401
        assert_error(by(bad, "POST", "/auth/logout"), 401, message="Invalid or expired token")
    assert validate(access) == 200


# --- refreshing ---

def test_a_refresh_token_is_good_once():
    access, again = pair(account()[0])
    answer = refresh(again)
    assert answer.status == 200 and sorted(answer.json) == ["accessToken", "refreshToken"]
    assert validate(answer.json["accessToken"]) == 200
    assert answer.json["refreshToken"] != again


def test_reuse_of_a_rotated_token_ends_the_login_and_all_its_tokens():
    access, first = pair(account()[0])
    second = refresh(first).json
    third = refresh(second["refreshToken"]).json
    assert_error(refresh(first), 401, message="Invalid or Rotated refresh token")
    for token in (access, second["accessToken"], third["accessToken"]):
        assert validate(token) == 401
    assert_error(refresh(third["refreshToken"]), 401, message="Invalid or Rotated refresh token")


def test_reuse_ends_no_other_login_of_the_account():
    address, _ = account()
    _, stolen = pair(address)
    access, again = pair(address)
    assert refresh(stolen).status == 200
    assert refresh(stolen).status == 401
    assert validate(access) == 200 and refresh(again).status == 200


def test_of_100_parallel_refreshes_at_most_one_succeeds():
    for _ in range(3):
        _, again = pair(account()[0])
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda _, token=again: refresh(token), range(100)))
        good = [a for a in answers if a.status == 200]
        assert len(good) <= 1
        assert {a.status for a in answers} <= {200, 401}
        # The others looked like a thief.
        for answer in good:
            assert validate(answer.json["accessToken"]) == 401


def test_what_is_no_refresh_token_is_told_so():
    access, _ = pair(account()[0])
    for bad in ("x", "x.y.z", access, "x" * 8192):
        assert_error(refresh(bad), 401, message="Invalid JWT")
    assert_error(nobody("POST", "/auth/refresh", {}), 400, {"token": "Token is required"})


# --- logging out ---

def test_logout_ends_both_tokens_and_may_be_repeated():
    access, again = pair(account()[0])
    for _ in range(3):
        answer = by(access, "POST", "/auth/logout")
        assert (answer.status, answer.raw) == (204, b"")
    assert_error(by(access), 401, message="Invalid or expired token")
    assert validate(access) == 401
    assert_error(refresh(again), 401, message="Invalid or Rotated refresh token")


def test_logout_leaves_other_logins():
    address, _ = account()
    here, there = pair(address), pair(address)
    assert by(here[0], "POST", "/auth/logout").status == 204
    assert validate(there[0]) == 200 and refresh(there[1]).status == 200


# --- passwords ---

def test_own_password_changes_with_the_old_one_and_ends_all_logins():
    address, _ = account()
    here, there = pair(address), pair(address)
    new = {"oldPassword": SECRET, "newPassword": "quite another one"}
    assert_error(by(here[0], "POST", "/auth/password", {**new, "oldPassword": "wrong old one"}), 400,
                 {"oldPassword": "The old password is wrong"})
    assert_error(by(here[0], "POST", "/auth/password", {"newPassword": new["newPassword"]}), 400,
                 {"oldPassword": "Old password is required"})
    assert_error(by(here[0], "POST", "/auth/password", {**new, "newPassword": "password1"}), 400, ["newPassword"])
    assert validate(here[0]) == 200
    assert by(here[0], "POST", "/auth/password", new).status == 204
    for access, again in (here, there):
        assert validate(access) == 401 and refresh(again).status == 401
    assert login(address).status == 401
    pair(address, new["newPassword"])


def test_an_admin_resets_anothers_password():
    address, identity = account()
    access, _ = pair(address)
    for whose in ({"accountId": identity}, {"email": address.upper()}):
        new = f"reset to {uuid.uuid4()}"
        assert post("/auth/password", {"newPassword": new, **whose}).status == 204
        assert validate(access) == 401
        access, _ = pair(address, new)
    assert_error(post("/auth/password", {"newPassword": SECRET, "accountId": str(uuid.uuid4())}), 404, ["accountId"])
    assert_error(post("/auth/password", {"newPassword": SECRET, "accountId": identity, "email": address}), 400, ["email"])


def test_nobody_else_does():
    _, victim = account()
    address, own = account("AUDITOR")
    access, _ = pair(address)
    for whose in ({"accountId": victim}, {"accountId": str(uuid.uuid4())}, {"email": email()}):
        assert_error(by(access, "POST", "/auth/password", {"newPassword": SECRET, "oldPassword": SECRET, **whose}), 403)
    assert by(access, "POST", "/auth/password", {"newPassword": SECRET, "oldPassword": SECRET, "accountId": own}).status == 204


# --- accounts ---

def test_accounts_are_listed_in_pages():
    made = {account()[1] for _ in range(3)}
    listed, pages = rest.follow("/auth/accounts?limit=2")
    assert pages > 1 and made <= {a["id"] for a in listed}
    one = next(a for a in listed if a["id"] in made)
    assert set(one) == {"id", "email", "name", "role", "enabled", "createdAt", "lastLoginAt"}
    assert one["lastLoginAt"] is None
    assert not any("password" in str(a).lower() for a in listed)


def test_an_account_shows_when_it_last_logged_in():
    address, identity = account()
    before = get(f"/auth/accounts/{identity}")
    pair(address)
    after = get(f"/auth/accounts/{identity}")
    assert before.json["lastLoginAt"] is None and after.json["lastLoginAt"] >= before.json["createdAt"]
    assert after.headers["ETag"] == before.headers["ETag"]


def test_accounts_are_for_admins():
    _, identity = account()
    for role in ("STAFF", "DOCTOR", "BILLING", "AUDITOR"):
        for method, path, body in (("GET", "/auth/accounts", None), ("GET", f"/auth/accounts/{identity}", None),
                                   ("PATCH", f"/auth/accounts/{identity}", {"role": "ADMIN"})):
            assert_error(send(method, path, body, bearer(role)), 403)
            assert_error(nobody(method, path, body), 401)


def test_name_role_and_enabled_can_be_changed():
    address, identity = account()
    path = f"/auth/accounts/{identity}"
    answer = patch(path, {"name": "Grace B. M. Hopper"})
    assert answer.status == 200 and answer.json["name"] == "Grace B. M. Hopper" and answer.headers["ETag"] == '"2"'
    assert patch(path, {"name": "Grace B. M. Hopper"}).headers["ETag"] == '"2"'
    assert_error(patch(path, {"role": "DOCTOR"}, If_Match='"1"'), 412)
    assert patch(path, {"role": "DOCTOR", "enabled": None}, If_Match='"2"').json["role"] == "DOCTOR"
    assert patch(path, {"enabled": False}).json["enabled"] is False
    assert get(path).json == {**answer.json, "role": "DOCTOR", "enabled": False}
    assert_error(patch(path, {}), 400, {"body": "You must provide at least one field to update"})
    assert_error(patch(path, {"role": "KING", "enabled": "yes", "email": "x@example.org", "name": " "}), 400,
                 ["email", "enabled", "name", "role"])
    assert_error(patch(f"/auth/accounts/{uuid.uuid4()}", {"enabled": False}), 404)
    assert_error(patch("/auth/accounts/1", {"enabled": False}), 400, ["id"])
    assert_error(delete(path), 405)


@pytest.mark.parametrize("change", [{"enabled": False}, {"role": "BILLING"}])
def test_disabling_and_another_role_end_the_logins(change):
    address, identity = account()
    access, again = pair(address)
    assert patch(f"/auth/accounts/{identity}", {"name": "Another Name"}).status == 200
    assert validate(access) == 200
    assert patch(f"/auth/accounts/{identity}", change).status == 200
    assert validate(access) == 401 and refresh(again).status == 401
    assert login(address).status == (401 if "enabled" in change else 200)
    assert patch(f"/auth/accounts/{identity}", {"enabled": True}).status == 200
    assert validate(access) == 401
    pair(address)


# --- what only our own programs may ask ---

def programs_secret():
    path = os.environ.get("MEDICORE_PGHOST", "")
    file = pathlib.Path(path).parent / "secret" / "programs"
    if not file.exists():
        pytest.skip("the system is not one of ./dev up on this machine")
    return file.read_text().strip()


def revocations(after=0, token=None):
    return send("GET", f"/auth/revocations?after={after}", headers={"Authorization": f"Bearer {token or programs_secret()}"})


def test_ended_logins_are_told_in_order_to_those_who_know_the_secret():
    after = 0
    while (page := revocations(after).json)["sessions"]:
        after = page["next"]
    first, second = pair(account()[0]), pair(account()[0])
    for access, _ in (first, second):
        assert by(access, "POST", "/auth/logout").status == 204
        assert by(access, "POST", "/auth/logout").status == 204
    answer = revocations(after)
    told = [e for e in answer.json["sessions"]]
    assert [claims(t)["sid"] for t, _ in (first, second)] == [e["session"] for e in told]
    assert all(claims(first[0])["exp"] <= e["until"] <= claims(first[0])["exp"] + 120 for e in told)
    assert revocations(answer.json["next"]).json == {"next": answer.json["next"], "sessions": []}
    # Who knows of more than there were knew this database before it was restored, and has to begin anew.
    assert revocations(2**50).json["next"] < 2**49
    assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_else_is_told():
    access, _ = pair(account("ADMIN")[0])
    for headers in ({"Authorization": None}, {"Authorization": f"Bearer {access}"}, {"Authorization": "Bearer x"},
                    {"Authorization": f"Bearer {programs_secret()[:-1]}"}, {"Authorization": f"Basic {programs_secret()}"}):
        assert_error(send("GET", "/auth/revocations?after=0", headers=headers), 401)
    assert_error(revocations("x"), 400, ["after"])


# --- throttling ---

def test_failures_in_a_row_make_the_next_wait():
    address, _ = account()
    statuses = [login(address, f"wrong one {i}").status for i in range(8)]
    assert statuses[:5] == [401] * 5 and 429 in statuses[5:]
    while (answer := login(address, "wrong one")).status == 401:  # its time was over already
        pass
    assert_error(answer, 429, message="Too many failed logins")
    assert 1 <= int(answer.headers["Retry-After"]) <= 900


def test_who_has_to_wait_does_with_the_right_password_too():
    address, _ = account()
    for i in range(9):  # the last of them makes the next wait for 8 s, if no earlier one has to wait
        login(address, f"wrong one {i}")
    assert_error(login(address), 429, message="Too many failed logins")


def test_an_address_that_nobody_has_is_held_alike():
    address = email()
    statuses = [login(address, f"wrong one {i}").status for i in range(8)]
    assert statuses[:5] == [401] * 5 and 429 in statuses[5:]


def test_a_good_login_ends_the_row():
    address, _ = account()
    for _ in range(3):
        assert [login(address, "wrong one").status for _ in range(4)] == [401] * 4
        pair(address)


def test_many_good_logins_at_once_are_not_held():
    address, _ = account()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: as_told(lambda: login(address)).status, range(24))) == {200}


def test_a_flood_of_logins_holds_up_nothing_else():
    address, _ = account()
    stop, statuses, waited = threading.Event(), [], []

    def flood():
        while not stop.is_set():
            statuses.append(login(address).status)

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        for _ in range(64):
            pool.submit(flood)
        try:
            for _ in range(30):
                begun = time.monotonic()
                assert get("/auth/me").status == 200
                waited.append(time.monotonic() - begun)
        finally:
            stop.set()
    assert set(statuses) == {200, 503}
    print(f"median {statistics.median(waited):.3f} s, at most {max(waited):.3f} s")
    assert statistics.median(waited) < 0.5 and max(waited) < 1.5


def login_from(here, address, password=SECRET):
    """The status of a login from another of this machine's addresses, whatever its header fields say."""
    connection = http.client.HTTPConnection(rest.URL.hostname, rest.URL.port, timeout=30, source_address=(here, 0))
    connection.request("POST", "/auth/login", json.dumps({"email": address, "password": password}),
                       {"Content-Type": "application/json", "X-Forwarded-For": "127.0.0.2", "X-Real-IP": "127.0.0.2"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_failures_elsewhere_keep_the_owner_out_of_no_known_place():
    address, _ = account()
    assert login_from("127.0.0.2", address) == 200
    for i in range(9):
        login_from("127.0.0.1", address, f"wrong one {i}")
    assert login_from("127.0.0.1", address) == 429
    assert login_from("127.0.0.3", address) == 429
    assert login_from("127.0.0.2", address) == 200


def test_guesses_at_once_are_no_more_than_guesses_in_a_row():
    address, _ = account()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(lambda i: login(address, f"wrong one {i}").status, range(24)))
    # Five, then one more after 1 s, 2 s, 4 s …
    assert {401, 429} <= set(statuses) <= {401, 429, 503} and statuses.count(401) <= 5 + math.log2(1 + time.monotonic() - start)


def test_the_old_password_can_not_be_guessed_either():
    address, _ = account()
    access, _ = pair(address)
    body = {"oldPassword": "wrong old one", "newPassword": "quite another one"}
    statuses = [by(access, "POST", "/auth/password", body).status for _ in range(7)]
    assert statuses[:5] == [400] * 5 and 429 in statuses[5:]
