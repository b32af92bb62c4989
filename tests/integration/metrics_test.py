"""The table of metrics in docs/operations.md is the one of a running cluster: names, types, labels."""
import subprocess
import urllib.request

import pytest

from tests.support.cluster import Cluster, Dealer, echo, send_signal, until
from tests.support.metric_table import exported, one_that_has_answered, table


# Told where the mesh has certificates: tests/actors/mesh_identity_test.cpp.
OF_CERTIFICATES = {"coppice_mesh_certificate_end_seconds"}


@pytest.fixture(scope="module")
def cluster():
    with one_that_has_answered() as running:
        yield running


def test_the_table_of_the_page_is_what_a_running_cluster_exports(cluster):
    assert exported(cluster) == {name: of for name, of in table().items() if name not in OF_CERTIFICATES}


def test_names_say_their_unit_or_that_they_count(cluster):
    for name, (kind, _) in exported(cluster).items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert kind != "histogram" or name.endswith(("_seconds", "_rows", "_bytes")), name


def test_promtool_finds_nothing_in_the_metrics(cluster):
    for name, url in cluster.ready["metrics"].items():
        page = urllib.request.urlopen(url).read()
        done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30)
        assert done.returncode == 0, (name, done.stdout.decode(), done.stderr.decode())


def test_the_end_of_an_engine_is_counted_where_it_is_seen():
    with Cluster() as cluster:
        send_signal(cluster.engines()[0]["pid"], 11)
        until(lambda: cluster.counted("node-1", "coppice_worker_engine_restarts_total") == 1, "the restart")
        assert cluster.counted("node-1", "coppice_worker_engine_ends_total", cause="crash") == 1
        assert cluster.counted("gateway-1", "coppice_scheduler_verdict_changes_total", verdict="dead") == 1
        until(lambda: cluster.counted("node-1", "coppice_worker_engines", verdict="up") == 1, "the engine")


def test_a_refusal_is_counted_by_its_tenant_its_code_and_its_class():
    with Cluster() as cluster, Dealer(cluster.endpoint) as plain:
        assert plain.ask({**echo(1), "op": "generate", "class": "batch"}, b"abcd")[0]["error"]["code"] == "invalid"
        assert "error" not in plain.ask(echo(2), b"abcd")[0]
        counted = lambda name, **labels: cluster.counted("gateway-1", f"coppice_gateway_{name}", **labels)
        assert counted("refused_requests_total", **{"code": "invalid", "class": "batch"}) == 1
        assert counted("tenant_requests_total", tenant="anonymous", outcome="refused") == 1
        assert counted("tenant_requests_total", tenant="anonymous", outcome="completed") == 1
