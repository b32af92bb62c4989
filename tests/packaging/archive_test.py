"""The release archive: complete, tidy, and able to run where nothing else of its build is."""
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.packaging.bare_root import BareRoot, debian
from tests.packaging.unpacked import DIST, FIRST_ANSWER, PROGRAMS, ROOT, archive, make_model, unpack
from tests.support.cluster import BIN

import linked


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def bill(top):
    return json.loads((top / "share/coppice/bill_of_materials.cdx.json").read_text())


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Debian with its least packages, and a model that libtorch computes."""
    root = BareRoot(tmp_path_factory.mktemp("bare"), debian.minimal_packages())
    (root.path / "opt").mkdir(exist_ok=True)
    subprocess.run(["tar", "-xzf", archive(), "-C", root.path / "opt"], check=True)
    make_model(root.path / "models")
    return root


def run(*command, **more):
    return subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def programs_in(top):
    return [file for file in top.rglob("*") if linked.is_program(file)]


def test_every_digest_is_right_and_every_file_has_one(top):
    assert run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=top).returncode == 0
    assert run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=DIST).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (top / "SHA256SUMS").read_text().splitlines()}
    assert listed | {"SHA256SUMS"} == {str(file.relative_to(top)) for file in top.rglob("*") if file.is_file()}


def test_it_holds_programs_units_configurations_and_documents(top):
    assert {file.name for file in (top / "bin").iterdir()} == set(PROGRAMS)
    for file in ("share/coppice/systemd/coppice-gateway.service", "share/coppice/systemd/coppice.conf",
                 "share/coppice/config/worker.yml", "share/doc/coppice/operations.md", "include/coppice/client/client.hpp"):
        assert (top / file).is_file(), file


def test_units_expect_it_where_releases_are_put(top):
    unit = (top / "share/coppice/systemd/coppice-worker.service").read_text()
    assert "ExecStart=/opt/coppice/current/bin/coppice-worker " in unit


def paths_of_this_machine(file):
    """Places of the build that a file names. Of what others have made, their machine's home may be this one's too."""
    places = {ROOT, ROOT.resolve(), (ROOT / ".venv").resolve(), DIST.resolve()}
    if file.parent.name != "coppice":
        places.add(Path.home())
    data = file.read_bytes()
    return [str(place) for place in places if str(place).encode() + b"/" in data]


def test_it_names_no_path_of_the_machine_that_made_it(top):
    assert paths_of_this_machine(BIN / "coppice-engine"), "the build's engine finds libtorch by its path"
    for file in filter(lambda file: file.is_file(), top.rglob("*")):
        assert paths_of_this_machine(file) == [], file


def test_it_is_stripped(top):
    for file in programs_in(top):
        assert ".symtab" not in run("readelf", "--section-headers", "--wide", file).stdout, file


def test_every_library_is_found_inside_or_is_of_every_debian_system(top):
    outside = {}
    for file in (top / "bin").iterdir():
        outside |= {name: path for name, path in linked.libraries(file).items() if not path.is_relative_to(top)}
    owners = debian.owners([path.resolve() for path in outside.values()])
    assert set(owners.values()) <= debian.minimal_packages()
    assert len(owners) == len(outside)


def test_it_holds_no_library_that_nothing_needs(top):
    needed = set()
    for file in programs_in(top):
        needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", file).stdout))
    assert {file.name for file in (top / "lib/coppice").iterdir()} <= needed


def test_the_bill_of_materials_names_what_is_really_there(top, bill):
    parts = {part["name"]: part for part in bill["components"]}
    files = {file["name"]: file["hashes"][0]["content"] for part in bill["components"] for file in part.get("components", [])}
    assert set(files) == {str(file.relative_to(top)) for file in (top / "lib/coppice").iterdir()}
    sums = dict(reversed(line.split("  ", 1)) for line in (top / "SHA256SUMS").read_text().splitlines())
    assert all(sums[name] == digest for name, digest in files.items())
    for name, place in (("libzmq5", "inside"), ("libc6", "host"), ("libmsgpack-cxx-dev", "compiled"), ("torch", "inside")):
        assert {"name": "coppice:place", "value": place} in parts[name]["properties"], name
    version = run("dpkg-query", "--show", "--showformat=${Version}", "libzmq5").stdout
    assert parts["libzmq5"]["version"] == version


def test_the_bill_of_materials_is_as_cyclonedx_has_it(bill):
    schema = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-python-lib with its schemas is not installed")
    from cyclonedx.schema import SchemaVersion
    assert schema.JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(bill)) is None


def test_terms_go_with_what_is_passed_on(top, bill):
    terms = {file.name.split(".LICENSE")[0].split(".NOTICE")[0] for file in (top / "share/doc/coppice/licenses").iterdir()}
    assert {part["name"] for part in bill["components"] if part["properties"][0]["value"] == "inside"} <= terms


def test_a_cluster_answers_on_a_bare_debian(bare):
    """With neither the build nor its libraries in reach, and nothing installed but what every system has."""
    (top,) = (bare.path / "opt").glob("coppice-*")
    done = bare.run("sh", "-ec", FIRST_ANSWER, "sh", f"/opt/{top.name}", "/models", timeout=300)
    assert done.returncode == 0, done.stdout
    assert re.search(r"1(\.0)?, ?2(\.0)?, ?3(\.0)?", done.stdout) and re.search(r"2(\.0)?, ?4(\.0)?, ?6(\.0)?", done.stdout)
    assert f"/opt/{top.name}/lib/coppice/libtorch_cpu.so" in done.stdout
