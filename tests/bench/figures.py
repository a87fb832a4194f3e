"""What was measured: samples by the name of what was done, one for each round, and what is reckoned from them."""
import statistics


class Figures:
    def __init__(self):
        self.samples = {}  # name: list of dictionaries, one a round

    def add(self, name, **sample):
        self.samples.setdefault(name, []).append(sample)

    def values(self, name, what):
        """One of each round; none where it wasn't measured."""
        return [s[what] for s in self.samples.get(name, []) if what in s]

    def ratios(self, ours, limit):
        """Of each round, since its two were measured within seconds of each other."""
        return [a / b for a, b in zip(self.values(ours, "rate"), self.values(limit, "rate"))]

    def processor_us(self, name, trees):
        """Microseconds of a processor per request, of these process trees together."""
        return [1e6 * sum(s["processor"][t] for t in trees) / s["count"] for s in self.samples.get(name, []) if "processor" in s]

    def trees(self, name):
        return list(self.samples[name][0].get("processor", {}))

    def __contains__(self, name):
        return name in self.samples


# --- what a target is about: functions from Figures to samples ---

def value(name, what):
    return lambda f: f.values(name, what)


def ratio(ours, limit):
    return lambda f: f.ratios(ours, limit)


def processor(name, *trees):
    return lambda f: f.processor_us(name, trees)


def growth(what):
    """Of what a request costs, with many rows."""
    return lambda f: [g for name in f.samples if name.startswith(f"{what}, with ") for g in f.values(name, "growth")]


def ratio_of_medians(ours, other):
    """Of what isn't measured in the same rounds."""
    def reckon(f):
        a, b = f.values(ours, "rate"), f.values(other, "rate")
        return [statistics.median(a) / statistics.median(b)] if a and b else []
    return reckon
