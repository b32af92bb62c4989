"""Schedulers die and freeze under load: no request notices, no node is taken for dead."""
import re
import signal
import time
import urllib.request

from tests.support.cluster import Cluster, Dealer, echo, send_signal, until


def keep_asking(client, total, disturb):
    """Keeps 16 echoes in flight, disturbs the cluster a third of the way, checks every answer.
    Returns the longest time without an answer, seconds."""
    sent = answered = 0
    longest, last = 0.0, time.monotonic()
    while answered < total:
        while sent < total and sent - answered < 16:
            client.send(echo(sent, b"%08d" % sent), b"%08d" % sent)
            sent += 1
        reply, frames = client.receive()
        assert "error" not in reply, reply
        assert frames == [b"%08d" % reply["id"]]
        answered += 1
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
        if answered == total // 3:
            disturb()
    return longest


def counted(cluster, process, name):
    page = urllib.request.urlopen(cluster.ready["metrics"][process]).read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.M))


def places(cluster, process):
    return counted(cluster, process, "coppice_scheduler_places_total")


def test_a_killed_scheduler_loses_no_request_whichever_is_home():
    with Cluster("--schedulers", 2, "--nodes", 2) as cluster, Dealer(cluster.endpoint) as client:
        for name in ("scheduler-1", "scheduler-2"):
            pid = cluster.pid(name)
            gap = keep_asking(client, 30_000, lambda: send_signal(pid, signal.SIGKILL))
            print(f"{name} killed: longest time without an answer {gap * 1000:.1f} ms")
            until(lambda: cluster.pid(name) != pid, "the restart")


def test_a_frozen_scheduler_is_passed_over_and_takes_nobody_for_dead_when_it_thaws():
    with Cluster("--schedulers", 2, "--nodes", 2) as cluster, Dealer(cluster.endpoint) as client:
        keep_asking(client, 2000, lambda: None)
        home = max(("scheduler-1", "scheduler-2"), key=lambda name: places(cluster, name))
        other = {"scheduler-1": "scheduler-2", "scheduler-2": "scheduler-1"}[home]
        before = places(cluster, other)

        gap = keep_asking(client, 30_000, lambda: send_signal(cluster.pid(home), signal.SIGSTOP))
        print(f"home frozen: longest time without an answer {gap * 1000:.1f} ms")
        assert places(cluster, other) > before
        assert counted(cluster, "gateway-1", "coppice_gateway_places_moved_total") > 0

        send_signal(cluster.pid(home), signal.SIGCONT)
        keep_asking(client, 2000, lambda: None)
        assert counted(cluster, home, "coppice_scheduler_nodes_silent_total") == 0
        assert counted(cluster, home, "coppice_scheduler_engines_lost_total") == 0
