"""Runs campaigns of faults against real clusters; see scripts/chaos --help."""
from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.fault_campaigns import CAMPAIGNS as FAULTS
from tests.chaos.fleet_campaigns import CAMPAIGNS as FLEETS
from tests.chaos.load_campaigns import CAMPAIGNS as LOADS
from tests.chaos.run import Campaign, Evidence, Run, Scale

ALL = {each.name: each for each in (*FAULTS, *LOADS, *FLEETS)}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="Runs campaigns of faults against real clusters under load. An auditor that "
        "sees only what clients see judges each: exit code 1 if it finds a promise broken, or if a process ended by a defect of its own.")
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help="default: all of them")
    parser.add_argument("--list", action="store_true", help="only name them, with what each shows and needs")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of schedules, arrivals and contents (default 1)")
    parser.add_argument("--short", action="store_true", help="the form of the test suite: seconds each")
    parser.add_argument("--minutes", type=float, metavar="M", help="at most this long, with as many strikes as fit")
    parser.add_argument("--kills", type=int, metavar="N", help="this many strikes")
    parser.add_argument("--rate", type=float, metavar="R", help="requests a second")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write verdicts and figures there")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write a report with a picture of each run there, and "
                        "keep all logs")
    chosen = parser.parse_args()
    unknown = set(chosen.campaigns) - set(ALL)
    if unknown:
        parser.error(f"no campaign is called {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    return chosen


def say_list() -> None:
    for each in ALL.values():
        print(f"{each.name:16} {each.shows}")
        if each.needs:
            print(f"{'':16} needs: {'; '.join(each.needs)}")


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


def say(campaign: Campaign, evidence: Evidence) -> None:
    print(evidence.told, end="")
    for each in evidence.figures:
        value = "-" if each.value is None else f"{each.value:,.3f}".rstrip("0").rstrip(".")
        bar = "" if each.bar is None else f"  (bar {'<=' if each.most else '>='} {each.bar:g}: {each.verdict})"
        print(f"  {each.name}: {value} {each.unit}{bar}")
    for each in evidence.cluster_log.last_words[:5]:
        print(f"  LAST WORDS {each}")
    if not evidence.verdict["kept"] and campaign.needs:
        print(f"  this campaign needs: {'; '.join(campaign.needs)}")
    sys.stdout.flush()


def main() -> int:
    chosen = arguments()
    if chosen.list:
        say_list()
        return 0
    results, broken = [], []
    for name in chosen.campaigns or ALL:
        campaign, scale = ALL[name], scale_of(ALL[name], chosen)
        print(f"\n== {name}: {campaign.shows} (seed {chosen.seed})", flush=True)
        with tempfile.TemporaryDirectory(prefix="coppice-chaos-") as temporary:
            folder = chosen.report / name if chosen.report else Path(temporary)
            folder.mkdir(parents=True, exist_ok=not chosen.report)
            evidence = Run(campaign, scale, chosen.seed, folder.resolve()).execute()
            say(campaign, evidence)
            if chosen.report:
                from tests.chaos.report import write_report  # only here: it loads matplotlib
                write_report(campaign, chosen.seed, machine(), evidence)
        if not evidence.verdict["kept"] or evidence.cluster_log.last_words:
            broken.append(name)
        results.append({"campaign": name, "seed": chosen.seed, "verdict": evidence.verdict,
                        "figures": [each.as_json() for each in evidence.figures]})
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "runs": results}, indent=1))
    print(f"\n{len(results) - len(broken)} of {len(results)} campaigns kept every promise" + (f"; BROKEN: {', '.join(broken)}" if broken else ""))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
