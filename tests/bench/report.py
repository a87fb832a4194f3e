"""bench/report.md: targets and what was measured, the machine, costs by process tree, raw figures."""
import os
import pathlib
import platform
import statistics
import subprocess
import time

import plot
from targets import TARGETS


def number(n):
    if n is None:
        return ""
    return f"{n:,.0f}" if abs(n) >= 100 else f"{n:.1f}" if abs(n) >= 10 else f"{n:.2f}"


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def spread(samples):
    return f"{number(min(samples))}–{number(max(samples))}" if len(samples) > 1 else ""


def target_rows(figures):
    for t in TARGETS:
        samples = t.samples(figures)
        if not samples:
            continue
        median = statistics.median(samples)
        wanted = f"≥ {number(t.at_least)}" if t.at_least is not None else f"≤ {number(t.at_most)}"
        yield [t.what, f"{wanted} {t.unit}".strip(), f"{number(median)} {t.unit}".strip(), spread(samples), "yes" if t.reached(median) else "**no**"]


def version(*argv):
    said = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return said.splitlines()[0].strip() if said else "?"


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    return [["processors", f"{os.cpu_count()} × {cpu}"], ["memory", f"{memory / 2**20:.1f} GiB"], ["kernel", platform.release()],
            ["PostgreSQL", version("/usr/lib/postgresql/15/bin/postgres", "--version")], ["lighttpd", version("/usr/sbin/lighttpd", "-v")],
            ["Apache", version("/usr/sbin/apache2", "-v")], ["load at the start (1, 5, 15 minutes)", " ".join(f"{n:.2f}" for n in LOAD)],
            ["begun", STARTED]]


LOAD = os.getloadavg()
STARTED = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


def rate_rows(figures):
    for name, samples in figures.samples.items():
        rates, columns = figures.values(name, "rate"), []
        if not rates:
            continue
        for what in ("p50", "p99"):
            values = figures.values(name, what)
            columns.append(number(statistics.median(values)) if values else "")
        yield [name, number(statistics.median(rates)), spread(rates), *columns]


UNITS = {"mib": "MiB (PSS)", "seconds": "s", "disk": "bytes each", "connections": "", "growth": "times the CPU"}


def other_rows(figures):
    """What isn't a rate."""
    for name in figures.samples:
        for what, unit in UNITS.items():
            values = figures.values(name, what)
            if values:
                yield [name, f"{number(statistics.median(values))} {unit}", spread(values)]


def cost_rows(figures, trees):
    for name in figures.samples:
        own = figures.trees(name)
        if own:
            yield [name, *(number(statistics.median(figures.processor_us(name, [t]))) if t in own else "" for t in trees)]


def all_trees(figures):
    found = []
    for name in figures.samples:
        found += [t for t in figures.trees(name) if t not in found]
    return found


def write(figures, options, directory):
    """Returns the report's path."""
    directory.mkdir(exist_ok=True)
    parts = ["# What ./dev bench measured\n",
             f"Medians of up to {options.rounds} rounds of {options.seconds} s in which ours and the limits took turns, load generators on the same machine. "
             "Compare ratios: a rate is worth as much as the machine's quietness.\n"]
    rows = list(target_rows(figures))
    if rows:
        parts += ["## Targets\n", table(["", "to reach", "measured", "least–most", "reached"], rows)]
    parts += ["## The machine\n", table(["", ""], machine())]
    trees = all_trees(figures)
    parts += ["## Rates\n", table(["", "per second", "least–most", "p50 ms", "p99 ms"], list(rate_rows(figures)))]
    if trees:
        parts += ["## Processor by process tree, µs for each\n", table(["", *trees], list(cost_rows(figures, trees)))]
    others = list(other_rows(figures))
    if others:
        parts += ["## What isn't a rate\n", table(["", "", "least–most"], others)]
    charts = plot.draw(figures, directory)
    if charts:
        parts += ["## From 1 to 512 clients\n", *(f"![{title}]({file})\n" for file, title in charts)]
    path = directory / "report.md"
    path.write_text("\n".join(parts))
    return path
