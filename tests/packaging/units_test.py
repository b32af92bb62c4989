"""The systemd units: systemd reads them without complaint, and finds little that they leave open."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ["COPPICE_BUILD"])
SERVICES = ("coppice-gateway", "coppice-scheduler", "coppice-worker")
# systemd's exposure, times ten: 0 is shut, 100 is open. The worker starts engines and reaches GPUs.
MOST_EXPOSED = {"coppice-gateway": 15, "coppice-scheduler": 15, "coppice-worker": 25}


def run(*command, **more):
    return subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The units as `cmake --install` puts them, naming the programs of the build."""
    prefix = tmp_path_factory.mktemp("units")
    (prefix / "bin").symlink_to(BUILD / "bin")
    done = run("cmake", "--install", BUILD, "--component", "units", "--prefix", prefix)
    assert done.returncode == 0, done.stdout
    return prefix


@pytest.fixture(scope="module")
def units(installed):
    return installed / "lib/systemd/system"


@pytest.fixture(scope="module")
def analyze():
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze (Debian package systemd)")
    return lambda *arguments: run("systemd-analyze", "--no-pager", *arguments)


def exposure(analyze, unit, threshold):
    return analyze("security", "--offline=true", f"--threshold={threshold}", unit)


def settings(unit):
    """What a unit sets, key by key; a key that is set several times has its values in order."""
    found = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.M):
        found.setdefault(key, []).append(value)
    return found


def test_systemd_understands_every_unit(analyze, units):
    files = sorted(units.iterdir())
    assert [file.name for file in files] == sorted([*(f"{name}.service" for name in SERVICES), "coppice.slice", "coppice.target"])
    done = analyze("verify", "--man=no", *files)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_misspelt_setting_would_be_found(analyze, units, tmp_path):
    broken = tmp_path / "coppice-gateway.service"
    broken.write_text((units / broken.name).read_text().replace("WatchdogSec", "WatchdogSeconds"))
    assert "WatchdogSeconds" in analyze("verify", "--man=no", broken).stdout


@pytest.mark.parametrize("name", SERVICES)
def test_little_is_open(analyze, units, name):
    done = exposure(analyze, units / f"{name}.service", MOST_EXPOSED[name])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_that_drops_its_filters_would_be_found(analyze, units, tmp_path, name):
    weak = tmp_path / f"{name}.service"
    weak.write_text(re.sub(r"^(SystemCallFilter|CapabilityBoundingSet)=.*\n", "", (units / weak.name).read_text(), flags=re.M))
    assert exposure(analyze, weak, MOST_EXPOSED[name]).returncode != 0


@pytest.mark.parametrize("name", SERVICES)
def test_no_installation_path_is_left_open(units, name):
    text = (units / f"{name}.service").read_text()
    assert "@" not in text.replace("@system-service", "").replace("@privileged", "").replace("@resources", "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_wrong_configuration_is_not_started_again(units, tmp_path, name):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("no_such_key: 1\n")
    status = run(BUILD / "bin" / name, "--config", wrong).returncode
    assert str(status) in settings(units / f"{name}.service")["RestartPreventExitStatus"][0].split()


def test_a_worker_whose_engines_are_all_given_up_is_started_again(units):
    found = settings(units / "coppice-worker.service")
    assert found["Restart"] == ["on-failure"] and "75" not in found["RestartPreventExitStatus"][0].split()


def test_the_service_user_is_declared(installed, units):
    users = (installed / "lib/sysusers.d/coppice.conf").read_text()
    assert all(re.search(rf"^u {settings(units / f'{name}.service')['User'][0]} ", users, re.M) for name in SERVICES)
