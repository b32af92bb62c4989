"""What placement costs when its scheduler is far away."""
import contextlib
import json
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

from tests.bench.figures.measured import figure
from tests.bench.figures.programs import Cluster, bench
from tests.chaos.relay import Relay
from tests.support.cluster import BIN, until

# Each way: that of two machines some hundred kilometres apart.
LINK_S = 0.001


class Programs:
    """Programs of a cluster, started one by one; each is ready, or has failed, when `start` returns."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.running = []

    def start(self, role, config):
        file, ready = self.folder / f"{role}.yml", self.folder / f"{role}.json"
        file.write_text(json.dumps(config))
        process = subprocess.Popen([BIN / f"coppice-{role}", "--config", file, "--ready-file", ready], stderr=subprocess.DEVNULL)
        self.running.append(process)
        until(lambda: ready.exists() or process.poll() is not None, f"the {role} to be ready")
        return json.loads(ready.read_text())

    def stop(self):
        for each in reversed(self.running):
            each.terminate()
        for each in self.running:
            each.wait(60)


@contextlib.contextmanager
def far_scheduler():
    """A cluster whose gateway reaches its scheduler, another process, over a link that delays."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        programs = Programs(folder)
        stack.callback(programs.stop)
        scheduler = programs.start("scheduler", {"listen": "127.0.0.1:0"})["mesh"]
        link = Relay("tcp://" + scheduler)
        stack.callback(link.close)
        link.set_delay(LINK_S)
        gateway = programs.start("gateway", {"door": "tcp://127.0.0.1:*", "operator": f"ipc://{folder}/operator.sock",
                                             "schedulers": [link.endpoint.removeprefix("tcp://")]})
        programs.start("worker", {"schedulers": [scheduler], "builtins": ["echo"], "engines": [{"device": "cpu"}]})
        cluster = Path(folder) / "cluster.json"
        cluster.write_text(json.dumps({"gateways": [gateway["door"]]}))
        yield SimpleNamespace(ready_file=cluster)


@figure("echo, 64 in flight: its scheduler a process behind a link of 1 ms each way, against one in the gateway's process", "times",
        at_least=0.9)
def echo_with_far_scheduler(rounds):
    with Cluster() as near, far_scheduler() as far:
        bench(far, "echo", "--concurrency", 64)
        for _ in range(rounds):
            local, remote = (bench(each, "echo", "--concurrency", 64)["requests_per_s"] for each in (near, far))
            yield remote / local, {"in the gateway's process, 1/s": local, "behind the link, 1/s": remote}
