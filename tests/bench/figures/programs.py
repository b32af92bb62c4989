"""The programs that are measured, and where they run."""
import contextlib
import json
import os
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from tests.support.cluster import BIN, Cluster

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "models"
BENCH_MODELS = ROOT / "tests/bench/models"
SECONDS = float(os.environ.get("COPPICE_BENCH_SECONDS", "2"))
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# The engine, and the loop it is compared with, run on the last core; everything else on the first.
ENGINE_CORE = (os.cpu_count() or 2) - 1


def output_of(*command, cores=None):
    pinned = ["taskset", "-c", str(cores)] if cores is not None else []
    done = subprocess.run([*pinned, *map(str, command)], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def raw_echo(size, in_flight):
    return output_of(BIN / "bench_raw_zmq_echo", size, in_flight, SECONDS)


def bare_libtorch(models, name, version=1):
    """Rows a second of a loop on one thread, at its best batch size."""
    return output_of(BIN / "bench_bare_libtorch", models, name, version, SECONDS / 4,
                     cores=ENGINE_CORE)["best_rows_per_s"]


def bench(cluster, model, *options, cores=None, seconds=SECONDS):
    return output_of(BIN / "coppice", "bench", model, "--cluster", cluster.ready_file, "--json", "--duration", seconds,
                     *options, cores=cores)


@contextlib.contextmanager
def pinned_cluster(models, name):
    """A cluster on the first core whose engine is alone on the last one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0})
    try:
        with Cluster("--models", models, "--serve", name) as cluster:
            for thread in os.listdir(f"/proc/{cluster.engines()[0]['pid']}/task"):
                os.sched_setaffinity(int(thread), {ENGINE_CORE})
            yield cluster
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def unbatched(name):
    """A repository with one model, as it is but for `max_batch: 1`."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, name)
        made.mkdir()
        lines = (MODELS / name / "model.yml").read_text().splitlines()
        (made / "model.yml").write_text("\n".join(
            "max_batch: 1" if line.startswith("max_batch") else line for line in lines) + "\n")
        (made / "1").symlink_to(MODELS / name / "1")
        yield folder


def cpu_seconds(pid):
    numbers = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(numbers[11]) + int(numbers[12])) / CLOCK_TICKS


def thread_seconds(pid):
    """Processor time by thread."""
    spent = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        numbers = Path(f"/proc/{pid}/task/{thread}/stat").read_text().rsplit(")", 1)[1].split()
        spent[thread] = (int(numbers[11]) + int(numbers[12])) / CLOCK_TICKS
    return spent


def resident_mib(pid):
    line = next(each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def metric_sum(cluster, process, name):
    """The sum over all labels of a metric of one process."""
    page = urllib.request.urlopen(cluster.ready["metrics"][process] + "/metrics", timeout=10).read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith((name + "{", name + " ")))
