"""docker-compose.yml at work, without an engine: every service's command, user, environment and volumes as the file says, of this build, with
certificates between all of them.  Ends with a booking becoming an invoice, and with who doesn't get in."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

import containers
from medicore import BUILD, TOP, certs, wait_until


def copies_of_image():
    """COPY lines of the Dockerfile's last stage, as words."""
    last = (TOP / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1]
    return [line.split() for line in re.findall(r"^COPY (.*)$", last, re.M)]


def copy_into(source, target, to_directory):
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target = target / source.name if to_directory else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def image_of_this_build(path):
    """As the Dockerfile makes it, but of what this machine has: the prefix of this build leads to /usr, /etc and /var."""
    root = containers.host_root(path)
    prefix = re.search(r"^prefix = (.*)$", (BUILD / "Makefile").read_text(), re.M)[1].lstrip("/")
    installed = path / "install"
    subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={installed}"], check=True, stdout=subprocess.DEVNULL)
    for words in copies_of_image():
        if words == ["--from=build", "/install", "/"]:
            for part, target in (("libexec", "usr/libexec"), ("share/medicore", "usr/share/medicore"), ("bin", "usr/local/bin")):
                copy_into(installed / prefix / part, path / target, True)
        else:
            *sources, target = words
            for source in sources:
                copy_into(TOP / source, path / target.lstrip("/"), target.endswith("/"))
    shutil.rmtree(installed)
    for part, target in (("share", "/usr/share"), ("etc", "/etc"), ("var", "/var")):
        root.link(f"{prefix}/{part}", target)
    root.run("/usr/libexec/medicore/make-users")
    return root


