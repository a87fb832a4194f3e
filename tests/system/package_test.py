"""The Debian package: built of the tarball, clean by lintian; then on a bare Debian 12, by doc/operations.md: installed, upgraded, removed, purged."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from bare import Bare, distribute
from medicore import TOP, wait_until

DOMAINS = ("patient", "scheduling", "billing", "auth")


def output(*command, cwd=None, **env):
    done = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **env}, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command} said:\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built():
    """The directory of what dpkg-buildpackage made of the source's tarball, and of the tree that it did so in."""
    with tempfile.TemporaryDirectory(prefix="medicore-package-") as directory:
        tarball = distribute(directory)
        output("tar", "-xf", tarball, cwd=directory)
        source = pathlib.Path(directory) / tarball.name.removesuffix(".tar.xz")
        tarball.rename(source.parent / f"medicore_{source.name.removeprefix('medicore-')}.orig.tar.xz")
        more = {"PATH": f"/usr/lib/ccache:{os.environ['PATH']}", "CCACHE_BASEDIR": str(source), "CCACHE_NOHASHDIR": "1"}
        output("dpkg-buildpackage", "-us", "-uc", "-d", cwd=source, DEB_BUILD_OPTIONS="nocheck parallel=2", **more)
        yield source.parent


def test_lintian_has_nothing_to_say(built):
    changes, = built.glob("*.changes")
    assert output("lintian", "--allow-root", "--display-level", ">=warning", "--fail-on", "error,warning", changes) == ""


def successor(built, directory):
    """The package of a version to come, with a setting more in the file that an administrator edits, and a migration that its programs insist on."""
    source = next(built.glob("medicore-*/"))
    header = source / "domain/scheduling/scheduling.h"
    number = int(re.search(r"#define SCHEDULING_SCHEMA (\d+)", header.read_text()).group(1)) + 1
    header.write_text(re.sub(r"(#define SCHEDULING_SCHEMA) \d+", rf"\1 {number}", header.read_text()))
    # A package's build doesn't track what includes what.
    for user in (path for path in source.rglob("*.c") if "SCHEDULING_SCHEMA" in path.read_text()):
        user.touch()
    programs = {"medicore": "usr/bin", "medicore-scheduling.fcgi": "usr/libexec/medicore", "medicore-relay": "usr/libexec/medicore"}
    output("make", "-s", "-j2", *programs, cwd=source)
    output("dpkg-deb", "-R", *built.glob("medicore_*_*.deb"), directory)
    for program, place in programs.items():
        output("strip", source / program, "-o", directory / place / program)
    (directory / f"usr/share/medicore/db/scheduling/{number:04}_to_come.sql").write_text("create table to_come (id int);\n")
    for path, old, new in (("lib/systemd/system/medicore-patient@.service", r"\[Service\]\n", "[Service]\nEnvironment=OF_VERSION=9\n"),
                           ("DEBIAN/control", r"(?m)^Version: .*", "Version: 9.0-1"), ("etc/medicore/medicore.conf", r"\A", "# Of version 9.\n")):
        (directory / path).write_text(re.sub(old, new, (directory / path).read_text()))
    output("dpkg-deb", "--root-owner-group", "-b", directory, built / "successor.deb")
    return built / "successor.deb", number


@pytest.fixture(scope="module")
def server(built):
    with Bare() as bare:
        bare.systemctl()
        for package in built.glob("medicore*.deb"):
            if "dbgsym" not in package.name:
                shutil.copy(package, bare.root / "root")
        yield bare


def psql(server, domain, query):
    return server.run(f"runuser -u postgres -- psql -qAtX -c \"{query}\" medicore_{domain}").stdout.strip()


def processes(server):
    """name: pid of our services that are up."""
    lines = server.run("python3 /usr/local/lib/units.py status", check=False).stdout.splitlines()
    return {line.split()[0]: line.split()[2] for line in lines if ".service" in line and line.split()[1] == "active"}


