"""./dev bench works: its programs start, and what it measures comes out as rows of a report.  Nothing here is about how fast."""
import re
import subprocess

from medicore import TOP


def test_bench_measures_in_turns_and_reports_targets_with_costs(tmp_path):
    done = subprocess.run([TOP / "tests/bench/bench", "--only", "get", "--quick", "--output", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True)
    assert done.returncode == 0, done.stdout
    report = (tmp_path / "report.md").read_text()
    for server in ("lighttpd", "apache"):
        ratio = re.search(rf"^\| GET /patients/{{id}} by {server}: of pgbench's SELECT \| ≥ 0\.\d+ \| ([0-9.]+) \|", report, re.M | re.I)
        assert ratio and 0 < float(ratio[1]) < 1, report
        costs = re.search(rf"^\| GET by {server}, \w+ \|(.*)\|$", report.partition("## Processor")[2], re.M)
        assert costs and min(float(n.replace(",", "")) for n in costs[1].split("|")[:4]) > 0, report
