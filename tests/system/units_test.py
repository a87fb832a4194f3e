"""What `make install` gives systemd: checked by systemd itself, which needn't run for that."""
import os
import pathlib
import stat
import subprocess
import sys

import pytest

from installed import install
from medicore import BUILD, TOP, wait_until

MOST_EXPOSED = 2.0


@pytest.fixture(scope="module")
def units():
    """The directory of the installed units."""
    return install() / "lib/systemd/system"


def analyze(units, *args):
    return subprocess.run(["systemd-analyze", *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_COLORS": "0"})


def services(units):
    return sorted(unit.name for unit in units.glob("*.service"))


def test_systemd_finds_nothing_wrong_with_any_unit(units):
    instances = [name.replace("@", "@auth" if "relay" in name else "@1") for name in services(units)]
    done = analyze(units, "verify", "--man=no", "--recursive-errors=no", "medicore.target", *instances, *(timer.name for timer in units.glob("*.timer")))
    assert (done.returncode, done.stdout) == (0, "")


def test_systemd_would_find_something_wrong(units, tmp_path):
    (tmp_path / "medicore-wrong.service").write_text("[Service]\nType=notify\nExecStart=/nonexistent/medicore-wrong\nRestart=alway\n")
    done = analyze(tmp_path, "verify", "--man=no", "medicore-wrong.service")
    assert done.returncode != 0 and "/nonexistent/medicore-wrong" in done.stdout and "alway" in done.stdout


def test_no_service_is_more_exposed_than_it_must_be(units):
    exposed = {}
    for name in services(units):
        done = analyze(units, "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", name)
        exposed[name] = done.stdout.splitlines()[-1]
        assert done.returncode == 0, exposed[name]
    assert len(exposed) == 13, exposed


def test_every_program_has_a_unit_that_the_target_pulls_in(units):
    wanted = {name for line in (units / "medicore.target").read_text().splitlines() if line.startswith("Wants=") for name in line[6:].split()}
    started = set()
    for name in wanted:
        prefix, at, rest = name.partition("@")
        text = (units / (prefix + at + rest[rest.index("."):] if at else name)).read_text()
        started |= {pathlib.Path(line.split()[0]).name for line in text.split("ExecStart=")[1:]}
    assert started == {program.name for program in (BUILD / "install/libexec/medicore").iterdir()}
    assert "medicore-backup.timer" not in wanted


# --- users and directories ---

@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
def test_systemd_makes_the_users_and_directories(units, tmp_path):
    for kind in ("sysusers.d", "tmpfiles.d"):
        (tmp_path / "usr/lib" / kind).mkdir(parents=True)
        (tmp_path / "usr/lib" / kind / "medicore.conf").write_bytes((units.parents[1] / kind / "medicore.conf").read_bytes())
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    subprocess.run([sys.executable, TOP / "tests/lib/units.py", "--root", tmp_path, "prepare"], check=True)
    users = {line.split(":")[0]: line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    groups = {line.split(":")[0]: line.split(":") for line in (tmp_path / "etc/group").read_text().splitlines()}
    for unit in units.glob("*.service"):
        assert {line[5:] for line in unit.read_text().splitlines() if line.startswith("User=")} <= users.keys()
    assert all(user[6].endswith("nologin") for name, user in users.items() if name != "root")

    def mode(path):
        found = os.stat(f"{tmp_path}{path}")
        owner = {user[2]: name for name, user in users.items()}[str(found.st_uid)]
        return f"{stat.S_IMODE(found.st_mode):o} {owner}:{ {group[2]: name for name, group in groups.items()}[str(found.st_gid)]}"
    var = BUILD.resolve() / "install/var"
    assert mode("/run/medicore") == "755 root:medicore"
    assert mode("/run/medicore/worker") == "750 medicore-billing:medicore"
    assert mode(f"{var}/spool/medicore/audit/patient") == "3770 medicore-relay:medicore"
    assert mode(f"{var}/lib/medicore/keys") == "700 medicore-auth:medicore"
    assert mode(f"{var}/lib/medicore/backup") == "700 root:root"


# --- the stand-in that other tests have for systemd ---

PROGRAM = """
import os, signal, socket, sys, time
def tell(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
given = [socket.socket(fileno=fd) for fd in range(3, 3 + int(os.environ.get("LISTEN_FDS", 0)))]
assert int(os.environ.get("LISTEN_PID", os.getpid())) == os.getpid()
print(sys.argv[1], os.environ["WORD"], [s.getsockname() for s in given], flush=True)
tell("READY=1\\nSTATUS=at work")
while True:
    time.sleep(0.05)
    if not os.path.exists(sys.argv[2]):
        tell("WATCHDOG=1")
"""


@pytest.fixture
def stand_in(tmp_path):
    units = tmp_path / "units"
    (units / "a@.service.d").mkdir(parents=True)
    (tmp_path / "program.py").write_text(PROGRAM)
    (units / "a.socket").write_text(f"[Socket]\nListenStream={tmp_path}/sock\nSocketMode=0600\nRemoveOnStop=yes\n")
    (units / "a@.service").write_text(f"[Unit]\nPartOf=a.target\n[Service]\nType=notify\nWatchdogSec=1\nRestart=always\nSockets=a.socket\n"
                                      f"ExecStart={sys.executable} {tmp_path}/program.py %i {tmp_path}/hang\n")
    (units / "a@.service.d/word.conf").write_text("[Service]\nEnvironment=\"WORD=two words\"\n")
    (units / "a.target").write_text("[Unit]\nWants=a@x.service b.service c.service\n")
    (units / "b.service").write_text("[Service]\nExecStart=/bin/false\nType=oneshot\n")

    def does(*args):
        return subprocess.run([sys.executable, TOP / "tests/lib/units.py", "--state", tmp_path / "state", "--units", units, "--no-users", *args],
                              text=True, stdout=subprocess.PIPE)
    yield does
    does("shutdown")


def test_the_stand_in_starts_hands_over_and_watches(stand_in, tmp_path):
    done = stand_in("start", "a.target")
    assert done.returncode == 1 and [line.split()[:2] for line in done.stdout.splitlines()] == [["b.service", "failed"]]
    line = stand_in("status", "a@x.service").stdout.split()
    assert line[1] == "active" and line[3:] == ["1", "at", "work"]
    assert (tmp_path / "state/log/a@x.service").read_text() == f"x two words ['{tmp_path}/sock']\n"
    (tmp_path / "hang").touch()
    wait_until(lambda: stand_in("status", "a@x.service").stdout.split()[3] == "2", 20, "the watchdog")
    (tmp_path / "hang").unlink()
    wait_until(lambda: stand_in("status", "a@x.service").stdout.split()[1] == "active", 20, "the next start")
    stand_in("stop", "a.target", "a.socket")
    assert stand_in("status", "a@x.service").returncode == 3 and not (tmp_path / "sock").exists()
    assert stand_in("start", "nothing.service").returncode == 1
