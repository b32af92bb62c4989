"""The image recipe, by the tools at hand: its last stage is carried out, command by command, in a bare Debian."""
import re

import pytest

from tests.packaging.bare_root import BareRoot, debian
from tests.packaging.unpacked import FIRST_ANSWER, ROOT, archive, unpack

RECIPE = (ROOT / "packaging/image/Containerfile").read_text()


def instructions():
    """Pairs of instruction and argument, continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", RECIPE, flags=re.M))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stage(name):
    found, inside = [], False
    for word, rest in instructions():
        if word == "FROM":
            inside = rest.endswith(f" AS {name}")
        elif inside:
            found.append((word, rest))
    assert found, f"the recipe has no stage {name}"
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The last stage, as an engine would build it from a Debian image."""
    root = BareRoot(tmp_path_factory.mktemp("image"), debian.minimal_packages())
    (root.path / "opt").mkdir(exist_ok=True)
    (root.path / "var/lib").mkdir(parents=True, exist_ok=True)
    for word, rest in stage("run"):
        if word == "RUN":
            done = root.run("sh", "-c", rest)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout}"
        elif word == "COPY":
            assert rest == "--from=build /opt/coppice /opt/coppice"
            unpack(root.path / "opt").rename(root.path / "opt/coppice")
    return root


def setting(word):
    return dict(stage("run"))[word]


def test_the_programs_of_its_build_stage_are_the_archives(tmp_path):
    built = next(rest for word, rest in stage("build") if word == "RUN" and "--target" in rest)
    assert set(built.split("--target")[1].split()) == {file.name for file in (unpack(tmp_path) / "bin").iterdir()}


def test_its_build_stage_unpacks_what_the_package_script_makes():
    pattern = re.search(r"tar -xzf dist/(\S+)", next(rest for word, rest in stage("build") if "scripts/package" in rest))[1]
    assert archive().match(pattern)


def test_it_names_no_architecture_and_no_registry():
    assert not re.search(r"amd64|x86|arm64|aarch64", re.sub(r"^#.*\n", "", RECIPE, flags=re.M))
    assert all(re.fullmatch(r"debian:12(-slim)? AS \w+", rest) for word, rest in instructions() if word == "FROM")


def test_it_runs_as_the_service_user_and_answers(image):
    user, path = setting("USER"), setting("ENV").removeprefix("PATH=")
    as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "env", f"PATH={path}", "sh", "-ec")
    told = image.run(*as_user, f"cd {setting('WORKDIR')} && id -un && touch here && coppice --version")
    assert told.returncode == 0 and told.stdout.startswith(f"{user}\ncoppice "), told.stdout
    done = image.run(*as_user, FIRST_ANSWER, "sh", "/opt/coppice", "")
    assert done.returncode == 0 and re.search(r"1(\.0)?, ?2(\.0)?, ?3(\.0)?", done.stdout), done.stdout
