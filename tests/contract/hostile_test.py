"""HTTP as nobody should speak it, by raw sockets through the front door: each gets an answer of the one error shape and a 4xx, at once, and
the next client is served as if nothing had been."""
import collections
import concurrent.futures
import http.client
import io
import json
import random
import socket
import struct

import pytest

import rest
from rest import get, patient, registered


def exchange(sent, timeout=15):
    """All bytes that come back until the server closes."""
    received = b""
    with socket.create_connection((rest.URL.hostname, rest.URL.port), timeout=timeout) as s:
        s.sendall(sent)
        while True:
            piece = s.recv(65536)
            if not piece:
                return received
            received += piece


class Received:
    def __init__(self, raw):
        self.raw = raw

    def makefile(self, *_):
        return io.BytesIO(self.raw)


def parsed(raw, method="GET"):
    answer = http.client.HTTPResponse(Received(raw), method=method)
    answer.begin()
    return rest.Answer(answer.status, answer.headers, answer.read())


def request(method, path, *headers, body=b"", version=b"1.1", close=True):
    path = path if isinstance(path, bytes) else path.encode()
    head = [method.encode() + b" " + path + b" HTTP/" + version, b"Host: localhost"]
    if close:
        head.append(b"Connection: close")
    if not any(h.startswith(b"Authorization:") for h in headers):
        head += [f"{name}: {value}".encode() for name, value in rest.bearer().items()]
    return b"\r\n".join([*head, *headers]) + b"\r\n\r\n" + body


def posted(path, body, *headers, **how):
    return request("POST", path, b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers, body=body, **how)


def chunked(body, size):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def assert_refused(raw, *statuses):
    answer = parsed(raw)
    assert answer.status in statuses, answer
    body = answer.json
    assert body["status"] == answer.status and body["message"] and body["path"] and body["requestId"], answer
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    return answer


SOMEBODY = "/patients/6b29fc40-ca47-4067-b31d-00dd010662da"


@pytest.mark.parametrize("header", [
    b"X-Odd: \x80\xff\x01", b"X-Odd: a\0b", b"Nonsense", b"X Odd : 1", b"X-Long: " + b"x" * 9000, b"\r\n".join(b"X-%d: 1" % i for i in range(1200)),
    b"Content-Length: 0\r\nContent-Length: 5", b"Content-Length: -1", b"Content-Length: 1x", b"Content-Length: 99999999999999999999",
], ids=rest.short)
def test_headers_that_are_none_are_refused(header):
    raw = exchange(request("GET", SOMEBODY, header))
    assert 400 <= parsed(raw).status < 500


@pytest.mark.parametrize("header, status", [
    (b"Accept:", 404), (b"Accept: \xff\xfe;;;,,,", 406), (b"Accept: " + b"a/b," * 1900, 406), (b"Accept: application/json;q=abc", 404),
    (b"Accept: */*;q=0.0", 406), (b"ACCEPT: APPLICATION/JSON", 404), (b"If-None-Match: \xff\"\"\"\"", 404), (b"If-Match: \"1\",\xff,,,", 404),
    (b"traceparent: \x81", 404), (b"X-Request-Id:", 404), (b"Authorization: \xff\xff", 401), (b"Range: bytes=0-3", 404),
], ids=rest.short)
def test_odd_values_of_headers_harm_nobody(header, status):
    assert parsed(exchange(request("GET", SOMEBODY, header))).status == status


NO_PATHS = ["/no\"thing%22%0a%ff\\", b"/\xe2\x82\xac\xff"]


@pytest.mark.parametrize("path", [
    "/nothing", *NO_PATHS, "/no%25thing/%E2%82%AC&'<script>", "/patients\\x", "/x%0d%0aSet-Cookie:%20a=b", "/patientsx",
    "/PATIENTS", "/patients;a=b", "//patients", "/health/%15%C3%A1/live", "/errors/error.json", "/",
], ids=rest.short)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "FOO"])
def test_a_path_that_nothing_serves_is_refused_in_the_one_shape(method, path):
    # A method that nobody knows may be said first (RFC 9110, section 15.6.2), and so may that a path is none.
    raw = exchange(request(method, path, b"Content-Length: 0"))
    answer = assert_refused(raw, *((501,) if method == "FOO" else ()), *((400,) if path in NO_PATHS else ()), 403, 404)
    assert "Set-Cookie" not in answer.headers
    assert "<" not in answer.json["path"] and '"' not in answer.json["path"]


@pytest.mark.parametrize("path", [b"/patients/%00", b"/patients/a%2Fb", b"/patients/%ff%fe", b"/patients/%zz", b"/patients/%2", b"/patients/%", b"/patients/\xff"])
def test_escapes_that_are_none_are_refused(path):
    assert_refused(exchange(request("GET", path)), 400, 404)


@pytest.mark.parametrize("query", [b"name=\xff\xfe", b"name=a%00", b"name=%zz", b"name=%2", b"%00=1", b"%ff=1", b"=", b"=x", b"name",
                                   b"limit=%D9%A5", b"limit=+5", b"cursor=" + b"A" * 5000, b"name=" + b"x" * 5000,
                                   b"&".join(b"a%d=1" % i for i in range(900)), b"&".join([b"limit=1"] * 900)], ids=rest.short)
def test_hostile_queries_are_400(query):
    assert_refused(exchange(request("GET", b"/patients?" + query)), 400)


def test_a_line_too_long_is_414():
    assert parsed(exchange(request("GET", "/patients?name=" + "x" * 9000))).status in (400, 414, 431)


def test_http_0_9_is_not_spoken():
    assert exchange(b"GET /patients?limit=1\r\n\r\n").startswith(b"HTTP/1.")


