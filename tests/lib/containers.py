"""docker-compose.yml without an engine: each service's command with its user, rights, environment, volumes and names, in namespaces of its own.

    with Containers(directory, image=Root(...), host=Root(...)) as c:
        c.up()                                            # in the order of depends_on, each once its conditions are met
        c.run("operator", "medicore", "check")            # as `docker compose run --rm operator …`
        c.ask("curl", "https://…")                        # where all services are

What an engine would do is done here: volumes take their owner from the directory they cover first, /etc/hosts has the names of those alone with
whom a service shares a network, the root is read-only where the file says so, all else of rights is dropped.  All share one network namespace that
leads nowhere, with an address for each.
"""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

import yaml

from medicore import TOP, wait_until

COMPOSE = yaml.safe_load((TOP / "docker-compose.yml").read_text())
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NoNamespaces(Exception):
    pass


class Root:
    """What a container finds as /: a directory, and what is bound into it."""

    def __init__(self, path):
        self.path, self.binds, self.links = path, [], {}

    def link(self, place, to):
        self.inside(place).parent.mkdir(parents=True, exist_ok=True)
        self.inside(place).symlink_to(to)
        self.links[self.inside(place)] = to

    def bind(self, source, target):
        self.inside(target).mkdir(parents=True, exist_ok=True)
        self.binds.append((source, target))

    def inside(self, target):
        return self.path / str(target).lstrip("/")

    def mounts(self):
        made = [f"mount --bind {self.path} {self.path}"]
        for source, target in self.binds:
            made += [f"mount --bind {source} {self.inside(target)}"]
        return made

    def run(self, *command):
        """As root, when the image is made."""
        script = "\n".join(["set -eu", *self.mounts(), f"mount --rbind /dev {self.inside('dev')}",
                            "exec " + shlex.join(["chroot", str(self.path), "env", "-i", f"PATH={PATH}", *command])])
        subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True)


