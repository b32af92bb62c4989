"""The metrics of a cluster: by the table in docs/operations.md, and by what its processes export."""
import contextlib
import re
import urllib.request
from pathlib import Path

from tests.support.cluster import Cluster, Dealer, echo, until

ROOT = Path(__file__).parents[2]


def table():
    """What the page says: name -> (type, labels)."""
    rows = re.findall(r"^\| `(coppice_\w+)` \| (\w+) \| (.*?) \| .+ \|$", (ROOT / "docs/operations.md").read_text(), re.M)
    assert len({name for name, _, _ in rows}) == len(rows), "a metric has two rows"
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


@contextlib.contextmanager
def one_that_has_answered():
    """A cluster with everything that exports, one request of which has been answered."""
    with Cluster("--nodes", 1, "--schedulers", 1) as running, Dealer(running.endpoint) as plain:
        assert "error" not in plain.ask(echo(1), b"abcd")[0]
        until(lambda: running.counted("node-1", "coppice_engine_completed_total") == 1, "the engine's report")
        yield running


def pages(cluster):
    """The text of every process's page."""
    return "\n".join(urllib.request.urlopen(url).read().decode() for url in cluster.ready["metrics"].values())


def exported(cluster):
    """What the processes say: name -> (type, labels)."""
    text = pages(cluster)
    found = {name: (kind, set()) for name, kind in re.findall(r"^# TYPE (coppice_\w+) (\w+)$", text, re.M)}
    for name, labels in re.findall(r"^(coppice_\w+)\{(.*)\} ", text, re.M):
        family = name if name in found else re.sub(r"_(bucket|sum|count)$", "", name)
        found[family][1].update(set(re.findall(r'(\w+)="', labels)) - {"le"})
    return found


def label_values(cluster):
    """Values that the processes give a label, whatever the metric: label -> values."""
    found = {}
    for labels in re.findall(r"^coppice_\w+\{(.*)\} ", pages(cluster), re.M):
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            found.setdefault(label, set()).add(value)
    return found
