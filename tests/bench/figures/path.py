"""What the path costs: echo against raw ZeroMQ, and a model that sleeps."""
from tests.bench.figures.measured import figure
from tests.bench.figures.programs import BENCH_MODELS, Cluster, bench, raw_echo


@figure("echo, 64 B, one in flight: p50 against a raw ZeroMQ echo", "times", at_most=3.0)
def lone_echo(rounds):
    with Cluster() as cluster:
        for _ in range(rounds):
            raw = raw_echo(64, 1)["p50_us"]
            ours = bench(cluster, "echo")["latency_us"]["p50"]
            yield ours / raw, {"raw, us": raw, "Coppice, us": ours}


@figure("echo, 64 B, 512 in flight through one shard, the client on the same cores", "requests/s", at_least=60_000)
def pipelined_echo(rounds):
    with Cluster() as cluster:
        for _ in range(rounds):
            yield bench(cluster, "echo", "--concurrency", 512)["requests_per_s"], {}


@figure("echo, 600 KiB: throughput against a raw ZeroMQ echo, 8 in flight", "of raw", at_least=0.6)
def large_echo(rounds):
    size = 600 * 1024
    with Cluster() as cluster:
        for _ in range(rounds):
            raw = raw_echo(size, 8)["requests_per_s"]
            ours = bench(cluster, "echo", "--bytes", size, "--concurrency", 8)["requests_per_s"]
            yield ours / raw, {"raw, 1/s": raw, "Coppice, 1/s": ours}


@figure("sleep 1 ms, 8 slots, half of capacity: p99 of Poisson against even arrivals", "times", at_most=1.5)
def poisson_against_even(rounds):
    with Cluster("--models", BENCH_MODELS, "--serve", "sleep_8") as cluster:
        capacity = bench(cluster, "sleep_8", "--concurrency", 64)["requests_per_s"]
        for _ in range(rounds):
            even = bench(cluster, "sleep_8", "--rate", capacity / 2, "--even")["latency_us"]["p99"]
            poisson = bench(cluster, "sleep_8", "--rate", capacity / 2)["latency_us"]["p99"]
            yield poisson / even, {"capacity, 1/s": capacity, "even p99, us": even, "Poisson p99, us": poisson}


@figure("a lone echo with a batching window of 2 ms: p50 against batching off", "times", at_most=1.1)
def lone_echo_with_window(rounds):
    with Cluster("--models", BENCH_MODELS, "--serve", "echo_batched") as cluster:
        for _ in range(rounds):
            off = bench(cluster, "echo")["latency_us"]["p50"]
            on = bench(cluster, "echo_batched")["latency_us"]["p50"]
            yield on / off, {"off, us": off, "on, us": on}
