"""The units of the archive under a real systemd, in a Debian that is booted for it: ready, alive, drained, confined."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.bare_root import BareRoot, debian
from tests.packaging.unpacked import make_model, unpack

HERE = Path(__file__).parent
SYSTEM = ("systemd", "systemd-sysv")
PROBE = """[Service]
Type=oneshot
ExecStart=/bin/sh /booted.sh
StandardOutput=append:/told
StandardError=append:/told
TimeoutStartSec=300
ExecStopPost=-/bin/systemctl --no-block poweroff
"""


def link(file, target):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


def install(root):
    """What whoever rolls a release out does: unpack, link, units, configurations."""
    releases = root / "opt/coppice/releases"
    releases.mkdir(parents=True)
    top = unpack(releases)
    link(root / "opt/coppice/current", f"releases/{top.name}")
    system = root / "etc/systemd/system"
    system.mkdir(parents=True, exist_ok=True)
    for unit in (top / "share/coppice/systemd").glob("coppice*.*"):
        if unit.suffix != ".conf":
            shutil.copy(unit, system)
    shutil.copy(top / "share/coppice/systemd/coppice.conf", root / "usr/lib/sysusers.d")
    shutil.copytree(top / "share/coppice/config", root / "etc/coppice")
    worker = root / "etc/coppice/worker.yml"
    worker.write_text(worker.read_text().replace("builtins: [echo]", "builtins: [echo, sleep]").replace("# models:", "models:"))
    make_model(root / "var/lib/coppice/models")
    # The limits of a test: a watchdog that bites soon, and starts that nobody counts.
    for name, lines in (("gateway", "WatchdogSec=2"), ("worker", "")):
        folder = system / f"coppice-{name}.service.d"
        folder.mkdir()
        (folder / "test.conf").write_text(f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n{lines}\n")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the probe wrote, part by part."""
    if not shutil.which("systemd-nspawn"):
        pytest.skip("no systemd-nspawn (Debian package systemd-container)")
    root = BareRoot(tmp_path_factory.mktemp("booted"), debian.with_dependencies([*debian.minimal_packages(), *SYSTEM])).path
    install(root)
    (root / "etc/machine-id").touch()
    shutil.copy(HERE / "booted.sh", root)
    probe = root / "etc/systemd/system/probe.service"
    probe.write_text(PROBE)
    log = root / "boot.log"
    with log.open("w") as out:
        booted = subprocess.run(["systemd-nspawn", f"--directory={root}", "--boot", "--register=no", "--keep-unit", "--private-network",
                                 "--link-journal=no", "--resolv-conf=off", "--", "--unit=probe.service"],
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=400)
    if not (root / "told").exists():
        text = log.read_text(errors="replace")
        if booted.returncode != 0 and re.search(r"Operation not permitted|not supported|Failed to mount", text):
            pytest.skip(f"no right to boot a system here: {text[-200:]}")
        pytest.fail(text[-3000:])
    text = (root / "told").read_text()
    parts = dict(part.split("\n", 1) for part in text.split("== ")[1:])
    assert "end" in parts, text + (root / "journal").read_text()[-4000:]
    return {name: lines.splitlines() for name, lines in parts.items()}


def number(lines, key):
    return int(next(line.split()[1] for line in lines if line.startswith(key + ":")), 16)


def test_gateway_and_worker_are_ready_when_systemd_says_so(told):
    assert told["start"] == ["active", "active"]


def test_systemd_shows_what_they_do(told):
    gateway, worker, *_ = told["status"]
    assert gateway.startswith("serving 3 models"), gateway
    assert worker == "1 of 1 engine up, 0 rows in flight"


def test_the_operator_door_is_its_users_alone(told):
    (door,) = [line for line in told["status"] if line.endswith("operator.sock")]
    assert re.match(r"srw-------\S* \d+ coppice coppice", door), door


def test_a_request_is_answered(told):
    assert "[1.0,2.0,3.0]" in told["answer"], told["answer"]


def test_libtorch_computes_in_what_the_worker_may_do(told):
    assert "[2.0,4.0,6.0]" in told["answer"], told["answer"]


@pytest.mark.parametrize("part", ["gateway", "worker", "engine"])
def test_a_process_is_confined(told, part):
    lines = told[part]
    assert int(lines[0].split()[1]) != 0
    assert number(lines, "NoNewPrivs") == 1 and number(lines, "Seccomp") == 2


def test_only_the_worker_has_capabilities_and_only_those_to_start_engines(told):
    setuid, setgid, kill = 1 << 7, 1 << 6, 1 << 5
    assert number(told["gateway"], "CapEff") == 0
    assert number(told["worker"], "CapEff") == setuid | setgid | kill
    assert number(told["engine"], "CapEff") == 0 and number(told["engine"], "CapAmb") == 0


def test_a_gateway_that_stands_still_is_killed_and_comes_back(told):
    restarts, why, *answer = told["watchdog"]
    assert restarts == "1" and why == "Watchdog timeout" and "[4.0,5.0]" in answer


def test_a_worker_that_is_stopped_finishes_what_it_runs(told):
    assert told["drain"][-3:] == ["success", "0", "answered"], told["drain"]


def test_a_worker_that_gave_up_all_its_engines_is_started_again(told):
    assert told["given_up"] == ["status=75/TEMPFAIL"]


def test_a_wrong_configuration_is_not_tried_again(told):
    assert told["wrong"][-3:] == ["78", "0", "failed"]


def test_a_gateway_reads_its_credentials_where_they_exist(told):
    state, owner, *files = told["credentials"]
    assert state == "active"
    assert re.match(r"(400 coppice|440 root root)", owner), owner
    assert [line.split()[-1] for line in files if line.endswith((".yml", ".key", ".crt"))] == ["users.yml"]


def test_stopping_the_target_stops_everything(told):
    assert told["stop"][0] == "inactive" and not any(line.endswith(".json") for line in told["stop"])
