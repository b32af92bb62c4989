"""What programs are made of: shared libraries by ldd, headers by the compiler's own lists."""
import re
import subprocess
from pathlib import Path


class NotFound(Exception):
    """A shared library that the loader does not find."""


def libraries(program: Path) -> dict[str, Path]:
    """Shared libraries that the loader takes for a program, by the name that it asks for."""
    text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    if missing := re.findall(r"^\s*(\S+) => not found", text, re.M):
        raise NotFound(f"{program}: {', '.join(missing)}")
    return {name: Path(path) for name, path in re.findall(r"^\s*(\S+) => (/\S+) \(", text, re.M)}


def is_program(path: Path) -> bool:
    """An executable or a shared library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def headers(build: Path, targets: list[str]) -> set[Path]:
    """Headers from outside the source tree that were compiled into those targets."""
    inputs = subprocess.run(["ninja", "-C", build, "-t", "inputs", *targets], check=True, capture_output=True, text=True)
    objects = {line for line in inputs.stdout.splitlines() if line.endswith(".o")}
    deps = subprocess.run(["ninja", "-C", build, "-t", "deps", *sorted(objects)], check=True, capture_output=True, text=True)
    return {Path(line.strip()) for line in deps.stdout.splitlines() if line.startswith("    /usr/")}
