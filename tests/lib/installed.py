"""What `make install` put in place, run on this machine: units by units.py, a PostgreSQL of its own, the web server that a test brings.

    with Installed(port) as s:
        s.start("medicore.target")

port is where the web server will be, since the programs ask auth there. All users are whoever runs the test.
"""
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile

import medicore

TOOL = pathlib.Path(__file__).parent / "units.py"


class Installed:
    def __init__(self, http):
        self.base = medicore.free_base()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="medicore-installed-"))
        self.directory.chmod(0o755)
        self.run, self.var = self.directory / "run", self.directory / "var"
        self.prefix = medicore.BUILD.resolve() / "install"
        self.config = self.directory / "medicore.conf"
        self.http = http

    def __enter__(self):
        subprocess.run(["make", "-s", "install"], cwd=medicore.BUILD, check=True, stdout=subprocess.DEVNULL)
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
