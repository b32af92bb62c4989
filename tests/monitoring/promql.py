"""What a PromQL expression names: its series with their label matchers, and the labels it groups by. No more of the language."""
import re
from typing import NamedTuple

GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
MATCHERS = r'\{((?:[^{}"]|"(?:\\.|[^"\\])*")*)\}'
SERIES = re.compile(rf"(?<![\w.])([A-Za-z_:][\w:]*)(?:{MATCHERS})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"')
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "group_left", "group_right"}


class Series(NamedTuple):
    name: str
    matchers: list  # of (label, operator, value)


def grouped_by(expression):
    return {label.strip() for clause in GROUPING.findall(expression) for label in clause.split(",") if label.strip()}


def series(expression):
    """Every series selector, in order. A name that an opening bracket follows is a function."""
    rest = re.sub(r"\[[^\]]*\]", "", GROUPING.sub(" ", expression))
    found = []
    for match in SERIES.finditer(rest):
        name, matchers = match.groups()
        if name.lower() in WORDS or re.match(r"\s*\(", rest[match.end():]):
            continue
        found.append(Series(name, MATCHER.findall(matchers or "")))
    return found
