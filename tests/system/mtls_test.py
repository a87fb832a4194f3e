"""gRPC off loopback, which is mutual TLS or nothing.  Everything listens in a network of the test's own, which no packet leaves."""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import uuid

import pytest

from medicore import BUILD, TOP, certs, wait_until

HERE, ELSEWHERE, SIX = "192.0.2.1", "192.0.2.2", "[2001:db8::1]"  # RFC 5737 and 3849: nobody's
PATIENTD, BILLINGD = 9000, 9001
SERVING = 1
REFRESH = 5  # seconds until a renewed certificate is noticed (lib/rpc/tls.c)


class Network:
    """A network namespace that lasts as long as its holder."""

    def __init__(self):
        addresses = "".join(f"ip address add {a} dev lo && " for a in (f"{HERE}/32", f"{ELSEWHERE}/32", f"{SIX.strip('[]')}/128"))
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", f"ip link set lo up && {addresses} echo ready && exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            pytest.skip("no network namespace can be made here: " + self.holder.communicate()[1].strip())

    def inside(self, *command):
        return ["nsenter", "--net", "--target", str(self.holder.pid), "--", *map(str, command)]

    def run(self, *command, **more):
        return subprocess.run(self.inside(*command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", timeout=60,
                              **more)

    def stop(self):
        self.holder.communicate()


def signed_by(directory, name, subject, *options):
    """A certificate that medicore certs wouldn't make, by its authority, with the key of name."""
    made = directory / f"{uuid.uuid4()}.crt"
    request = subprocess.run(["openssl", "req", "-new", "-key", directory / f"{name}.key", "-subj", subject], stdout=subprocess.PIPE,
                             check=True)
    subprocess.run(["openssl", "x509", "-req", "-CA", directory / "ca.crt", "-CAkey", directory / "ca.key", "-out", made, *options],
                   input=request.stdout, stderr=subprocess.PIPE, check=True)
    return made


@pytest.fixture(scope="module")
def network():
    n = Network()
    yield n
    n.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A directory of certificates as the operator makes them."""
    directory = tmp_path_factory.mktemp("tls")
    certs(directory, f"patientd=ip:{HERE},ip:{SIX.strip('[]')}", f"billingd=ip:{HERE}", "front-desk.1")
    return directory


def settings(directory, name):
    return {"MEDICORE__TLS__CERTIFICATE": str(directory / f"{name}.crt"), "MEDICORE__TLS__KEY": str(directory / f"{name}.key"),
            "MEDICORE__TLS__CA": str(directory / "ca.crt")}


class Listener:
    def __init__(self, network, environ, name, log, descriptors=None):
        self.log = log
        with open(log, "ab") as to:
            self.process = subprocess.Popen(network.inside(BUILD / f"medicore-{name}"), env=environ, stderr=to, preexec_fn=descriptors and (
                lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))))
        wait_until(lambda: "listening on" in log.read_text() or self.process.poll() is not None, 20, f"the start of {name}")
        assert self.process.poll() is None, log.read_text()


@pytest.fixture
def start(network, server, tls, tmp_path):
    """Starts a listener off loopback; what still runs at the test's end is killed."""
    started = []

    def one(name="patientd", host=HERE, certificates=None, descriptors=None, **more):
        port = PATIENTD if name == "patientd" else BILLINGD
        environ = server.environ(**{f"MEDICORE__{name.upper()}__LISTEN": f"{host}:{port}", **settings(certificates or tls, name), **more})
        started.append(Listener(network, environ, name, tmp_path / f"{name}.log", descriptors))
        return started[-1]
    yield one
    for listener in started:
        listener.process.kill()
        listener.process.wait()


class Caller:
    """One connection of a client that isn't ours."""

    def __init__(self, network, target, ca=None, cert=None, key=None):
        options = [text for name, value in (("--ca", ca), ("--cert", cert), ("--key", key)) if value for text in (name, value)]
        self.process = subprocess.Popen(network.inside(sys.executable, TOP / "tests/lib/rpc_caller.py", target, *options),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, *question):
        self.process.stdin.write(" ".join(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()


@pytest.fixture
def call(network, tls):
    """The answer to one question of front-desk.1, or of whoever is given."""
    def one(*question, target=f"{HERE}:{PATIENTD}", ca=tls / "ca.crt", cert=tls / "front-desk.1.crt", key=tls / "front-desk.1.key"):
        with Caller(network, target, ca, cert, key) as caller:
            return caller.ask(*question)
    return one


# --- who gets in ---

def noted(server, patient):
    """Who asked last about the patient, from where, and what came of it."""
    last = max((e for e in server.noted("patient") if e["patient_id"] in (patient, "")), key=lambda e: int(e["at"]))
    return last["account"], last["address"], last["result"]


def test_a_caller_with_a_certificate_is_answered_and_known_by_its_name(start, call, server, patient):
    start()
    assert call("verify", patient) == {"code": "OK", "answer": True, "details": ""}
    assert noted(server, patient) == ("front-desk.1", HERE, "ok")
    assert call("health")["answer"] == SERVING
    assert "patient.PatientService" in call("services")["answer"]


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="needs grpcurl")
def test_grpcurl_gets_in_the_way_the_readme_says(network, start, tls):
    start()
    identity = "-cacert", tls / "ca.crt", "-cert", tls / "front-desk.1.crt", "-key", tls / "front-desk.1.key"
    assert "patient.PatientService" in network.run("grpcurl", *identity, f"{HERE}:{PATIENTD}", "list").stdout.split()
    assert network.run("grpcurl", *identity[:2], f"{HERE}:{PATIENTD}", "list").returncode != 0
    assert network.run("grpcurl", "-plaintext", f"{HERE}:{PATIENTD}", "list").returncode != 0


def test_ipv6_and_every_address_at_once(start, call, server, patient):
    listener = start(host=SIX)
    assert call("verify", patient, target=f"{SIX}:{PATIENTD}")["answer"] is True
    assert noted(server, patient) == ("front-desk.1", SIX.strip("[]"), "ok")
    listener.process.send_signal(signal.SIGTERM)
    assert listener.process.wait(10) == 0
    start(host="0.0.0.0")
    assert call("verify", patient)["answer"] is True
    assert call("verify", patient, target=f"localhost:{PATIENTD}")["answer"] is True, "by TLS on this machine too"
    assert call("verify", patient, target=f"127.0.0.1:{PATIENTD}", ca=None)["code"] == "UNAVAILABLE"


def refused_callers(tls, foreign):
    mine = {"ca": tls / "ca.crt", "key": tls / "front-desk.1.key"}
    return {
        "in clear": {"ca": None, "cert": None, "key": None},
        "without a certificate": {**mine, "cert": None, "key": None},
        "of another authority": {**mine, "cert": foreign / "front-desk.1.crt", "key": foreign / "front-desk.1.key"},
        "signed by oneself": {**mine, "cert": foreign / "ca.crt", "key": foreign / "ca.key"},
        "signed by a caller": {**mine, "cert": foreign / "by-a-caller.crt"},
        "expired": {**mine, "cert": signed_by(tls, "front-desk.1", "/CN=front-desk.1", "-days", "-1")},
    }


def test_everybody_else_is_refused_before_any_method_runs(start, call, tls, tmp_path, patient):
    listener = start()
    foreign = tmp_path / "foreign"
    certs(foreign, "front-desk.1")
    subprocess.run(["openssl", "x509", "-req", "-in", "-", "-CA", tls / "front-desk.1.crt", "-CAkey", tls / "front-desk.1.key", "-out",
                    foreign / "by-a-caller.crt"], check=True, stderr=subprocess.PIPE,
                   input=subprocess.run(["openssl", "req", "-new", "-key", tls / "front-desk.1.key", "-subj", "/CN=billingd"], check=True,
                                        stdout=subprocess.PIPE).stdout)
    for who, identity in refused_callers(tls, foreign).items():
        said = call("verify", patient, **identity)
        assert said["code"] == "UNAVAILABLE", (who, said)
        assert call("health", **identity)["code"] == "UNAVAILABLE", who
    assert "verifyPatient" not in listener.log.read_text()
    assert call("verify", patient)["answer"] is True, "the others go on"


@pytest.mark.parametrize("subject", ["/CN=Front Desk", "/CN=a,b", "/O=nameless"])
def test_a_certificate_without_a_usable_name_is_unauthenticated(start, call, server, tls, patient, subject):
    start()
    said = call("verify", patient, cert=signed_by(tls, "front-desk.1", subject))
    assert said["code"] == "UNAUTHENTICATED" and "common name" in said["details"]
    assert noted(server, patient) == ("", HERE, "unauthenticated")


def s_client(network, tls, *options):
    """What openssl's client saw: it sends nothing, and reads until the end."""
    return network.run("openssl", "s_client", "-connect", f"{HERE}:{PATIENTD}", "-alpn", "h2", "-CAfile", tls / "ca.crt", "-cert",
                       tls / "front-desk.1.crt", "-key", tls / "front-desk.1.key", *options, input="").stdout


def test_old_protocols_are_refused(network, start, tls):
    start()
    for version, spoken in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        said = s_client(network, tls, version, "-cipher", "ALL:@SECLEVEL=0")
        assert ("Verify return code: 0 (ok)" in said and "Cipher is (NONE)" not in said) is spoken, (version, said)


# --- our own client ---

def test_billing_asks_the_patient_service_by_mutual_tls(start, call, server, patient):
    start()
    start("billingd", MEDICORE__PATIENT_SERVICE__TARGET=f"{HERE}:{PATIENTD}", MEDICORE__PATIENT_SERVICE__TIMEOUT="5s")
    assert call("create", patient, target=f"{HERE}:{BILLINGD}") == {"code": "OK", "answer": "ISSUED", "details": ""}
    assert noted(server, patient) == ("billingd", HERE, "ok")


def test_billing_doesnt_believe_a_server_whose_certificate_is_anothers(network, start, call, server, tls, tmp_path, patient):
    start(host="0.0.0.0")
    billingd = start("billingd", MEDICORE__PATIENT_SERVICE__TARGET=f"{ELSEWHERE}:{PATIENTD}")  # not named in the certificate
    assert call("create", patient, target=f"{HERE}:{BILLINGD}")["code"] == "UNAVAILABLE"
    billingd.process.kill()
    billingd.process.wait()
    foreign = tmp_path / "foreign"
    certs(foreign, f"billingd=ip:{HERE}")
    start("billingd", certificates=foreign, MEDICORE__PATIENT_SERVICE__TARGET=f"{HERE}:{PATIENTD}")
    said = call("create", patient, target=f"{HERE}:{BILLINGD}", ca=foreign / "ca.crt", cert=foreign / "billingd.crt",
                key=foreign / "billingd.key")
    assert said["code"] == "UNAVAILABLE"


# --- settings ---

def say(network, server, name, **more):
    return network.run(BUILD / f"medicore-{name}", env=server.environ(**more))


@pytest.mark.parametrize("change,why", [
    ({}, None),
    ({"MEDICORE__TLS__CERTIFICATE": "", "MEDICORE__TLS__KEY": "", "MEDICORE__TLS__CA": ""}, "[tls] certificate, key, ca not set"),
    ({"MEDICORE__TLS__CA": ""}, "[tls] ca not set"),
    ({"MEDICORE__TLS__KEY": "/nonexistent.key"}, "/nonexistent.key: No such file or directory"),
    ({"MEDICORE__TLS__CA": "/dev/null"}, "/dev/null: there is no certificate"),
    ({"MEDICORE__TLS__CERTIFICATE": "billingd.crt"}, "it is not the key of"),
    ({"MEDICORE__TLS__CERTIFICATE": "expired"}, "the certificate has expired"),
])
def test_off_loopback_it_starts_with_good_certificates_only(network, server, start, tls, change, why):
    if change.get("MEDICORE__TLS__CERTIFICATE") == "expired":
        change = {"MEDICORE__TLS__CERTIFICATE": str(signed_by(tls, "patientd", "/CN=patientd", "-days", "-1"))}
    elif change.get("MEDICORE__TLS__CERTIFICATE"):
        change = {"MEDICORE__TLS__CERTIFICATE": str(tls / change["MEDICORE__TLS__CERTIFICATE"])}
    if why is None:
        start()
        return
    done = say(network, server, "patientd", MEDICORE__PATIENTD__LISTEN=f"{HERE}:{PATIENTD}", **{**settings(tls, "patientd"), **change})
    assert done.returncode == 1
    assert done.stderr.startswith(f"can't listen on {HERE}:{PATIENTD}: it is not loopback") and why in done.stderr
    assert "medicore certs" in done.stderr


def test_a_program_that_would_have_to_call_off_loopback_in_clear_does_not_start(network, server):
    done = say(network, server, "billingd", MEDICORE__PATIENT_SERVICE__TARGET="patients.clinic.example:9000")
    assert done.returncode == 1
    assert "can't call patients.clinic.example:9000" in done.stderr and "[tls] certificate, key, ca not set" in done.stderr


# --- as time goes by ---

def serial(network, tls):
    found = re.search("-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----", s_client(network, tls), re.S)
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=found[0], text=True, stdout=subprocess.PIPE, check=True).stdout


def test_a_renewed_certificate_is_taken_up_while_it_runs(network, start, tls, patient):
    start()
    before = serial(network, tls)
    with Caller(network, f"{HERE}:{PATIENTD}", tls / "ca.crt", tls / "front-desk.1.crt", tls / "front-desk.1.key") as caller:
        assert caller.ask("verify", patient)["answer"] is True
        certs(tls, "patientd")
        wait_until(lambda: serial(network, tls) != before, 3 * REFRESH, "the new certificate")
        assert caller.ask("verify", patient)["answer"] is True, "a connection that there was goes on"


def test_a_crowd_that_says_nothing_is_kept_within_limits_and_then_put_out(network, start, call, tls, patient):
    """The library's own listener would never listen again."""
    start(descriptors=100)
    crowd = "import socket,sys\nkept = [socket.create_connection(sys.argv[1].split(':'), 5) for _ in range(200)]\nprint(flush=True)\ninput()"
    with Caller(network, f"{HERE}:{PATIENTD}", tls / "ca.crt", tls / "front-desk.1.crt", tls / "front-desk.1.key") as caller:
        assert caller.ask("verify", patient)["answer"] is True
        with contextlib.ExitStack() as end:
            held = subprocess.Popen(network.inside(sys.executable, "-c", crowd, f"{HERE}:{PATIENTD}"), stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
            end.callback(held.communicate)
            assert held.stdout.readline() == "\n"
            assert [caller.ask("verify", patient)["answer"] for _ in range(20)] == [True] * 20
            wait_until(lambda: call("verify", patient)["code"] == "OK", 30, "room for one more, with the crowd still there")


# --- medicore certs ---

def test_certs_are_for_their_owner_alone_and_the_authority_stays(tmp_path):
    directory = tmp_path / "made"
    said = certs(directory)
    assert {f.name for f in directory.iterdir()} == {
        f"{name}.{kind}" for kind in ("crt", "key") for name in
        ("ca", "patientd", "billingd", "scheduling", "billing", "billing-worker", "operator")}
    assert all(f.stat().st_mode & 0o777 == (0o600 if f.suffix == ".key" else 0o644) for f in directory.iterdir())
    assert f"certificate = {directory}/patientd.crt" in said
    before = {f.name: f.read_bytes() for f in directory.iterdir()}
    certs(directory, "patientd")
    assert {f.name for f in directory.iterdir() if f.read_bytes() != before[f.name]} == {"patientd.crt"}
    verified = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", directory / "ca.crt", *directory.glob("*.crt")],
                              stdout=subprocess.PIPE, text=True)
    assert verified.returncode == 0, verified.stdout
    (directory / "ca.crt").unlink()
    failed = subprocess.run([BUILD / "medicore", "certs", directory], stderr=subprocess.PIPE, text=True)
    assert failed.returncode == 1 and "ca.crt" in failed.stderr
    assert (directory / "ca.key").read_bytes() == before["ca.key"]


def hosts(path):
    return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-ext", "subjectAltName"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.splitlines()[1].strip()


def test_certs_name_hosts_and_keep_them_when_renewed(tmp_path):
    alone = "DNS:p, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"
    certs(tmp_path, "p")
    assert hosts(tmp_path / "p.crt") == alone
    certs(tmp_path, "p=dns:patients.example,ip:192.0.2.9")
    assert hosts(tmp_path / "p.crt") == alone + ", DNS:patients.example, IP Address:192.0.2.9"
    certs(tmp_path, "p")
    assert hosts(tmp_path / "p.crt") == alone + ", DNS:patients.example, IP Address:192.0.2.9"


@pytest.mark.parametrize("args", [[], ["--nonsense"], ["{}", "ca"], ["{}", "a/b"], ["{}", ".x"], ["{}", ""], ["{}", "x" * 65],
                                  ["{}", "p=host"], ["{}", "p=dns:"], ["{}", "p=dns:a b"], ["{}", "p=ip:nowhere"], ["{}", "p=ip:1.2.3.4,"
                                                                                                                   ",ip:1.2.3.5"]])
def test_certs_asked_for_wrongly_are_not_made(tmp_path, args):
    done = subprocess.run([BUILD / "medicore", "certs", *(a.format(tmp_path) for a in args)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "usage: medicore certs" in done.stderr
    assert not list(tmp_path.glob("p.*"))
