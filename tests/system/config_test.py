"""`medicore config check`, and SIGHUP to running programs."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import types

import pytest

from fastcgi import Connection
from medicore import BUILD, free_base
from supervisor import Supervised, listening
from tokens import KeyServer


@pytest.fixture
def tmp_path():
    """Below /tmp at once: pytest's own may be passed by nobody else."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="medicore-config-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def settings(tmp_path):
    """A file of settings that are well, and all that they name."""
    for name in ("state", "keys", "seal", "counts", "worker", "pg", *(f"spool/{d}" for d in ("patient", "scheduling", "billing", "auth"))):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name).chmod(0o777)
    (tmp_path / "secret").write_text("a secret of these tests, long enough for a chain\n")
    (tmp_path / "secret").chmod(0o600)
    lines = ["[database]", f"host = {tmp_path}/pg", "[web]", f"state = {tmp_path}/state", "[auth]", f"keys = {tmp_path}/keys",
             "[audit]", f"spool = {tmp_path}/spool", f"seal = {tmp_path}/seal", "[metrics]", f"directory = {tmp_path}/counts",
             "[events]", f"socket = {tmp_path}/worker/events.sock", "[audit]", f"key_file = {tmp_path}/secret"]
    return write(tmp_path / "medicore.conf", lines)


