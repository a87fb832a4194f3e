"""docker-compose.yml at work, without an engine: every service's command, user, environment and volumes as the file says, of this build, with
certificates between all of them.  Ends with a booking becoming an invoice, and with who doesn't get in."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import containers
from medicore import BUILD, TOP, wait_until


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
    (path / prefix).mkdir(parents=True, exist_ok=True)
    for part, target in (("share", "/usr/share"), ("etc", "/etc"), ("var", "/var")):
        (path / prefix / part).symlink_to(target)
    root.run("/usr/libexec/medicore/make-users")
    return root


@pytest.fixture(scope="module")
def system():
    directory = Path(tempfile.mkdtemp(prefix="medicore-containers-"))
    directory.chmod(0o755)
    try:
        (directory / "root").mkdir()
        root = image_of_this_build(directory / "root")
        try:
            with containers.Containers(directory, root, root) as c:
                c.up()
                yield c
        except containers.NoNamespaces as e:
            pytest.skip(f"no network namespace can be made here: {e}")
        finally:
            keep = os.environ.get("MEDICORE_TEST_LOGS")
            if keep:
                shutil.copytree(directory / "logs", Path(keep) / directory.name, dirs_exist_ok=True)
    finally:
        shutil.rmtree(directory)


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
    invoices = wait_until(lambda: curl(system, f"/invoices?patientId={patient['id']}", token=token)[1], 10, "the invoice")
    assert [i["appointmentId"] for i in invoices] == [booked["id"]]
    wait_until(lambda: curl(system, f"/invoices/{invoices[0]['id']}", token=token)[1]["number"], 10, "its number, which relay-billing gives")
    pdf = system.ask("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{content_type}", "-H", f"Authorization: Bearer {token}",
                     f"http://127.0.0.1:8080/documents/invoices/{invoices[0]['id']}")
    assert pdf.stdout == "200 application/pdf", pdf
    assert "missing 0" in system.run("operator", "medicore", "check").stdout
    wait_until(lambda: system.run("operator", "medicore", "audit", "verify", check=False).returncode == 0, 10, "the audit trail's rows")