@pytest.mark.parametrize("sent", [request("POST", "/nothing", b"Content-Length: 3000000", body=b"x" * 3000000),
                                  posted("/patients", b"{}", b"Expect: tea"), request("POST", "/openapi.json", b"Content-Length: 0")],
                         ids=["large_body_for_nobody", "unknown_expectation", "post_to_a_file"])
def test_what_the_front_door_refuses_itself_has_the_one_shape(sent):
    answer = assert_refused(exchange(sent), 404, 405, 413, 417)
    assert answer.status != 405 or answer.headers["Allow"]


# --- bodies ---

LARGEST = 65536
JSON_CHUNKED = [b"Content-Type: application/json", b"Transfer-Encoding: chunked"]


def test_a_chunked_body_is_one():
    for size in (1, 7, 1000):
        body = json.dumps(patient()).encode()
        assert parsed(exchange(request("POST", "/patients", *JSON_CHUNKED, body=chunked(body, size)))).status == 201


def test_the_largest_body_is_taken_and_one_byte_more_is_413():
    for more, status in ((0, 201), (1, 413)):
        body = json.dumps(patient()).encode()
        body += b" " * (LARGEST - len(body) + more)
        assert parsed(exchange(posted("/patients", body))).status == status
        body = json.dumps(patient()).encode()
        body += b" " * (LARGEST - len(body) + more)
        assert parsed(exchange(request("POST", "/patients", *JSON_CHUNKED, body=chunked(body, 5000)))).status == status


@pytest.mark.parametrize("body", [b"zz\r\n{}\r\n0\r\n\r\n", b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n"])
def test_chunks_that_are_none_are_refused(body):
    assert parsed(exchange(request("POST", "/patients", *JSON_CHUNKED, body=body))).status in (400, 413)


def test_a_body_longer_than_announced_is_another_request_and_no_part_of_the_first():
    body = json.dumps(patient()).encode()
    answers = exchange(posted("/patients", body, close=False) + request("GET", "/patients/zz"))
    assert answers.startswith(b"HTTP/1.1 201") and answers.count(b"HTTP/1.1 ") == 2
    assert_refused(exchange(request("POST", "/patients", b"Content-Type: application/json", b"Content-Length: 5", body=body)), 400)


@pytest.mark.parametrize("body, field", [
    (b"[" * LARGEST, "body"), (b'{"name":' + b"[" * 30000 + b"]" * 30000 + b"}", "body"), (b'{"a":' * 10000 + b"1" + b"}" * 10000, "body"),
    (b"{" + b",".join(b'"%x":1' % i for i in range(7000)) + b"}", "body"), (b"{" + b",".join([b'"name":1'] * 7000) + b"}", None),
    (b'{"\\u0000":1}', "body"), (b'{"' + b"k" * 65000 + b'":1}', None), (b'{"name":"' + b"\\u0041" * 10000 + b'"}', "name"),
], ids=["arrays", "arrays_in_a_member", "objects", "members", "one_member", "nul", "long_name", "long_text"])
def test_json_that_is_meant_to_exhaust_is_400(body, field):
    answer = assert_refused(exchange(posted("/patients", body)), 400)
    assert field is None or field in answer.errors


def test_expect_100_continue_is_answered():
    body = json.dumps(patient()).encode()
    with socket.create_connection((rest.URL.hostname, rest.URL.port), timeout=15) as s:
        s.sendall(posted("/patients", body, b"Expect: 100-continue")[:-len(body)])
        answer = s.recv(65536)
        assert answer.startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        while b" 201 " not in answer:
            piece = s.recv(65536)
            assert piece, answer
            answer += piece


def test_a_client_of_http_1_0_is_served():
    assert parsed(exchange(request("GET", "/patients?limit=1", version=b"1.0"))).status == 200
    assert b"transfer-encoding" not in exchange(request("GET", "/patients", version=b"1.0")).partition(b"\r\n\r\n")[0].lower()


# --- one connection, many requests ---

def test_pipelined_requests_are_answered_in_their_order():
    made = [patient() for _ in range(20)]
    sent = b"".join(posted("/patients", json.dumps(p).encode(), close=False) + request("GET", f"{SOMEBODY}", close=False) for p in made)
    received = exchange(sent + request("GET", "/nothing"))
    statuses = [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [201, 404] * 20 + [404]
    places = [received.index(p["email"].encode()) for p in made]
    assert places == sorted(places)


def test_a_body_where_none_is_due_is_no_second_request():
    sent = b"".join(request(method, SOMEBODY, b"Content-Length: 14", body=b"GET / HTTP/1.1", close=False) for method in ("GET", "DELETE", "GET"))
    received = exchange(sent + request("GET", "/nothing"))
    assert [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]] == [404] * 4


# --- clients that go away ---

def leave(after):
    """Asks for all patients and goes, politely or not, once that many bytes are there."""
    with socket.create_connection((rest.URL.hostname, rest.URL.port), timeout=30) as s:
        s.sendall(request("GET", "/patients", close=False))
        while after > 0:
            piece = s.recv(min(after, 65536))
            if not piece:
                break
            after -= len(piece)
        if random.random() < 0.5:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_streams_that_are_broken_off_leave_no_thread_behind():
    registered()
    random.seed(3)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(leave, [random.choice([0, 1, 5000, 50000]) for _ in range(200)]))
        statuses = collections.Counter(pool.map(lambda _: get("/patients?limit=1").status, range(320)))
    assert statuses == {200: 320}


def test_head_of_a_stream_has_no_body():
    for _ in range(20):
        assert exchange(request("HEAD", "/patients")).endswith(b"\r\n\r\n")
