"""What dpkg knows of this machine: which package a file is of, and what every Debian system has."""
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# A minimal installation has the essential packages and apt, with what they depend on.
MINIMAL_BESIDE_ESSENTIAL = ("apt",)


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str
    source: str


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def query(field: str, *names: str) -> dict[str, str]:
    """That field of installed packages, by package."""
    text = output("dpkg-query", "--show", "--showformat=${db:Status-Status}\t${Package}\t" + field + "\n", *names)
    rows = (line.split("\t", 2) for line in text.splitlines() if line)
    return {row[1]: row[2] for row in rows if row[0] == "installed"}


def names_in(relation: str) -> list[list[str]]:
    """What a dependency field asks for: of each inner list one is enough."""
    groups = [[re.sub(r"[ (:].*", "", each.strip()) for each in group.split("|")] for group in relation.split(",")]
    return [[name for name in group if name] for group in groups]


def with_dependencies(names: Iterable[str]) -> set[str]:
    """Those packages and all that they depend on, as far as this machine has them."""
    depends = query("${Pre-Depends}, ${Depends}")
    provided = {each: name for name, told in query("${Provides}").items() for group in names_in(told) for each in group}
    todo, found = list(names), set()
    while todo:
        name = todo.pop()
        name = name if name in depends else provided.get(name, "")
        if name in found or name not in depends:
            continue
        found.add(name)
        for group in names_in(depends[name]):
            todo += [each for each in group if each in depends or each in provided][:1]
    return found


def minimal_packages() -> set[str]:
    """Packages that even a minimal Debian system has."""
    essential = [name for name, told in query("${Essential}").items() if told == "yes"]
    return with_dependencies([*essential, *MINIMAL_BESIDE_ESSENTIAL])


def forms(path: Path) -> list[str]:
    """Names under which dpkg may have a file: /lib is /usr/lib by now, and dpkg knows either."""
    name = str(path)
    return [name, name.removeprefix("/usr")] if name.startswith("/usr/") else [name, "/usr" + name]


def owners(paths: list[Path]) -> dict[Path, str]:
    """The package of each file that is of one."""
    asked = {form: path for path in paths for form in forms(path)}
    done = subprocess.run(["dpkg-query", "--search", *asked], capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        package, _, name = line.partition(": ")
        if name in asked:
            found[asked[name]] = package.split(",")[0].split(":")[0]
    return found


def packages(names: set[str]) -> dict[str, Package]:
    told = query("${Version}\t${Architecture}\t${source:Package}", *sorted(names)) if names else {}
    return {name: Package(name, *text.split("\t")) for name, text in told.items()}


def copyright_file(package: str) -> Path | None:
    file = Path("/usr/share/doc", package, "copyright")
    return file if file.is_file() else None
