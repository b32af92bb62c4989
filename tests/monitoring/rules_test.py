"""Alert rules: promtool finds no fault in them, and each fires when it should and is quiet when it should be."""
import functools
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.monitoring.promql import series
from tests.monitoring.role_files import ROOT, RULES, alerts, panel_expressions, recorded, rule_expressions

CASES = sorted((Path(__file__).parent / "rules").glob("*.yml"))


@functools.cache
def checks():
    """Every check of an alert in every case."""
    return [check for path in CASES for group in yaml.safe_load(path.read_text()) for check in group["alert_rule_test"]]


def completed(path):
    """promtool compares all annotations; the cases give the summary, the description is the rule's."""
    groups = yaml.safe_load(path.read_text())
    for group in groups:
        for check in group["alert_rule_test"]:
            for expected in check.get("exp_alerts", []):
                expected["exp_annotations"]["description"] = alerts()[check["alertname"]]["annotations"]["description"]
    files = [each for each in RULES if each.stem in ("recorded", path.stem)]
    return {"rule_files": [str(each) for each in files], "evaluation_interval": "30s", "tests": groups}


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_every_file():
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path, tmp_path):
    file = tmp_path / path.name
    file.write_text(yaml.safe_dump(completed(path), sort_keys=False))
    promtool("test", "rules", file)


@pytest.mark.parametrize("name", alerts())
def test_an_alert_is_shown_to_fire_and_to_be_quiet(name):
    of_it = [check for check in checks() if check["alertname"] == name]
    assert any(check.get("exp_alerts") for check in of_it), "no case in which it fires"
    assert any(not check.get("exp_alerts") for check in of_it), "no case in which it is quiet"


def test_cases_name_alerts_that_exist():
    assert {check["alertname"] for check in checks()} <= alerts().keys()


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(name):
    rule = alerts()[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"].keys() == {"summary", "description"}
    assert len(rule["annotations"]["summary"]) <= 120
    assert "{{" not in rule["annotations"]["description"], "figures belong into the summary, which the cases check"


def test_the_page_has_a_row_for_every_alert_and_for_no_other():
    rows = re.findall(r"^\| `(Coppice\w+)` \| (\w+) \|", (ROOT / "docs/monitoring.md").read_text(), re.M)
    assert dict(rows) == {name: rule["labels"]["severity"] for name, rule in alerts().items()}
    assert len(rows) == len(alerts())


def test_names_are_given_once():
    names = [each.where for each in rule_expressions()]
    assert len(names) == len(set(names))


def test_what_is_recorded_is_used():
    used = {found.name for each in rule_expressions() + panel_expressions() for found in series(each.text)}
    assert recorded().keys() <= used
