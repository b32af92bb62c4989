"""Streams on a real cluster, as long as they may be, whose engine or gateway is killed late."""
import signal

import coppice
from tests.support.cluster import Cluster, send_signal, until

LONGEST = 100_000
# Twice, so that whichever of the two processes has the stream dies under it.
LATE = (90_000, 95_000)
MASK, GAMMA = 2**64 - 1, 0x9E3779B97F4A7C15


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def right_tokens(prompt, seed, count):
    """What the model `count` must say, by docs/models.md."""
    key = mix(seed + GAMMA & MASK)
    for token in prompt:
        key = mix((key ^ token) + GAMMA & MASK)
    return [(mix(key + (i + 1) * GAMMA & MASK) >> 32) * 32000 >> 32 for i in range(count)]


def read_while(client, kills):
    """Reads the longest stream; before the token of each place of LATE it does the next of `kills`."""
    got, due = [], dict(zip(LATE, kills))
    with client.generate("count", [1, 2, 3], parameters={"max_tokens": LONGEST, "seed": 7, "step_us": 20},
                         timeout=120) as stream:
        for token in stream:
            got.append(token)
            if len(got) in due:
                due[len(got)]()
        return got, stream.result


def test_the_longest_stream_outlives_its_engine_killed_late():
    with Cluster("--builtins", "count", "--nodes", 2) as cluster, coppice.Client(cluster.endpoint) as client:
        victims = [engine["pid"] for engine in cluster.engines()]
        got, result = read_while(client, [lambda pid=pid: send_signal(pid, signal.SIGKILL) for pid in victims])
        assert got == right_tokens([1, 2, 3], 7, LONGEST)
        assert result.timing.attempts > 1


def test_the_longest_stream_outlives_its_gateway_killed_late():
    with Cluster("--builtins", "count", "--gateways", 2, "--schedulers", 1) as cluster, \
            coppice.Client(cluster.ready["gateways"]) as client:
        before = {name: cluster.pid(name) for name in ("gateway-1", "gateway-2")}

        def kill(name):
            if name == "gateway-2":
                until(lambda: cluster.pid("gateway-1") != before["gateway-1"], "the first gateway to be back")
            send_signal(before[name], signal.SIGKILL)

        got, _ = read_while(client, [lambda: kill("gateway-1"), lambda: kill("gateway-2")])
        assert got == right_tokens([1, 2, 3], 7, LONGEST)
