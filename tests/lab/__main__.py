"""Real hosts on one machine, and scenarios on them; see scripts/lab --help and docs/lab.md."""
from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Optional, Sequence

from tests.lab.building import bring_up, existing
from tests.lab.fleet import DEFAULT_HOSTS, FEWEST, MOST, plan_hosts
from tests.lab.holding import holding
from tests.lab.lab import Lab
from tests.lab.places import Places
from tests.lab.problem import Problem
from tests.lab.progress import say
from tests.lab.teardown import take_down
from tests.lab.tools import obstacle

CONTROL = "control"


def host_count(text: str) -> int:
    count = int(text)
    if not FEWEST <= count <= MOST:
        raise argparse.ArgumentTypeError(f"{count} is not from {FEWEST} to {MOST}")
    return count


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="scripts/lab", description="Real Debian hosts with systemd and ssh on this machine, in network "
                                   "namespaces; and scenarios that run on them. Takes root. See docs/lab.md.")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    up = verbs.add_parser("up", help="make the hosts and wait until they have booted")
    up.add_argument("--hosts", type=host_count, default=DEFAULT_HOSTS, metavar="N", help=f"how many (default {DEFAULT_HOSTS})")
    run = verbs.add_parser("run", help="run scenarios; without a laboratory, in one of their own that ends with them")
    run.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="see --list")
    run.add_argument("--all", action="store_true", help="all of them, in the order of --list")
    run.add_argument("--list", action="store_true", help="only name them, with what each shows")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the report there")
    run.add_argument("--logs", type=Path, metavar="DIR", help="keep consoles, journals and logs of each scenario there")
    run.add_argument("--keep", action="store_true", help="leave the hosts up afterwards")
    verbs.add_parser("down", help="take everything away; ends whatever else works on the laboratory")
    status = verbs.add_parser("status", help="the hosts and how they are")
    status.add_argument("--json", action="store_true", help="for programs")
    shell = verbs.add_parser("shell", help="a shell on a host")
    shell.add_argument("host", metavar="HOST", help=f"its name, or '{CONTROL}': where Ansible and ssh reach all hosts")
    return made


def binaries() -> Path:
    return Path(os.environ.get("COPPICE_BIN", Places.here().repository / "build/release/bin"))


def up(places: Places, count: int) -> int:
    with holding(places):
        made(places, count)
    say("up; scripts/lab shell control, scripts/lab down")
    return 0


def made(places: Places, count: int) -> Lab:
    """A laboratory that cannot be completed is taken away again."""
    try:
        return bring_up(places, plan_hosts(count), binaries())
    except BaseException:
        if existing(places) is None:
            say("taking away what is half made")
            take_down(places)
        raise


def down(places: Places) -> int:
    with holding(places, end_others=True):
        take_down(places)
    say("down")
    return 0


def run(places: Places, chosen: argparse.Namespace) -> int:
    from tests.lab.scenarios import SCENARIOS  # only here: they need the project's virtual environment
    if chosen.list:
        print("\n".join(f"{each.name:12} {each.shows}" for each in SCENARIOS.values()))
        return 0
    names = list(SCENARIOS) if chosen.all else chosen.scenarios
    unknown = set(names) - set(SCENARIOS)
    if unknown or not names or (chosen.all and chosen.scenarios):
        parser().error(f"no scenario is called {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}" if unknown
                       else "name scenarios, or all of them by --all")
    from tests.lab.scenario import write_json
    skipped = obstacle(places.cache)
    if skipped:
        print(f"skipped: {skipped}")
        if chosen.json:
            write_json(chosen.json, [], skipped)
        return 0
    with holding(places):
        return run_all(places, [SCENARIOS[each] for each in names], chosen)


def run_all(places: Places, scenarios: Sequence, chosen: argparse.Namespace) -> int:
    from tests.lab.scenario import keep_evidence, play, write_json
    was_up = existing(places)
    lab = made(places, len(was_up.machines) if was_up else DEFAULT_HOSTS)
    reports = []
    try:
        for place, each in enumerate(scenarios, 1):
            say(f"== {place} of {len(scenarios)}: {each.name}: {each.shows}")
            reports.append(play(lab, each))
            if chosen.logs:
                keep_evidence(lab, each.name, chosen.logs)
            if chosen.json:
                write_json(chosen.json, reports, None)
            if reports[-1].failure:
                print(reports[-1].failure, flush=True)
    finally:
        if not was_up and not chosen.keep:
            take_down(places)
    failed = [each.name for each in reports if not each.passed]
    print(f"{len(reports) - len(failed)} of {len(reports)} scenarios passed" + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def lab_that_is_up(places: Places) -> Lab:
    lab = existing(places)
    if lab is None:
        raise Problem("there is no laboratory", "none was made, or its making was cut off", "scripts/lab up")
    return lab


def status(places: Places, as_json: bool) -> int:
    lab = lab_that_is_up(places)
    severed = lab.network.severed()
    rows = [{"host": each.name, "address": each.address, "groups": list(each.groups),
             "state": (lab.system_state(each.name) or "does not answer") if lab.is_on(each.name) else "off",
             "sends_nothing_to": sorted({sink for source, sink in severed if source == each.name}),
             "hears_nothing_from": sorted({source for source, sink in severed if sink == each.name})} for each in lab.plans]
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        cuts = "".join(f"; {cut.replace('_', ' ')} {', '.join(row[cut])}" for cut in ("sends_nothing_to", "hears_nothing_from") if row[cut])
        print(f"{row['host']:10} {row['address']:12} {','.join(row['groups']):20} {row['state']}{cuts}")
    return 0


def shell(places: Places, host: str) -> int:
    lab = lab_that_is_up(places)
    if host != CONTROL and host not in lab.machines:
        raise Problem(f"there is no host {host}", f"there are {', '.join(lab.machines)} and {CONTROL}", "take one of them")
    words = lab.network.inside("bash") if host == CONTROL else lab.network.inside("ssh", "-t", "-F", places.ssh_config, host)
    os.execvp(words[0], words)


def main(words: Optional[Sequence[str]] = None) -> int:
    chosen, places = parser().parse_args(words), Places.here()
    try:
        if chosen.verb != "run" and os.geteuid() != 0:
            raise Problem(f"cannot do '{chosen.verb}'", "it takes root", "run it as root")
        if chosen.verb == "up":
            return up(places, chosen.hosts)
        if chosen.verb == "run":
            return run(places, chosen)
        if chosen.verb == "down":
            return down(places)
        return status(places, chosen.json) if chosen.verb == "status" else shell(places, chosen.host)
    except Problem as problem:
        print(problem.told(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
