"""The Python package against a real cluster."""
import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import coppice
from tests.support.cluster import Cluster, send_signal, until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster():
    with Cluster("--builtins", "echo,sleep,crash", "--nodes", 2) as running:
        yield running


@pytest.fixture
def client(cluster):
    with coppice.Client(cluster.endpoint) as made:
        yield made


def test_arrays_come_back_as_they_went(client):
    sent = {"f": np.arange(6, dtype=np.float32).reshape(2, 3), "i": np.array([-1, 2]), "flag": np.array(True),
            "text": np.array(["a", "bc"]), "large": np.zeros(1 << 20, np.uint8)}
    result = client.infer("echo", sent)
    assert result.model == "echo" and result.version == 1 and result.timing.attempts == 1
    assert (result["f"] == sent["f"]).all() and (result["i"] == sent["i"]).all() and result["flag"]
    assert result["text"].tolist() == [b"a", b"bc"] and result["large"].nbytes == 1 << 20


def test_a_thousand_in_flight_from_several_threads_each_get_their_own(client):
    def some(start):
        futures = {n: client.submit("echo", {"x": np.array([n])}) for n in range(start, start + 250)}
        for n, future in futures.items():
            assert future.result()["x"][0] == n
        done.append(start)

    done = []
    threads = [threading.Thread(target=some, args=(start,)) for start in range(0, 1000, 250)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(done) == 4


def test_asyncio_gathers_answers(cluster):
    async def main():
        async with coppice.AsyncClient(cluster.endpoint) as client:
            await client.ping()
            results = await asyncio.gather(*(client.infer("echo", {"x": np.array([n])}) for n in range(100)))
            return [int(result["x"][0]) for result in results], await client.models()

    values, models = asyncio.run(main())
    assert values == list(range(100))
    assert {"echo", "sleep"} <= {model.name for model in models}


def test_errors_are_exceptions_of_their_code(client):
    with pytest.raises(coppice.NotFound):
        client.infer("nope", {"x": [1]})
    with pytest.raises(coppice.InvalidRequest):
        client.infer("echo", {"x": [1]}, priority="royal")
    with pytest.raises(coppice.DeadlineExceeded):
        client.infer("sleep", parameters={"ms": 5000}, timeout=0.1)
    with pytest.raises(coppice.UnknownOutcome):
        client.infer("crash", at_most_once=True)


def test_cancelled_futures_leave_the_queue_of_the_cluster(client):
    futures = [client.submit("sleep", parameters={"ms": 1000}, timeout=600) for _ in range(400)]
    for future in futures:
        assert future.cancel()
    client.infer("sleep", parameters={"ms": 1}, timeout=60)  # behind all of them it would wait for minutes


def test_a_kill_of_an_engine_is_not_seen(client, cluster):
    victim = until(lambda: next((each for each in cluster.engines() if each["pid"]), None), "an engine that lives")
    futures = [client.submit("echo", {"x": np.array([n])}) for n in range(2000)]
    send_signal(victim["pid"], signal.SIGKILL)
    assert [int(future.result()["x"][0]) for future in futures] == list(range(2000))


def test_closing_ends_what_is_open(cluster):
    client = coppice.Client(cluster.endpoint)
    future = client.submit("sleep", parameters={"ms": 5000})
    client.close()
    client.close()
    with pytest.raises(coppice.Cancelled):
        future.result(10)
    with pytest.raises(coppice.Cancelled):
        client.infer("echo", {"x": [1]})


def test_without_a_gateway_the_deadline_says_so():
    with coppice.Client("tcp://127.0.0.1:1") as client, pytest.raises(coppice.DeadlineExceeded, match="gateway"):
        client.infer("echo", {"x": [1]}, timeout=0.2)


def test_a_bad_endpoint_is_refused_at_once():
    with pytest.raises(ValueError, match="tcp://host:port"):
        coppice.Client("nonsense")
    with pytest.raises(ValueError, match="COPPICE_ENDPOINT"):
        coppice.Client("")


def test_a_stopped_gateway_is_left_for_the_next():
    with Cluster("--gateways", 2, "--schedulers", 1) as cluster, coppice.Client(cluster.ready["gateways"]) as client:
        client.ping()
        stopped = cluster.pid("gateway-1")
        send_signal(stopped, signal.SIGSTOP)
        try:
            assert client.infer("echo", {"x": [1]}, timeout=30)["x"][0] == 1
        finally:
            send_signal(stopped, signal.SIGCONT)


def test_the_package_installs_and_carries_its_types(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target",
                    tmp_path / "site", ROOT / "client/python"], check=True)
    assert (tmp_path / "site/coppice/py.typed").exists()
    done = subprocess.run([sys.executable, "-c", "import coppice; print(coppice.__file__)"], capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")}, cwd=tmp_path)
    assert str(tmp_path) in done.stdout, done.stderr
