"""A bare Debian 12 for tests: debootstrap'ed, with processes, mounts and a network of its own.

    with Bare() as server:
        server.fetch("apache2")
        server.run("apt-get install -y apache2")
        (server.root / "etc/hostname").read_text()
        server.systemctl()
        server.follow(TOP / "doc/operations.md", "package")

Whatever became of the test, nothing is left: the kernel ends all that runs in there when its first process ends, which does so when the
test's end of a pipe is closed; and where there is enough memory the files are there only.  The debootstrap is kept as
debian12.tar below the build tree, the packages beside it.
"""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from medicore import BUILD

LIB = pathlib.Path(__file__).parent
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}
ENOUGH_MEMORY_KIB = 8 << 20
TARBALL = BUILD / "debian12.tar"
ARCHIVES = BUILD / "debian12-packages"

# $1 is the directory that becomes /, $2 the options of a file system in memory for it, or nothing.
PLACE = r"""set -euo pipefail
mount --make-rprivate /
if [ -n "$2" ]; then mount -t tmpfs -o "$2" bare "$1"; else mount --bind "$1" "$1"; fi
"""

# $3 is the tarball, $4 the packages' archive.  The first process waits for its standard input's end, and reaps whoever lost its parent.
FIRST = PLACE + r"""
tar -C "$1" -xf "$3"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
find "$4" -name '*.deb' -exec cp -t "$1/var/cache/apt/archives" {} +
ip link set lo up
hostname bare
echo ready
while read -r _; do :; done
"""

# $3 is the tarball, $4 the mirror, $5 sources.list, $6 apt's configuration.  Packages start nothing by themselves, and needn't reach the disk.
DEBOOTSTRAP = PLACE + r"""
debootstrap --variant=minbase bookworm "$1" "$4"
printf %s "$5" >"$1/etc/apt/sources.list"
printf %s "$6" >"$1/etc/apt/apt.conf.d/90machine"
echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe"
printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
chmod 755 "$1/usr/sbin/policy-rc.d"
mkdir -p "$1/etc/ssl/certs"
cp /etc/resolv.conf "$1/etc/resolv.conf"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs"; fi
chroot "$1" apt-get -q update
rm -f "$1"/var/cache/apt/archives/*.deb
tar -C "$1" --one-file-system -cf "$3.new" .
mv "$3.new" "$3"
"""


def distribute(directory):
    """Makes the source's tarball, and puts it there."""
    with open(BUILD / ".dist.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "dist"], cwd=BUILD, check=True, stdout=subprocess.DEVNULL)
        tarball, = BUILD.glob("medicore-*.tar.xz")
        return pathlib.Path(shutil.copy(tarball, directory))


def apt_index():
    return subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT) $(ORIGIN)",
                           "Created-By: Packages"], text=True, stdout=subprocess.PIPE, check=True).stdout


def apt_repositories():
    """What Debian 12 the machine's own apt uses: [(URI, release, components)], the release proper first."""
    told = apt_index()
    if " Debian\n" not in told:  # nothing is known of them before an update
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        told = apt_index()
    found = {}
    for line in told.splitlines():
        uri, release, codename, component, origin = line.split(" ", 4)
        if origin == "Debian" and codename.startswith("bookworm"):
            found.setdefault((uri, release), []).append(component)
    assert any(release == "bookworm" for _, release in found), "apt on this machine has no Debian 12"
    return sorted(((uri, release, components) for (uri, release), components in found.items()), key=lambda r: len(r[1]))


def apt_configuration():
    """How apt reaches them."""
    told = subprocess.run(["apt-config", "dump"], text=True, stdout=subprocess.PIPE, check=True).stdout
    kept = [line for line in told.splitlines(True) if re.match(r"Acquire::(https?::(.*::)?Proxy|Retries) ", line)]
    return "".join(kept) + 'APT::Install-Recommends "true";\nAcquire::Languages "none";\nBinary::apt-get::APT::Keep-Downloaded-Packages "true";\n'


