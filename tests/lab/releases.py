"""Release archives for the hosts: of this tree, and of releases to come, which differ from it by a patch. Those are built where the
tree lies, in a layer over it that ends with its namespace, so that only what differs is compiled."""
from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import last_lines
from tests.lab.places import Places
from tests.lab.problem import Problem
from tests.lab.progress import say

PATCHES = Path(__file__).with_name("next_releases")
PROGRAMS = ("coppice", "coppice-gateway", "coppice-scheduler", "coppice-worker", "coppice-engine")
# Hosts are on this machine: it takes longer to pack well than to copy more.
PACK = "scripts/package --level 1 --dist"
LAYERED = """
set -eu
tree=$1 layer=$2 version=$3 patch=$4 dist=$5
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$layer/upper,workdir=$layer/work" "$tree"
cd "$tree"
sed -i "s/^\\(project(coppice VERSION \\)[0-9.]*/\\1$version/" CMakeLists.txt
[ -z "$patch" ] || patch -p1 -s --no-backup-if-mismatch -i "$patch"
cmake --build build/release --target PROGRAMS
""".replace("PROGRAMS", " ".join(PROGRAMS)) + f"{PACK} \"$dist\"\n"


@dataclass(frozen=True)
class Release:
    """patch: of tests/lab/next_releases; empty: it differs by its version alone."""

    version: str
    patch: str = ""


# A field more in a public, a link and a CAF message, and one less.
NEXT = Release("0.2.0", "wire.patch")
# Starts, and fails its self-test.
BROKEN = Release("0.3.0", "broken.patch")
# What an upgrade costs is seen without any change.
SAME = Release("0.1.1")


def this_version(repository: Path) -> str:
    return re.search(r"^project\(coppice VERSION ([0-9.]+)", (repository / "CMakeLists.txt").read_text(), re.M)[1]


def folder(places: Places) -> Path:
    """Beside the laboratory, so that they outlive it."""
    return places.cache / f"{places.name}-releases"


def ensure_release(places: Places, release: Release) -> Path:
    """@returns the folder with its archive and digest, which is made unless it is newer than this tree's programs."""
    dist, build = folder(places) / release.version, places.repository / "build/release"
    newest = max((build / "bin" / each).stat().st_mtime for each in PROGRAMS)
    if any(each.stat().st_mtime > newest for each in dist.glob("*.tar.gz")):
        return dist
    say(f"making the archive of release {release.version}")
    dist.mkdir(parents=True, exist_ok=True)
    if release.version == this_version(places.repository):
        make(release, ["sh", "-c", f"{PACK} '{dist}'"], places)
    else:
        make_layered(release, dist, places)
    return dist


def make_layered(release: Release, dist: Path, places: Places) -> None:
    with tempfile.TemporaryDirectory(dir=places.cache, prefix="layer-") as layer:
        for each in ("upper", "work"):
            Path(layer, each).mkdir()
        patch = PATCHES / release.patch if release.patch else ""
        words = [LAYERED, "layered", places.repository, layer, release.version, patch, dist]
        make(release, ["unshare", "--mount", "sh", "-c", *words], places)


def make(release: Release, command: list[object], places: Places) -> None:
    done = subprocess.run(list(map(str, command)), cwd=places.repository, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"release {release.version} cannot be made", last_lines(done.stdout + done.stderr, 15),
                      "mend the build, or the patch")