@contextlib.contextmanager
def running(image, directory, kafka=False):
    """All services, those of others' images from this machine."""
    if os.geteuid() != 0:
        pytest.skip("containers are roots and users of their own: this needs root")
    host = image_of_this_build(directory / "host") if image is None else containers.host_root(directory / "host")
    if kafka:
        jars = subprocess.run([TOP / "tests/lib/kafka/kafka-up", directory, "--jars"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        host.bind(jars, "opt/kafka/libs")
    try:
        with containers.Containers(directory, image or host, host, **({"MEDICORE_EVENTS": "kafka"} if kafka else {})) as c:
            c.up(*["kafka"] if kafka else [])
            yield c
    except containers.NoNamespaces as e:
        pytest.skip(f"no network namespace can be made here: {e}")
    finally:
        keep = os.environ.get("MEDICORE_TEST_LOGS")
        if keep and (directory / "logs").exists():
            shutil.copytree(directory / "logs", Path(keep) / directory.name)


@contextlib.contextmanager
def own_directory():
    directory = Path(tempfile.mkdtemp(prefix="medicore-containers-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="module", params=["direct", *(["kafka"] if os.environ.get("MEDICORE_LONG") == "yes" else [])])
def system(request):
    with own_directory() as directory, running(None, directory, kafka=request.param == "kafka") as c:
        yield c


def curl(system, path, body=None, token=None):
    """Status and answer of the front door."""
    options = ["-H", f"Authorization: Bearer {token}"] if token else []
    if body is not None:
        options += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    done = system.ask("curl", "-sS", "-w", "\n%{http_code}", *options, "http://127.0.0.1:8080" + path)
    text, _, status = done.stdout.rpartition("\n")
    assert status, done.stderr
    return int(status), json.loads(text)


@pytest.fixture(scope="module")
def token(system):
    made = system.run("operator", "medicore", "user", "add", "ada@example.org", "--name", "Ada", "--role", "ADMIN")
    password = re.search(r"^password: (.*)$", made.stdout, re.M)[1]
    status, answer = curl(system, "/auth/login", {"email": "ada@example.org", "password": password})
    assert status == 200, answer
    return answer["accessToken"]


def test_a_booking_becomes_an_invoice(system, token):
    system.run("operator", "medicore", "import", "services", "/usr/share/medicore/demo/services.csv")
    status, patient = curl(system, "/patients", {
        "name": "José Ñandú", "email": "jose@example.org", "gender": "MALE", "address": "1 Calle Mayor", "dateOfBirth": "1970-02-28",
        "registeredDate": "2026-01-05"}, token)
    assert status == 201, patient
    status, booked = curl(system, "/appointments", {
        "patientId": patient["id"], "serviceCode": "162673000", "startsAt": "2027-12-24T09:00:00+01:00", "durationMinutes": 30}, token)
    assert status == 201, booked
    invoices = wait_until(lambda: curl(system, f"/invoices?patientId={patient['id']}", token=token)[1], 60, "the invoice")
    assert [i["appointmentId"] for i in invoices] == [booked["id"]]
    wait_until(lambda: curl(system, f"/invoices/{invoices[0]['id']}", token=token)[1]["number"], 30, "its number, which relay-billing gives")
    pdf = system.ask("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{content_type}", "-H", f"Authorization: Bearer {token}",
                     f"http://127.0.0.1:8080/documents/invoices/{invoices[0]['id']}")
    assert pdf.stdout == "200 application/pdf", pdf
    assert "missing 0" in system.run("operator", "medicore", "check").stdout
    system.run("operator", "medicore", "check", "--mend")
    wait_until(lambda: system.run("operator", "medicore", "audit", "verify", check=False).returncode == 0, 30, "the audit trail's rows")


def test_the_operator_backs_up_changes_keys_and_sees_what_programs_count(system):
    made = system.run("operator", "sh", "-c", "medicore backup /tmp/backup && find /tmp/backup").stdout
    assert all(f"{domain}." in made or f"/{domain}" in made for domain in ("patient", "scheduling", "billing", "auth")), made
    assert re.search(r"keys/[^/]+\.jwk", made), made
    system.run("operator", "medicore", "keys", "rotate")
    keys = [path.stat() for path in (system.directory / "volumes/keys").glob("*.jwk")]
    assert len(keys) == 2 and {(st.st_uid, st.st_mode & 0o777) for st in keys} == {(992, 0o600)}
    counted = system.run("operator", "medicore", "metrics").stdout
    seen = dict(re.findall(r'^medicore_processes\{program="([^"]+)"\} (\d+)$', counted, re.M))
    assert seen == {name: "2" if "spawn-fcgi" in service["command"] else "1" for name, service in system.services.items()
                    if any("/medicore-" in word for word in service.get("command", []))}


def test_a_database_is_entered_by_a_certificate_alone_and_by_its_own_role(system):
    def psql(name, database, role, **options):
        words = " ".join(f"{k}={v}" for k, v in {"host": "postgres", "dbname": database, "user": role, **options}.items())
        return system.inside(name, "psql", "-XAtq", words, "-c", "select 'in'")
    assert psql("patient", "medicore_patient", "medicore_patient_rest").stdout == "in\n"
    assert "certificate authentication failed" in psql("patient", "medicore_patient", "medicore_patient_grpc").stderr, "the role of another program"
    assert "certificate authentication failed" in psql("patient", "medicore_billing", "medicore_billing_rest").stderr, "another domain"
    assert "certificate authentication failed" in psql("patient", "postgres", "postgres").stderr
    assert "no pg_hba.conf entry" in psql("patient", "medicore_billing", "medicore_patient_rest").stderr
    assert "requires a valid client certificate" in psql("patient", "medicore_patient", "medicore_patient_rest", sslcert="/none").stderr
    assert "no encryption" in psql("patient", "medicore_patient", "medicore_patient_rest", sslmode="disable").stderr
    # Who would call itself PostgreSQL, with any certificate but that one.
    assert "does not match host name" in psql("patient", "medicore_patient", "medicore_patient_rest", host="nobody",
                                              hostaddr=system.addresses["postgres"]).stderr


@pytest.mark.parametrize("name,port,path", [("patientd", 9000, "/grpc.health.v1.Health/Check"), ("billingd", 9001, "/grpc.health.v1.Health/Check"),
                                            ("auth-http", 8081, "/.well-known/jwks.json")])
def test_without_a_certificate_of_ours_nobody_is_answered(system, tmp_path, name, port, path):
    url = f"://{system.addresses[name]}:{port}{path}"
    certs(tmp_path, "patient")
    foreign = "--cert", tmp_path / "patient.crt", "--key", tmp_path / "patient.key"
    volume = system.directory / "volumes/tls-patient"
    ours = "--cert", volume / "program.crt", "--key", volume / "program.key"
    codes = [system.ask("curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_code}", *known, scheme + url).stdout
             for scheme, known in (("https", ours), ("https", foreign), ("https", ()), ("http", ()))]
    assert codes[0] in ("200", "405", "415"), codes
    assert codes[1:3] == ["000", "000"] and codes[3] in ("000", "400"), codes


def test_keys_are_their_programs_alone(system):
    def uid(name):
        service = system.services[name]
        passwd = system.root(service).inside("etc/passwd").read_text()
        return int(re.search(rf"^{service.get('user', 'kafka').split(':')[0]}:[^:]*:(\d+)", passwd, re.M)[1])
    volumes = system.directory / "volumes"
    found = {path.parent.name.removeprefix("tls-"): path.stat() for path in volumes.glob("tls-*/program.key")}
    assert found.keys() == {name for name, s in system.services.items() if any(v.startswith("tls-") for v in s.get("volumes", []))} - {"secrets"}
    for name, st in found.items():
        assert (st.st_uid, st.st_mode & 0o777) == (uid(name), 0o400), name
    assert {path.stat().st_mode & 0o377 for path in [*volumes.glob("audit/key"), *volumes.glob("keys/*.jwk"), *volumes.glob("authority/*.key")]} <= {0o200, 0}


def test_certificates_are_renewed_while_all_goes_on_and_secrets_stay(system, token):
    volumes = system.directory / "volumes"
    def contents(pattern):
        return {path: path.read_bytes() for path in volumes.glob(pattern)}
    kept = {**contents("tls-*/program.key"), **contents("programs/secret"), **contents("audit/key"), **contents("keys/*"), **contents("authority/ca.crt")}
    renewed = contents("tls-*/program.crt")
    system.run("secrets", *system.services["secrets"]["command"])
    assert all(path.read_bytes() == before for path, before in kept.items()) and len(kept) > 20
    assert all(path.read_bytes() != before for path, before in renewed.items()) and len(renewed) == 17
    assert system.stop("patientd") and system.stop("relay-patient")
    system.again("patientd")  # with its new certificate
    assert system.run("relay-patient", *system.services["relay-patient"]["healthcheck"]["test"][1:], check=False).returncode == 1, "nobody is in the database"
    system.again("relay-patient")
    wait_until(lambda: curl(system, "/appointments", {
        "patientId": "00000000-0000-4000-8000-000000000000", "serviceCode": "162673000", "startsAt": "2027-12-24T09:00:00+01:00", "durationMinutes": 30},
        token)[0] == 404, 30, "patientd's word, by a certificate that is newer than its callers'")


def test_a_relay_that_hangs_is_not_healthy(system):
    main = system.first("relay-scheduling")
    os.kill(main, signal.SIGSTOP)
    assert not system.healthy("relay-scheduling"), "it is connected all the same"
    os.kill(main, signal.SIGCONT)
    system.wait_healthy("relay-scheduling")


def test_every_service_ends_when_it_is_asked_to(system):
    ended = {name: system.stop(name) for name in list(system.processes)[::-1]}
    ended.pop("kafka", None)  # Java says 143 of it
    assert all(ended.values()), (ended, [system.log(name)[-500:] for name, good in ended.items() if not good])
