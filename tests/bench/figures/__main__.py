"""Measures the figures of docs/benchmarks.md; see scripts/bench --help."""
import argparse
import json
import os
import platform
import sys
from pathlib import Path

from tests.bench.figures import clients, encryption, footprint, models, path, peer, placement  # noqa: F401 (they register their figures)
from tests.bench.figures.measured import FIGURES, Outcome


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release().split('-')[0]}"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def row(outcome):
    parts = "; ".join(f"{name}: {number(value)}" for name, value in outcome.part_medians().items())
    spread = f"{number(min(outcome.values))} - {number(max(outcome.values))}"
    figure = outcome.figure
    return f"| {figure.name} | {figure.bar} | {number(outcome.median)} {figure.unit} | {spread} | {outcome.verdict} | {parts} |"


def measure(figure, rounds):
    outcome = Outcome(figure)
    for value, parts in figure.rounds(rounds):
        outcome.values.append(value)
        outcome.parts.append(parts)
        if sys.stderr.isatty():
            print(f"\r  {figure.name}: {len(outcome.values)}/{rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return outcome


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures the figures of docs/benchmarks.md.")
    parser.add_argument("only", nargs="*", metavar="WORD", help="only figures whose name has one of these words")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of each figure (default 5)")
    parser.add_argument("--without", action="append", default=[], metavar="WORD", help="not figures with this word")
    parser.add_argument("--list", action="store_true", help="only name them")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results there, too")
    return parser.parse_args()


def main():
    chosen = arguments()
    figures = [each for each in FIGURES if not chosen.only or any(word in each.name for word in chosen.only)]
    figures = [each for each in figures if not any(word in each.name for word in chosen.without)]
    if chosen.list:
        return print("\n".join(f"{each.name} ({each.bar} {each.unit})" for each in figures))
    print(f"{machine()}; median of {chosen.rounds} rounds\n\n"
          "| figure | bar | median | least - most | | made of |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    results, broken = [], 0
    for each in figures:
        try:
            outcome = measure(each, chosen.rounds)
            results.append(outcome.as_json())
            print(row(outcome), flush=True)
        except (RuntimeError, OSError, AssertionError) as failure:
            broken += 1
            print(f"| {each.name} | {each.bar} | not measured: {failure} | | | |", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "figures": results}, indent=1))
    sys.exit(1 if broken else 0)


main()
