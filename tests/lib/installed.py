"""What `make install` put in place, run on this machine: units by units.py, a PostgreSQL of its own, the web server that a test brings.

    with Installed() as s:
        s.start("medicore.target")
        with front_door(s, "apache") as door:
            door.get("/patients", …)

All users are whoever runs the test.
"""
import fcntl
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile

import medicore
import tokens

PROGRAMS = ("patient", "scheduling", "billing", "documents", "auth")
# What apache.conf says it needs.
MODULES = "buffer headers include proxy proxy_fcgi rewrite unique_id"
TOOL = pathlib.Path(__file__).parent / "units.py"


def install():
    """The prefix, with what is built now; once for all files of tests, since what another one runs is not to be replaced."""
    build = medicore.BUILD.resolve()
    stamp = build / "installed"
    with open(build / "install.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        parts = ["Makefile", "medicore*", "openapi.json", "systemd/**/*", "httpd/*"]
        built = max(path.stat().st_mtime for part in parts for path in build.glob(part) if path.is_file())
        if not stamp.exists() or stamp.stat().st_mtime < built:
            subprocess.run(["make", "-s", "install"], cwd=build, check=True, stdout=subprocess.DEVNULL)
            stamp.touch()
    return build / "install"


class Installed:
    def __init__(self):
        self.base = medicore.free_base()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="medicore-installed-"))
        self.directory.chmod(0o755)
        self.run, self.var = self.directory / "run", self.directory / "var"
        self.config = self.directory / "medicore.conf"
        self.http = self.base + 2  # where the web server will be: the programs ask auth there

    def __enter__(self):
        self.prefix = install()
        (self.directory / "pg").mkdir()
        self.postgres = medicore.Postgres(self.directory / "pg")
        self.units()
        self.directories()
        self.settings()
        self.medicore("migrate")
        self.medicore("keys", "rotate")
        return self

    def __exit__(self, *_):
        self.tool("shutdown")
        self.postgres.stop()
        logs = os.environ.get("MEDICORE_TEST_LOGS")
        if logs:
            shutil.copytree(self.run / "units/log", pathlib.Path(logs) / self.directory.name)
        shutil.rmtree(self.directory)

    def here(self, text):
        """With this test's directories and ports in place of an installed system's."""
        text = text.replace("/run/medicore", f"{self.run}/medicore").replace(f"{self.prefix}/var", str(self.var))
        return text.replace("127.0.0.1:9000", f"127.0.0.1:{self.base}").replace("127.0.0.1:9001", f"127.0.0.1:{self.base + 1}")

    def units(self):
        (self.directory / "units").mkdir()
        for unit in (self.prefix / "lib/systemd/system").iterdir():
            (self.directory / "units" / unit.name).write_text(self.here(unit.read_text()))

    def directories(self):
        """Those of tmpfiles.d; their owners are the machine's to have."""
        text = self.here((self.prefix / "lib/tmpfiles.d/medicore.conf").read_text())
        for path, mode in re.findall(r"(?m)^d (\S+) (\d+) ", text):
            if str(self.directory) in path:
                os.makedirs(path)
                os.chmod(path, int(mode, 8))

    def settings(self):
        state = self.run / "medicore"
        for name in ("programs", "audit"):
            (self.directory / name).write_text(secrets.token_hex(32) + "\n")
        self.config.write_text(f"""
[database]
host = {self.postgres.env["PGHOST"]}
port = {self.postgres.env["PGPORT"]}
[web]
state = {state}/state
[metrics]
directory = {state}/metrics
[patientd]
listen = 127.0.0.1:{self.base}
[billingd]
listen = 127.0.0.1:{self.base + 1}
[patient_service]
target = 127.0.0.1:{self.base}
[auth]
url = http://127.0.0.1:{self.http}
programs_secret_file = {self.directory}/programs
keys = {self.var}/lib/medicore/keys
[audit]
spool = {self.var}/spool/medicore/audit
key_file = {self.directory}/audit
seal = {self.var}/lib/medicore/audit
[events]
socket = {state}/worker/events.sock
""")

    def medicore(self, *args, check=True):
        done = subprocess.run([self.prefix / "bin/medicore", "--config", self.config, *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0 or not check, done.stdout
        return done

    def tool(self, *args, check=False):
        """units.py, as an administrator has systemctl."""
        done = subprocess.run([sys.executable, TOOL, "--state", self.run / "units", "--units", self.directory / "units", "--no-users",
                               "--env", f"MEDICORE_CONFIG={self.config}", *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0 or not check, done.stdout + self.said()
        return done

    def start(self, *names):
        return self.tool("start", *names, check=True)

    def status(self, *names):
        """name: (state, main process, starts)"""
        lines = [line.split(None, 4) for line in self.tool("status", *names).stdout.splitlines()]
        return {line[0]: (line[1], int(line[2]) if line[2] != "-" else 0, int(line[3])) for line in lines}

    def said(self):
        return "\n".join(f"{log.name}: {line}" for log in (self.run / "units/log").iterdir() for line in log.read_text().splitlines()[-3:])


class Door:
    """A web server that runs, in front of what is installed."""

    def __init__(self, system, server, directory, command):
        self.system, self.server, self.directory, self.command = system, server, directory, command
        self.log = directory / "log" / "medicore.log"

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.directory / "stderr", "w"))
        self.url = f"http://127.0.0.1:{self.system.http}"
        medicore.wait_until(lambda: self.process.poll() is not None or self.get("/openapi.json")[0], 20, "the web server")
        assert self.process.poll() is None, (self.directory / "stderr").read_text()
        for name in PROGRAMS:
            medicore.wait_until(lambda: self.get(f"/health/{name}/ready")[0] == 200, 20, f"{name} to be ready")
        self.logins = self.account()
        return self

    def account(self):
        email, password = f"{self.server}@example.org", self.directory / "password"
        password.write_text("correct horse battery\n")
        self.system.medicore("user", "add", email, "--name", "The administrator", "--role", "ADMIN", "--password-file", password)
        return tokens.Logins(self.url, email, "correct horse battery")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def get(self, path, *args):
        """status, header fields in lower case, content; status 0: nobody answers."""
        done = subprocess.run(["curl", "-sS", "-i", "--max-time", "20", *args, self.url + path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        head, _, content = done.stdout.partition("\n\n")
        first, _, fields = head.partition("\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in fields.splitlines() if ": " in line)}
        return int(first.split()[1]) if first else 0, headers, content


def apache(directory, port, line):
    """A copy of Debian's tree as it comes, its default virtual host on a port of ours, with the line at that host's end."""
    etc = directory / "apache2"
    shutil.copytree("/etc/apache2", etc, symlinks=True)
    for path in [etc / "apache2.conf", etc / "envvars", *etc.rglob("*.conf"), *etc.rglob("*.load")]:
        if not path.is_symlink():
            path.write_text(path.read_text().replace("/etc/apache2", str(etc)))
    (etc / "ports.conf").write_text(f"Listen 127.0.0.1:{port}\n")
    for name in MODULES.split():
        for kind in ("load", "conf"):
            enabled = etc / "mods-enabled" / f"{name}.{kind}"
            if (etc / "mods-available" / enabled.name).exists() and not enabled.exists():
                enabled.symlink_to(f"../mods-available/{enabled.name}")
    site = (etc / "sites-available/000-default.conf").read_text().replace("*:80", f"127.0.0.1:{port}").replace("CustomLog", "#CustomLog")
    (etc / "sites-available/000-default.conf").write_text(site.replace("</VirtualHost>", f"\t{line}\n</VirtualHost>"))
    (directory / "log").mkdir()
    (directory / "run").mkdir()
    user = "www-data" if os.geteuid() == 0 else subprocess.check_output(["id", "-un"], text=True).strip()
    environment = {"APACHE_RUN_USER": user, "APACHE_RUN_GROUP": user, "APACHE_PID_FILE": f"{directory}/run/pid", "APACHE_RUN_DIR": f"{directory}/run",
                   "APACHE_LOCK_DIR": f"{directory}/run", "APACHE_LOG_DIR": f"{directory}/log", "LANG": "C"}
    return ["env", *(f"{name}={value}" for name, value in environment.items()), "/usr/sbin/apache2", "-d", etc, "-f", etc / "apache2.conf", "-D", "FOREGROUND"]


def lighttpd(directory, port, line):
    """Debian's configuration, with paths and port of ours, and the line behind all else."""
    text = pathlib.Path("/etc/lighttpd/lighttpd.conf").read_text()
    (directory / "log").mkdir()
    changed = {"/var/log/lighttpd": directory / "log", "/run/lighttpd.pid": directory / "pid"}
    for theirs, ours in changed.items():
        text = text.replace(theirs, str(ours))
    text = re.sub(r"(?m)^server\.port.*$", f'server.port = {port}\nserver.bind = "127.0.0.1"', text)
    text = re.sub(r"(?m)^include_shell .*use-ipv6.*$", "", text)
    if os.geteuid() == 0:
        shutil.chown(directory / "log", "www-data")
    (directory / "lighttpd.conf").write_text(f"{text}\n{line}\n")
    return ["/usr/sbin/lighttpd", "-D", "-f", directory / "lighttpd.conf"]


def front_door(system, server):
    """Debian's own configuration of a web server, with our line in it; Logins of an ADMIN come with it."""
    directory = system.directory / server
    directory.mkdir()
    part = directory / f"{server}-part.conf"
    part.write_text(system.here((system.prefix / "etc/medicore" / f"{server}.conf").read_text()).replace("/var/log/lighttpd", f"{directory}/log"))
    if server == "apache":
        command = apache(directory, system.http, f"IncludeOptional {part}")
    else:
        command = lighttpd(directory, system.http, f'include "{part}"')
    for name in PROGRAMS if os.geteuid() == 0 else ():
        shutil.chown(system.run / "medicore" / name, "root", "www-data")
    return Door(system, server, directory, command)
