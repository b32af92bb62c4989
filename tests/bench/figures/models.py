"""Real models against bare libtorch, overload, and what a request costs."""
from tests.bench.figures.measured import figure
from tests.bench.figures.programs import (BENCH_MODELS, MODELS, SECONDS, Cluster, bare_libtorch, bench, cpu_seconds, metric_sum,
                                          pinned_cluster, unbatched)


def against_bare(rounds, models, name, *options, seconds=SECONDS):
    """Requests of one row a second at 64 in flight, by the rows a second of the bare loop."""
    with pinned_cluster(models, name + ":1") as cluster:
        for _ in range(rounds):
            before = bare_libtorch(models, name)
            ours = bench(cluster, name, "--concurrency", 64, *options, cores=0, seconds=seconds)["requests_per_s"]
            bare = (before + bare_libtorch(models, name)) / 2  # the machine's speed drifts
            yield ours / bare, {"bare, 1/s": bare, "Coppice, 1/s": ours}


@figure("minilm, 64 tokens, 64 in flight: against bare libtorch on the same core", "of bare", at_least=0.95)
def minilm(rounds):
    yield from against_bare(rounds, MODELS, "minilm", "--dim", "input_ids=64", "--dim", "attention_mask=64",
                            seconds=10 * SECONDS)  # a batch of 32 takes half a second


@figure("ResNet-18's shape, 64 in flight: against bare libtorch on the same core", "of bare", at_least=0.95)
def resnet18(rounds):
    yield from against_bare(rounds, BENCH_MODELS, "resnet18", seconds=5 * SECONDS)


@figure("digits, 64 in flight: against bare libtorch on the same core", "of bare", at_least=0.40)
def digits(rounds):
    yield from against_bare(rounds, MODELS, "digits")


@figure("digits: dynamic batching (at most 64) against batch size 1, 64 in flight", "times")
def batching_gain(rounds):
    with unbatched("digits") as folder, Cluster("--models", folder) as single, \
            Cluster("--models", MODELS, "--serve", "digits:1") as batched:
        for _ in range(rounds):
            alone = bench(single, "digits", "--concurrency", 64)["requests_per_s"]
            together = bench(batched, "digits", "--concurrency", 64)["requests_per_s"]
            yield together / alone, {"batch 1, 1/s": alone, "batched, 1/s": together}


@figure("digits at 2 times capacity, deadline 10 times the unloaded p50: goodput", "of capacity", at_least=0.80)
def goodput_under_overload(rounds):
    with Cluster("--models", MODELS, "--serve", "digits:1") as cluster:
        for _ in range(rounds):
            p50_us = bench(cluster, "digits")["latency_us"]["p50"]
            capacity = bench(cluster, "digits", "--concurrency", 64)["requests_per_s"]
            deadline_ms = max(1, round(p50_us / 100))
            good = bench(cluster, "digits", "--rate", 2 * capacity, "--timeout-ms", deadline_ms)["requests_per_s"]
            yield good / capacity, {"capacity, 1/s": capacity, "good, 1/s": good, "deadline, ms": deadline_ms}


@figure("digits: processor time of gateway and engine outside forward, 64 in flight", "us a request", at_most=25)
def processor_time(rounds):
    with Cluster("--models", MODELS, "--serve", "digits:1") as cluster:
        pids = [cluster.pid("gateway-1"), cluster.engines()[0]["pid"]]

        def spent():
            return sum(map(cpu_seconds, pids)), metric_sum(cluster, "node-1", "coppice_engine_compute_seconds_sum"), \
                metric_sum(cluster, "node-1", "coppice_engine_completed_total")

        for _ in range(rounds):
            cpu, forward, done = spent()
            bench(cluster, "digits", "--concurrency", 64)
            last_report(cluster, done)
            now = spent()
            requests = now[2] - done
            outside = (now[0] - cpu) - (now[1] - forward)
            yield outside / requests * 1e6, {"forward, us a request": (now[1] - forward) / requests * 1e6}


def last_report(cluster, done):
    """Waits until two readings agree: the engine reports its load every so often."""
    import time
    before = done
    while True:
        time.sleep(0.5)
        after = metric_sum(cluster, "node-1", "coppice_engine_completed_total")
        if after == before > done:
            return
        before = after
