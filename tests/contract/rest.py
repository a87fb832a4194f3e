"""HTTP as bytes, against the system that MEDICORE_URL names: nothing here corrects what a test sends."""
import http.client
import json
import os
import re
import urllib.parse
import uuid

import tokens

URL = urllib.parse.urlsplit(os.environ.get("MEDICORE_URL", "http://127.0.0.1:8080"))
LOGINS = tokens.Logins(URL.geturl(), os.environ.get("MEDICORE_ADMIN_EMAIL"), os.environ.get("MEDICORE_ADMIN_PASSWORD"))
JSON = "application/json"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def errors(self):
        return self.json.get("errors", {})

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.raw[:600]!r}"


def bearer(role="ADMIN"):
    return {"Authorization": LOGINS.bearer(role)} if os.environ.get("MEDICORE_ADMIN_EMAIL") else {}


def send(method, path, body=None, headers=None, timeout=30):
    """One request.  body: bytes go out as they are, anything else as JSON; a header that is None is not sent.
    The ADMIN of the system asks, unless there is an Authorization."""
    headers = {**bearer(), **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        headers.setdefault("Content-Type", JSON)
    connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=timeout)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        # RFC 9110, section 8.6: a POST without a body says so; lighttpd answers 411 otherwise.
        if "Content-Length" not in headers and (body is not None or method in ("POST", "PUT", "PATCH")):
            connection.putheader("Content-Length", str(len(body or b"")))
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def get(path, **headers):
    return send("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def post(path, body=None, **headers):
    return send("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})


def patch(path, body, **headers):
    return send("PATCH", path, body, {k.replace("_", "-"): v for k, v in headers.items()})


def delete(path, **headers):
    return send("DELETE", path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def short(value):
    """A parameter's part of a test's name."""
    return ascii(value)[:32]


def assert_error(answer, status, errors=None, message=None):
    """The one error shape."""
    assert answer.status == status, answer
    body = answer.json
    assert body["status"] == status
    assert re.match(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", body["timestamp"])
    assert body["path"].startswith("/")
    assert body["message"] and body["title"] and body["type"] and body["detail"] and body["instance"]
    assert re.match(r"^[A-Za-z0-9._-]{1,64}$", body["requestId"])
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    if errors is None:
        assert "errors" not in body, body
    elif isinstance(errors, dict):
        assert body["errors"] == errors
        assert body["message"] == (next(iter(errors.values())) if len(errors) == 1 else
                                   f"Validation failed: {len(errors)} errors found")
    else:
        assert sorted(body["errors"]) == sorted(errors), body
    if message is not None:
        assert body["message"] == message
    return body


def email():
    return f"{uuid.uuid4()}@example.org"


def patient(**members):
    """What POST /patients takes; a member given as None is left out."""
    given = {"name": "Ada Lovelace", "email": email(), "gender": "FEMALE", "address": "12 St James's Square, London",
             "dateOfBirth": "1985-12-10", "registeredDate": "2026-01-05", **members}
    return {k: v for k, v in given.items() if v is not None}


def registered(**members):
    answer = post("/patients", patient(**members))
    assert answer.status == 201, answer
    return answer.json


def query(path, **parameters):
    return f"{path}?{urllib.parse.urlencode(parameters)}"


def next_link(answer):
    """Path and query of Link: <…>; rel="next", or None."""
    link = answer.headers.get("Link")
    if link is None:
        return None
    target, _, relation = link.partition(">")
    assert target.startswith("<") and relation.strip() == '; rel="next"', link
    parts = urllib.parse.urlsplit(target[1:])
    return f"{parts.path}?{parts.query}"


def follow(path):
    """All things of all pages, and how many pages there were."""
    things, pages = [], 0
    while path is not None:
        answer = get(path)
        assert answer.status == 200, answer
        things += answer.json
        pages += 1
        assert pages < 10000
        path = next_link(answer)
    return things, pages


# Bodies that json-c's own strict mode takes, or takes wrongly, and what else is no JSON: (why, value of a member, as bytes).
# Each stands as the value of a text member.
BAD_VALUES = [
    ("single_quotes", b"'Ada'"),
    ("nan", b"NaN"),
    ("infinity", b"-Infinity"),
    ("number_ending_in_its_point", b"1."),
    ("number_beginning_with_its_point", b".5"),
    ("number_with_a_leading_zero", b"01"),
    ("hexadecimal", b"0x1f"),
    ("raw_newline_in_text", b'"Ada\nLovelace"'),
    ("raw_tab_in_text", b'"Ada\tLovelace"'),
    ("raw_nul_in_text", b'"Ada\x00Lovelace"'),
    ("escaped_nul_in_text", b'"Ada\\u0000Lovelace"'),
    ("overlong_utf8", b'"Ada\xc0\xaf"'),
    ("overlong_utf8_of_three_bytes", b'"Ada\xe0\x80\xaf"'),
    ("surrogate_in_utf8", b'"Ada\xed\xa0\x80"'),
    ("beyond_unicode", b'"Ada\xf4\x90\x80\x80"'),
    ("latin_1", b'"Jos\xe9"'),
    ("lone_high_surrogate", b'"Ada\\ud800"'),
    ("lone_low_surrogate", b'"Ada\\udc00"'),
    ("surrogates_the_wrong_way_round", b'"Ada\\udc00\\ud800"'),
    ("unknown_escape", b'"Ada\\x41"'),
    ("literal_in_capitals", b"TRUE"),
    ("comment", b'/* who */ "Ada"'),
    ("text_without_its_end", b'"Ada'),
    ("nothing", b""),
    ("two_values", b'"Ada" "Lovelace"'),
]
WRONG_TYPES = [
    ("number", b"12"),
    ("big_number", b"99999999999999999999999999"),
    ("fraction", b"1.5"),
    ("boolean", b"true"),
    ("object", b"{}"),
    ("array", b'["Ada"]'),
]


def with_value(body, member, value):
    """body as JSON, but with the bytes value where member stands."""
    marked = json.dumps({**body, member: "@@value@@"}).encode()
    return marked.replace(b'"@@value@@"', value)
