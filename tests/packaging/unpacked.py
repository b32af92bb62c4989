"""The release archive that the build's tests have made, and what is to be found in it."""
import os
import subprocess
import warnings
from pathlib import Path

import pytest

DIST = Path(os.environ["COPPICE_DIST"])
ROOT = Path(__file__).parents[2]
PROGRAMS = ("coppice", "coppice-engine", "coppice-gateway", "coppice-scheduler", "coppice-worker")


def archive():
    (found,) = DIST.glob("coppice-*.tar.gz")
    return found


def unpack(folder):
    """Unpacks the archive. Returns its top folder."""
    subprocess.run(["tar", "-xzf", archive(), "-C", folder], check=True)
    (top,) = Path(folder).glob("coppice-*")
    return top


def make_model(folder):
    """A model `doubled` that libtorch computes, by a convolution: for that it writes code into memory."""
    torch = pytest.importorskip("torch")

    class Doubled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = torch.nn.Conv2d(1, 1, 1, bias=False)
            torch.nn.init.constant_(self.convolution.weight, 2.0)

        def forward(self, x):
            return self.convolution(x.view(1, 1, 1, 3)).view(3)

    (folder / "doubled/1").mkdir(parents=True)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        torch.jit.trace(Doubled(), torch.zeros(3)).save(str(folder / "doubled/1/model.pt"))
    (folder / "doubled/model.yml").write_text(
        "batchable: false\ninputs: [{name: x, datatype: FP32, shape: [3]}]\noutputs: [{name: y, datatype: FP32, shape: [3]}]\n")


# Starts a cluster, asks it, and stops it: what a person would type, in any shell.
FIRST_ANSWER = """
cd "$1"
./bin/coppice up --nodes 1 --builtins echo --models "$2" --ready-file /tmp/cluster.json >/tmp/up.log 2>&1 &
up=$!
until [ -f /tmp/cluster.json ]; do kill -0 $up || { cat /tmp/up.log; exit 1; }; sleep 0.05; done
./bin/coppice predict echo x=[1,2,3] --cluster /tmp/cluster.json
[ -z "$2" ] || ./bin/coppice predict doubled x=[1,2,3] --cluster /tmp/cluster.json
for engine in $(pidof coppice-engine); do grep -o '/.*\\.so.*' /proc/$engine/maps | sort -u; done
kill -INT $up
wait $up
"""
