"""A front door with a patient program of its own behind it, beside those of the system that ./dev brought up: so that both web servers with both
engines can take turns without anything being restarted between two rounds."""
import functools
import os
import shutil
import signal
import subprocess

from load import Trouble, run
from medicore import BUILD, TOP, free_base, wait_until

SERVERS = ["lighttpd", "apache"]


@functools.cache
def engines():
    """Those that the build has, as [web] engine names them; a build without that setting has libfcgi alone."""
    def known(name):
        done = subprocess.run([BUILD / "medicore-patient.fcgi", "--print-config"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "MEDICORE_CONFIG": "", "MEDICORE__WEB__ENGINE": name})
        return done.returncode == 0 and name in done.stdout
    return [name for name in ("loop", "libfcgi") if known(name)] or ["libfcgi"]


class Stand:
    def __init__(self, system, directory, server, engine=None, program=None, processes=2, addresses=()):
        """program: a command to serve in place of ours; addresses: (IP address, port) of instances that are reached by TCP, as on other hosts, in place
        of the unix socket (lighttpd alone)."""
        self.name = f"{server}, {engine}" if engine else server
        self.addresses, self.engine = addresses, engine or "libfcgi"
        self.system, self.server, self.processes, self.directory = system, server, [], directory
        port = free_base(2)
        self.url = f"http://127.0.0.1:{port}"
        for name in ("sock", "state", "static"):
            (directory / name).mkdir(parents=True)
        for path in (directory, *directory.iterdir()):
            path.chmod(0o755)
        root = os.geteuid() == 0
        copy = system.run / "bin" / "medicore-patient.fcgi"  # where the build tree is out of that user's reach
        program = program or [copy if copy.exists() else BUILD / "medicore-patient.fcgi", "--config", system.run / "medicore.conf"]
        owner = ["-u", "nobody", "-g", "nogroup"] if root else []
        environ = {**os.environ, **({"MEDICORE__WEB__ENGINE": engine} if engine and len(engines()) > 1 else {})}
        listens = [["-a", host, "-p", str(port)] for host, port in addresses] or [["-s", f"{directory}/sock/patient", "-M", "0660"]]
        if not addresses:
            owner = ["-U", "www-data", "-G", "www-data", *owner] if root else []
        self.programs = [self.start("program", ["spawn-fcgi", "-n", *where, *owner, "--", shutil.which("multiwatch"), "-f", str(processes), "--",
                                                *map(str, program)], environ) for where in listens]
        self.httpd = self.start(server, self.front_door(port, "www-data" if root else os.environ.get("USER", "nobody")))
        try:
            wait_until(self.ready, 20, self.name)
        except AssertionError as e:
            self.stop()
            raise Trouble(f"{e}\n{self.logs()}") from e

    def front_door(self, port, user):
        here = self.directory
        if self.server == "lighttpd":
            for script in (TOP / "httpd" / "lighttpd").glob("*.lua"):
                shutil.copy(script, here)
        access = here / "access.log"
        access.touch()
        if os.geteuid() == 0:
            shutil.chown(access, user)
        conf = here / f"{self.server}.conf"
        conf.write_text(run(TOP / "httpd" / "configure", self.server, f"http={port}", f"https={port + 1}", f"engine={self.engine}", f"sockets={here}/sock",
                            f"tls={self.system.run}/tls", f"state={here}/state", f"static={here}/static", f"here={here}", f"user={user}",
                            f"log={access}"))
        if self.addresses:
            hosts = ", ".join(f'"{host}:{port}" => ( "host" => "{host}", "port" => {port}, "check-local" => "disable", "disable-time" => 1 )'
                              for host, port in self.addresses)
            conf.write_text(conf.read_text().replace(f'(( "socket" => "{here}/sock/patient", "check-local" => "disable" ))', f"( {hosts} )"))
        return [TOP / "tests/lib/outweigh", "/usr/sbin/apache2", "-f", str(conf), "-D", "FOREGROUND"] if self.server == "apache" else \
            ["/usr/sbin/lighttpd", "-D", "-f", str(conf)]

    def start(self, name, argv, environ=None):
        with open(self.directory / f"{name}.log", "ab") as log:
            p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environ)
        self.processes.append(p)
        return p

    def logs(self):
        return "\n".join(f"{log.name}: {log.read_text()[-1000:]}" for log in self.directory.glob("*.log"))

    def ready(self):
        return subprocess.run(["curl", "-fs", "-o", "/dev/null", f"{self.url}/health/patient/ready"]).returncode == 0

    def trees(self):
        """What a request's cost is made of: roots of process trees."""
        programs = {f"program {n}" if n else "program": p.pid for n, p in enumerate(self.programs)}
        return {"web server": self.httpd.pid, **programs, "PostgreSQL": self.system.pid("postgres"),
                "relay": self.system.pid("relay-patient")}

    def stop(self):
        for p in self.processes:
            p.terminate()
        for p in self.processes:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(p.pid, signal.SIGKILL)  # children that outlived their parent
            except ProcessLookupError:
                pass
            p.wait(10)
