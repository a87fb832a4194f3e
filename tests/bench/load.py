"""What makes the load, and what it says of it: wrk for HTTP, h2load for gRPC, pgbench for the database's own limit."""
import os
import re
import resource
import struct
import subprocess
import sys
import time

PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
CONNECTIONS = 32
UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


class Trouble(Exception):
    pass


def run(*argv, **more):
    done = subprocess.run(list(map(str, argv)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise Trouble(f"{argv[0]} failed:\n{done.stdout}")
    return done.stdout


def milliseconds(text):
    number, unit = re.fullmatch(r"([0-9.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def size(text):
    number, unit = re.fullmatch(r"([0-9.]+)([KMGT]?)B", text).groups()
    return float(number) * 1024 ** " KMGT".index(unit or " ")


def children_s():
    """Of a processor, that all programs took which this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(command):
    """What command() says, and the seconds of a processor that its program took."""
    before = children_s()
    said = command()
    return said, children_s() - before


def wrk(directory, script, url, headers, seconds, connections=CONNECTIONS):
    """Requests per second, p50 and p99 in ms; any answer that isn't 2xx is an error."""
    path = directory / "script.lua"
    path.write_text(script.replace("RUN", f"{os.getpid()}-{time.monotonic_ns()}"))
    threads = min(2, connections)
    said = run("wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", path,
               *(f"-H{field}: {value}" for field, value in headers.items()), url)
    if "Non-2xx" in said or "Socket errors" in said:
        raise Trouble(f"some answers were errors:\n{said}")
    return {"rate": float(re.search(r"Requests/sec:\s+([0-9.]+)", said)[1]),
            "count": int(re.search(r"(\d+) requests in", said)[1]),
            "bytes": size(re.search(r"requests in \S+, (\S+) read", said)[1]),
            "p50": milliseconds(re.search(r"^ +50% +(\S+)", said, re.M)[1]),
            "p99": milliseconds(re.search(r"^ +99% +(\S+)", said, re.M)[1])}


def pgbench(directory, system, database, script, seconds, connections=CONNECTIONS):
    path = directory / "script.sql"
    path.write_text(script)
    said = run(PGBENCH, "-h", system.env["MEDICORE_PGHOST"], "-p", system.env["MEDICORE_PGPORT"], "-U", "postgres", "-n", "-M", "prepared",
               "-c", connections, f"-j{min(2, connections)}", "-T", seconds, "-f", path, database)
    return {"rate": float(re.search(r"tps = ([0-9.]+)", said)[1]),
            "count": int(re.search(r"transactions actually processed: (\d+)", said)[1])}


def grpc(directory, target, path, message, seconds, connections=4, streams=8):
    """Calls per second with connections × streams of them in flight."""
    frame = directory / "frame"
    raw = message.SerializeToString()
    frame.write_bytes(struct.pack(">BI", 0, len(raw)) + raw)
    said = run("h2load", f"-c{connections}", f"-m{streams}", "-t1", f"-D{seconds}", "-d", frame, "-H", "content-type: application/grpc",
               "-H", "te: trailers", f"http://{target}{path}")
    ok = re.search(r"status codes: (\d+) 2xx", said)
    if not ok or int(ok[1]) == 0:
        raise Trouble(f"no answers:\n{said}")
    return {"rate": float(re.search(r"finished in [^,]+, ([0-9.]+) req/s", said)[1]), "count": int(ok[1])}


def say(text):
    print(text, file=sys.stderr, flush=True)
