#!/usr/bin/python3
"""Starts installed systemd units where no systemd runs: for tests, in a chroot and on this machine.

    units.py [OPTION …] prepare            makes the users and directories of sysusers.d and tmpfiles.d, by systemd's own tools
    units.py [OPTION …] start UNIT …       waits until they are ready, and all that they want and require; 1 where one failed
    units.py [OPTION …] stop UNIT …        a target with all that is part of it
    units.py [OPTION …] restart UNIT …     UNIT may be a pattern of those that were started: 'medicore-*.service'
    units.py [OPTION …] try-restart UNIT … only what is up
    units.py [OPTION …] reload UNIT …
    units.py [OPTION …] status [UNIT …]    a line each: name, state, main process, starts, what it says of itself; 3 where one isn't active
    units.py [OPTION …] daemon-reload      reads the unit files again
    units.py [OPTION …] shutdown           stops all, and who holds them

    --root DIR        the system's root, into which it changes: /
    --state DIR       in there: the control socket, log/UNIT of each service: /run/units
    --units DIR       where units are looked for, in place of systemd's directories
    --env NAME=VALUE  for all services, given with the first start
    --no-users        services run as whoever calls, where the machine hasn't their users

It is a stand-in: Type=, Restart=, WatchdogSec=, sockets and their descriptors, users, environment, orders and drop-ins work as systemd's.
It doesn't confine anything, nor does it wait for what a timer waits for. Only modules of python3-minimal are used.
"""
import fcntl
import fnmatch
import glob
import grp
import os
import pwd
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time

try:
    import resource
except ImportError:  # python3-minimal has none; limits are then the caller's
    resource = None

DIRECTORIES = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
UP = ("active", "starting")


def seconds(text, default):
    """A systemd time span: "30", "500ms", "1min 30s"."""
    if text in (None, ""):
        return default
    if text == "infinity":
        return float("inf")
    units = {"": 1, "us": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)\s*([a-z]*)", text))


def words(text):
    """A command or list, parted as systemd does: blanks, quotes, backslashes."""
    found = re.findall(r"""((?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'])+)""", text)
    return [re.sub(r"""\\(.)|["']""", lambda m: m.group(1) or "", word) for word in found]


