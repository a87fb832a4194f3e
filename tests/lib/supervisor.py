"""What systemd does for a program, as far as tests need it: a notify socket, a watchdog's time, and listening sockets that outlive the program."""
import os
import socket
import subprocess

from medicore import wait_until


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
