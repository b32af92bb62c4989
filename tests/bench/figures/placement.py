"""What placement costs when its scheduler is far away."""
import contextlib
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

from tests.bench.figures.measured import figure
from tests.bench.figures.programs import Cluster, bench
from tests.chaos.relay import Relay
from tests.support.by_hand import Servers

# Each way: that of two machines some hundred kilometres apart.
LINK_S = 0.001


@contextlib.contextmanager
def far_scheduler():
    """A cluster whose gateway reaches its scheduler, another process, over a link that delays."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        servers = stack.enter_context(Servers(folder))
        scheduler = servers.start("coppice-scheduler", "scheduler", listen="127.0.0.1:0")["mesh"]
        link = Relay("tcp://" + scheduler)
        stack.callback(link.close)
        link.set_delay(LINK_S)
        gateway = servers.start("coppice-gateway", "gateway", door="tcp://127.0.0.1:*", operator=f"ipc://{folder}/operator.sock",
                                schedulers=[link.endpoint.removeprefix("tcp://")])
        servers.start("coppice-worker", "worker", schedulers=[scheduler], builtins=["echo"], engines=[{"device": "cpu"}])
        cluster = folder / "cluster.json"
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
