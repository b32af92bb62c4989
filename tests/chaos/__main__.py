"""Runs campaigns of faults against real clusters; see scripts/chaos --help."""
from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

from tests.chaos.fault_campaigns import CAMPAIGNS as FAULTS
from tests.chaos.figures import Figure
from tests.chaos.fleet_campaigns import CAMPAIGNS as FLEETS
from tests.chaos.load_campaigns import CAMPAIGNS as LOADS
from tests.chaos.run import Campaign, Evidence, Run, Scale
from tests.chaos.verdict_campaigns import CAMPAIGNS as VERDICTS

ALL = {each.name: each for each in (*FAULTS, *VERDICTS, *LOADS, *FLEETS)}

# Campaigns of that length come last.
LONG_MINUTES = 30


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="Runs campaigns of faults against real clusters under load. An auditor that "
        "sees only what clients see judges each: exit code 1 if it finds a promise broken, or if a process ended by a defect of its own.")
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help="see --list")
    parser.add_argument("--all", action="store_true", help="all campaigns, the longest last; one that fails does not end the run")
    parser.add_argument("--except", nargs="+", default=[], metavar="CAMPAIGN", dest="without", help="with --all: all but these")
    parser.add_argument("--list", action="store_true", help="only name them, with what each shows")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of schedules, arrivals and contents (default 1)")
    parser.add_argument("--short", action="store_true", help="the form of the test suite: seconds each")
    parser.add_argument("--minutes", type=float, metavar="M", help="at most this long, with as many strikes as fit")
    parser.add_argument("--kills", type=int, metavar="N", help="this many strikes")
    parser.add_argument("--rate", type=float, metavar="R", help="requests a second")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write verdicts and figures there")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a report with a picture of each run there, and "
                        "keep all logs")
    chosen = parser.parse_args()
    unknown = {*chosen.campaigns, *chosen.without} - set(ALL)
    if unknown:
        parser.error(f"no campaign is called {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if bool(chosen.campaigns) == chosen.all and not chosen.list:
        parser.error("name campaigns, or all of them by --all")
    return chosen


def names_of(chosen: argparse.Namespace) -> list[str]:
    if not chosen.all:
        return chosen.campaigns
    return sorted((name for name in ALL if name not in chosen.without), key=lambda name: ALL[name].minutes >= LONG_MINUTES)


def say_list() -> None:
    for each in ALL.values():
        print(f"{each.name:17} {each.minutes:3g} min  {each.shows}")
    print(f"{'together':17} {sum(each.minutes for each in ALL.values()):3g} min")


def scale_of(campaign: Campaign, chosen: argparse.Namespace) -> Scale:
    scale = campaign.short if chosen.short else campaign.full
    if chosen.minutes is not None:
        scale = replace(scale, seconds=chosen.minutes * 60, strikes=None)
    if chosen.kills is not None:
        scale = replace(scale, strikes=chosen.kills)
    return replace(scale, rate=chosen.rate) if chosen.rate else scale


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release().split('-')[0]}"


def shown(figure: Figure) -> str:
    value = "-" if figure.value is None else f"{figure.value:,.3f}".rstrip("0").rstrip(".")
    return f"{value} {figure.unit}".rstrip() + ("" if figure.n is None else f", N {figure.n:,}")


def bar_of(figure: Figure) -> str:
    return f"{'<=' if figure.most else '>='} {figure.bar:g}" + (f" of {figure.least_n:,}" if figure.least_n else "")


def say(campaign: Campaign, evidence: Evidence) -> None:
    print(evidence.told, end="")
    for each in evidence.figures:
        print(f"  {each.name}: {shown(each)}" + ("" if each.bar is None else f"  (bar {bar_of(each)}: {each.verdict})"))
    for each in evidence.cluster_log.last_words[:5]:
        print(f"  LAST WORDS {each}")
    sys.stdout.flush()


def execute(campaign: Campaign, chosen: argparse.Namespace) -> Evidence:
    with tempfile.TemporaryDirectory(prefix="coppice-chaos-") as temporary:
        folder = chosen.report / campaign.name if chosen.report else Path(temporary)
        folder.mkdir(parents=True, exist_ok=not chosen.report)
        evidence = Run(campaign, scale_of(campaign, chosen), chosen.seed, folder.resolve()).execute()
        say(campaign, evidence)
        if chosen.report:
            from tests.chaos.report import write_report  # only here: it loads matplotlib
            write_report(campaign, chosen.seed, machine(), evidence)
        return evidence


def say_bars(figures: dict[str, list[Figure]], failed: dict[str, str]) -> None:
    """Every figure that has a bar, campaign by campaign."""
    print(f"\n{'campaign':17} {'figure':60} {'value':28} {'bar':16} verdict")
    for name, of_it in figures.items():
        for each in of_it:
            if each.bar is not None:
                print(f"{name:17} {each.name:60} {shown(each):28} {bar_of(each):16} {each.verdict}")
    for name, why in failed.items():
        print(f"{name:17} DID NOT END: {why}")


def main() -> int:
    chosen = arguments()
    if chosen.list:
        say_list()
        return 0
    runs, figures, broken, failed = [], {}, [], {}
    names = names_of(chosen)
    for place, name in enumerate(names, 1):
        print(f"\n== {place} of {len(names)}, {time.strftime('%H:%M:%S')}: {name}: {ALL[name].shows} (seed {chosen.seed})", flush=True)
        began = time.monotonic()
        try:
            evidence = execute(ALL[name], chosen)
        except Exception as failure:  # whatever it is, the others are still to be run
            traceback.print_exc()
            failed[name] = f"{type(failure).__name__}: {failure}"
            runs.append({"campaign": name, "seed": chosen.seed, "failed": failed[name]})
        else:
            figures[name] = evidence.figures
            if not evidence.verdict["kept"] or evidence.cluster_log.last_words:
                broken.append(name)
            runs.append({"campaign": name, "seed": chosen.seed, "seconds": time.monotonic() - began, "full": evidence.full,
                         "verdict": evidence.verdict, "figures": [each.as_json() for each in evidence.figures]})
        if chosen.json:  # each time: what was measured stays if the rest is cut off
            chosen.json.write_text(json.dumps({"machine": machine(), "runs": runs}, indent=1))
    say_bars(figures, failed)
    bad = [*broken, *failed]
    print(f"\n{len(names) - len(bad)} of {len(names)} campaigns kept every promise" + (f"; BROKEN: {', '.join(bad)}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
