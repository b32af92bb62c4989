"""The rules and dashboards of the monitoring role, and every expression in them."""
import functools
import json
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "ansible/roles/monitoring"
RULES = sorted((ROLE / "files/rules").glob("*.yml"))
DASHBOARDS = sorted((ROLE / "files/dashboards").glob("*.json"))


class Expression(NamedTuple):
    where: str
    text: str


@functools.cache
def rules():
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded():
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in DASHBOARDS}


def rule_expressions():
    return [Expression(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def panel_expressions():
    return [Expression(f"{file}: {panel['title']}", target["expr"])
            for file, dashboard in dashboards().items() for panel in dashboard["panels"] for target in panel.get("targets", [])]
