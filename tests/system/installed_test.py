"""What is installed, run by its units; and what a program does there is no more than its unit lets it do."""
import collections
import functools
import os
import re
import signal
import subprocess
import time
import uuid

import pytest

from installed import PROGRAMS, Installed, front_door
from medicore import wait_until

# What any program may do, and does all the time; left out, the others cost little.
OFTEN = ("read write readv writev pread64 pwrite64 recvfrom recvmsg sendto sendmsg poll ppoll select futex epoll_wait epoll_pwait epoll_ctl clock_gettime "
         "gettimeofday nanosleep clock_nanosleep getpid gettid lseek close fstat newfstatat munmap brk madvise rt_sigaction rt_sigprocmask "
         "restart_syscall getrandom getsockopt setsockopt sched_yield")
TRACED = f"/usr/bin/strace -D -f --seccomp-bpf -qq -e trace=!{','.join(OFTEN.split())} -o {{log}} "


@pytest.fixture(scope="module")
def system():
    """One process of each service runs below strace, which notes what it asks of the kernel."""
    with Installed() as s:
        for unit in (s.directory / "units").glob("*.service"):
            text = unit.read_text().replace("WatchdogSec=30", "WatchdogSec=120")
            traced = unit.with_name(unit.name.replace("@", "@1")) if "@" in unit.name and "relay" not in unit.name else unit
            traced.write_text(text.replace("ExecStart=", "ExecStart=" + TRACED.format(log=s.directory / "%n.trace")))
        s.tool("start", "medicore.target", check=True)
        yield s


@pytest.fixture(scope="module")
def used(system):
    """After a patient's visit, its invoice and its document, and each job of the timers."""
    with front_door(system, "lighttpd") as door:
        def ask(method, path, body=None):
            args = ["-X", method, "-H", f"Authorization: {door.logins.bearer()}"]
            status, headers, content = door.get(path, *args, *(["-H", "Content-Type: application/json", "-d", body] if body else []))
            assert status in (200, 201), content
            return re.search(r'"id":"([^"]+)"', content)
        for path in ("/patients", "/appointments", "/services", "/invoices", "/auth/me", "/audit/patient"):
            wait_until(lambda: door.get(path, "-H", f"Authorization: {door.logins.bearer()}")[0] == 200, 20, path)
        ask("PUT", "/services/GP-1", '{"description": "A visit", "price": "85.55", "currency": "USD"}')
        patient = ask("POST", "/patients", '{"name": "Ada Lovelace", "email": "%s@example.org", "gender": "FEMALE", "address": "London", '
                      '"dateOfBirth": "1985-12-10", "registeredDate": "2026-01-05"}' % uuid.uuid4())[1]
        ask("POST", "/appointments", '{"patientId": "%s", "serviceCode": "GP-1", "startsAt": "2026-12-01T10:00:00Z", "durationMinutes": 20}' % patient)
        invoice = wait_until(lambda: ask("GET", f"/invoices?patientId={patient}"), 20, "the invoice")[1]
        ask("GET", f"/documents/invoices/{invoice}")
        for job in ("check", "audit-verify", "sweep-overdue", "backup"):
            done = system.tool("start", f"medicore-{job}.service")
            assert done.returncode == 0, done.stdout + system.said()
        # A program's last words are calls too.
        assert system.tool("reload", "medicore-*.service").returncode == 0
        assert system.tool("try-restart", "medicore-*.service").returncode == 0
        assert system.status("medicore-backup.service")["medicore-backup.service"][2] == 1
        yield system


# --- what the units allow ---

def unit_of(system, name):
    settings = collections.defaultdict(list)
    for line in (system.directory / "units" / name).read_text().splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting:
            settings[key].append(value)
    return settings


