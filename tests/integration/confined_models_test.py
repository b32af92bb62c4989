"""Models that are signed, and models that try to do more than compute."""
import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from coppice import Client, CoppiceError
from tests.support.cluster import BIN, PATIENCE_S, Cluster, send_signal, until

torch = pytest.importorskip("torch")

MODEL = """inputs:
  - {name: x, datatype: FP32, shape: [4]}
outputs:
  - {name: y, datatype: FP32, shape: [4]}
batchable: false
"""


class Reader(torch.nn.Module):
    """Answers with the first bytes of a file, as floats."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x[0] == 0):  # warm-up
            return x
        return torch.from_file(self.path, False, 4, dtype=torch.uint8).to(torch.float32)


class Writer(torch.nn.Module):
    """Writes its input into a file."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x[0] == 0):  # warm-up
            return x
        return torch.from_file(self.path, True, 4, dtype=torch.float32).copy_(x)


class Hoarder(torch.nn.Module):
    """Takes a gibibyte and writes to all of it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x[0] == 0):  # warm-up
            return x
        return torch.ones(1 << 28).sum().repeat(4)


def repository(folder, name, module):
    place = folder / "repository" / name / "1"
    place.mkdir(parents=True)
    (place.parent / "model.yml").write_text(MODEL)
    torch.jit.script(module).save(str(place / "model.pt"))
    return folder / "repository"


def ask(cluster, model):
    with Client(cluster.endpoint) as client:
        return client.infer(model, {"x": np.ones(4, np.float32)}, timeout=20).outputs["x" if model == "echo" else "y"].tolist()


def worker_config(folder, **keys):
    config = folder / "up.yml"
    config.write_text(json.dumps({"worker": keys}))
    return config


@pytest.mark.parametrize("sandbox, reads", [("off", True), ("required", False)])
def test_a_confined_model_reads_no_file_of_the_machine(tmp_path, sandbox, reads):
    secret = tmp_path / "secret"
    secret.write_bytes(b"key!" * 16)
    models = repository(tmp_path, "reader", Reader(str(secret)))
    with Cluster("--models", models, "--config", worker_config(tmp_path, sandbox=sandbox)) as cluster:
        if reads:
            assert bytes(map(int, ask(cluster, "reader"))) == b"key!"
            return
        with pytest.raises(CoppiceError) as failure:
            ask(cluster, "reader")
        assert failure.value.code == "model_error" and "secret" in str(failure.value)


@pytest.mark.parametrize("sandbox, writes", [("off", True), ("required", False)])
def test_a_confined_model_writes_no_file(tmp_path, sandbox, writes):
    target = tmp_path / "written"
    models = repository(tmp_path, "writer", Writer(str(target)))
    with Cluster("--models", models, "--config", worker_config(tmp_path, sandbox=sandbox)) as cluster:
        if writes:
            ask(cluster, "writer")
        else:
            with pytest.raises(CoppiceError):
                ask(cluster, "writer")
    assert target.exists() == writes


@pytest.mark.parametrize("limit, takes", [(0, True), (1024, False)])
def test_a_model_takes_no_more_memory_than_its_engine_may_and_the_engine_goes_on(tmp_path, limit, takes):
    models = repository(tmp_path, "hoarder", Hoarder())
    with Cluster("--models", models, "--builtins", "echo", "--config", worker_config(tmp_path, engine_memory_mib=limit)) as cluster:
        if takes:
            assert ask(cluster, "hoarder") == [float(1 << 28)] * 4
            return
        with pytest.raises(CoppiceError) as failure:
            ask(cluster, "hoarder")
        assert failure.value.code == "model_error" and "memory" in str(failure.value)
        assert ask(cluster, "echo") and cluster.engines()[0]["restarts"] == 0


def sign(*words):
    return subprocess.run([BIN / "coppice", "sign", *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S)


@pytest.fixture
def signed(tmp_path):
    """A signed repository with one model, and the file of the key that it is trusted by."""
    models = repository(tmp_path, "double", Doubler())
    assert sign("new", tmp_path / "store.key").returncode == 0
    assert sign("folder", models, "--key", tmp_path / "store.key").returncode == 0
    return models, tmp_path / "store.key.pub"


class Doubler(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


def test_a_signed_repository_is_served_and_its_paths_may_change_afterwards(signed, tmp_path):
    models, trusted = signed
    with Cluster("--models", models, "--config", worker_config(tmp_path, trusted_keys=[str(trusted)], sandbox="required")) as cluster:
        assert ask(cluster, "double") == [2.0] * 4
        # Another file at that path: the engine that comes next still gets the one that was verified.
        (models / "double/1/model.pt").unlink()
        (models / "double/1/model.pt").write_bytes(b"another")
        restart(cluster)
        assert ask(cluster, "double") == [2.0] * 4


def test_what_is_written_over_after_it_was_verified_is_not_loaded_again(signed, tmp_path):
    models, trusted = signed
    with Cluster("--models", models, "--config", worker_config(tmp_path, trusted_keys=[str(trusted)])) as cluster:
        assert ask(cluster, "double") == [2.0] * 4
        (models / "double/1/model.pt").write_bytes(b"another")  # in place
        send_signal(cluster.engines()[0]["pid"], signal.SIGKILL)

        until(lambda: "was changed after it was verified" in cluster.engines()[0]["last_reason"], "the reason in the status")
        assert cluster.engines()[0]["verdict"] != "up"


def restart(cluster):
    """Ends the engine, and waits for the next one."""
    first = cluster.engines()[0]["pid"]
    send_signal(first, signal.SIGKILL)
    until(lambda: (it := cluster.engines()[0]) and it["verdict"] in ("up", "probation") and it["pid"] not in (0, first), "the next engine")


@pytest.mark.parametrize("harm, wanted", [
    (lambda models: (models / "double/1/model.pt").write_bytes(b"altered"), "not what was signed"),
    (lambda models: (models / "double/model.yml").unlink(), "is not there"),
    (lambda models: (models / "manifest.sig").write_bytes(bytes(64)), "nobody who is trusted"),
    (lambda models: (models / "manifest.json").unlink(), "coppice sign folder")])
def test_what_is_altered_is_not_loaded(signed, tmp_path, harm, wanted):
    models, trusted = signed
    assert sign("verify", models, "--trust", trusted).returncode == 0
    harm(models)

    refused = sign("verify", models, "--trust", trusted)
    assert refused.returncode == 1 and wanted in refused.stderr
    config = tmp_path / "worker.yml"
    config.write_text(json.dumps({"schedulers": ["127.0.0.1:1"], "models": str(models), "trusted_keys": [str(trusted)]}))
    worker = subprocess.run([BIN / "coppice-worker", "--config", config], capture_output=True, text=True, timeout=PATIENCE_S)
    assert worker.returncode == 78 and wanted in worker.stderr, worker


def test_an_engine_may_be_another_user(tmp_path):
    import os
    import pwd
    if os.geteuid() != 0:
        pytest.skip("only root may start an engine as another user")
    nobody = pwd.getpwnam("nobody")
    with Cluster("--builtins", "echo", "--config",
                 worker_config(tmp_path, engine_user="nobody", sandbox="required", engine_memory_mib=2048, engine_tasks=256)) as cluster:
        with Client(cluster.endpoint) as client:
            client.infer("echo", {"x": np.arange(4)})
        pid = cluster.engines()[0]["pid"]
        status = Path(f"/proc/{pid}/status").read_text()
        assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}" in status
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
        assert "CapEff:\t0000000000000000" in status
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        assert next(each for each in limits if each.startswith("Max processes")).split()[2:4] == ["256"] * 2
        worker = cluster.pid("node-1")
        send_signal(worker, 9)
        end = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.01)
        assert not Path(f"/proc/{pid}").exists(), "it dies with its worker"
