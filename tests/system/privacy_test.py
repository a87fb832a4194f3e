"""No log tells who anybody is, or how they prove it: everything that a name, an address or a token goes through is done, and then every log is read."""
import concurrent.futures
import contextlib
import csv
import itertools
import json
import re
import socket
import ssl
import urllib.parse
import uuid

import grpc
import pytest

from medicore import DATA, System, wait_until
from wire import billing_pb2, billing_pb2_grpc, patient_pb2, patient_pb2_grpc

# Names of people and streets that logs have other uses for.
EVERYDAY = {"jan", "key", "lock", "max", "may", "new", "path", "price", "route", "row", "the", "trace", "well", "will"}

# Beyond ASCII, and with what JSON and URIs write otherwise.
FOREIGN = ("Žofie Ñandúová", "ジョセ 山田太郎", "O'Quuxley \"Zan\" Zibar\\")


def population():
    with open(DATA / "patients.csv", newline="") as f:
        return list(csv.DictReader(f))


def words(text):
    return {w.lower() for w in re.findall(r"[^\W\d_]{3,}", text)}


def told_words():
    """Each word of the population's names and addresses, in lower case."""
    told = set()
    for row in population():
        for column in ("FIRST", "LAST", "MAIDEN", "ADDRESS", "CITY"):
            told |= words(row[column])
    for name in FOREIGN:
        told |= words(name)
    return told - EVERYDAY


@pytest.fixture
def system():
    with System() as s:
        s.environ["MEDICORE__LOG__LEVEL"] = "debug"  # says all that can be said
        yield s.up("--no-demo")