def write(path, lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def check(path, *prefix):
    return subprocess.run([*prefix, BUILD / "medicore", "config", "check", path], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MEDICORE_")})


def test_settings_that_are_well_are_said_to_be(settings):
    done = check(settings)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "nothing is wrong" in done.stdout


def test_all_bad_lines_are_named_with_their_reasons(tmp_path):
    done = check(write(tmp_path / "bad.conf", ["[web]", "threads = many", "nonsense", "rate = -1", "[webs]", "rate = 1"]))
    assert done.returncode == 1
    assert [line.removeprefix(str(tmp_path / "bad.conf")) for line in done.stderr.splitlines()] == [
        ":2: [web] threads: a whole number is needed", ":3: neither [section] nor key = value", ":4: [web] rate: a whole number is needed",
        ":6: [webs] rate: no such section"]


def test_a_file_is_taken_from_the_option_too_and_nothing_else_is_known(settings):
    assert subprocess.run([BUILD / "medicore", "--config", settings, "config", "check"], stdout=subprocess.DEVNULL).returncode == 0
    assert subprocess.run([BUILD / "medicore", "config", "mend"], stderr=subprocess.DEVNULL).returncode == 2


def test_what_settings_name_has_to_be_there(settings, tmp_path):
    (tmp_path / "spool" / "billing").rmdir()
    (tmp_path / "keys").rmdir()
    (tmp_path / "keys").write_text("")
    (tmp_path / "worker").rmdir()
    done = check(settings)
    assert done.returncode == 1
    assert sorted(line.removeprefix(str(settings)) for line in done.stderr.splitlines()) == [
        f":13: [events] socket: {tmp_path}/worker: No such file or directory", f":6: [auth] keys: {tmp_path}/keys: it is no directory",
        f":8: [audit] spool: {tmp_path}/spool/billing: No such file or directory"]


def test_a_secret_that_anybody_may_read_is_told_of(settings, tmp_path):
    (tmp_path / "secret").chmod(0o644)
    done = check(settings)
    assert done.returncode == 1
    assert done.stderr == f"{settings}:15: [audit] key: {tmp_path}/secret: anybody may read it; `chmod o= {tmp_path}/secret`\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="to become another user takes root")
def test_who_needs_a_directory_or_a_secret_has_to_be_allowed_to_use_it(settings, tmp_path):
    users = ["patient", "scheduling", "billing", "documents", "auth", "relay"]
    passwd = "".join(f"medicore-{u}:x:{61000 + n}:61000::/:/bin/false\n" for n, u in enumerate(users))
    for name, more in (("passwd", passwd), ("group", "medicore:x:61000:\n")):
        with open(f"/etc/{name}") as f:
            there = "".join(line for line in f if not line.startswith("medicore"))
        (tmp_path / name).write_text(there + more)
    there = ["unshare", "-m", "bash", "-c", f'mount --bind {tmp_path}/passwd /etc/passwd && mount --bind {tmp_path}/group /etc/group && exec "$@"', "-"]
    os.chown(tmp_path / "secret", 61005, 0)
    done = check(settings, *there)
    assert (done.returncode, done.stderr) == (0, "")
    os.chown(tmp_path / "secret", 0, 0)
    (tmp_path / "state").chmod(0o700)
    os.chown(tmp_path / "state", 61000, 61000)
    (tmp_path / "seal").chmod(0o770)
    os.chown(tmp_path / "seal", 0, 61000)
    done = check(settings, *there)
    assert done.returncode == 1
    assert [line.split(": ", 1)[1] for line in done.stderr.splitlines()] == [
        *(f"[web] state: {tmp_path}/state: medicore-{u} may not write there" for u in users[1:5]),
        f"[audit] key: {tmp_path}/secret: medicore-relay may not read it"]


# --- SIGHUP ---

@pytest.fixture
def running(settings, tmp_path):
    """Starts programs on those settings, without a database."""
    keys, started = KeyServer(), []

    def one(name, more=()):
        with settings.open("a") as f:
            f.write("".join(line + "\n" for line in more))
        environ = {k: v for k, v in os.environ.items() if not k.startswith("MEDICORE_")}
        environ.update(keys.environ(), MEDICORE__PATIENTD__LISTEN=f"127.0.0.1:{free_base(1)}")
        command = [BUILD / f"medicore-{name.split()[0]}", *name.split()[1:], "--config", settings]
        inetd = listening(str(tmp_path / "socket")) if name.endswith(".fcgi") else None
        started.append(Supervised(command, environ, tmp_path / f"{name}.log", inetd=inetd).ready())
        return started[-1]
    one.keys = keys
    yield one
    for program in started:
        program.close()
    keys.stop()


def reload(program):
    """Sends SIGHUP, and gives what was logged of it."""
    with open(program.log) as log:
        log.seek(0, os.SEEK_END)
        program.process.send_signal(signal.SIGHUP)
        program.hears(("RELOADING", "1"))
        assert program.hears(lambda name, _: name == "MONOTONIC_USEC").isdigit()
        program.hears(("READY", "1"))
        return log.read()


@pytest.mark.parametrize("name", ["patient.fcgi", "patientd", "relay patient", "billing-worker"])
def test_every_program_reads_its_settings_again(running, settings, name):
    program = running(name)
    assert "no setting has changed" in reload(program)
    with settings.open("a") as f:
        f.write("[log]\nlevel = error\n[web]\nthreads = 3\n")
    said = reload(program)
    assert "settings that only a new start will change: web.threads" in said
    assert "settings that have changed: log.level" in said
    assert reload(program).count("\n") == 0, "not at that level"
    with settings.open("a") as f:
        f.write("[log]\nlevel = debug\n")
    said = reload(program)
    assert "the settings stay as they are: " in said and "[log] level: is already set at" in said
    assert program.stop() == 0


def test_what_a_reload_takes_is_in_force_at_once(running, settings, tmp_path):
    program = running("patient.fcgi")
    c = Connection(types.SimpleNamespace(path=str(tmp_path / "socket"), token=running.keys.sign()))
    assert c.ask(method="POST", path="/patients", body=b" " * 3000)[0] != 413
    with settings.open("a") as f:
        f.write("[web]\nbody_max = 2KiB\nrate_loopback = 5\n")
    assert "settings that have changed: web.body_max, web.rate_loopback" in reload(program)
    assert c.ask(method="POST", path="/patients", body=b" " * 3000)[0] == 413
    assert 429 in [c.ask(path="/patients/none")[0] for _ in range(6)]
