"""A figure: what is measured, its bar, and what rounds of it gave."""
import statistics
from dataclasses import dataclass, field
from typing import Callable, Iterator, Optional

FIGURES = []


@dataclass
class Figure:
    """`rounds(n)` yields n pairs: the value that the bar is about, and what it was made of."""

    name: str
    unit: str
    rounds: Callable[[int], Iterator[tuple[float, dict]]]
    at_most: Optional[float] = None
    at_least: Optional[float] = None

    @property
    def bar(self):
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else "shown"


@dataclass
class Outcome:
    figure: Figure
    values: list = field(default_factory=list)
    parts: list = field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def verdict(self):
        figure = self.figure
        if figure.at_most is not None:
            return "met" if self.median <= figure.at_most else "missed"
        if figure.at_least is not None:
            return "met" if self.median >= figure.at_least else "missed"
        return "shown"

    def part_medians(self):
        return {key: statistics.median(each[key] for each in self.parts) for key in self.parts[0]}

    def as_json(self):
        return {"figure": self.figure.name, "unit": self.figure.unit, "bar": self.figure.bar, "median": self.median,
                "min": min(self.values), "max": max(self.values), "rounds": len(self.values),
                "verdict": self.verdict, "parts": self.part_medians()}


def figure(name, unit, *, at_most=None, at_least=None):
    """Registers a generator function as a figure."""
    def register(rounds):
        FIGURES.append(Figure(name, unit, rounds, at_most, at_least))
        return rounds
    return register
