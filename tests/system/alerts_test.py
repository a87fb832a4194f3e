"""Alerts: by promtool, and that each is explained, tested, and about what is counted."""
import re
import subprocess

import pytest
import yaml

from medicore import TOP

RULES = TOP / "prometheus/medicore.rules.yml"
TESTS = TOP / "prometheus/rules_test.yml"
MADE = {"medicore_processes", "medicore_process_starts_total", "medicore_build_info", "medicore_metrics_files_unreadable"}  # by write.c


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def promtool(*args):
    done = subprocess.run(["promtool", *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_the_rules_are_rules():
    promtool("check", "rules", RULES)


def test_each_alert_fires_when_it_should_and_not_before():
    promtool("test", "rules", TESTS)


def test_no_alert_goes_untested():
    fired = {case["alertname"] for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test.get("alert_rule_test", [])
             if case["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules()}


def test_the_operator_is_told_of_each_alert_what_to_do():
    page = (TOP / "doc/operations.md").read_text().split("\n## Alerts\n")[1].split("\n## ")[0]
    told = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=^### |\Z)", page, re.M | re.S))
    assert list(told) == [rule["alert"] for rule in rules()]
    for name, text in told.items():
        assert len(text.split()) > 25, name


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_about_what_is_counted(rule):
    counted = set(re.findall(r'\{ "(medicore_\w+)"', (TOP / "lib/metrics/table.c").read_text())) | MADE
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bmedicore_\w+", rule["expr"])}
    assert asked <= counted
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
