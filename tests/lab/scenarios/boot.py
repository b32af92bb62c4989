"""The laboratory itself: what every other scenario takes for granted of hosts and faults."""
from __future__ import annotations

import subprocess

from tests.lab.lab import Lab
from tests.lab.problem import Problem
from tests.lab.scenario import Report, scenario

# Tells which of the addresses answer; those that do not take it 1.5 s together.
CONNECT = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def answers(address):
    try:
        socket.create_connection((address, 22), 1.5).close()
    except OSError:
        return False
    return True
with ThreadPoolExecutor(len(sys.argv)) as threads:
    print(*(address for address, came in zip(sys.argv[1:], threads.map(answers, sys.argv[1:])) if came))
"""
# Tells when it listens; succeeds if a datagram comes.
HEAR = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 7)); s.settimeout(3); print('listens', flush=True); s.recv(9)"
SPEAK = """
import socket, sys, time
s = socket.socket(type=socket.SOCK_DGRAM)
for _ in range(5):
    s.sendto(b"word", (sys.argv[1], 7))
    time.sleep(0.1)
"""
# Holds a connection to sshd: tells when it is there, then whether it ends within 3 s. Silence is no end.
HOLD = """
import socket, sys
s = socket.create_connection((sys.argv[1], 22), 3)
s.recv(99)
print("connected", flush=True)
try:
    print("ended" if s.recv(99) == b"" else "answered")
except TimeoutError:
    print("silent")
except OSError:
    print("ended")
"""
# Really written to, so that it counts.
TAKE_MEMORY = "import sys; len(b'x' * (int(sys.argv[1]) << 20))"
LIMIT_MIB, TAKEN_MIB = 128, 512


def reached(lab: Lab, source: str) -> set[str]:
    """All others that it reaches by TCP."""
    others = {lab.address(each): each for each in lab.machines if each != source}
    return {others[each] for each in lab.run(source, "python3", "-c", CONNECT, *others).split()}


def all_reach_all(lab: Lab, without: str = "") -> bool:
    """Every host but that one reaches every other but that one."""
    hosts = set(lab.machines) - {without}
    return all(reached(lab, each) == hosts - {each} for each in hosts)


def listening(lab: Lab, host: str, *program: str) -> subprocess.Popen:
    """Returns when it has said its first line."""
    process = subprocess.Popen(lab.ssh(host, "python3", "-c", *program), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline(), f"the program on {host} did not begin"
    return process


def hears(lab: Lab, sink: str, source: str) -> bool:
    """Whether a datagram arrives, for which the other way is not needed."""
    process = listening(lab, sink, HEAR)
    lab.run(source, "python3", "-c", SPEAK, lab.address(sink))
    process.communicate()
    return process.returncode == 0


@scenario("gateway-1", "worker-1", "client-1")
def boot(lab: Lab, report: Report) -> None:
    """hosts boot, reach one another; cuts cut and heal; power off is silent; a disk stays, or is made anew; memory is limited"""
    with report.step("every host runs its systemd and has a name, an id and a key of its own"):
        hosts_are_their_own(lab)
    with report.step("every host reaches every other"):
        assert all_reach_all(lab)
    with report.step("a cut both ways cuts one host off, and heals"):
        cut_cuts_one_host(lab)
    with report.step("a cut one way leaves the other way"):
        one_way_is_one_way(lab)
    with report.step("a cut from one peer leaves the others"):
        a_pair_is_a_pair(lab)
    with report.step("power off ends no connection, and power on boots from the same disk"):
        power_off_is_silent(lab)
    with report.step("a host that is made anew has nothing of before"):
        a_disk_is_made_anew(lab)
    memory_is_limited(lab, report)


def hosts_are_their_own(lab: Lab) -> None:
    files = ("/proc/1/comm", "/etc/hostname", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub")
    told = {host: lab.run(host, "sh", "-c", f"hostname; cat {' '.join(files)}").splitlines() for host in lab.machines}
    for host, (name, first_process, written, *_) in told.items():
        assert (name, first_process, written) == (host, "systemd", host)
        assert lab.system_state(host) == "running", host
    for ids in zip(*(own for _, _, _, *own in told.values())):
        assert len(set(ids)) == len(lab.machines), ids


def cut_cuts_one_host(lab: Lab) -> None:
    lab.faults.cut("worker-1")
    assert reached(lab, "worker-1") == set()
    assert all_reach_all(lab, without="worker-1")
    lab.faults.heal("worker-1")
    assert all_reach_all(lab)


def one_way_is_one_way(lab: Lab) -> None:
    for direction, heard in (("from", ("worker-1", "client-1")), ("to", ("client-1", "worker-1"))):
        lab.faults.cut_one_way("worker-1", direction)
        assert hears(lab, *heard), f"what is not cut {direction} worker-1 does not arrive"
        assert not hears(lab, *reversed(heard)), f"what is cut {direction} worker-1 arrives"
        lab.faults.heal("worker-1")
        assert hears(lab, *reversed(heard)), f"what was cut {direction} worker-1 does not arrive again"


def a_pair_is_a_pair(lab: Lab) -> None:
    others = set(lab.machines) - {"worker-1"}
    lab.faults.cut("worker-1", peers=["gateway-1"])
    assert reached(lab, "worker-1") == others - {"gateway-1"}
    assert "worker-1" not in reached(lab, "gateway-1")
    lab.faults.heal("worker-1")
    assert reached(lab, "worker-1") == others


def power_off_is_silent(lab: Lab) -> None:
    lab.run("worker-1", "touch", "/var/lib/on-disk", "/run/in-memory")
    connection = listening(lab, "client-1", HOLD, lab.address("worker-1"))
    lab.faults.power_off("worker-1")
    assert connection.communicate()[0].strip() == "silent"
    assert "worker-1" not in reached(lab, "client-1")
    lab.faults.power_on("worker-1")
    assert lab.succeeds("worker-1", "test", "-e", "/var/lib/on-disk")
    assert not lab.succeeds("worker-1", "test", "-e", "/run/in-memory")
    assert all_reach_all(lab)


def a_disk_is_made_anew(lab: Lab) -> None:
    key = lab.run("worker-1", "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    lab.reinstall("worker-1")
    assert not lab.succeeds("worker-1", "test", "-e", "/var/lib/on-disk")
    assert lab.run("worker-1", "cat", "/etc/ssh/ssh_host_ed25519_key.pub") != key


def memory_is_limited(lab: Lab, report: Report) -> None:
    try:
        lab.faults.limit_memory("worker-1", LIMIT_MIB << 20)
    except Problem as problem:
        report.cannot_show("memory is limited from outside", problem.why)
        return
    with report.step(f"what takes {TAKEN_MIB} MiB in a host of {LIMIT_MIB} is killed, and lives when the limit is lifted"):
        take = ("worker-1", "python3", "-c", TAKE_MEMORY, TAKEN_MIB)
        assert not lab.succeeds(*take)
        lab.faults.limit_memory("worker-1", None)
        assert lab.succeeds(*take)
        assert lab.system_state("worker-1") == "running"
