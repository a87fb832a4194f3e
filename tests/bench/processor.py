"""How much of a processor process trees take, in ticks of /proc/*/stat: what ended and was waited for counts too."""
import contextlib
import os
import pathlib

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def stat(pid):
    """Parent, and ticks of its own and of its children that ended; None where it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), sum(int(n) for n in fields[11:15])


def tree(root):
    """The ids of root and of all below it."""
    below = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (found := stat(entry)):
            below.setdefault(found[0], []).append(int(entry))
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead += below.get(pid, [])
    return found


def ticks(root):
    return sum(found[1] for pid in tree(root) if (found := stat(pid)))


@contextlib.contextmanager
def measured(trees):
    """trees: name → process id of a root.  Gives a dictionary that has name → seconds once the block has ended."""
    before = {name: ticks(pid) for name, pid in trees.items()}
    used = {}
    yield used
    for name, pid in trees.items():
        used[name] = TICK_S * (ticks(pid) - before[name])
