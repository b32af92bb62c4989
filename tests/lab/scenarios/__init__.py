"""All scenarios, in the order in which `--all` runs them."""
from tests.lab.scenario import SCENARIOS
from tests.lab.scenarios import (boot, reach, load, converge, upgrade, rotation, membership, outages, hostile,  # noqa: F401
                                 smoke)

__all__ = ["SCENARIOS"]
