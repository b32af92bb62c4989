"""A run as a page: verdict, figures, and a picture of goodput, faults and recovery."""
from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 (the backend comes first)

from tests.chaos.figures import BIN_US, Requests, recovery_ms  # noqa: E402

# Beyond so many faults a picture of all of them shows none.
MARKS = 60
COLOURS = ("#c0392b", "#2471a3", "#b9770e", "#6c3483", "#117a65", "#5d6d7e")
# Moments that the picture need not show.
UNNAMED = ("driven", "over", "loaded")
SENT, GOOD, FAILED = "#b5bec7", "#1e8449", "#c0392b"


def colours_of(faults: list[dict]) -> dict[str, str]:
    kinds = sorted({each["fault"] for each in faults})
    return {kind: COLOURS[place % len(COLOURS)] for place, kind in enumerate(kinds)}


def smoothed(counts: list[int], width: int) -> list[float]:
    """Mean of `width` bins around each."""
    half = width // 2
    return [sum(counts[max(0, at - half):at + half + 1]) / len(counts[max(0, at - half):at + half + 1])
            for at in range(len(counts))]


def draw_goodput(axes, requests: Requests, faults: list[dict], moments: dict[str, int]) -> None:
    start, *bins = requests.per_bin()
    sent, good = (each[:-1] for each in bins)  # the last is not a whole one
    seconds = [at * BIN_US / 1e6 for at in range(len(sent))]
    per_second = 1e6 / BIN_US
    width = max(1, len(sent) // 400)
    axes.fill_between(seconds, [each * per_second for each in smoothed(sent, width)], step="mid", color=SENT, alpha=0.6,
                      linewidth=0, label="sent")
    axes.plot(seconds, [each * per_second for each in smoothed(good, width)], color=GOOD, linewidth=1.1, label="answered well")
    failed = Counter((row[1] - start) // BIN_US for row in requests.rows if row[2] != "ok")
    if failed:
        axes.plot(seconds, [each * per_second for each in smoothed([failed[at] for at in range(len(sent))], width)],
                  color=FAILED, linewidth=0.9, linestyle="--", label=f"{failed.total():,} other outcomes")
    draw_faults(axes, faults, start)
    for name, at in moments.items():
        if name not in UNNAMED and not name.startswith("end of"):
            axes.axvline((at - start) / 1e6, color="black", linewidth=0.8, linestyle=":")
            axes.annotate(f" {name}", ((at - start) / 1e6, 0.99), xycoords=("data", "axes fraction"), fontsize=8, va="top")
    axes.set(ylabel="requests a second", xlabel="seconds", xlim=(0, max(seconds)), ylim=(0, None))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), ncols=6, fontsize=8, frameon=False)


def draw_faults(axes, faults: list[dict], start: int) -> None:
    """A line at each strike, a band until the cluster was seen whole; only ticks at the top if there are many."""
    of_kind, named = colours_of(faults), set()
    for each in faults:
        at, whole = ((each[key] or each["lifted"]) - start for key in ("at", "whole"))
        colour, label = of_kind[each["fault"]], each["fault"] if each["fault"] not in named else None
        named.add(each["fault"])
        if len(faults) > MARKS:
            axes.axvline(at / 1e6, ymin=0.96, color=colour, linewidth=0.6, label=label)
            continue
        axes.axvline(at / 1e6, color=colour, linewidth=1.0, label=label)
        axes.axvspan(at / 1e6, whole / 1e6, color=colour, alpha=0.12, linewidth=0)


def draw_recoveries(axes, faults: list[dict]) -> None:
    times = defaultdict(list)
    for each in faults:
        if (took := recovery_ms(each)) is not None:
            times[each["fault"]].append(took)
    of_kind = colours_of(faults)
    axes.hist(list(times.values()), bins=30, stacked=True, color=[of_kind[each] for each in times], label=list(times))
    axes.set(xlabel="ms from the strike or its lifting until the cluster was seen whole", ylabel="faults", xlim=(0, None))
    axes.legend(fontsize=8, frameon=False)


def draw_latencies(axes, requests: Requests) -> None:
    """How many requests took longer, by time: a straight tail shows what faults cost."""
    times = sorted(requests.latencies_ms())
    tail = max(0, len(times) - 2000)
    shown = [*range(0, tail, max(1, tail // 1000)), *range(tail, len(times))]
    axes.loglog([max(times[at], 0.01) for at in shown], [1 - at / len(times) for at in shown], color=GOOD)
    axes.grid(True, which="major", alpha=0.3)
    axes.set(xlabel="latency, ms", ylabel="share of requests that took longer")


def draw(file: Path, evidence) -> None:
    figure = plt.figure(figsize=(11, 6.6), layout="constrained")
    top, below = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    draw_goodput(top.subplots(), evidence.requests, evidence.faults, evidence.moments)
    recovered = any(recovery_ms(each) is not None for each in evidence.faults)
    *recoveries, latencies = below.subplots(1, 2 if recovered else 1, squeeze=False)[0]
    draw_latencies(latencies, evidence.requests)
    for axes in recoveries:
        draw_recoveries(axes, evidence.faults)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def page(campaign, seed: int, machine: str, evidence) -> str:
    rows = "\n".join(
        f"| {each.name} | {number(each.value)} {each.unit} | "
        + ("" if each.bar is None else f"{'<=' if each.most else '>='} {each.bar:g}") + f" | {each.verdict} |"
        for each in evidence.figures)
    return (f"# {campaign.name}\n\n{campaign.shows}. Seed {seed}; {machine}.\n\n```\n{evidence.told}```\n\n"
            f"![goodput, faults and recovery](timeline.png)\n\n| figure | value | bar | |\n| --- | --- | --- | --- |\n{rows}\n")


def write_report(campaign, seed: int, machine: str, evidence) -> None:
    """report.md and timeline.png into the run's folder."""
    draw(evidence.folder / "timeline.png", evidence)
    (evidence.folder / "report.md").write_text(page(campaign, seed, machine, evidence))
