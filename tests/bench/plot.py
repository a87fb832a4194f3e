"""Requests per second and p99 over the number of clients, as SVG by pygal: it is one package of a megabyte, where matplotlib brings fifty onto each machine
that tests."""
import re

import pygal
from pygal.style import CleanStyle

NAME = re.compile(r"(.*) for (\d+) clients$")
CHARTS = [("rate", "requests per second", False), ("p99", "p99, ms", True)]


def lines(figures, what):
    """Name → number of clients → what was measured."""
    found = {}
    for name in figures.samples:
        match = NAME.match(name)
        values = figures.values(name, what)
        if match and values:
            found.setdefault(match[1], {})[int(match[2])] = values[0]
    return found


def draw(figures, directory):
    """The files' names and what they show; none where clients weren't measured."""
    made = []
    for what, title, logarithmic in CHARTS:
        found = lines(figures, what)
        if not found:
            continue
        clients = sorted({n for line in found.values() for n in line})
        chart = pygal.Line(title=title, x_title="clients", logarithmic=logarithmic, style=CleanStyle, legend_at_bottom=True, width=900, height=480,
                           js=[], disable_xml_declaration=False)
        chart.x_labels = list(map(str, clients))
        for name, line in found.items():
            chart.add(name, [line.get(n) for n in clients])
        chart.render_to_file(str(directory / f"clients-{what}.svg"))
        made.append((f"clients-{what}.svg", title))
    return made
