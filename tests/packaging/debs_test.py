"""The Debian packages: they name what they need, and work on a system that has that and nothing else."""
import re
import subprocess

import pytest

from tests.packaging.bare_root import BareRoot, debian
from tests.packaging.unpacked import DIST, FIRST_ANSWER

NAMES = ("cli", "client", "docs", "gateway", "scheduler", "units", "worker")


def field(deb, name):
    return subprocess.run(["dpkg-deb", "--field", deb, name], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def debs():
    return {field(deb, "Package").removeprefix("coppice-"): deb for deb in DIST.glob("*.deb")}


@pytest.fixture(scope="module")
def installed(debs, tmp_path_factory):
    """A Debian with the packages, and with what they depend on."""
    needs = {re.split(r"[ (:]", each.strip())[0] for deb in debs.values() for each in field(deb, "Depends").split(",") if each.strip()}
    root = BareRoot(tmp_path_factory.mktemp("debs"),
                    debian.with_dependencies([*debian.minimal_packages(), *(name for name in needs if not name.startswith("coppice-"))]))
    # dpkg knows nothing of what the root folder holds already: it is told not to ask for it.
    (root.path / "var/lib/dpkg/updates").mkdir(parents=True, exist_ok=True)
    for name in ("status", "available"):
        (root.path / "var/lib/dpkg" / name).touch()
    done = subprocess.run(["dpkg", f"--root={root.path}", "--force-depends", "--install", *debs.values()],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return root


def test_there_is_one_for_each_component(debs):
    assert tuple(sorted(debs)) == NAMES


def test_they_depend_on_the_packages_of_the_libraries_that_they_link(debs):
    assert {"libzmq5", "libcaf-core0.17"} <= {re.split(r"[ (]", each.strip())[0] for each in field(debs["gateway"], "Depends").split(",")}
    assert "coppice-units" in field(debs["worker"], "Depends")
    assert "libcaf" not in field(debs["cli"], "Depends")


def test_units_name_the_programs_where_the_packages_put_them(installed):
    unit = (installed.path / "usr/lib/systemd/system/coppice-gateway.service").read_text()
    program = re.search(r"^ExecStart=(\S+)", unit, re.M)[1]
    assert (installed.path / program[1:]).is_file()


def test_the_units_make_their_user_when_they_are_installed(installed):
    assert re.search(r"^coppice:x:\d+:\d+:.*:/var/lib/coppice:/usr/sbin/nologin$", (installed.path / "etc/passwd").read_text(), re.M)


def test_a_cluster_answers(installed):
    done = installed.run("sh", "-ec", FIRST_ANSWER, "sh", "/usr", "", timeout=300)
    assert done.returncode == 0, done.stdout
    assert "/usr/lib/coppice/libtorch_cpu.so" in done.stdout
