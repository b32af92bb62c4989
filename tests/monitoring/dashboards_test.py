"""Dashboards: the files are what scripts/dashboards writes, and Grafana can show them."""
import itertools
import re
import subprocess
import sys

import pytest

from tests.monitoring.role_files import DASHBOARDS, ROOT, dashboards

KINDS = {"row", "timeseries", "stat", "table"}
# https://grafana.com/docs: units of the field options, the ones used here.
UNITS = {"short", "s", "bytes", "percentunit", "reqps", "ops", "cps"}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def test_the_files_are_what_the_script_writes(tmp_path):
    subprocess.run([sys.executable, "-B", ROOT / "scripts/dashboards", "--into", tmp_path], check=True, timeout=60)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text() for path in DASHBOARDS}, "run python3 scripts/dashboards"


def test_dashboards_are_told_apart_and_link_to_each_other():
    for key in ("uid", "title"):
        assert len({dashboard[key] for dashboard in dashboards().values()}) == len(DASHBOARDS)
    for dashboard in dashboards().values():
        assert re.fullmatch(r"[a-z-]{1,40}", dashboard["uid"])
        assert set(dashboard["links"][0]["tags"]) <= set(dashboard["tags"])


@pytest.mark.parametrize("name", dashboards())
def test_every_query_goes_to_the_data_source_that_the_reader_chose(name):
    dashboard = dashboards()[name]
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert [each["type"] for each in dashboard["templating"]["list"] if each["name"] == "datasource"] == ["datasource"]
    for panel in panels(dashboard):
        assert panel["datasource"] == chosen and panel["targets"]
        assert all(target["datasource"] == chosen for target in panel["targets"])


@pytest.mark.parametrize("name", dashboards())
def test_variables_are_defined_and_used(name):
    dashboard = dashboards()[name]
    defined = {each["name"] for each in dashboard["templating"]["list"]} - {"datasource"}
    used = {found for panel in panels(dashboard) for target in panel["targets"]
            for found in re.findall(r"\$(\w+)", target["expr"])}
    assert used - {"__rate_interval"} == defined


@pytest.mark.parametrize("name", dashboards())
def test_panels_say_what_they_show(name):
    for panel in panels(dashboards()[name]):
        assert panel["type"] in KINDS
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"].get("unit", "short") in UNITS
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert len(legends) == len(set(legends)), f"{panel['title']}: two lines with one name"


@pytest.mark.parametrize("name", dashboards())
def test_titles_and_numbers_of_panels_are_unique(name):
    for key in ("id", "title"):
        found = [panel[key] for panel in panels(dashboards()[name])]
        assert len(found) == len(set(found))


@pytest.mark.parametrize("name", dashboards())
def test_panels_do_not_overlap_nor_leave_the_page(name):
    places = [panel["gridPos"] for panel in dashboards()[name]["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for a, b in itertools.combinations(places, 2):
        apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                 or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
        assert apart, (a, b)


@pytest.mark.parametrize("name", dashboards())
def test_lines_are_named_by_labels_that_their_query_leaves(name):
    for panel in panels(dashboards()[name]):
        for target in panel["targets"]:
            grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            if grouped:
                assert named <= {label.strip() for label in grouped[0].split(",")}, (panel["title"], target["expr"])
