"""Each program verifies tokens itself: what somebody makes up is 401 at all of them.  By plain CGI, with an auth of the tests' own.

A good token of an AUDITOR is 403 on these routes, so no database has to answer."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import uuid

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tokens
from medicore import BUILD, certs

ROUTES = {"patient": "/patients", "scheduling": "/appointments", "billing": "/invoices"}


@pytest.fixture(scope="module")
def auth(tmp_path_factory):
    server = tokens.KeyServer()
    server.spool = tmp_path_factory.mktemp("spool")  # where the audit trail begins: nothing is answered that isn't noted
    for program in ROUTES:
        (server.spool / program).mkdir()
    yield server
    server.stop()


def status(auth, program, token, **environ):
    env = {"REQUEST_METHOD": "GET", "REQUEST_URI": ROUTES[program], "QUERY_STRING": "", "REMOTE_ADDR": "192.0.2.1",
           "MEDICORE_CONFIG": "/dev/null", "MEDICORE__DATABASE__HOST": "/nowhere", "PATH": os.environ["PATH"],
           "MEDICORE__AUDIT__SPOOL": str(auth.spool), **auth.environ(), **environ}
    if token is not None:
        env["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    done = subprocess.run([BUILD / f"medicore-{program}.fcgi"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=20)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"Status: "), done
    assert token is None or token.encode() not in done.stdout + done.stderr
    return int(head.split()[1]), json.loads(content)["message"]


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hmac(auth, secret):
    """A token that names HS256, with whatever a verifier might take for its secret."""
    claims = auth.sign(role="AUDITOR").split(".")[1]
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': auth.kid})}.{claims}"
    return f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def public_bytes(auth, encoding, form):
    return auth.key.public_key().public_bytes(encoding, form)


def unsigned(auth):
    claims = auth.sign(role="AUDITOR").split(".")[1]
    return f"{encoded({'alg': 'none', 'kid': auth.kid})}.{claims}."


def padded(auth):
    head, claims, signature = auth.sign(role="AUDITOR").split(".")
    return f"{head}.{claims}.{signature}=="


def ago(seconds):
    return int(time.time()) - seconds


HOSTILE = {
    "no signature": unsigned,
    "HS256 with the public key as PEM": lambda a: by_hmac(a, public_bytes(
        a, serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)),
    "HS256 with the public key as JWK": lambda a: by_hmac(a, json.dumps(a.jwk()).encode()),
    "HS256 with the public key as a point": lambda a: by_hmac(a, public_bytes(
        a, serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)),
    "another's signature": lambda a: a.sign(key=ec.generate_private_key(ec.SECP256R1()), role="AUDITOR"),
    "an unknown kid": lambda a: a.sign({"kid": "another"}, role="AUDITOR"),
    "a path for a kid": lambda a: a.sign({"kid": "../../../../dev/null"}, role="AUDITOR"),
    "SQL for a kid": lambda a: a.sign({"kid": f"{a.kid}' or '1'='1"}, role="AUDITOR"),
    "jku": lambda a: a.sign({"jku": a.url + "/.well-known/jwks.json"}, role="AUDITOR"),
    "jwk": lambda a: a.sign({"jwk": a.jwk()}, role="AUDITOR"),
    "x5u": lambda a: a.sign({"x5u": a.url}, role="AUDITOR"),
    "an unknown crit": lambda a: a.sign({"crit": ["exp"], "exp": 1}, role="AUDITOR"),
    "expired": lambda a: a.sign(role="AUDITOR", iat=ago(1000), exp=ago(31)),
    "not yet valid": lambda a: a.sign(role="AUDITOR", iat=ago(-90), exp=ago(-900)),
    "not before": lambda a: a.sign(role="AUDITOR", nbf=ago(-90)),
    "wrong aud": lambda a: a.sign(role="AUDITOR", aud="another"),
    "no aud": lambda a: a.sign(role="AUDITOR", aud=None),
    "wrong iss": lambda a: a.sign(role="AUDITOR", iss="another"),
    "a refresh token": lambda a: a.sign(role=None, use="refresh"),
    "a claim too many": lambda a: a.sign(role="AUDITOR", admin=True),
    "an id that is none": lambda a: a.sign(role="AUDITOR", sub="1"),
    "padding": padded,
    "megabytes": lambda a: a.sign(role="AUDITOR", jti="x" * 90_000),
    "no token at all": lambda a: "no-token-at-all",
}


@pytest.mark.parametrize("program", ROUTES)
def test_a_good_token_is_known(auth, program):
    assert status(auth, program, auth.sign(role="AUDITOR")) == (403, "The role AUDITOR may not do this")
    # Thirty seconds of leeway, less what this test may take.
    assert status(auth, program, auth.sign(role="AUDITOR", iat=ago(1000), exp=ago(5)))[0] == 403
    assert status(auth, program, auth.sign(role="AUDITOR", iat=ago(-25), nbf=ago(-25)))[0] == 403


@pytest.mark.parametrize("program", ROUTES)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_token_that_was_made_up_is_401(auth, program, what):
    assert status(auth, program, HOSTILE[what](auth)) == (401, "Invalid or expired token")


def test_who_proves_nothing_leaves_no_trail(auth):
    before = sum(f.stat().st_size for f in auth.spool.glob("patient/*"))
    assert status(auth, "patient", None)[0] == 401
    assert status(auth, "patient", "no-token-at-all")[0] == 401
    assert status(auth, "patient", auth.sign(role="AUDITOR"), MEDICORE__AUTH__URL="http://127.0.0.1:1")[0] == 503
    assert sum(f.stat().st_size for f in auth.spool.glob("patient/*")) == before
    assert status(auth, "patient", auth.sign(role="AUDITOR"))[0] == 403
    assert sum(f.stat().st_size for f in auth.spool.glob("patient/*")) > before


@pytest.mark.parametrize("program", ROUTES)
def test_a_token_of_a_login_that_was_ended_is_401(auth, program):
    session = str(uuid.uuid4())
    token = auth.sign(role="AUDITOR", sid=session)
    assert status(auth, program, token)[0] == 403
    auth.ended.append(session)
    assert status(auth, program, token) == (401, "Invalid or expired token")


@pytest.mark.parametrize("program", ROUTES)
def test_not_to_know_is_503(auth, program):
    token = auth.sign(role="AUDITOR")
    assert status(auth, program, token, MEDICORE__AUTH__URL="http://127.0.0.1:1")[0] == 503
    # Not one of our programs, by its secret: keys alone don't do.
    assert status(auth, program, token, MEDICORE__AUTH__PROGRAMS_SECRET="not the programs' secret")[0] == 503
    assert status(auth, program, None) == (401, "Missing or invalid Authorization header")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    for made, names in (("ours", ("auth", "patient")), ("foreign", ("patient",))):
        certs(directory / made, *names)
    return directory


@pytest.fixture(scope="module")
def private_auth(certificates, auth):
    server = tokens.KeyServer(tls=certificates / "ours")
    server.spool = auth.spool
    yield server
    server.stop()


@pytest.mark.parametrize("known_by,believes,expected", [("ours", "ours", 403), ("foreign", "ours", 503), (None, "ours", 503), ("ours", "foreign", 503)])
def test_auth_far_away_and_its_programs_know_each_other_by_certificates(certificates, private_auth, known_by, believes, expected):
    environ = {"MEDICORE__TLS__CA": str(certificates / believes / "ca.crt")}
    if known_by:
        environ.update(MEDICORE__TLS__CERTIFICATE=str(certificates / known_by / "patient.crt"),
                       MEDICORE__TLS__KEY=str(certificates / known_by / "patient.key"))
    assert status(private_auth, "patient", private_auth.sign(role="AUDITOR"), **environ)[0] == expected
