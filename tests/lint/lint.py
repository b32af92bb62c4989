"""Checks rules of the tree: `lint.py RULE`. Each rule first shows that it finds a planted fault."""
import re
import subprocess
import sys
from pathlib import Path

CODE = ("base", "proto", "actors", "gateway", "scheduler", "worker", "client", "examples")
FOLDERS = (*CODE, "tests")
HERE = Path(__file__).parent
SOURCES = (".cpp", ".hpp")
HOSTS = "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "download" + r"\.pytorch", "deb" + r"\.debian"))
# pattern, where it is refused, prefixes where it is allowed, why, a line that breaks it
TOKENS = [
    (r"\b(sleep_for|usleep)\b", "tests/", ("tests/bench/",), "tests wait on conditions, not on time", "sleep_for(1s);"),
    (r"steady_clock::now", "", ("base/clock.hpp", "tests/bench/"), "time is an argument; shells call now()", "auto t = std::chrono::steady_clock::now();"),
    (r"caf/all\.hpp", "", (), "include narrow headers", "#include <caf/all.hpp>"),
    (r'#include [<"](torch|ATen|c10)/', "", ("worker/tensor/torch/", "tests/worker/tensor/torch/", "tests/bench/"),
     "libtorch stays in one folder", "#include <torch/script.h>"),
    (r"#include <caf/", "worker/engine/", (), "engines have no CAF", "#include <caf/actor.hpp>"),
    (r"\bos\.kill\(", "tests/", ("tests/support/cluster.py",), "send_signal refuses pid 0, which is the own group",
     "os.kill(pid, signal.SIGKILL)"),
    (r"\bgetenv\b", "", ("client/cli/run_folder.hpp", "client/cli/cluster.cpp", "tests/"), "settings come from options and config files", "getenv(\"X\");"),
    (r"\bheartbeat_(ivl|timeout|ttl)\b", "", (), "libzmq 4.3 ends the process over one on a broken connection (its issue 4364)",
     "socket.set(zmq::sockopt::heartbeat_ivl, 5000);"),
    (r"\b(TODO|FIXME|XXX)\b", "", ("tests/lint/",), "what is not built is absent", "// TODO"),
    (HOSTS, "", (), "packages are named, not hosts", "# from pypi" + ".org"),
]
NAMES = re.compile(r"(^|/)(core|utils?|common|managers?|helpers?|misc|stuff|info|data)(\.[a-z]+)?$|[A-Z]")
NAMED_BY_TOOLS = re.compile(r"(^|/)(CMakeLists\.txt|Containerfile|[A-Z]+\.md)$")


def table():
    rows = {}
    for line in (HERE / "layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            folder, allowed = line.split(":")
            rows[folder] = [folder, *allowed.split()]
    return rows


def within(path, row):
    return path == row or path.startswith(row + "/")


def layer_faults(path, text):
    if not path.endswith(SOURCES) or path.startswith(("tests/", "examples/")):
        return
    rows = table()
    home = max((row for row in rows if within(path, row)), key=len, default=None)
    if home is None:
        yield f"{path}: has no row in tests/lint/layers.txt"
        return
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'#include "([^"]+)"', line)
        if include and not any(within(include[1], each) for each in rows[home]):
            yield f"{path}:{number}: {home} may not include {include[1]}"


def token_faults(path, text):
    for pattern, refused, allowed, why, _ in TOKENS:
        if not path.startswith(refused) or path.startswith(allowed):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                yield f"{path}:{number}: {line.strip()[:60]} ({why})"


def format_faults(path, text):
    if not path.endswith(SOURCES):
        return
    done = subprocess.run(["clang-format-14", f"--assume-filename={path}"], input=text, capture_output=True, text=True)
    if done.stdout != text:
        yield f"{path}: not formatted; run clang-format-14 -i {path}"


def name_faults(path, _):
    for part in Path(path).parts:
        if NAMES.search(part) and not NAMED_BY_TOOLS.search(part):
            yield f"{path}: '{part}' does not say what is inside, or has capitals"


def mirror_faults(path, _):
    """Code with a source file of its own has a test at the same place under tests/."""
    excused = dict(line.split(": ", 1) for line in (HERE / "untested.txt").read_text().splitlines()
                   if line and not line.startswith("#"))
    if not path.endswith(".cpp") or not path.startswith(CODE[:-1]):
        return
    tests = [Path("tests", path).with_name(Path(path).stem + ending) for ending in ("_test.cpp", "_test.py")]
    tested = any(each.exists() for each in tests)
    if not tested and path not in excused:
        yield f"{path}: has no {tests[0]}, and no reason in tests/lint/untested.txt"
    if tested and path in excused:
        yield f"{path}: has a test; take it out of tests/lint/untested.txt"


PLANTED = {
    "layers": [(layer_faults, "base/x.cpp", '#include "gateway/shard/shard.hpp"\n'), (layer_faults, "new_folder/x.cpp", "")],
    "tokens": [(token_faults, (refused or "gateway/") + "x.cpp", line) for _, refused, _, _, line in TOKENS],
    "format": [(format_faults, "base/x.cpp", "int  x ;\n")],
    "names": [(name_faults, "base/utils.cpp", ""), (name_faults, "gateway/common/x.hpp", "")],
    "mirror": [(mirror_faults, "gateway/no_such_file.cpp", "")],
}


def main():
    rule = sys.argv[1]
    for find, path, text in PLANTED[rule]:
        assert list(find(path, text)), f"the rule does not find the fault planted in {path}: {text!r}"
    find = PLANTED[rule][0][0]
    listed = subprocess.run(["git", "ls-files", *FOLDERS, "scripts", "models", "docs", "packaging"], capture_output=True, text=True)
    files = [path for path in listed.stdout.split() if Path(path).is_file()]
    faults = [fault for path in files if path != "tests/lint/lint.py" for fault in find(path, Path(path).read_text())]
    print("\n".join(faults) or f"{len(files)} files, nothing found")
    sys.exit(1 if faults else 0)


main()