class Done:
    """Does things in somebody's name after the other, and remembers each secret that was used."""

    def __init__(self, s):
        self.s = s
        self.secrets = {s.env["MEDICORE_ADMIN_PASSWORD"]}
        self.people = itertools.cycle(population()[::-1])
        self.port = urllib.parse.urlsplit(s.env["MEDICORE_URL"]).port
        self.https = urllib.parse.urlsplit(s.env["MEDICORE_HTTPS_URL"]).port
        self.seen = set()  # statuses
        for file in (s.run / "secret").iterdir():
            self.secrets.add(file.read_text().strip())

    def person(self, **more):
        row = next(self.people)
        name = f"{row['FIRST']} {row['LAST']}"
        return {"name": name, "email": f"{row['FIRST']}.{row['LAST']}.{uuid.uuid4().hex[:6]}@{row['CITY'].replace(' ', '-')}.example".lower(),
                "gender": "OTHER", "address": f"{row['ADDRESS']}, {row['CITY']}", "dateOfBirth": row["BIRTHDATE"], "registeredDate": "2026-01-05", **more}

    def http(self, *args, **more):
        status, headers, body = self.s.http(*args, **more)
        self.seen.add(status)
        return status, headers, body

    def raw(self, sent, port=None):
        """One request as bytes; what comes back matters to nobody."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port or self.port), timeout=5) as c:
            c.sendall(sent if isinstance(sent, bytes) else sent.encode())
            while c.recv(65536):
                pass


def patients(d):
    for name in FOREIGN:
        d.http("POST", "/patients", d.person(name=name))
    known = [d.http("POST", "/patients", d.person())[2] for _ in range(10)]
    for other in known:
        status, _, _ = d.http("POST", "/patients", d.person(email=other["email"].upper()))
        assert status == 409
    for a, b in zip(known, known[1:]):
        assert d.http("PATCH", f"/patients/{a['id']}", {"email": b["email"]})[0] == 409
        assert d.http("PATCH", f"/patients/{a['id']}", {"name": d.person()["name"]}, headers={"If-Match": '"77"'})[0] == 412
        d.http("DELETE", f"/patients/{b['id']}", headers={"If-Match": '"78"'})
    for wrong in ({"email": "not an address"}, {"name": ""}, {"dateOfBirth": "1999-02-30"}, {"gender": "Glover"}, {"address": "Ritchie Way " * 50}):
        p = d.person()
        assert d.http("POST", "/patients", {**p, **{k: v or p["name"] * 99 for k, v in wrong.items()}})[0] == 400
    p = d.person()
    for body in (json.dumps(p)[:-1], json.dumps({**p, p["name"]: p["email"]}), json.dumps(p).replace('"gender"', '"name"'), p["name"], json.dumps([p]),
                 json.dumps(p).replace(p["name"], p["name"] + "\0"), json.dumps({**p, "name": 7, "email": [p["email"]]})):
        assert d.http("POST", "/patients", body.encode())[0] == 400
    d.http("POST", "/patients", json.dumps(p).encode(), headers={"Content-Type": f"text/{p['name'].replace(' ', '-')}"})
    d.http("POST", "/patients", b'"' + p["name"].encode() * 9000 + b'"')
    d.http("POST", "/patients", p, headers={"Idempotency-Key": p["name"]})
    d.http("POST", "/patients", d.person(), headers={"Idempotency-Key": p["name"]})
    return known


def searches(d, known):
    for p in known[:3]:
        for text in (p["name"], p["email"], p["name"].split()[1][:3], FOREIGN[known.index(p)]):
            quoted = urllib.parse.quote(text)
            for path in (f"/patients?name={quoted}", f"/patients?email={quoted}", f"/patients/{quoted}", f"/{quoted}", f"/patients?{quoted}=1",
                         f"/patients/{quoted}%2Fx", f"/documents/invoices/{quoted}", f"/services/{quoted}", f"/auth/{quoted}", f"/errors/{quoted}",
                         f"/health/{quoted}/live", f"/patients?cursor={quoted}", f"/audit?account={quoted}", f"/invoices?patientId={quoted}"):
                d.http("GET", path, headers={"Referer": f"http://desk.example/patients?name={quoted}", "User-Agent": quoted, "Cookie": f"who={quoted}",
                                             "X-Request-Id": text.encode("ascii", "replace").decode(), "If-Match": quoted, "Accept": f"text/{quoted}"})


def oddities(d, known):
    """What no program hears of: the front door's own business, and its own log."""
    name, email = known[0]["name"].replace(" ", "-"), known[0]["email"]
    close = "Connection: close\r\n"
    for sent in (f"GET /patients?name={name} HTTP/1.1\r\n{close}\r\n", f"{name} / HTTP/1.1\r\nHost: x\r\n{close}\r\n", f"GET /{name} HTTP/9.7\r\nHost: x\r\n\r\n",
                 f"GET {name} HTTP/1.1\r\nHost: x\r\n{close}\r\n", f"GET http://{name}/{name} HTTP/1.1\r\nHost: {name}\r\n{close}\r\n",
                 f"GET /{'x' * 9000}{name} HTTP/1.1\r\nHost: x\r\n{close}\r\n", f"GET / HTTP/1.1\r\nHost: {email}/{name}\r\n{close}\r\n",
                 f"GET / HTTP/1.1\r\nHost: x\r\nX-{name}: {'x' * 9000}\r\n{close}\r\n", f"GET / HTTP/1.1\r\nHost: x\r\n{name} {email}\r\n{close}\r\n",
                 f"GET / HTTP/1.1\r\nHost: x\r\n{name}: a\r\n {email}\r\n{close}\r\n", f"GET / HTTP/1.1\r\nHost: x\r\nExpect: {name}\r\n{close}\r\n",
                 f"GET /%zz{name} HTTP/1.1\r\nHost: x\r\n{close}\r\n", f"GET /{name}\0 HTTP/1.1\r\nHost: x\r\n{close}\r\n",
                 f"GET /../{name}/%2e%2e/%2F{name} HTTP/1.1\r\nHost: x\r\n{close}\r\n", f"GET /{name}%3f{name} HTTP/1.1\r\nHost: x\r\n{close}\r\n",
                 f"POST /patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {name}\r\n{close}\r\n{name}", f"POST /patients HTTP/1.1\r\nHost: x\r\nContent-Length: {name}\r\n{close}\r\n",
                 f"POST /patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{close}\r\n{name}\r\n{email}\r\n",
                 f"POST /patients HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n{close}\r\n{name}", f"{name}\r\n\r\n", f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{name}",
                 *[f"GET /{name} HTTP/1.1\r\nHost: x\r\n" + "".join(f"{name}-{n}: {email}\r\n" for n in range(99)) + f"{close}\r\n"]):
        d.raw(sent)
    d.raw(f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n", d.https)
    insecure = ssl._create_unverified_context()
    for host in (name, "x"):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", d.https), timeout=5) as c, insecure.wrap_socket(c, server_hostname=host) as t:
            t.sendall(f"GET /patients?name={name} HTTP/1.1\r\nHost: {name}.example\r\n{close}\r\n".encode())
            while t.recv(65536):
                pass


def logins(d):
    person, password = d.person(), f"Correct horse {uuid.uuid4()}"
    account = {"name": person["name"], "email": person["email"], "password": password, "role": "STAFF"}
    assert d.http("POST", "/auth", account)[0] == 201
    assert d.http("POST", "/auth", account)[0] == 409
    wrong = f"Wrong horse {uuid.uuid4()}"
    d.secrets |= {password, wrong}
    for email in (person["email"], d.person()["email"], FOREIGN[0]):
        assert d.http("POST", "/auth/login", {"email": email, "password": wrong}, role=None)[0] in (400, 401)
    for body in ({"email": person["email"], "password": [wrong]}, {"email": person["email"], "password": wrong * 99}, {wrong: person["email"]}):
        d.http("POST", "/auth/login", body, role=None)
    status, _, login = d.http("POST", "/auth/login", {"email": person["email"], "password": password}, role=None)
    assert status == 200
    access, refresh = login["accessToken"], login["refreshToken"]
    d.secrets |= {access, refresh, *access.split(".")[1:]}
    for token in (access + "x", access[:-4], refresh, f"{access} {access}", "x.y.z", person["name"].replace(" ", ".")):
        for scheme in ("Bearer", "Basic", person["name"].replace(" ", "-")):
            assert d.http("GET", "/patients", headers={"Authorization": f"{scheme} {token}"}, role=None)[0] == 401
    d.http("GET", f"/patients?access_token={access}", role=None)
    d.http("GET", f"/{access}", role=None)
    d.http("GET", "/auth/me", headers={"Authorization": f"Bearer {access}", "Cookie": f"token={access}", "Referer": f"http://x/?t={access}"}, role=None)
    assert d.http("POST", "/auth/refresh", {"token": refresh}, role=None)[0] == 200
    assert d.http("POST", "/auth/refresh", {"token": refresh}, role=None)[0] == 401
    assert d.http("POST", "/auth/refresh", {"token": access}, role=None)[0] in (400, 401)
    d.secrets |= {token for token, _ in d.s.logins.tokens.values()} | {secret for _, secret in d.s.logins.accounts.values()}
    return access


def calls(d, access, known):
    patient = known[0]
    text = patient["name"]
    for address, service in ((d.s.env["MEDICORE_PATIENT_GRPC"], "patient.PatientService"), (d.s.env["MEDICORE_BILLING_GRPC"], "billing.BillingService")):
        with grpc.insecure_channel(address) as channel:
            def call(method, request, answer, **metadata):
                with contextlib.suppress(grpc.RpcError):
                    channel.unary_unary(f"/{method}", lambda m: m if isinstance(m, bytes) else m.SerializeToString(), answer.FromString)(
                        request, timeout=10, metadata=tuple((k.replace("_", "-"), v) for k, v in metadata.items()))
            look, found = patient_pb2.PatientLookupRequest, patient_pb2.PatientLookupResponse
            call(f"{service}/{text.replace(' ', '')}", look(patientId=text), found)
            call(f"{text.replace(' ', '.')}/{text.replace(' ', '')}", look(patientId=text), found)
            call("patient.PatientService/verifyPatient", look(patientId=text), found, authorization=f"Bearer {access}x")
            call("patient.PatientService/verifyPatient", look(patientId=text), found, authorization=text, user=text, x_request_id=text)
            call("patient.PatientService/getPatient", look(patientId=patient["id"]), found, traceparent=text.encode("ascii", "replace").decode())
            call("patient.PatientService/getPatient", text.encode(), found)
            call("billing.BillingService/createInvoice", billing_pb2.InvoiceRequest(patientId=text, amount=text), found)
            call("billing.BillingService/createInvoice", billing_pb2.InvoiceRequest(patientId=patient["id"], amount="12.50"), found, idempotency_key=text)
    with grpc.insecure_channel(d.s.env["MEDICORE_PATIENT_GRPC"]) as channel:
        assert patient_pb2_grpc.PatientServiceStub(channel).verifyPatient(patient_pb2.PatientLookupRequest(patientId=patient["id"]), timeout=10).exists
    with grpc.insecure_channel(d.s.env["MEDICORE_BILLING_GRPC"]) as channel:
        billing_pb2_grpc.BillingServiceStub(channel).createInvoice(billing_pb2.InvoiceRequest(patientId=patient["id"], amount="12.50"), timeout=10)


def bookings(d, known):
    s = d.s
    s.price()
    booked = s.book(known[0]["id"])
    s.wait_invoice(booked["id"])
    parked = s.book(known[1]["id"], "Glover", starts="2026-12-02T10:00:00Z")
    assert d.http("POST", "/appointments", {"patientId": known[1]["name"], "serviceCode": known[1]["name"], "startsAt": known[1]["email"],
                                            "durationMinutes": 20, "providerId": known[1]["name"], "note": known[1]["name"]})[0] == 400
    d.http("POST", f"/appointments/{booked['id']}/cancel", {"reason": known[0]["name"]})
    wait_until(lambda: s.sql("billing", "select 1 from dead_letters"), 10, "the dead letter")
    for args in (("list",), ("replay", "--all"), ("replay",), ("drop",)):
        s.medicore("dead-letters", *args, check=False)
    assert parked["id"]
    invoice = s.invoice_of(booked["id"])
    for what in (f"invoices/{invoice}", f"statements/{known[0]['id']}"):
        assert d.http("GET", f"/documents/{what}", headers={"Accept": "application/pdf"})[0] == 200


def imports(d, directory):
    s = d.s
    s.medicore("import", "services", DATA / "services.csv")
    s.medicore("import", "patients", DATA / "patients.csv")
    s.medicore("import", "patients", DATA / "patients.csv")  # all known now
    with open(DATA / "encounters.csv") as f:
        some = directory / "encounters.csv"
        some.write_text("".join(itertools.islice(f, 200)))
    s.medicore("import", "appointments", some, "--without", "PROVIDER", check=False)


def broken(d):
    """Statements that fail, a database that is gone, and programs that are."""
    s = d.s
    for refused, again in (("revoke insert on patient from medicore_patient_rest", "grant insert on patient to medicore_patient_rest"),
                           ("alter table patient add constraint odd check (name = '') not valid", "alter table patient drop constraint odd")):
        s.sql("patient", refused)
        assert d.http("POST", "/patients", d.person())[0] >= 500
        s.sql("patient", again)
    s.kill("postgres")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for status, _, _ in pool.map(lambda p: d.http("POST", "/patients", p), [d.person() for _ in range(16)]):
            assert status == 503
    s.again()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        going = [pool.submit(d.http, "POST", "/patients", d.person()) for _ in range(40)]
        s.kill("postgres")
        for one in going:
            one.result()
    s.kill("patient")
    d.http("GET", f"/patients?name={d.person()['name'].split()[1]}")
    s.again()


def logs(s):
    for log in sorted((s.run / "log").rglob("*")):
        if log.is_file() and log.stem != "kafka":
            yield log.name, log.read_text(errors="replace")


def undone(text):
    """What URIs and JSON write otherwise, as it was."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
    text = re.sub(r"(\\x[0-9a-fA-F]{2})+", lambda m: bytes.fromhex(m[0].replace("\\x", "")).decode(errors="replace"), text)
    return urllib.parse.unquote(text)


def without_ids(text):
    """Of what is drawn by lot, a few letters in a row may well be a name."""
    return re.sub(r'"(?=[^"]*[0-9])[\w-]{16,36}"|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{16,32}\b|medicore-test-\w+', "", text)


def tell_tales(text, told, secrets):
    text = undone(text)
    return words(without_ids(text)) & told | {secret for secret in secrets if secret in text} | set(re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text))


def test_no_log_tells_who_anybody_is_or_how_they_prove_it(system, tmp_path):
    told = told_words()
    assert len(told) > 2000 and tell_tales("GET /p?name=%C5%BDofie \\xc5\\xbdofie", told, ()) == {"žofie"}
    assert tell_tales('"x@y.example" abc.def', told, {"abc.def"}) == {"x@y.example", "abc.def"}
    d = Done(system)
    imports(d, tmp_path)
    known = patients(d)
    searches(d, known)
    oddities(d, known)
    access = logins(d)
    calls(d, access, known)
    bookings(d, known)
    broken(d)
    system.up("--no-demo", "--lighttpd")
    searches(d, known[4:])
    oddities(d, known[4:])
    logins(d)
    assert {200, 201, 400, 401, 404, 406, 409, 412, 415, 500, 503} <= d.seen
    system.down()  # what was still to be written is
    read = dict(logs(system))
    assert {"access.log", "postgres.log", "patient.log", "patientd.log", "auth.log", "relay-scheduling.log", "apache.log", "lighttpd.log"} <= set(read)
    assert sum(len(text) for text in read.values()) > 100_000
    bad = [(name, tale, line_of(text, tale)) for name, text in read.items() for tale in tell_tales(text, told, d.secrets)]
    assert not bad, "\n".join(": ".join(one) for one in bad)


def line_of(text, tale):
    return next((line for line in text.splitlines() if tale in undone(line) or tale in undone(line).lower()), "")