@functools.cache
def calls_of(group):
    """All system calls of systemd's group, those of groups in it too."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], text=True, stdout=subprocess.PIPE, check=True).stdout.split("\n")[1:]
    words = [line.strip() for line in listed if line.strip() and not line.strip().startswith("#")]
    return set().union(*(calls_of(word) if word.startswith("@") else {word} for word in words))


def filtered(lines):
    allowed = set()
    for line in lines:
        for group in line.lstrip("~").split():
            allowed = allowed - calls_of(group) if line.startswith("~") else allowed | calls_of(group)
    return allowed


def traced(system, name):
    """(call, arguments) of every call that the service's processes made, but the tracer's first exec."""
    log = system.directory / f"{name}.trace"
    found = [re.match(r"\d+\s+(\w+)\((.*)", line) for line in log.read_text(errors="replace").splitlines()]
    return [m.groups() for m in found if m]


def services(system):
    return sorted(path.name.removesuffix(".trace") for path in system.directory.glob("*.trace"))


def template_of(name):
    return re.sub(r"@[^.]+", "@", name)


def test_all_that_the_target_wants_was_used(used):
    assert {template_of(name) for name in services(used)} == {template_of(path.name) for path in (used.directory / "units").glob("*.service")}
    assert {len(traced(used, name)) > 50 for name in services(used)} == {True}


def test_no_program_needs_a_call_that_its_unit_forbids(used):
    for name in services(used):
        unit = unit_of(used, template_of(name))
        allowed = filtered(unit["SystemCallFilter"])
        assert set(OFTEN.split()) <= allowed and not {"ptrace", "setuid", "mount"} & allowed
        # A relay that root runs, as here, gives its seal to the directory's owner.
        for_root = {"fchown"} if os.geteuid() == 0 and unit["User"] != ["root"] else set()
        assert {call for call, _ in traced(used, name)} - allowed - for_root == set(), name


def test_no_program_needs_a_kind_of_socket_that_its_unit_forbids(used):
    for name in services(used):
        unit = unit_of(used, template_of(name))
        # The C library asks by AF_NETLINK which families there are, and takes a no for all of them.
        made = {args.split(",")[0] for call, args in traced(used, name) if call == "socket"}
        assert made - set(unit["RestrictAddressFamilies"][0].split()) - {"AF_NETLINK"} == set(), name
        if unit["PrivateNetwork"] == ["yes"]:
            assert made <= {"AF_UNIX"}, name


def test_no_program_needs_memory_that_it_may_write_and_run(used):
    for name in services(used):
        both = [args for call, args in traced(used, name) if call in ("mmap", "mprotect", "pkey_mprotect") and "PROT_EXEC" in args and
                ("PROT_WRITE" in args or call != "mmap")]
        assert both == [], name


def test_no_program_writes_anywhere_but_where_its_unit_lets_it(used):
    for name in services(used):
        unit = unit_of(used, template_of(name))
        instance = re.search(r"@([^.]+)", name)
        allowed = " ".join(unit["ReadWritePaths"]).replace("%i", instance[1] if instance else "").split()
        for call, args in traced(used, name):
            writes = call in ("mkdir", "rename", "unlink", "symlink", "link", "truncate", "chmod") or (call in ("open", "openat") and re.search(r"O_WRONLY|O_RDWR|O_CREAT", args))
            for path in re.findall(r'"(/[^"]*)"', args) if writes else []:
                assert path.startswith((*allowed, "/tmp/", "/dev/null")), (name, call, args)


# --- what becomes of services ---

def test_what_crashes_is_started_again_and_its_socket_answers_meanwhile(used):
    name = "medicore-scheduling@2.service"
    _, pid, starts = used.status(name)[name]
    os.kill(pid, signal.SIGKILL)
    after = wait_until(lambda: (s := used.status(name)[name])[0] == "active" and s[1] != pid and s, 20, "its next start")
    assert after[2] == starts + 1
    for program in PROGRAMS:
        assert used.status(f"medicore-{program}.socket")[f"medicore-{program}.socket"][0] == "active"


def test_a_job_that_finds_something_wrong_has_failed_and_says_so(used):
    with used.postgres.connect("medicore_billing") as db, db.cursor() as c:
        c.execute("alter table audit disable trigger all")
        c.execute("update audit set action = 'nothing' where seq = (select min(seq) from audit)")
    done = used.tool("start", "medicore-audit-verify.service")
    assert done.returncode == 1 and used.status("medicore-audit-verify.service")["medicore-audit-verify.service"][0] == "failed"
    assert "was edited" in (used.run / "units/log/medicore-audit-verify.service").read_text()


def test_stopping_the_target_stops_everything(used):
    begun = time.monotonic()
    assert used.tool("stop", "medicore.target").returncode == 0
    assert {state for name, (state, _, _) in used.status().items() if not name.endswith(("timer", "target"))} <= {"inactive", "failed"}
    assert list((used.run / "medicore").glob("*.sock")) == [] and not (used.run / "medicore/patient").exists()
    assert time.monotonic() - begun < 30
