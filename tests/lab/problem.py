"""What the user of the laboratory is told when something cannot be done."""
from __future__ import annotations


class Problem(Exception):
    """what: cannot be done or went wrong. why: the cause, where it is known. remedy: what to do about it."""

    def __init__(self, what: str, why: str, remedy: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why, self.remedy = what, why, remedy

    def told(self) -> str:
        return f"lab: {self.what}\n  why:    {self.why}\n  remedy: {self.remedy}"
