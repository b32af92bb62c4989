"""What the monitoring role writes: targets from the inventory, and a configuration that promtool accepts."""
import subprocess

import yaml

from tests.monitoring.rendered import DEFAULTS, render, write_configuration
from tests.monitoring.role_files import ROLE, RULES

GROUPS = {"gateways": ["gate-1", "gate-2"], "schedulers": [], "workers": ["node-1", "node-2", "node-3"]}
HOSTVARS = {"gate-1": {"ansible_host": "10.0.0.1"}, "gate-2": {"ansible_host": "10.0.0.2", "gateway_metrics_port": 9200},
            "node-1": {"ansible_host": "192.0.2.6", "coppice_address": "10.0.0.6"},
            "node-2": {"ansible_host": "192.0.2.7", "coppice_address": "10.0.0.7", "metrics_address": "fd00::7"}, "node-3": {}}


def targets(job, groups=GROUPS):
    found = next(each for each in DEFAULTS["monitoring_jobs"] if each["name"] == job)
    return yaml.safe_load(render("targets.yml.j2", item=found, groups=groups, hostvars=HOSTVARS))


def check(file):
    return subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True, timeout=60)


def test_a_host_of_a_group_is_a_target_at_its_address_and_port():
    assert targets("coppice-gateway") == [{"targets": ["10.0.0.1:9100"], "labels": {"instance": "gate-1"}},
                                          {"targets": ["10.0.0.2:9200"], "labels": {"instance": "gate-2"}}]


def test_the_address_for_metrics_goes_before_that_of_the_fleet_and_the_name_comes_last():
    assert targets("coppice-worker") == [{"targets": ["10.0.0.6:9102"], "labels": {"instance": "node-1"}},
                                         {"targets": ["[fd00::7]:9102"], "labels": {"instance": "node-2"}},
                                         {"targets": ["node-3:9102"], "labels": {"instance": "node-3"}}]


def test_a_group_without_hosts_and_a_group_that_is_missing_have_no_targets():
    assert targets("coppice-scheduler") == []
    assert targets("coppice-scheduler", groups={}) == []


def test_promtool_accepts_the_configuration_with_its_rules_and_targets(tmp_path):
    done = check(write_configuration(tmp_path, GROUPS, HOSTVARS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(RULES)} rule files found" in done.stdout


def test_promtool_accepts_it_with_every_option_set(tmp_path):
    file = write_configuration(
        tmp_path, GROUPS, HOSTVARS, monitoring_alertmanagers=["127.0.0.1:9093"], monitoring_external_labels={"fleet": "north"},
        monitoring_extra_scrape_configs=[{"job_name": "hosts", "static_configs": [{"targets": ["127.0.0.1:9101"]}]}])
    done = check(file)
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load(file.read_text())
    assert written["global"]["external_labels"] == {"fleet": "north"}
    assert written["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["127.0.0.1:9093"]
    assert [each["job_name"] for each in written["scrape_configs"]] == [
        "prometheus", "coppice-gateway", "coppice-scheduler", "coppice-worker", "hosts"]


def test_promtool_refuses_a_target_file_with_a_mistake(tmp_path):
    file = write_configuration(tmp_path, GROUPS, HOSTVARS)
    (tmp_path / "coppice/targets/coppice-worker.yml").write_text("- target: [node-1]\n")
    assert check(file).returncode != 0


def test_the_process_gets_its_address_and_retention():
    assert 'ARGS="--web.listen-address=127.0.0.1:9090 --storage.tsdb.retention.time=15d"' in render("prometheus.default.j2")


def test_grafana_finds_the_dashboards_and_prometheus():
    provider = yaml.safe_load(render("grafana_dashboards.yml.j2"))["providers"][0]
    source = yaml.safe_load(render("grafana_datasources.yml.j2"))["datasources"][0]
    assert provider["options"]["path"] == DEFAULTS["monitoring_dashboards_dir"]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")


def test_every_option_has_a_specification_and_the_default_that_it_names():
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert options.keys() == DEFAULTS.keys()
    assert {name: option["default"] for name, option in options.items() if "default" in option} == {
        name: value for name, value in DEFAULTS.items() if "default" in options[name]}


def test_the_page_of_the_role_lists_every_option():
    text = (ROLE / "README.md").read_text()
    assert [name for name in DEFAULTS if f"`{name}`" not in text] == []
