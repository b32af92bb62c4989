"""`coppice doctor` on this machine, with configurations that are right and wrong."""
import json
import re
import shutil
import socket
import subprocess

import pytest

from tests.support.cluster import BIN, PATIENCE_S
from tests.support.by_hand import Servers

CONFIGS = BIN.parents[2] / "packaging/config"


def doctor(folder, *arguments, program=BIN / "coppice"):
    return subprocess.run([program, "doctor", "--config-folder", folder, *arguments],
                          capture_output=True, text=True, timeout=PATIENCE_S)


def findings(folder, subject, **more):
    done = doctor(folder, "--json", **more)
    found = json.loads(done.stdout)["findings"]
    assert done.returncode == (1 if any(each["level"] == "problem" for each in found) else 0)
    return [each for each in found if each["subject"] == subject]


def write_gateway(folder, door, **keys):
    (folder / "gateway.yml").write_text(json.dumps(
        {"door": door, "embedded_scheduler": {"listen": "127.0.0.1:0"}, **keys}))


def test_every_program_beside_it_is_asked_for_its_build(tmp_path):
    told = findings(tmp_path, "programs")
    assert [re.match(r"coppice-\w+", each["text"])[0] for each in told] == [
        "coppice-gateway", "coppice-scheduler", "coppice-worker", "coppice-engine"]
    assert all(each["level"] == "good" for each in told)


def test_a_program_that_does_not_start_is_a_problem(tmp_path):
    shutil.copy(BIN / "coppice", tmp_path)
    broken = tmp_path / "coppice-worker"
    broken.write_text("#!/bin/sh\necho cannot open shared object file: libzmq.so.5 >&2\nexit 127\n")
    broken.chmod(0o755)
    (told,) = findings(tmp_path, "programs", program=tmp_path / "coppice")
    assert told["level"] == "problem" and "libzmq.so.5" in told["text"] and told["remedy"]


def test_a_wrong_configuration_is_a_problem_with_file_line_and_remedy(tmp_path):
    (tmp_path / "gateway.yml").write_text("name: g\ndoor: [1]\n")
    (told,) = findings(tmp_path, "configuration")
    assert told["level"] == "problem" and "gateway.yml:2" in told["text"] and told["remedy"]
    assert doctor(tmp_path).returncode == 1


def test_a_port_of_another_program_is_a_problem_and_a_free_one_is_good(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        write_gateway(tmp_path, f"tcp://127.0.0.1:{port}")
        (taken,) = findings(tmp_path, "ports")
        assert taken["level"] == "problem" and "python" in taken["text"]
    (free,) = findings(tmp_path, "ports")
    assert free["level"] == "good" and free["text"].endswith("is free.")


def test_a_port_of_a_gateway_that_runs_is_good(tmp_path):
    with Servers(tmp_path) as servers:
        ready = servers.start("coppice-gateway", "running", door="tcp://127.0.0.1:0",
                              embedded_scheduler={"listen": "127.0.0.1:0"})
        write_gateway(tmp_path, ready["door"])
        (told,) = findings(tmp_path, "ports")
        assert told["level"] == "good" and "in use by coppice-gateway" in told["text"]


def test_a_secret_that_others_may_read_is_a_problem(tmp_path):
    users = tmp_path / "users.yml"
    users.write_text("ann: {password: secret}\n")
    users.chmod(0o644)
    write_gateway(tmp_path, "tcp://127.0.0.1:0", users_file="users.yml")
    told = findings(tmp_path, "secrets")
    assert [each["level"] for each in told if "users.yml" in each["text"]] == ["problem"]
    users.chmod(0o600)
    told = findings(tmp_path, "secrets")
    assert [each["level"] for each in told if "users.yml" in each["text"]] == ["good"]


def test_an_engine_for_a_device_that_is_not_there_is_a_problem(tmp_path):
    (tmp_path / "worker.yml").write_text('schedulers: ["127.0.0.1:4800"]\nengines: [{device: "cuda:99"}]\n')
    assert any(each["level"] == "problem" and "cuda:99" in each["text"] for each in findings(tmp_path, "devices"))


@pytest.mark.parametrize("name", ["gateway", "scheduler", "worker"])
def test_the_configurations_that_are_delivered_do(name):
    done = subprocess.run([BIN / f"coppice-{name}", "--check-config", "--config", CONFIGS / f"{name}.yml"],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["gateway", "scheduler", "worker"])
def test_a_check_of_a_wrong_configuration_exits_with_78(tmp_path, name):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("log: loud\n")
    done = subprocess.run([BIN / f"coppice-{name}", "--check-config", "--config", wrong], capture_output=True, text=True)
    assert done.returncode == 78 and "wrong.yml:1" in done.stderr


def test_text_and_json_say_the_same(tmp_path):
    text, found = doctor(tmp_path).stdout, json.loads(doctor(tmp_path, "--json").stdout)["findings"]
    for each in found:
        if each["subject"] not in ("disk", "clock"):  # they change
            assert re.search(rf"^{each['level']} +{each['subject']} +{re.escape(each['text'])}$", text, re.M), each