def memory_file_system():
    """Options to mount one with, where there is memory for it: there nothing waits for a disk."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1])
            return f"mode=755,size={available // 2}k" if available > ENOUGH_MEMORY_KIB else ""
    raise AssertionError("no MemAvailable in /proc/meminfo")


class Bare:
    def __init__(self):
        assert os.geteuid() == 0, "a bare server is a chroot with name spaces of its own: this test needs root"

    def __enter__(self):
        ARCHIVES.mkdir(parents=True, exist_ok=True)
        provide_tarball()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="medicore-bare-")
        self.first = subprocess.Popen(["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "bash", "-c", FIRST,
                                       "first", self.directory, memory_file_system(), TARBALL, ARCHIVES],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.first.stdout.readline() != "ready\n":
            self.stop()
            raise AssertionError("the bare server's first process ended; its words are above")
        pid = self.first.pid
        self.pid = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        self.root = pathlib.Path(f"/proc/{self.pid}/root{self.directory}")

    def stop(self):
        self.first.stdin.close()
        self.first.wait(20)
        self.first.stdout.close()
        shutil.rmtree(self.directory)

    def enter(self, network):
        """The words before a command that runs inside; with network, in that of the machine rather than the server's own."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--ipc", "--uts", *([] if network else ["--net"])]

    def run(self, script, network=False, check=True, **env):
        """A shell's script, as root; what it said."""
        done = subprocess.run([*self.enter(network), "chroot", self.directory, "timeout", "900", "bash", "-c", script], env={**ENVIRONMENT, **env}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check:
            assert done.returncode == 0, f"{script}\nended with status {done.returncode} and said:\n{done.stdout}"
        return done

    def fetch(self, *packages, directory="/root"):
        """By the machine's network, so that they can be installed in the server's own, which has none; and kept for the next one."""
        self.run(f"cd {directory} && apt-get -q install -y --download-only {' '.join(packages)}", network=True)
        for package in (self.root / "var/cache/apt/archives").glob("*.deb"):
            if not (ARCHIVES / package.name).exists():
                part = ARCHIVES / f".{package.name}.{self.pid}"
                shutil.copy(package, part)
                part.rename(ARCHIVES / package.name)

    def systemctl(self):
        """Gives it one; units of ours are started for real."""
        self.fetch("python3-minimal")
        # Where Debian's own will be: packages' scripts have a PATH of apt's.
        self.run("apt-get -q install -y python3-minimal && dpkg-divert --local --rename --divert /bin/systemctl.debian --add /bin/systemctl")
        for source, target, mode in (("units.py", "usr/local/lib/units.py", 0o644), ("units-systemctl", "bin/systemctl", 0o755)):
            shutil.copy(LIB / source, self.root / target)
            (self.root / target).chmod(mode)

    def follow(self, page, *ways, directory="/root"):
        """Does what the page says: all its blocks marked `sh`, and of those marked `sh WAY` the ways given, in one shell."""
        blocks = [text for way, text in re.findall(r"(?ms)^```sh *(.*?)\n(.*?)^```$", page.read_text()) if way == "" or way in ways]
        script = "".join(blocks)
        packages = [name for line in re.findall(r"(?m)^apt-get install -y (.*)$", script.replace("\\\n", " ")) for name in line.split()]
        self.fetch(*packages, directory=directory)
        return self.run(f"set -euxo pipefail\ncd {directory}\n{script}")

def provide_tarball():
    with open(BUILD / ".debian12.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not TARBALL.exists():
            debootstrap(TARBALL)


def debootstrap(tarball):
    """Makes the tarball of a bare Debian 12, by the mirrors and proxies of the machine's own apt."""
    repositories, configuration = apt_repositories(), apt_configuration()
    proxies = {f"{scheme}_proxy": value for scheme, value in re.findall(r'^Acquire::(https?)::Proxy "(.+)";$', configuration, re.M)}
    with tempfile.TemporaryDirectory(prefix="medicore-bare-") as directory:
        sources = "".join(f"deb {uri} {release} {' '.join(components)}\n" for uri, release, components in repositories)
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", DEBOOTSTRAP, "debootstrap", directory,
                               memory_file_system(), tarball, repositories[0][0], sources, configuration],
                              env={**ENVIRONMENT, **proxies}, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"debootstrap said:\n{done.stdout[-4000:]}"
