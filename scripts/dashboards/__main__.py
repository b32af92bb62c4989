"""Writes the Grafana dashboards of ansible/roles/monitoring: `python3 scripts/dashboards [--into DIR]`."""
import argparse
import importlib
import json
from pathlib import Path

NAMES = ("fleet", "gateway", "engines", "overload", "faults")
ROLE = Path(__file__).resolve().parents[2] / "ansible/roles/monitoring"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=ROLE / "files/dashboards", help="the folder for the files")
    into = parser.parse_args().into
    for name in NAMES:
        made = importlib.import_module(name).DASHBOARD
        (into / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n")


main()
