"""Makes the release archive and, with --deb, Debian packages: see docs/packages.md."""
import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import bill_of_materials
import debian
import linked

COMPONENTS = ("gateway", "scheduler", "worker", "cli", "client", "units", "docs")
PROGRAMS = ("coppice", "coppice-engine", "coppice-gateway", "coppice-scheduler", "coppice-worker")
LIBRARIES = "lib/coppice"


def say(text: str) -> None:
    print(f"[package] {text}", flush=True)


def run(*command: str | Path, **more) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"package: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/package", description="Makes the release archive of a release build.")
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=Path, help="a finished build (default: build/release)")
    parser.add_argument("--dist", type=Path, help="where to put what is made (default: dist)")
    parser.add_argument("--deb", action="store_true", help="Debian packages too, one for each component")
    parser.add_argument("--level", type=int, default=6, help="of compression, 1 to 9 (default: 6)")
    parser.add_argument("--unit-prefix", default="/opt/coppice/current",
                        help="where the units expect the unpacked archive (default: /opt/coppice/current)")
    chosen = parser.parse_args()
    chosen.build = (chosen.build or chosen.source / "build/release").resolve()
    chosen.dist = (chosen.dist or chosen.source / "dist").resolve()
    return chosen


def told_by(program: Path) -> tuple[str, str]:
    """Version and revision."""
    text = run(program, "--version")
    return re.search(r"^\S+ (\S+)", text)[1], re.search(r"^revision +(\S+)", text, re.M)[1]


def install(chosen: argparse.Namespace, root: Path) -> None:
    for each in COMPONENTS:
        run("cmake", "--install", chosen.build, "--component", each, "--prefix", root,
            env={**os.environ, "COPPICE_UNIT_PREFIX": chosen.unit_prefix})


def bundle(root: Path) -> tuple[dict[str, list[Path]], set[str]]:
    """Copies the shared libraries that not every Debian system has beside the programs.
    Returns what was copied by package, and the packages that the host is to have."""
    needed: dict[str, Path] = {}
    for program in PROGRAMS:
        needed |= linked.libraries(root / "bin" / program)
    outside = {name: path for name, path in needed.items() if not path.is_relative_to(root)}
    owners = debian.owners([path.resolve() for path in outside.values()])
    minimal = debian.minimal_packages()
    copied: dict[str, list[Path]] = {}
    for name, path in outside.items():
        owner = owners.get(path.resolve())
        if owner is None:
            sys.exit(f"package: {path} is of no Debian package, so nobody can tell what it is. Build with the distribution's.")
        if owner not in minimal:
            copied.setdefault(owner, []).append(shutil.copy(path, root / LIBRARIES / name))
    return copied, {owner for owner in owners.values() if owner in minimal}


def strip(root: Path) -> None:
    for file in (root / "bin").iterdir():
        run("strip", "--strip-unneeded", file)
    for file in (root / LIBRARIES).iterdir():
        file.chmod(0o755)
        run("strip", "--strip-unneeded", file)


def torch_files(root: Path, copied: dict[str, list[Path]]) -> list[Path]:
    return [file for file in (root / LIBRARIES).iterdir() if file not in sum(copied.values(), [])]


def parts_of(chosen: argparse.Namespace, root: Path, copied: dict[str, list[Path]], host: set[str]) -> list[bill_of_materials.Part]:
    headers = debian.owners(sorted(linked.headers(chosen.build, list(PROGRAMS))))
    compiled = set(headers.values()) - set(copied) - host
    known = debian.packages({*copied, *host, *compiled})
    release = re.search(r"^VERSION_ID=\"?([^\"\n]+)", Path("/etc/os-release").read_text(), re.M)[1]
    parts = [bill_of_materials.debian_part(known[name], release, "inside", files) for name, files in copied.items()]
    parts += [bill_of_materials.debian_part(known[name], release, "host") for name in host]
    parts += [bill_of_materials.debian_part(known[name], release, "compiled") for name in compiled]
    if files := torch_files(root, copied):
        parts.append(bill_of_materials.python_part("torch", "inside", files))
    return parts


def add_licenses(root: Path, parts: list[bill_of_materials.Part]) -> None:
    """What is passed on goes with its terms."""
    folder = root / "share/doc/coppice/licenses"
    folder.mkdir(parents=True)
    for part in parts:
        if part.place == "host":
            continue
        if part.purl.startswith("pkg:pypi/"):
            for file in metadata.files(part.name) or []:
                if re.search(r"dist-info/.*(LICENSE|NOTICE)", str(file)):
                    shutil.copy(file.locate(), folder / f"{part.name}.{Path(file).name}")
        elif terms := debian.copyright_file(part.name):
            shutil.copy(terms, folder / part.name)


def write_sums(root: Path) -> None:
    files = sorted(file for file in root.rglob("*") if file.is_file() and file.name != "SHA256SUMS")
    (root / "SHA256SUMS").write_text("".join(f"{bill_of_materials.sha256(file)}  {file.relative_to(root)}\n" for file in files))


def write_archive(root: Path, file: Path, time: int, level: int) -> None:
    """The same content gives the same bytes."""
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = time
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry
    with file.open("wb") as raw, gzip.GzipFile("", "wb", level, raw, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for each in sorted([root, *root.rglob("*")]):
            tar.add(each, each.relative_to(root.parent), recursive=False, filter=plain)


def make_debs(chosen: argparse.Namespace) -> list[Path]:
    with tempfile.TemporaryDirectory() as folder:
        run("cpack", "--config", chosen.build / "CPackConfig.cmake", "-G", "DEB", "-B", folder)
        return [Path(shutil.copy(file, chosen.dist)) for file in sorted(Path(folder).glob("*.deb"))]


def main() -> None:
    chosen = options()
    if not (chosen.build / "bin/coppice-gateway").exists():
        sys.exit(f"package: {chosen.build} holds no finished build. Run: cmake --preset release && cmake --build build/release")
    version, revision = told_by(chosen.build / "bin/coppice-gateway")
    built = int(run("git", "-C", chosen.source, "log", "-1", "--format=%ct").strip())
    architecture = run("dpkg", "--print-architecture").strip()
    name = f"coppice-{version}-{architecture}"
    chosen.dist.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.dist) as folder:
        root = Path(folder) / name
        say(f"installing {', '.join(COMPONENTS)}")
        install(chosen, root)
        copied, host = bundle(root)
        say(f"taking along libraries of {len(copied)} packages; {len(host)} are of every Debian system")
        strip(root)
        parts = parts_of(chosen, root, copied, host)
        add_licenses(root, parts)
        moment = datetime.fromtimestamp(built, timezone.utc).isoformat().replace("+00:00", "Z")
        bill_of_materials.write(root / "share/coppice/bill_of_materials.cdx.json", root, version, revision, moment, parts)
        write_sums(root)
        say("packing")
        write_archive(root, chosen.dist / f"{name}.tar.gz", built, chosen.level)
    made = [chosen.dist / f"{name}.tar.gz"]
    if chosen.deb:
        say("making Debian packages")
        made += make_debs(chosen)
    (chosen.dist / "SHA256SUMS").write_text("".join(f"{bill_of_materials.sha256(file)}  {file.name}\n" for file in made))
    for file in made:
        say(f"{file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}  {file.stat().st_size / 1e6:.1f} MB")


main()
