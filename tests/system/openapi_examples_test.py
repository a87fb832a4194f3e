"""schemathesis, which knows nothing of us but /openapi.json, asks every operation with a token: no 5xx, no status, header or body that the document
doesn't name, and every program lives on."""
import os
import re
import subprocess

import pytest

from medicore import BUILD, System

EXAMPLES = 2000 if os.environ.get("MEDICORE_LONG") else 25
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
TOOL = BUILD / "tools/schemathesis/bin/st"
# These end the login or the account that asks, and so get one of their own.
SUICIDAL = ["/auth/logout", "/auth/password"]


@pytest.fixture(scope="module")
def system():
    assert TOOL.exists(), "./dev test installs schemathesis"
    with System() as s:
        s.environ["MEDICORE__AUTH__ACCESS_LIFETIME"] = "2h"  # as long as many examples take
        s.up("--no-demo")
        # Before anything is asked: among it are accounts changed and disabled, the ADMIN's too once there are others.
        s.spare = {path: s.logins.login(*s.logins.register("STAFF"))["accessToken"] for path in SUICIDAL}
        yield s


def examples(system, token, *which):
    done = subprocess.run([TOOL, "run", system.env["MEDICORE_URL"] + "/openapi.json", "-H", f"Authorization: Bearer {token}",
                           "-n", str(EXAMPLES), "-c", CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", "1", "--workers", "1", "--no-color",
                           "--warnings", "off", "--suppress-health-check", "all", *which],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=system.run)
    assert done.returncode == 0, done.stdout[-12000:]
    asked = re.search(r"Test cases:\s+(\d+) generated", done.stdout)
    print(done.stdout[-1500:])
    return int(asked[1])


def serving(system):
    return {name: system.workers(name) for name in ("patient", "scheduling", "billing", "auth")}


def test_every_operation_answers_as_the_document_says(system):
    before = serving(system)
    document = system.http("GET", "/openapi.json")[2]
    operations = sum(len(item) for path, item in document["paths"].items() if path not in SUICIDAL)
    asked = examples(system, system.logins.token(), *(word for path in SUICIDAL for word in ("--exclude-path", path)))
    assert asked >= operations * 5
    assert serving(system) == before


@pytest.mark.parametrize("path", SUICIDAL)
def test_what_ends_a_login_answers_as_the_document_says(system, path):
    before = serving(system)
    assert examples(system, system.spare[path], "--include-path", path) > 0
    assert serving(system) == before