class Unit:
    """A unit file with its drop-ins, and what became of it."""

    def __init__(self, name, directories):
        self.name = name
        self.prefix, self.instance = re.match(r"([^@]*)(?:@(.*))?\.[a-z]+$", name).groups()
        self.kind = name.rpartition(".")[2]
        template = f"{self.prefix}@.{self.kind}" if self.instance else name
        self.settings = {}
        files = [found for d in directories for found in (f"{d}/{name}", f"{d}/{template}") if os.path.exists(found)][:1]
        self.exists = bool(files) and os.path.realpath(files[0]) != "/dev/null"
        for part in sorted({name, template}):
            files += sorted((f for d in directories for f in glob.glob(f"{glob.escape(d)}/{part}.d/*.conf")), key=os.path.basename)
        for path in files if self.exists else []:
            self.read(path)
        self.state, self.pid, self.starts, self.says, self.result = "inactive", 0, 0, "", 0
        self.fds, self.again = [], False
        self.deadline = self.watchdog = float("inf")

    def read(self, path):
        with open(path) as file:
            text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*[#;].*\n", "", file.read()))
        for line in text.splitlines():
            name, is_setting, value = line.partition("=")
            if is_setting:
                value = self.specified(value.strip())
                self.settings[name.strip()] = self.settings.get(name.strip(), []) + [value] if value else []

    def specified(self, value):
        known = {"i": self.instance or "", "I": (self.instance or "").replace("-", "/"), "p": self.prefix, "n": self.name,
                 "N": self.name.rpartition(".")[0], "t": "/run", "%": "%"}
        return re.sub(r"%([iIpnNt%])", lambda m: known[m.group(1)], value)

    def all(self, name):
        return [word for value in self.settings.get(name, []) for word in words(value)]

    def one(self, name, default=None):
        return (self.settings.get(name) or [default])[-1]

    def span(self, name, default):
        return seconds(self.one(name), default)


class Manager:
    def __init__(self, directories, state, environment, users):
        self.directories, self.state_dir, self.environment, self.users = directories, state, environment, users
        self.units, self.queue, self.waiting = {}, [], []
        os.makedirs(f"{state}/log", exist_ok=True)
        os.chmod(state, 0o755)
        self.control = self.listening("control", socket.SOCK_STREAM, 0o600)
        self.control.listen(16)
        self.notify = self.listening("notify", socket.SOCK_DGRAM, 0o666)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.wake, self.woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self.woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.asked(None, ["shutdown"]))
        self.over = False

    def listening(self, name, kind, mode):
        s = socket.socket(socket.AF_UNIX, kind)
        path = f"{self.state_dir}/{name}"
        if os.path.exists(path):
            os.unlink(path)
        s.bind(path)
        os.chmod(path, mode)
        return s

    def unit(self, name):
        name = name if re.search(r"\.[a-z]+$", name) else f"{name}.service"
        if name not in self.units:
            self.units[name] = Unit(name, self.directories)
        return self.units[name]

    # --- the loop ---

    def run(self):
        while not (self.over and not self.waiting):
            soonest = min((min(u.deadline, u.watchdog) for u in self.units.values()), default=float("inf"))
            timeout = min(max(0, soonest - time.monotonic()), 3600)
            for ready in select.select([self.control, self.notify, self.wake], [], [], timeout)[0]:
                if ready is self.control:
                    self.accept()
                elif ready is self.notify:
                    self.noted()
                else:
                    os.read(self.wake, 4096)
            self.reap()
            for u in list(self.units.values()):
                self.in_time(u)
            self.advance()
            self.answer()

    def advance(self):
        """Begins what is queued and has nothing before it that isn't there yet."""
        for u in list(self.queue):
            before = u.all("After") + [f"{u.prefix}.socket"]
            if not any(self.units[n] in self.queue or self.units[n].state == "starting" for n in before if n in self.units and n != u.name):
                self.queue.remove(u)
                self.begin(u)

    def begin(self, u):
        try:
            {"service": self.launch, "socket": self.bind}.get(u.kind, lambda u: None)(u)
        except (OSError, KeyError, ValueError) as e:
            u.state, u.says, u.again = "failed", f"{type(e).__name__}: {e}", False
            return
        if u.kind != "service":
            u.state = "active"

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for u in self.units.values():
                if u.pid == pid:
                    self.ended(u, status)

    def in_time(self, u):
        now = time.monotonic()
        if u.watchdog <= now:
            u.watchdog, u.says = float("inf"), "the watchdog ended it"
            os.kill(u.pid, signal.SIGABRT)
            u.deadline = now + u.span("TimeoutAbortSec", 10)
        elif u.deadline <= now:
            u.deadline = float("inf")
            if u.state == "again":
                self.begin(u)
            elif u.pid:
                u.says = u.says or f"{u.state} took too long"
                self.kill(u, signal.SIGKILL)

    # --- sockets ---

    def bind(self, u):
        for address in u.all("ListenStream"):
            if address.startswith("/"):
                os.makedirs(os.path.dirname(address), exist_ok=True)
                if os.path.exists(address):
                    os.unlink(address)
                s = socket.socket(socket.AF_UNIX)
                s.bind(address)
                if self.users:
                    os.chown(address, pwd.getpwnam(u.one("SocketUser", "root")).pw_uid, grp.getgrnam(u.one("SocketGroup", "root")).gr_gid)
                os.chmod(address, int(u.one("SocketMode", "0666"), 8))
            else:
                host, _, port = address.rpartition(":")
                s = socket.socket(socket.AF_INET6 if "[" in host or not host else socket.AF_INET)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((host.strip("[]") or "::", int(port)))
            s.listen(int(u.one("Backlog", "4096")))
            u.fds.append(s)

    def unbind(self, u):
        for s in u.fds:
            path = s.getsockname() if s.family == socket.AF_UNIX else None
            s.close()
            if path and u.one("RemoveOnStop") == "yes":
                os.unlink(path)
        u.fds, u.state = [], "inactive"

    def sockets_of(self, u):
        """The listening sockets that a service is given."""
        names = u.all("Sockets") + [f"{u.prefix}.socket"]
        names += [n for n, other in self.units.items() if other.kind == "socket" and other.one("Service") == u.name]
        return [s for n in dict.fromkeys(names) if n in self.units for s in self.units[n].fds]

    # --- services ---

    def launch(self, u):
        command = words(u.one("ExecStart", ""))
        sockets = self.sockets_of(u)
        if u.one("StandardInput") == "socket" and len(sockets) != 1:
            raise ValueError(f"its standard input is to be one socket, not {len(sockets)}")
        user = pwd.getpwnam(u.one("User", "root")) if self.users else pwd.getpwuid(os.getuid())
        group = grp.getgrnam(u.one("Group")).gr_gid if self.users and u.one("Group") else user.pw_gid
        u.pid = os.fork()
        if u.pid == 0:
            try:
                self.become(u, command, sockets, user, group)
            except BaseException as e:  # nothing of the parent's goes on in the child
                os.write(2, f"{u.name}: {e}\n".encode())
            os._exit(203)
        u.starts, u.result, u.again = u.starts + 1, 0, False
        waits = u.one("Type", "simple") in ("notify", "oneshot")
        u.state = "starting" if waits else "active"
        u.deadline = time.monotonic() + u.span("TimeoutStartSec", float("inf") if u.one("Type") == "oneshot" else 90) if waits else float("inf")

    def become(self, u, command, sockets, user, group):
        """In the child: everything that systemd sets up, then the program."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        for caught in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(caught, signal.SIG_DFL)
        log = os.open(f"{self.state_dir}/log/{u.name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "USER": user.pw_name,
                       "LOGNAME": user.pw_name, "HOME": user.pw_dir, "SHELL": "/usr/sbin/nologin"}
        environment.update(pair.split("=", 1) for pair in self.environment + u.all("Environment"))
        for path in u.all("EnvironmentFile"):
            if not path.startswith("-") or os.path.exists(path[1:]):
                with open(path.lstrip("-")) as file:
                    environment.update(line.strip().split("=", 1) for line in file if re.match(r"\s*\w+=", line))
        if u.one("Type") == "notify":
            environment["NOTIFY_SOCKET"] = f"{self.state_dir}/notify"
        if u.span("WatchdogSec", 0):
            environment.update(WATCHDOG_USEC=str(int(u.span("WatchdogSec", 0) * 1e6)), WATCHDOG_PID=str(os.getpid()))
        given = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 64 + len(sockets)) for s in sockets]
        os.dup2(given[0] if u.one("StandardInput") == "socket" else os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        kept = 3
        if given and u.one("StandardInput") != "socket":
            for fd in given:
                os.dup2(fd, kept)
                kept += 1
            environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)))
        for name, kind in (("LimitNOFILE", "RLIMIT_NOFILE"), ("LimitCORE", "RLIMIT_CORE")):
            if resource and u.one(name):
                most = min(int(u.one(name).rpartition(":")[2]), sys.maxsize if os.getuid() == 0 else resource.getrlimit(getattr(resource, kind))[1])
                resource.setrlimit(getattr(resource, kind), (most, most))
        os.closerange(kept, 4096)
        os.umask(int(u.one("UMask", "0022"), 8))
        os.chdir(u.one("WorkingDirectory", "/"))
        if self.users:
            os.setgroups([group] + [grp.getgrnam(name).gr_gid for name in u.all("SupplementaryGroups")])
            os.setgid(group)
            os.setuid(user.pw_uid)
        os.execve(command[0], command, environment)

    def kill(self, u, how):
        try:
            os.killpg(u.pid, how)
        except ProcessLookupError:
            pass

    def ended(self, u, status):
        stopping = u.state == "stopping"
        self.kill(u, signal.SIGKILL)  # what it left behind
        u.pid, u.result = 0, os.waitstatus_to_exitcode(status)
        u.deadline = u.watchdog = float("inf")
        good = u.result in (0, -signal.SIGTERM)
        u.state = "inactive" if stopping or (good and u.state == "active") or (u.result == 0 and u.one("Type") == "oneshot") else "failed"
        if u.again:
            self.queue.append(u)
        elif not stopping and (u.one("Restart") == "always" or (u.one("Restart") == "on-failure" and not good)):
            u.state, u.deadline = "again", time.monotonic() + u.span("RestartSec", 0.1)

    def noted(self):
        """A datagram of a service's main process."""
        data, ancillary, _, _ = self.notify.recvmsg(4096, 256)
        pid = 0
        for _, kind, payload in ancillary:
            if kind == socket.SCM_CREDENTIALS:
                pid = struct.unpack("iii", payload)[0]
            elif kind == socket.SCM_RIGHTS:  # BARRIER=1: whoever sent it waits until it is closed
                for fd in struct.unpack(f"{len(payload) // 4}i", payload):
                    os.close(fd)
        for u in (u for u in self.units.values() if u.pid and u.pid == pid):
            told = dict(line.split("=", 1) for line in data.decode(errors="replace").splitlines() if "=" in line)
            u.says = told.get("STATUS", u.says)
            if told.get("READY") == "1" and u.state == "starting":
                u.state, u.deadline = "active", float("inf")
            if u.state == "active" and ("READY" in told or told.get("WATCHDOG") == "1"):
                u.watchdog = time.monotonic() + (u.span("WatchdogSec", 0) or float("inf"))

    # --- what is asked for ---

    def accept(self):
        """One request: words parted by NUL, ended by the client's half of the connection."""
        client = self.control.accept()[0]
        client.settimeout(5)
        asked = b""
        try:
            while piece := client.recv(65536):
                asked += piece
        except OSError:
            client.close()
            return
        self.asked(client, asked.decode(errors="replace").split("\0"))

    def asked(self, client, asked):
        verb, names = asked[0], asked[1:]
        found = [u for n in names for u in ([self.unit(n)] if "*" not in n else [self.units[k] for k in fnmatch.filter(self.units, n)])]
        if verb == "shutdown":
            found, self.over = [u for u in self.units.values() if u.state != "inactive"], True
        if verb == "try-restart":
            verb, found = "restart", [u for u in found if u.state in (*UP, "again")]
        if verb in ("stop", "restart", "shutdown"):
            found += [u for t in found for u in self.units.values() if t.name in u.all("PartOf") and u not in found]
        if verb == "start":
            found = self.start(found)
        elif verb == "daemon-reload":
            for u in self.units.values():
                fresh = Unit(u.name, self.directories)
                u.settings, u.exists = fresh.settings, fresh.exists
        elif verb == "status":
            found = found or sorted(self.units.values(), key=lambda u: u.name)
        for u in found:
            {"stop": self.stop, "shutdown": self.stop, "restart": self.restart, "reload": self.reload}.get(verb, lambda u: None)(u)
        self.waiting.append((client, verb, found))

    def start(self, found):
        """Queues them and what they want and require, if it exists."""
        wanted, i = list(found), 0
        while i < len(wanted):
            u = wanted[i]
            i += 1
            more = u.all("Wants") + u.all("Requires") + u.all("Sockets")
            wanted += [o for o in map(self.unit, more) if o.exists and o not in wanted]
        for u in wanted:
            if u.state not in UP and u not in self.queue:
                if u.exists:
                    self.queue.append(u)
                else:
                    u.state, u.says = "failed", "there is no such unit"
        return wanted

    def stop(self, u):
        if u in self.queue:
            self.queue.remove(u)
        u.again = False
        if u.kind == "socket":
            self.unbind(u)
        elif u.pid:
            u.state, u.watchdog, u.deadline = "stopping", float("inf"), time.monotonic() + u.span("TimeoutStopSec", 90)
            self.kill(u, signal.SIGTERM)
        else:
            u.state, u.deadline = "inactive", float("inf")

    def restart(self, u):
        if u.kind == "socket" or not u.pid:
            self.stop(u)
            self.queue.append(u)
        else:
            self.stop(u)
            u.again = True

    def reload(self, u):
        command = [word.replace("$MAINPID", str(u.pid)) for word in words(u.one("ExecReload", ""))]
        if u.state == "active" and command:
            subprocess.run(command, check=False)

    def answer(self):
        """Those whose units have come to rest."""
        for request in list(self.waiting):
            client, verb, found = request
            if verb in ("start", "restart") and any(u in self.queue or u.again or u.state in ("starting", "stopping") for u in found):
                continue
            if verb in ("stop", "shutdown") and any(u.state == "stopping" for u in found):
                continue
            self.waiting.remove(request)
            if client is None:
                continue
            lines = [f"{u.name:40} {u.state:9} {u.pid or '-':>8} {u.starts:3}  {u.says}".rstrip() for u in found
                     if verb == "status" or (verb in ("start", "restart") and u.state in ("failed", "again"))]
            code = 3 if verb == "status" and any(u.state != "active" for u in found) else 1 if verb != "status" and lines else 0
            try:
                client.sendall("\n".join([*lines, str(code)]).encode())
            except OSError:
                pass  # it didn't wait
            client.close()


