"""What systemd does for a program, as far as tests need it: a notify socket, a watchdog's time, and listening sockets that outlive the program."""
import os
import signal
import socket
import subprocess
import time

from medicore import BUILD, wait_until

FCGI = ["auth", "patient", "scheduling", "billing", "documents"]
PROGRAMS = [*FCGI, "patientd", "billingd", "billing-worker", "relay-auth", "relay-patient", "relay-scheduling", "relay-billing"]


class Supervised:
    """A program with a notify socket of its own.

    inetd is a listening socket that becomes its standard input, as StandardInput=socket has it; kept is a list of them that are handed over
    from descriptor 3 on, by LISTEN_FDS.
    """

    def __init__(self, command, environ, log, watchdog_s=None, inetd=None, kept=(), abstract=True, directory=None, **more):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("" if abstract else str(directory / f"notify-{id(self)}"))  # "": the kernel chooses an abstract name
        name = self.socket.getsockname()
        environ = {**environ, "NOTIFY_SOCKET": "@" + name[1:].decode() if abstract else name}
        if watchdog_s:
            environ["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.told = []  # (name, value), in order
        self.log = log
        with open(log, "ab") as to:
            self.process = subprocess.Popen(self.handing_over(command, kept) if kept else command, stdin=inetd or subprocess.DEVNULL, stderr=to,
                                            env=environ, pass_fds=[s.fileno() for s in kept], **more)

    @staticmethod
    def handing_over(command, kept):
        """By a shell that becomes the program, since LISTEN_PID has to be its own process id."""
        # First out of the way, since one may be another's place.
        moves = [f"{100 + i}<&{s.fileno()}" for i, s in enumerate(kept)] + [f"{3 + i}<&{100 + i}" for i in range(len(kept))]
        script = f'exec {" ".join(moves)}; export LISTEN_PID=$$ LISTEN_FDS={len(kept)}; exec "$0" "$@"'
        return ["bash", "-c", script, *map(str, command)]

    def listen(self, seconds):
        """Takes what is told until seconds have passed without anything."""
        self.socket.settimeout(seconds)
        try:
            while True:
                self.take(self.socket.recv(4096))
        except (TimeoutError, BlockingIOError):
            pass

    def take(self, datagram):
        self.told += [tuple(line.split("=", 1)) for line in datagram.decode().splitlines()]

    def hears(self, wanted, seconds=20):
        """Waits for the next ("NAME", "value"), or whatever a function of both says; forgets all before it, and returns the value."""
        fits = wanted if callable(wanted) else lambda *one: one == wanted

        def heard():
            self.socket.setblocking(False)
            try:
                while True:
                    self.take(self.socket.recv(4096))
            except BlockingIOError:
                pass
            for i, one in enumerate(self.told):
                if fits(*one):
                    del self.told[:i + 1]
                    return one
            assert self.process.poll() is None or ("STOPPING", "1") == wanted, f"it ended: {open(self.log).read()[-2000:]}"
            return None
        return wait_until(heard, seconds, f"{wanted} among {self.told}")[1]

    def ready(self, seconds=20):
        self.hears(("READY", "1"), seconds)
        return self

    def status(self, words, seconds=20):
        return self.hears(lambda name, value: name == "STATUS" and words in value, seconds)

    def stop(self, seconds=20):
        """The exit status after SIGTERM."""
        self.process.terminate()
        return self.process.wait(seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.socket.close()


def listening(address, backlog=128):
    """A listening socket as a supervisor keeps one: a path, or (host, port)."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if isinstance(address, str) and os.path.exists(address):
        os.unlink(address)
    s.bind(address)
    s.listen(backlog)
    return s


class Keeper:
    """The programs, started with sockets that this process keeps, as systemd does: instances of each FastCGI program, one of the others."""

    def __init__(self, system, environ=None, instances=2):
        self.system, self.environ, self.instances = system, {**os.environ, **(environ or {})}, instances
        self.settings = dict(line.split(" = ") for line in (system.run / "medicore.conf").read_text().splitlines() if " = " in line)
        self.programs, self.kept = {}, {}

    def address(self, name):
        if name in FCGI:
            return f"{self.settings['host']}/{name}"
        if name == "billing-worker":
            return self.settings["socket"]
        if name in ("patientd", "billingd"):
            host, port = self.system.env[f"MEDICORE_{name[:-1].upper()}_GRPC"].split(":")
            return host, int(port)
        return None

    def take_over(self):
        """Ends what ./dev started, and starts all of it anew, together; how long that took."""
        for name in PROGRAMS:
            self.system.kill(name, signal.SIGTERM)
        for name in PROGRAMS:
            address = self.address(name)
            if address is not None:
                self.kept[name] = listening(address)
                if isinstance(address, str):
                    os.chmod(address, 0o666)
        return self.start_all()

    def start_all(self):
        began = time.monotonic()
        for name in PROGRAMS:
            for instance in range(self.instances if name in FCGI else 1):
                self.start(name, instance)
        for program in self.programs.values():
            program.ready()
        return time.monotonic() - began

    def stop_all(self):
        for program in self.programs.values():
            program.process.terminate()
        for program in self.programs.values():
            assert program.process.wait(30) == 0
            program.close()

    def start(self, name, instance):
        relay, fcgi = name.startswith("relay-"), name in FCGI
        command = ["medicore-relay", name.removeprefix("relay-")] if relay else [f"medicore-{name}.fcgi" if fcgi else f"medicore-{name}"]
        copy = self.system.run / "bin" / command[0]
        user = {"auth": "daemon"}.get(name, "bin" if relay else "nobody")
        rights = {"user": user, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        handed = {"inetd": self.kept[name]} if fcgi else {"kept": [self.kept[name]]} if name in self.kept else {}
        self.programs[name, instance] = Supervised(
            [copy if copy.exists() else BUILD / command[0], *command[1:], "--config", self.system.run / "medicore.conf"],
            self.environ, self.system.run / "log" / f"{name}.log", start_new_session=True, **handed, **rights)

    def restart(self, name, instance):
        """How long it took to stop, and then to be there again."""
        old = self.programs[name, instance]
        began = time.monotonic()
        old.process.terminate()
        assert old.process.wait(30) == 0
        ended = time.monotonic()
        self.start(name, instance)
        self.programs[name, instance].ready()
        old.close()
        return ended - began, time.monotonic() - ended

    def close(self):
        for program in self.programs.values():
            program.close()
        for kept in self.kept.values():
            kept.close()
