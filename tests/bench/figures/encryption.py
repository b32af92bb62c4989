"""What encryption costs between hosts (network namespaces): the door and links by CURVE, the mesh by TLS."""
import contextlib
import json
import subprocess
import tempfile
from pathlib import Path

from tests.bench.figures.measured import figure
from tests.bench.figures.programs import SECONDS, cpu_seconds
from tests.support.cluster import until
from tests.support.hosts import INSECURE, Authority, insecure_fleet, ip, locked_fleet, three_hosts


@contextlib.contextmanager
def both_fleets():
    """One without encryption, and one with it everywhere."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        fleets = []
        for kind, build in (("plain", insecure_fleet), ("locked", locked_fleet)):
            folder = Path(name, kind)
            folder.mkdir()
            fleets.append(build(stack.enter_context(three_hosts(folder)), folder))
        mine = ("--key-file", Path(name, "locked", "mine.key"))
        until(lambda: fleets[0].predict().returncode == 0 and fleets[1].predict(*mine).returncode == 0, "the first answers")
        yield lambda *words: (bench(fleets[0], *words), bench(fleets[1], *mine, *words))


def output(done):
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def bench(fleet, *words):
    return output(fleet.command("bench", "echo", "--json", "--duration", SECONDS, *words))


@figure("echo, 64 B, one in flight, across hosts: p50 with CURVE and TLS against without", "times", at_most=1.3)
def lone_echo_locked(rounds):
    with both_fleets() as both:
        for _ in range(rounds):
            plain, locked = (each["latency_us"]["p50"] for each in both())
            yield locked / plain, {"without, us": plain, "with, us": locked}


@figure("echo, 600 KiB, 8 in flight, across hosts: throughput with CURVE and TLS against without", "times")
def large_echo_locked(rounds):
    with both_fleets() as both:
        for _ in range(rounds):
            plain, locked = (each["requests_per_s"] for each in both("--bytes", 600 * 1024, "--concurrency", 8))
            yield locked / plain, {"without, 1/s": plain, "with, 1/s": locked}


@figure("echo, 64 B, 64 in flight, across hosts: throughput with CURVE and TLS against without", "times")
def many_echoes_locked(rounds):
    with both_fleets() as both:
        for _ in range(rounds):
            plain, locked = (each["requests_per_s"] for each in both("--concurrency", 64))
            yield locked / plain, {"without, 1/s": plain, "with, 1/s": locked}


class Tunnel:
    """WireGuard between two hosts, by wireguard-go, the one in user space: kernels of before 5.6 have no other."""

    def __init__(self, ends, folder):
        self.processes = []
        keys = [self._key() for _ in ends]
        for host, (secret, _), (_, other), far in zip(ends, keys, reversed(keys), reversed(ends)):
            device, secret_file = f"{host.name}-wg"[-15:], folder / f"{host.name}.wg"
            secret_file.write_text(secret)
            inside = ["ip", "netns", "exec", host.name]
            self.processes.append(subprocess.Popen([*inside, "wireguard-go", "-f", device], stdout=subprocess.DEVNULL,
                                                   stderr=subprocess.DEVNULL))
            until(lambda: subprocess.run([*inside, "wg", "show", device], capture_output=True).returncode == 0, "wireguard-go")
            subprocess.run([*inside, "wg", "set", device, "listen-port", "51820", "private-key", secret_file, "peer", other,
                            "allowed-ips", f"{self.address(far)}/32", "endpoint", f"{far.address}:51820"], check=True)
            ip("-n", host.name, "address", "add", f"{self.address(host)}/24", "dev", device)
            ip("-n", host.name, "link", "set", device, "mtu", "1420", "up")

    @staticmethod
    def _key():
        secret = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout
        return secret, subprocess.run(["wg", "pubkey"], input=secret, capture_output=True, text=True, check=True).stdout.strip()

    @staticmethod
    def address(host):
        return f"10.78.0.{host.number}"

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait(30)


class Mesh:
    """A scheduler on each of two hosts, one of them with certificates, and a tunnel from the third to the other."""

    def __init__(self, folder, stack):
        self.plain, self.locked, self.caller = stack.enter_context(three_hosts(folder))
        self.tunnel = Tunnel([self.plain, self.caller], folder)
        stack.callback(self.tunnel.close)
        authority = Authority(folder / "authority")
        self.plain.start("coppice-scheduler", f"listen: 0.0.0.0:4800\n{INSECURE}\n")
        self.locked.start("coppice-scheduler", f"listen: 0.0.0.0:4800\n{authority.mesh_of('scheduler')}\n")
        authority.mesh_of("caller")
        self.identity = [authority.folder / name for name in ("caller.pem", "caller.key", "ca.pem")]

    def calls(self, way, in_flight):
        """What `bench_mesh_calls` finds, and the processor time that a call takes at its far end and in the tunnel."""
        host = self.locked if way == "TLS" else self.plain
        address = self.tunnel.address(host) if way == "WireGuard" else host.address
        pids = [host.processes[0].pid, *([each.pid for each in self.tunnel.processes] if way == "WireGuard" else [])]
        before = sum(map(cpu_seconds, pids))
        found = output(subprocess.run(self.caller.command("bench_mesh_calls", f"{address}:4800", in_flight, SECONDS,
                                                          *(self.identity if way == "TLS" else [])), capture_output=True, text=True,
                                      timeout=60))
        return found | {"cpu_us": (sum(map(cpu_seconds, pids)) - before) / found["calls"] * 1e6}


def of_each_way(rounds, in_flight):
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        mesh = Mesh(Path(name), stack)
        for _ in range(rounds):
            yield {way: mesh.calls(way, in_flight) for way in ("plain", "TLS", "WireGuard")}


@figure("a call to a scheduler, one in flight, across hosts: p50 over TLS against wireguard-go", "times")
def lone_call(rounds):
    for found in of_each_way(rounds, 1):
        yield found["TLS"]["p50_us"] / found["WireGuard"]["p50_us"], {f"{way}, us": each["p50_us"] for way, each in found.items()}


@figure("calls to a scheduler, 64 in flight, across hosts: calls a second over TLS against wireguard-go", "times")
def many_calls(rounds):
    for found in of_each_way(rounds, 64):
        yield (found["TLS"]["calls_per_s"] / found["WireGuard"]["calls_per_s"],
               {f"{way}, 1/s": each["calls_per_s"] for way, each in found.items()} |
               {f"{way}, us of processors a call": each["cpu_us"] for way, each in found.items()})
