"""FastCGI over TCP: two processes on ports behind Apache's balancer, with the lines that doc/operations.md has for it."""
import contextlib
import os
import re
import subprocess

import pytest

from medicore import TOP, System, free_base, wait_until

PAGE_HOSTS = ("192.0.2.11:9101", "192.0.2.12:9101")


@contextlib.contextmanager
def running(command, log, **more):
    with open(log, "a") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def balancer(ports):
    """The page's lines, for programs on these ports of this machine."""
    found = re.search(r"(?m)(^    <Proxy \"balancer://patient\">\n(?:    .*\n)+)", (TOP / "doc/operations.md").read_text()).group(1)
    for host, port in zip(PAGE_HOSTS, ports, strict=True):
        assert host in found
        found = found.replace(host, f"127.0.0.1:{port}")
    return found


@pytest.fixture(scope="module")
def system():
    with System() as s:
        yield s.up("--no-demo")


@pytest.fixture(scope="module")
def ports():
    base = free_base(4)
    return range(base, base + 4)


@pytest.fixture(scope="module")
def programs(system, ports):
    """Two of them, a process each, as spawn-fcgi starts it."""
    rights = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    copy = system.run / "bin/medicore-patient.fcgi"
    program = copy if copy.exists() else system.tool("medicore-patient.fcgi")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(running(["spawn-fcgi", "-n", "-a", "127.0.0.1", "-p", port, "--", program, "--config", system.run / "medicore.conf"],
                                           system.run / f"log/tcp-{port}.log", **rights)) for port in ports[:2]]


@pytest.fixture(scope="module")
def front(system, programs, ports):
    """A web server of its own, which reaches patients by the balancer and all else as the system's does."""
    conf = (system.run / "httpd/apache.conf").read_text()
    for old, new in ((system.env["MEDICORE_URL"], ports[2]), (system.env["MEDICORE_HTTPS_URL"], ports[3])):
        conf = conf.replace(old.rpartition(":")[2], str(new))
    (system.run / "balancer").mkdir()
    conf = conf.replace(f"{system.run / 'httpd'}", f"{system.run / 'balancer'}").replace(f"{system.run.resolve() / 'httpd'}", f"{system.run / 'balancer'}")
    modules = "".join(f"LoadModule {name}_module modules/mod_{name}.so\n" for name in ("slotmem_shm", "proxy_balancer", "lbmethod_bybusyness"))
    place = conf.index("Define MEDICORE_LOG")
    (system.run / "balancer/apache.conf").write_text(conf[:place] + modules + balancer(ports[:2]) + conf[place:])
    with running(["/usr/sbin/apache2", "-f", system.run / "balancer/apache.conf", "-D", "FOREGROUND"], system.run / "log/balancer.log"):
        direct = system.env["MEDICORE_URL"]
        system.env["MEDICORE_URL"] = f"http://127.0.0.1:{ports[2]}"
        wait_until(lambda: answers(system), 20, "the web server: " + (system.run / "log/balancer.log").read_text())
        yield
        system.env["MEDICORE_URL"] = direct


def answers(system):
    try:
        return system.http("GET", "/patients?limit=1")[0] == 200
    except OSError:
        return False


def served(system, port):
    return (system.run / f"log/tcp-{port}.log").read_text().count('"what":"/patients')


def test_both_programs_serve_and_one_that_is_gone_costs_no_request(system, front, programs, ports):
    patient = system.register()
    for _ in range(20):
        assert system.http("GET", f"/patients/{patient['id']}")[2]["email"] == patient["email"]
    assert all(served(system, port) > 5 for port in ports[:2])
    programs[0].kill()
    programs[0].wait(20)
    statuses = [system.http("GET", f"/patients/{patient['id']}")[0] for _ in range(20)]
    statuses += [system.http("PATCH", f"/patients/{patient['id']}", {"address": f"{i} Long Lane"})[0] for i in range(20)]
    assert statuses == [200] * 40
