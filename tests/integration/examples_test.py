"""Every example runs as its page says."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cluster import BIN, Cluster

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def endpoint():
    with Cluster() as cluster:
        yield cluster.endpoint


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, **options)


def test_req(endpoint):
    done = run(sys.executable, ROOT / "examples/req.py", endpoint)
    assert done.stdout == "echo:1 answered x = (1.0, 2.0, 3.0)\n", done.stderr


def test_dealer_with_a_thousand_in_flight(endpoint):
    done = run(sys.executable, ROOT / "examples/dealer_1000.py", endpoint, 5000)
    assert done.returncode == 0 and done.stdout.startswith("5000 answers, 0 errors"), done.stderr


def test_cpp_client(endpoint):
    done = run(BIN.parent / "consumer/build/consumer", endpoint)
    assert done.stdout == "echo: abcd\n", done.stderr


def test_the_custom_model_is_served_by_the_commands_of_its_page(tmp_path):
    page = (ROOT / "examples/custom_model/README.md").read_text()
    script = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.S))
    assert script.count("\n") >= 7
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "build/release").mkdir(parents=True)
    (tmp_path / "build/release/bin").symlink_to(BIN)
    done = run("bash", "-ecm", script, cwd=tmp_path)
    assert "similarity" in done.stdout and re.search(r"\b(1|1\.0|0\.99999\d*|1\.00000\d*)\b", done.stdout), done
    assert done.returncode == 0, done


README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.S), ids=["plain_zmq", "package"])
def test_the_python_of_the_readme_runs(endpoint, block):
    done = run(sys.executable, "-c", block.replace("tcp://127.0.0.1:5555", endpoint))
    assert done.returncode == 0 and done.stdout, done.stderr


def test_the_commands_of_the_readme_run():
    commands = re.findall(r"^    coppice (.*?)(?:  +#.*)?$", README, re.M)
    assert len(commands) == 5 and commands.pop(0) == "up --nodes 2 --ready-file cluster.json"
    with Cluster("--nodes", 2) as cluster:
        for each in commands:
            words = each.replace("cluster.json", str(cluster.ready_file)).split()
            done = run(BIN / "coppice", *words, *(["--duration", "0.2"] if words[0] == "bench" else []))
            assert done.returncode == 0 and done.stdout, (each, done.stderr)
