"""Start, memory, build."""
import os
import shutil
import subprocess
import time

from tests.bench.figures.measured import figure
from tests.bench.figures.programs import MODELS, ROOT, Cluster, resident_mib
from tests.support import zmtp
from tests.support.cluster import Dealer


@figure("first answer after `coppice up` with a TorchScript model", "s", at_most=2.0)
def first_answer(rounds):
    header = {"v": 1, "op": "infer", "id": 1, "model": "digits", "version": 1,
              "inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "frame": 0}]}
    for _ in range(rounds):
        begin = time.monotonic()
        with Cluster("--models", MODELS, "--serve", "digits:1") as cluster, Dealer(cluster.endpoint) as client:
            reply, _ = client.ask(header, bytes(256))
            assert "error" not in reply, reply
            yield time.monotonic() - begin, {}


@figure("resident memory of an idle gateway", "MiB", at_most=40)
def idle_gateway(rounds):
    for _ in range(rounds):
        with Cluster() as cluster:
            yield resident_mib(cluster.pid("gateway-1")), {}


@figure("resident memory of a gateway with 10,000 idle clients", "MiB", at_most=400)
def gateway_with_idle_clients(rounds):
    for _ in range(rounds):
        with Cluster() as cluster:
            wires = [zmtp.connect(cluster.endpoint) for _ in range(10_000)]
            yield resident_mib(cluster.pid("gateway-1")), {}
            for wire in wires:
                wire.close()


@figure("full build from nothing, without a compiler cache", "min", at_most=15)
def full_build(_):
    """Once: it takes minutes, and noise does not matter beside its bar."""
    folder = ROOT / "build/bench_full"
    shutil.rmtree(folder, ignore_errors=True)
    begin = time.monotonic()
    for command in (["cmake", "--preset", "release", "-B", folder], ["cmake", "--build", folder]):
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "CCACHE_DISABLE": "1"})
    yield (time.monotonic() - begin) / 60, {}
    shutil.rmtree(folder)
