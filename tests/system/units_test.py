"""What `make install` gives systemd: checked by systemd itself, which needn't run for that."""
import os
import pathlib
import subprocess

import pytest

from medicore import BUILD

MOST_EXPOSED = 2.0


@pytest.fixture(scope="module")
def units():
    """The directory of the installed units."""
    subprocess.run(["make", "-s", "install"], cwd=BUILD, check=True, stdout=subprocess.DEVNULL)
    return BUILD / "install/lib/systemd/system"


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
