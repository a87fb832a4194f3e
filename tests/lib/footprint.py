"""How much memory all programs take together, one process of each."""
import pathlib
import re
import subprocess

from medicore import wait_until
from supervisor import PROGRAMS


def mapped_kib(pid):
    """The proportional part of each mapping of a process, by the file's name; "" is memory of its own."""
    parts, name = {}, None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$", line)
        if head:
            name = pathlib.Path(head[1]).name if head[1].startswith("/") else ""
        elif line.startswith("Pss:"):
            parts[name] = parts.get(name, 0) + int(line.split()[1])
    return parts


def load(system):
    """Of every kind: the system has patients, fifty invoices and a price for the service."""
    one = system.http("GET", "/patients?limit=1")[2][0]["id"]
    invoice = wait_until(lambda: system.http("GET", "/invoices?limit=50")[2][49:], 30, "fifty invoices")[0]["id"]
    for path, count in ((f"/patients/{one}", 2000), ("/patients?limit=50", 2000), ("/appointments?limit=50", 2000), ("/invoices?limit=50", 2000),
                        (f"/invoices?patientId={one}", 2000), ("/.well-known/jwks.json", 2000), (f"/documents/invoices/{invoice}", 200)):
        done = subprocess.run(["h2load", "--h1", "-c8", f"-n{count}", *(f"-H{name}: {value}" for name, value in system.bearer().items()),
                               system.env["MEDICORE_URL"] + path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert f"{count} succeeded" in done.stdout, done.stdout
    booked = [system.book(one, service="162673000", starts=f"2027-01-{1 + n % 28:02}T{8 + n // 28:02}:00:00Z", minutes=5)["id"] for n in range(200)]
    for id in booked:
        system.wait_invoice(id)


def one_of_each(keeper):
    """Program → what mapped_kib says.  The relays are one program: the largest stays.  The others' end first, or what is shared with them would
    count less."""
    relays = sorted((n for n in PROGRAMS if n.startswith("relay-")), key=lambda n: keeper.system.memory_kib(keeper.programs[n, 0].process.pid))
    for name in relays[:-1]:
        assert keeper.programs[name, 0].stop() == 0
    return {name: mapped_kib(keeper.programs[name, 0].process.pid) for name in PROGRAMS if name not in relays[:-1]}