def test_the_page_followed_ends_with_an_invoice_of_a_booking(server):
    assert "bookings 1: invoiced 1" in server.follow(TOP / "doc/operations.md", "package").stdout
    assert psql(server, "billing", "select count(*) from invoice where appointment_id is not null") == "1"
    assert len(processes(server)) == 17, server.run("systemctl status", check=False).stdout


def test_what_prometheus_is_told_to_scrape_answers(server):
    target = re.search(r'targets: \["(.*)"\]', server.run("cat /usr/share/medicore/prometheus/scrape.yml").stdout)[1]
    assert 'medicore_processes{program="relay-billing"} 1' in server.run(f"curl -sS --fail http://{target}/metrics").stdout


def test_each_secret_is_its_owners(server):
    found = server.run("stat -c '%n %a %U:%G' /etc/medicore/secrets/* /var/lib/medicore/keys").stdout.split("\n")
    assert found[:3] == ["/etc/medicore/secrets/audit 400 medicore-relay:medicore", "/etc/medicore/secrets/programs 640 root:medicore",
                         "/var/lib/medicore/keys 700 medicore-auth:medicore"]
    for user in ("medicore-patient", "medicore-billing", "www-data"):
        assert server.run(f"runuser -u {user} -- cat /etc/medicore/secrets/audit", check=False).returncode != 0


def test_an_upgrade_brings_databases_and_programs_up_to_it_and_keeps_what_was_edited(server, built, tmp_path):
    package, number = successor(built, tmp_path / "successor")
    shutil.copy(package, server.root / "root")
    server.run("sed -i 's/^#name = .*/name = Clinic of the test/' /etc/medicore/medicore.conf && grep -q 'Clinic of the test' /etc/medicore/medicore.conf")
    before = processes(server)
    # As on a server where systemd runs.
    server.run("rm /usr/sbin/policy-rc.d && mkdir -p /run/systemd/system")
    said = server.run("apt-get -q install -y -o Dpkg::Options::=--force-confold /root/successor.deb").stdout
    assert psql(server, "scheduling", "select max(number) from schema_migration") == str(number), said
    after = wait_until(lambda: (now := processes(server)).keys() == before.keys() and now, 30, "the programs")
    assert all(after[name] != pid for name, pid in before.items())
    assert "OF_VERSION=9" in server.run(f"tr '\\0' '\\n' </proc/{after['medicore-patient@1.service']}/environ").stdout  # by the new unit
    assert "Clinic of the test" in server.run("medicore --print-config").stdout
    server.run("curl -sS --fail --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/health/scheduling/ready")
    assert psql(server, "billing", "select count(*) from invoice where appointment_id is not null") == "1"
    server.run("medicore check")


def test_removed_it_leaves_data_and_purged_only_databases(server):
    server.run("touch /var/lib/medicore/backup/kept")
    server.run("apt-get -q remove -y medicore")
    assert processes(server) == {}
    assert server.run("ls /lib/systemd/system/medicore* /usr/libexec/medicore /usr/bin/medicore", check=False).stdout.count("No such file") == 3
    server.run("test -s /etc/medicore/secrets/programs -a -s /etc/medicore/medicore.conf -a -d /var/spool/medicore/audit/patient")
    server.run("ls /var/lib/medicore/keys/*.jwk")
    said = server.run("apt-get -q purge -y medicore").stdout
    assert "databases" in said
    elsewhere = ("/proc/*", "/run/*", "/root/*", "/usr/share/*", "/var/log/*", "/var/lib/dpkg/*", "/var/lib/postgresql/*", "/var/lib/apache2/*")
    left = server.run("find / -xdev -type f -path '*medicore*' " + " ".join(f"-not -path '{place}'" for place in elsewhere)).stdout.splitlines()
    assert sorted(left) == ["/etc/apache2/sites-available/medicore.conf", "/etc/medicore/tls/https.crt", "/etc/medicore/tls/https.key",
                            "/etc/systemd/system/apache2.service.d/medicore.conf", "/var/lib/medicore/backup/kept"]
    assert [psql(server, domain, "select count(*) > 0 from schema_migration") for domain in DOMAINS] == ["t"] * 4
