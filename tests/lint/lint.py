"""Checks rules of the tree: `lint.py layers|tokens`. Each first shows that it finds a planted fault."""
import re
import subprocess
import sys
from pathlib import Path

FOLDERS = ("base", "proto", "actors", "gateway", "scheduler", "worker", "client", "tests")
TOKENS = [  # pattern, where it is refused, where it is allowed, why
    (r"\b(sleep_for|usleep)\b", "tests/", "tests/bench/", "tests wait on conditions, not on time"),
    (r"steady_clock::now", "", "base/clock.hpp", "time is an argument; shells call now()"),
    (r"caf/all\.hpp", "", None, "include narrow headers"),
    (r'#include [<"](torch|ATen|c10)/', "", "worker/tensor/torch/", "libtorch stays in one folder"),
    (r"#include <caf/", "worker/engine/", None, "engines have no CAF"),
    (r"\b(TODO|FIXME|XXX)\b", "", None, "what is not built is absent"),
]


def table():
    rows = {}
    for line in (Path(__file__).parent / "layers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            folder, allowed = line.split(":")
            rows[folder] = [folder, *allowed.split()]
    return rows


def layer_faults(path, text, rows):
    home = max((row for row in rows if path == row or path.startswith(row + "/")), key=len, default=None)
    if home is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'#include "([^"]+)"', line)
        if include and not any(include[1] == each or include[1].startswith(each + "/") for each in rows[home]):
            yield f"{path}:{number}: {home} may not include {include[1]}"


def token_faults(path, text, _):
    for pattern, refused, allowed, why in TOKENS:
        if not path.startswith(refused) or (allowed and path.startswith(allowed)):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(pattern, line):
                yield f"{path}:{number}: {line.strip()[:60]} ({why})"


RULES = {"layers": (layer_faults, ("base/x.cpp", '#include "gateway/shard/shard.hpp"\n')),
         "tokens": (token_faults, ("gateway/x.cpp", "auto t = std::chrono::steady_clock::now();\n"))}


def main():
    rule, planted = RULES[sys.argv[1]]
    rows = table()
    assert list(rule(*planted, rows)), "the rule does not find the fault that was planted"
    files = subprocess.run(["git", "ls-files", *FOLDERS], capture_output=True, text=True).stdout.split()
    faults = [fault for path in files if path.endswith((".cpp", ".hpp"))
              for fault in rule(path, Path(path).read_text(), rows)]
    print("\n".join(faults) or f"{len(files)} files, nothing found")
    sys.exit(1 if faults else 0)


main()
