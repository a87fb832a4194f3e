"""Every route × every role × nobody, from the tables that the programs run on: each answers as its row says, and doc/roles.md shows just that."""
import re
import subprocess
import uuid

import pytest

import rest
import tokens
from medicore import BUILD, TOP
from rest import assert_error, send

PROGRAMS = ["patient", "scheduling", "billing", "documents", "auth"]
TRAILS = ["patient", "scheduling", "billing", "auth"]  # documents are noted in billing's
NOBODY = "nobody"
# Which role may what, as a clinic would say it; the tables must agree.
READS_PATIENTS, KEEPS_PATIENTS = {"ADMIN", "STAFF", "DOCTOR", "BILLING"}, {"ADMIN", "STAFF"}
# Answers to our own programs alone, whoever else asks.
SECRET_ROUTES = {("GET", "/auth/revocations")}


def routes():
    """(method, pattern, roles) of each route but the health checks that all programs have."""
    found = []
    for name in PROGRAMS:
        said = subprocess.run([BUILD / f"medicore-{name}.fcgi", "--routes"], stdout=subprocess.PIPE, text=True, check=True)
        rows = [line.split("\t") for line in said.stdout.splitlines()]
        found += [(method, pattern, set(roles.split())) for method, pattern, roles in rows if not pattern.startswith("/health/")]
    return found


ROUTES = routes()


def path_of(pattern):
    return re.sub(r"\{(id|patientId|paymentId)\}", lambda _: str(uuid.uuid4()), pattern).replace("{code}", "no-such-service")


def authorization(role, pattern):
    if role == NOBODY:
        return None
    if pattern in ("/auth/logout",):  # it would end the login that the other tests use
        account = rest.LOGINS.register(role)
        return "Bearer " + rest.LOGINS.login(*account)["accessToken"]
    return rest.LOGINS.bearer(role)


def test_tables_were_found():
    assert len(ROUTES) > 20 and {"/patients/{id}", "/appointments", "/invoices", "/auth/me"} <= {pattern for _, pattern, _ in ROUTES}


@pytest.mark.parametrize("role", [*tokens.ROLES, NOBODY])
@pytest.mark.parametrize("method, pattern, roles", ROUTES, ids=[f"{m} {p}" for m, p, _ in ROUTES])
def test_each_route_lets_in_whom_its_row_names_and_nobody_else(method, pattern, roles, role):
    body = {} if method in ("POST", "PUT", "PATCH") else None
    answer = send(method, path_of(pattern), body, {"Authorization": authorization(role, pattern)})
    if (method, pattern) in SECRET_ROUTES:
        assert answer.status in (401, 403), answer
    elif role in roles or "ANYONE" in roles:
        assert answer.status not in (403, 405, 503) and answer.status < 500, answer
        assert answer.status != 401 or "ANYONE" in roles, answer
    elif role == NOBODY:
        assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), answer
        if pattern != "/auth/validate":  # whose clients rely on an empty body
            assert_error(answer, 401, message="Missing or invalid Authorization header")
    else:
        assert_error(answer, 403)
        assert role in answer.json["message"]


@pytest.mark.parametrize("role", tokens.ROLES)
def test_roles_may_what_a_clinic_means_by_them(role):
    may = {(method, pattern) for method, pattern, roles in ROUTES if role in roles}
    patients = {p for p in may if p[1].startswith("/patients")}
    if role == "ADMIN":
        assert may >= {(m, p) for m, p, roles in ROUTES if "ANYONE" not in roles}
    assert bool(patients) == (role in READS_PATIENTS)
    assert (("POST", "/patients") in may) == (role in KEEPS_PATIENTS)
    assert (("POST", "/appointments") in may) == (role in {"ADMIN", "STAFF", "DOCTOR"})
    assert (("POST", "/invoices") in may) == (role in {"ADMIN", "STAFF", "BILLING"})
    assert (("PUT", "/services/{code}") in may) == (role in {"ADMIN", "BILLING"})
    assert (("POST", "/auth") in may) == (("PATCH", "/auth/accounts/{id}") in may) == (role == "ADMIN")
    for domain in TRAILS:
        assert (("GET", f"/audit/{domain}") in may) == (role in {"ADMIN", "AUDITOR"})
    if role == "AUDITOR":
        assert all(p[1].startswith(("/audit", "/reports", "/auth")) for p in may)


def table():
    """What doc/roles.md holds: a row for each route, in the tables' order."""
    rows = ["| route | " + " | ".join(tokens.ROLES) + " | without a login |", "|---" * (len(tokens.ROLES) + 2) + "|"]
    for method, pattern, roles in ROUTES:
        marks = ["yes" if role in roles else "" for role in tokens.ROLES] if "ANYONE" not in roles else ["yes"] * len(tokens.ROLES)
        rows.append(f"| `{method} {pattern}` | " + " | ".join(marks) + f" | {'yes' if 'ANYONE' in roles else ''} |")
    return "\n".join(rows) + "\n"


def test_the_documentation_shows_the_tables_that_run():
    assert table() in (TOP / "doc/roles.md").read_text(), "doc/roles.md is out of date; its table should be:\n" + table()