def host_root(path):
    """The programs of this machine, below a root of one's own, with users like Debian's image and PostgreSQL's."""
    for directory in ("proc", "dev", "tmp", "root", "etc/medicore", "run/postgresql", "var/lib/postgresql/data", "var/lib/kafka/data", "var/tmp",
                      "usr/local/bin", "usr/libexec", "usr/share", "usr/lib"):
        (path / directory).mkdir(parents=True)
    for directory in ("bin", "sbin", "lib", "lib64"):
        (path / directory).symlink_to(f"usr/{directory}")
    root = Root(path)
    for directory in (*(f"usr/{d}" for d in ("bin", "sbin", "lib", "lib64")), *(f"etc/{d}" for d in ("fonts", "ssl", "alternatives", "java-17-openjdk")),
                      *(f"usr/share/{d}" for d in ("zoneinfo", "fonts", "fontconfig", "java", "perl", "perl5", "postgresql", "postgresql-common"))):
        if os.path.exists(f"/{directory}"):
            root.bind(f"/{directory}", directory)
    for file in ("ld.so.cache", "ld.so.conf", "login.defs", "debian_version"):
        if os.path.exists(f"/etc/{file}"):
            shutil.copy(f"/etc/{file}", path / "etc" / file)
    (path / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    users = {"root": 0, "www-data": 33, "nobody": 65534, "postgres": 999, "kafka": 1000}
    (path / "etc/passwd").write_text("".join(f"{u}:x:{n}:{n}::/nonexistent:/bin/sh\n" for u, n in users.items()))
    (path / "etc/group").write_text("".join(f"{u}:x:{n}:\n" for u, n in users.items()))
    (path / "etc/shadow").write_text("".join(f"{u}:*:19000::::::\n" for u in users))
    for directory, owner in (("run/postgresql", 999), ("var/lib/postgresql/data", 999), ("var/lib/kafka/data", 1000)):
        os.chown(path / directory, owner, owner)
    (path / "tmp").chmod(0o1777)
    (path / "var/run").symlink_to("/run")
    (path / "etc/hosts").touch()
    return root


def kafka_command(environ):
    """What the entry point of Kafka's image does: settings from the environment, and storage formatted once."""
    settings = "".join(f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={value}\n" for name, value in environ.items()
                       if name.startswith("KAFKA_"))
    java = "java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/opt/kafka/libs/*'"
    return ["sh", "-euc", f"""printf %s "$0" >/tmp/server.properties
        {java} kafka.tools.StorageTool format --ignore-formatted -t "$CLUSTER_ID" -c /tmp/server.properties
        exec {java} kafka.Kafka /tmp/server.properties""", settings]


class Containers:
    def __init__(self, directory, image, host, **variables):
        """directory: for volumes and logs.  variables: of the file, as ${MEDICORE_EVENTS}."""
        self.directory, self.image, self.host = directory, image, host
        text = re.sub(r"\$\{(\w+):-(\w*)\}", lambda m: variables.get(m[1], m[2]), (TOP / "docker-compose.yml").read_text())
        self.services = yaml.safe_load(text)["services"]
        self.addresses = {name: f"127.1.0.{n}" for n, name in enumerate(self.services, 1)}
        self.processes, self.done = {}, set()
        for part in ("volumes", "logs", "hosts"):
            (directory / part).mkdir()
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise NoNamespaces(self.holder.communicate()[1].strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in reversed(self.processes):  # PID 1 of each takes all that is inside with it
            if (pid := self.first(name)) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(p.poll() is not None for p in self.processes.values()), 20, "their end")
        self.holder.communicate()

    # --- what a service finds ---

    def root(self, service):
        return self.image if service["image"] == "medicore" else self.host

    def hosts(self, name):
        networks = set(self.services[name].get("networks", []))
        known = [other for other, s in self.services.items() if other == name or networks & set(s.get("networks", []))]
        file = self.directory / "hosts" / name
        file.write_text("127.0.0.1 localhost\n" + "".join(f"{self.addresses[other]} {other}\n" for other in known))
        return file

    def volume(self, name, covered):
        path = self.directory / "volumes" / name
        if not path.exists():
            path.mkdir(mode=0o755)
            if covered.is_dir():
                st = covered.stat()
                os.chown(path, st.st_uid, st.st_gid)
                path.chmod(st.st_mode & 0o7777)
        return path

    def mounts(self, name):
        service, root = self.services[name], self.root(self.services[name])
        made = root.mounts()
        for mount in service.get("volumes", []):
            source, target, *options = mount.split(":")
            covered = root.inside(target)
            source = self.volume(source, covered)
            covered.mkdir(parents=True, exist_ok=True)
            made.append(f"mount --bind {source} {covered}")
            if options == ["ro"]:
                made.append(f"mount -o remount,bind,ro {covered}")
        for config in service.get("configs", []):
            covered = root.inside(config["target"])
            covered.parent.mkdir(parents=True, exist_ok=True)
            covered.touch()
            made.append(f"mount --bind {TOP / COMPOSE['configs'][config['source']]['file']} {covered}")
        for directory in service.get("tmpfs", []):
            made.append(f"mount -t tmpfs -o mode=1777 tmpfs {root.inside(directory)}")
            made += [f"mkdir -p {link.parent} && ln -s {to} {link}" for link, to in root.links.items()
                     if link.is_relative_to(root.inside(directory))]  # a build below /tmp
        made += [f"mount --bind {self.hosts(name)} {root.inside('etc/hosts')}", f"mount --rbind /dev {root.inside('dev')}",
                 f"mount -t proc proc {root.inside('proc')}"]
        if service.get("read_only"):
            made.append(f"mount -o remount,bind,ro {root.path}")
        return made

    def as_user(self, name, command):
        """Behind chroot: the user, the rights and the environment that the file gives."""
        service = self.services[name]
        user, _, group = service.get("user", "kafka").partition(":")  # Kafka's image has a user of its own
        passwd = dict((line.split(":")[0], line.split(":")) for line in (self.root(service).inside("etc/passwd")).read_text().splitlines())
        rights = ",".join(["-all"] + ["+" + c.lower() for c in service.get("cap_add", [])]) if "ALL" in service.get("cap_drop", []) else "+all"
        path = PATH if service["image"] == "medicore" else f"{PATH}:/usr/lib/postgresql/15/bin"  # as PostgreSQL's image has it
        environ = {"PATH": path, "HOME": passwd[user][5], "HOSTNAME": name, **service.get("environment", {})}
        return ["setpriv", f"--reuid={user}", f"--regid={group or passwd[user][3]}", "--clear-groups", f"--bounding-set={rights}",
                "--inh-caps=-all", "--no-new-privs", "env", "-i", *(f"{k}={v}" for k, v in environ.items()), *command]

    def start(self, name, command=None, **more):
        """Its first process, as its parent sees it."""
        service = self.services[name]
        command = [str(word).replace("$$", "$") for word in command or service["command"]]
        script = "\n".join(["set -eu", *self.mounts(name), "cd /", "exec " + shlex.join(
            ["chroot", str(self.root(service).path), *self.as_user(name, command)])])
        return subprocess.Popen(["nsenter", "--net", "--target", str(self.holder.pid), "--", "unshare", "--mount", "--pid", "--fork",
                                 "--kill-child", "--", "sh", "-c", script], stdin=subprocess.DEVNULL, start_new_session=True, **more)

    def first(self, name):
        """The process that is its container's first; None where it has ended."""
        outer = self.processes[name].pid
        try:
            return int(pathlib.Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    def log(self, name):
        return (self.directory / "logs" / name).read_text(errors="replace")

    # --- what users do ---

    def run(self, name, *command, check=True):
        process = self.start(name, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0 or not check, f"{command} in {name} said:\n{out}{err}"
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def inside(self, name, *command):
        """As `docker compose exec`, with the service's user and environment."""
        return subprocess.run(["nsenter", "--target", str(self.first(name)), "--net", "--mount", "--pid", "--root", "--wd", "--", *self.as_user(name, command)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)

    def ask(self, *command, **more):
        """From the network of all, as somebody who got there without a name of his own."""
        return subprocess.run(["nsenter", "--net", "--target", str(self.holder.pid), "--", *map(str, command)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, **more)

    def healthy(self, name):
        kind, *test = self.services[name]["healthcheck"]["test"]
        test = [word.replace("$$", "$") for word in test]
        assert self.processes[name].poll() is None, f"{name} ended:\n{self.log(name)}"
        self.last = self.inside(name, *(test if kind == "CMD" else ["/bin/sh", "-c", *test]))
        return self.last.returncode == 0

    def wait_healthy(self, name, seconds=90):
        try:
            wait_until(lambda: self.healthy(name), seconds, f"the health of {name}")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.last}\n{self.log(name)}") from None

    def stop(self, name):
        """As its own signal has it; true where it ended by itself."""
        process = self.processes[name]
        os.kill(self.first(name), signal.Signals[self.services[name].get("stop_signal", "SIGTERM")])
        wait_until(lambda: process.poll() is not None, 60, f"the end of {name}")
        del self.processes[name]
        return process.returncode == 0

    def again(self, name):
        self.start_service(name)
        self.wait_healthy(name)

    def up(self, profile=None):
        wanted = [name for name, s in self.services.items() if not s.get("profiles") or profile in s["profiles"]]
        for name in wanted:
            self.up_one(name, wanted)
        for name in wanted:
            if "healthcheck" in self.services[name]:
                self.wait_healthy(name)

    def up_one(self, name, wanted):
        service = self.services[name]
        if name in self.done or name not in wanted:
            return
        for needed, how in service.get("depends_on", {}).items():
            self.up_one(needed, wanted)
            if how["condition"] == "service_healthy" and needed in wanted:
                self.wait_healthy(needed)
        if service["image"].startswith("postgres:"):
            self.make_cluster(name)
        if service["image"].startswith("apache/kafka:"):
            service["command"] = kafka_command(service["environment"])
        self.done.add(name)
        process = self.start_service(name)
        if service["restart"] == "no":
            del self.processes[name]
            assert process.wait(180) == 0, f"{name} said:\n{self.log(name)}"

    def start_service(self, name):
        log = self.directory / "logs" / name
        log.touch()
        log.chmod(0o666)  # as an engine's is writable for the container's user
        with open(log, "ab") as to:
            self.processes[name] = self.start(name, stdout=to, stderr=to)
        return self.processes[name]

    def make_cluster(self, name):
        """What the entry point of PostgreSQL's image does at the first start."""
        environ, data = self.services[name]["environment"], self.directory / "volumes/postgres-data"
        if not (data / "PG_VERSION").exists():
            self.run(name, "initdb", "-N", "-U", "postgres", "-D", "/var/lib/postgresql/data",
                     f"--pwfile={environ['POSTGRES_PASSWORD_FILE']}", *environ["POSTGRES_INITDB_ARGS"].split())
            with open(data / "postgresql.conf", "a") as conf:
                conf.write("fsync = off\nlisten_addresses = '*'\n")  # the latter by the image's own sample
        self.services[name]["command"] = [*self.services[name]["command"], "-D", "/var/lib/postgresql/data"]
