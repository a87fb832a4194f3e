"""The programs answer a single request as plain CGI where descriptor 0 is no socket."""
import json
import os
import subprocess

import pytest

from medicore import System


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up("--no-demo")


def cgi(system, program, method, path, query="", body=b"", **more):
    environ = {"PATH": os.environ["PATH"], "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
               "REQUEST_METHOD": method, "REQUEST_URI": path + ("?" + query if query else ""), "SCRIPT_NAME": "",
               "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)), "HTTP_ACCEPT": "*/*",
               "HTTP_AUTHORIZATION": system.logins.bearer(), **more}
    done = subprocess.run([system.tool(program), "--config", str(system.run / "medicore.conf")], env=environ, input=body,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == 0, done.stderr
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(headers["Status"].split()[0]), headers, json.loads(content) if content else None


def test_patient_made_and_read_by_plain_cgi(system):
    asked = {"name": "Grace O'Hopper", "email": "grace@example.org", "gender": "FEMALE", "address": "1 Harbour",
             "dateOfBirth": "1990-12-09", "registeredDate": "2026-02-03"}
    status, headers, made = cgi(system, "medicore-patient.fcgi", "POST", "/patients", body=json.dumps(asked).encode(),
                                CONTENT_TYPE="application/json")
    assert status == 201 and headers["Location"].endswith("/patients/" + made["id"])
    status, headers, read = cgi(system, "medicore-patient.fcgi", "GET", "/patients/" + made["id"])
    assert (status, read) == (200, made) and headers["ETag"] == '"1"'
    assert read == {"id": made["id"], **asked}
    status, _, everyone = cgi(system, "medicore-patient.fcgi", "GET", "/patients")
    assert (status, everyone) == (200, [made])


@pytest.mark.parametrize("program,path", [("medicore-patient.fcgi", "/patients"), ("medicore-scheduling.fcgi", "/appointments"),
                                          ("medicore-billing.fcgi", "/invoices")])
def test_bad_request_by_plain_cgi_is_400(system, program, path):
    status, _, body = cgi(system, program, "POST", path, body=b"{", CONTENT_TYPE="application/json")
    assert (status, body["status"], body["path"]) == (400, 400, path)