# --- the command ---

def ask(state, asked):
    """The answer of the manager of this state directory; None where there is none."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(f"{state}/control")
    except OSError:
        return None
    s.sendall("\0".join(asked).encode())
    s.shutdown(socket.SHUT_WR)
    answer = b""
    while piece := s.recv(65536):
        answer += piece
    return answer.decode().split("\n") if answer else ["it ended", "1"]


def hold(directories, state, environment, users):
    """A manager of its own session, which goes on when this command ends; back once it listens."""
    told, tells = os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()
            os.chdir("/")
            os.makedirs(state, exist_ok=True)
            manager = Manager(directories, state, environment, users)
            log = os.open(f"{state}/units.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.close(told)
            os.write(tells, b"1")
            os.close(tells)
            manager.run()
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(0)
    os.close(tells)
    if not os.read(told, 1):
        sys.exit("units.py: nothing holds the units")


def prepare(root):
    """By the tools of this machine where it has them, else by those of the other system."""
    for command in (["systemd-sysusers", "medicore.conf"], ["systemd-tmpfiles", "--create", "medicore.conf"]):
        tool = [command[0], f"--root={root}"] if os.path.exists(f"/usr/bin/{command[0]}") else ["chroot", root, command[0]]
        subprocess.run(tool + command[1:], check=True)


def main(arguments):
    root, state, directories, environment, users = "/", "/run/units", DIRECTORIES, [], True
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)
        if option == "--no-users":
            users = False
        elif option in ("--root", "--state", "--units", "--env") and arguments:
            value = arguments.pop(0)
            root = value if option == "--root" else root
            state = value if option == "--state" else state
            directories = [value] if option == "--units" else directories
            environment += [value] if option == "--env" else []
        else:
            sys.exit(__doc__)
    if not arguments or arguments[0] not in ("prepare", "start", "stop", "restart", "try-restart", "reload", "status", "daemon-reload", "shutdown"):
        sys.exit(__doc__)
    if arguments[0] == "prepare":
        return prepare(root)
    if os.path.realpath(root) != "/":
        os.chroot(root)
        os.chdir("/")
    answer = ask(state, arguments)
    if answer is None and arguments[0] in ("start", "restart"):
        hold(directories, state, environment, users)
        answer = ask(state, arguments)
    *lines, code = answer or ["nothing runs", "3" if arguments[0] == "status" else "0"]
    print("\n".join(lines), end="\n" if lines else "")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
