"""Rules and dashboards name only metrics, labels and label values that the processes really export."""
import re

import pytest

from tests.monitoring.promql import grouped_by, series
from tests.monitoring.role_files import panel_expressions, recorded, rule_expressions
from tests.support.metric_table import exported, label_values, one_that_has_answered, table

OF_EVERY_TARGET = {"job", "instance"}
# What Prometheus itself makes; its own metrics are looked for in prometheus_test.py, where it runs.
OF_PROMETHEUS = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity", "model", "engine"}}
JOBS = {"coppice-gateway", "coppice-scheduler", "coppice-worker"}


@pytest.fixture(scope="module")
def cluster():
    with one_that_has_answered() as running:
        yield running


@pytest.fixture(scope="module")
def labels(cluster):
    """Each series name that can be asked for -> its labels. What this cluster does not export (a figure of certificates that it
    does not have) is in the table of the page, which metrics_test.py holds to the processes."""
    found = dict(OF_PROMETHEUS)
    for name, (kind, of_it) in (table() | exported(cluster)).items():
        parts = {"_bucket": of_it | {"le"}, "_sum": of_it, "_count": of_it} if kind == "histogram" else {"": of_it}
        found.update({name + part: of_part for part, of_part in parts.items()})
    for name, text in recorded().items():
        found[name] = grouped_by(text) - {"le"} or set().union(*(found.get(each.name, set()) for each in series(text)))
    return found


@pytest.fixture(scope="module")
def values(cluster):
    return label_values(cluster) | {"job": JOBS, "alertstate": {"firing"}}


def named(expression):
    """Its series, without those that only Prometheus's own page has."""
    return [each for each in series(expression.text) if not each.name.startswith("prometheus_")]


def literals(operator, value):
    """The label values that a matcher spells out; none if it leaves them to a variable or a pattern."""
    if "$" in value or (operator in ("=~", "!~") and re.search(r"[.*+?\[\\]", value)):
        return []
    return value.split("|") if operator in ("=~", "!~") else [value]


def faults(expression, labels, values):
    for name, matchers in named(expression):
        if name not in labels:
            yield f"no process exports {name}"
            continue
        for label, operator, value in matchers:
            if label not in labels[name] | OF_EVERY_TARGET:
                yield f"{name} has no label {label}"
            unknown = set(literals(operator, value)) - values.get(label, set())
            if unknown:
                yield f'{name}: nothing gives {label} the value {" or ".join(sorted(unknown))}'
    known = OF_EVERY_TARGET.union(*(labels.get(each.name, set()) for each in named(expression)))
    for label in grouped_by(expression.text) - known:
        yield f"it groups by {label}, which none of its series has"


@pytest.mark.parametrize("expression", rule_expressions() + panel_expressions(), ids=lambda each: each.where)
def test_an_expression_names_what_is_exported(expression, labels, values):
    assert [*faults(expression, labels, values)] == []


@pytest.mark.parametrize("planted, fault", [
    ("rate(coppice_gateway_atempts_total[5m])", "no process exports coppice_gateway_atempts_total"),
    ("coppice_gateway_request_seconds_total", "no process exports coppice_gateway_request_seconds_total"),
    ('coppice_gateway_retries_total{class="batch"}', "coppice_gateway_retries_total has no label class"),
    ('coppice_gateway_requests_total{code=~"ok|worker_last"}', "coppice_gateway_requests_total: nothing gives code the value worker_last"),
    ("sum by (engines) (coppice_worker_engine_up)", "it groups by engines, which none of its series has"),
    ('coppice:requests_shed:ratio_rate5m{klass="batch"}', "coppice:requests_shed:ratio_rate5m has no label klass"),
])
def test_a_planted_mistake_is_found(planted, fault, labels, values):
    class Planted:
        text = planted
    assert fault in [*faults(Planted, labels, values)]


def test_expressions_were_found():
    assert len(rule_expressions()) > 40 and len(panel_expressions()) > 60
