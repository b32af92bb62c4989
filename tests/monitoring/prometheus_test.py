"""A real Prometheus with the role's configuration watches a real cluster."""
import json
import re
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.monitoring.promql import series
from tests.monitoring.rendered import write_configuration
from tests.monitoring.role_files import alerts, panel_expressions, rule_expressions
from tests.support.cluster import Cluster, Dealer, echo, until

KINDS = {"gateway": "gateways", "scheduler": "schedulers", "worker": "workers"}
# Empty where nothing is wrong.
LISTS_OF_ALERTS = {"fleet.json: Alerts that fire"}


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:{}".format(probe.getsockname()[1])


def inventory(cluster):
    """The cluster's processes as an inventory has them: groups and host variables."""
    groups, hostvars = {}, {}
    for process in cluster.ready["processes"]:
        where = urllib.parse.urlsplit(cluster.ready["metrics"][process["name"]])
        groups.setdefault(KINDS[process["role"]], []).append(process["name"])
        hostvars[process["name"]] = {"metrics_address": where.hostname, f"{process['role']}_metrics_port": where.port}
    return groups, hostvars


class Prometheus:
    def __init__(self, folder, cluster):
        self.address = free_address()
        self.targets = len(cluster.ready["processes"]) + 1
        file = write_configuration(folder, *inventory(cluster), monitoring_listen=self.address,
                                   monitoring_scrape_interval="1s", monitoring_evaluation_interval="1s")
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={self.address}"],
            stdout=self.log, stderr=subprocess.STDOUT, cwd=folder)

    def __enter__(self):
        until(self.is_ready, "Prometheus")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)

    def is_ready(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(self.log.read())
        try:
            return urllib.request.urlopen(f"http://{self.address}/-/ready").status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}") as answer:
            return json.load(answer)["data"]

    def value_of(self, expression):
        """Its series now; an expression that cannot be evaluated is an error."""
        return self.get("query", query=expression)["result"]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"}

    def has_looked(self):
        """Every process and Prometheus itself was read, and every rule evaluated."""
        healths = [rule["health"] for group in self.get("rules")["groups"] for rule in group["rules"]]
        return len(self.value_of("up")) == self.targets and len(healths) == len(rule_expressions()) and "unknown" not in healths


@pytest.fixture(scope="module")
def cluster():
    with Cluster("--nodes", 2, "--schedulers", 1, "--builtins", "echo", "crash") as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(cluster, tmp_path_factory):
    with Prometheus(tmp_path_factory.mktemp("prometheus"), cluster) as running:
        until(running.has_looked, "a look at every target and every rule")
        yield running


@pytest.fixture(scope="module")
def traffic(cluster, prometheus):
    """Requests between two looks of Prometheus: rates need both."""
    seen = "sum(rate(coppice_gateway_requests_total[1m])) > 0 and sum(rate(coppice_engine_batch_rows_count[1m])) > 0"
    with Dealer(cluster.endpoint) as plain:
        def asked():
            assert "error" not in plain.ask(echo(1), b"abcd")[0]
            return prometheus.value_of(seen) and prometheus.value_of("coppice:requests_shed:ratio_rate5m")
        until(asked, "rates")


def grafanas(expression):
    """As Grafana sends it with everything chosen."""
    return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m"))


def test_every_process_is_a_target_and_is_up(cluster, prometheus):
    up = {sample["metric"]["instance"]: sample["value"][1] for sample in prometheus.value_of('up{job=~"coppice-.+"}')}
    assert up == {process["name"]: "1" for process in cluster.ready["processes"]}


def test_every_rule_evaluates(prometheus):
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {expression.where for expression in rule_expressions()}
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}


def test_prometheus_exports_what_the_rules_about_it_name(prometheus):
    known = set(prometheus.get("label/__name__/values"))
    named = {found.name for expression in rule_expressions() for found in series(expression.text)}
    own = {name for name in named if name.startswith("prometheus_")}
    assert own and own <= known


@pytest.mark.parametrize("expression", panel_expressions(), ids=lambda each: each.where)
def test_a_panel_shows_something(expression, prometheus, traffic):
    if expression.where in LISTS_OF_ALERTS:
        prometheus.value_of(grafanas(expression.text))
    else:
        until(lambda: prometheus.value_of(grafanas(expression.text)), f"a value of {expression.text}")


def test_a_healthy_cluster_raises_no_alert(prometheus, traffic):
    assert prometheus.firing() == set()
    assert all(prometheus.value_of(rule["expr"]) == [] for rule in alerts().values())


def test_content_that_kills_engines_is_told(cluster, prometheus, traffic):
    with Dealer(cluster.endpoint) as plain:
        answer = plain.ask({**echo(9), "model": "crash"}, b"abcd")[0]
    assert answer["error"]["code"] == "poison"
    until(lambda: "CoppicePoison" in prometheus.firing(), "the alert")
    assert prometheus.value_of('sum(increase(coppice_worker_engine_ends_total{cause="crash"}[1m])) > 0')
