"""docs/protocol.md is true: its client runs, its tables are those of the code."""
import re
import subprocess
import sys
from pathlib import Path

from tests.support.cluster import Cluster

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/protocol.md").read_text()


def test_the_client_of_the_page_has_twenty_lines_and_runs(tmp_path):
    code = re.search(r"```python\n(.*?)```", PAGE, re.S).group(1)
    assert len(code.splitlines()) <= 20
    (tmp_path / "client.py").write_text(code)
    with Cluster() as cluster:
        done = subprocess.run([sys.executable, tmp_path / "client.py", cluster.endpoint],
                              capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "x (1.0, 2.0, 3.0)", done.stderr


def test_the_table_of_errors_is_the_one_of_the_code():
    rows = re.findall(r'\{errc::\w+, "(\w+)", "([^"]+)", (\d+), (true|false)\}',
                      (ROOT / "base/error.cpp").read_text())
    assert len(rows) == 16
    for name, sentence, status, retryable in rows:
        assert f"| `{name}` | {sentence} | {status} | {'yes' if retryable == 'true' else 'no'} |" in PAGE
