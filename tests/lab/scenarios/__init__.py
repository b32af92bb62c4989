"""All scenarios, in the order in which `--all` runs them."""
from tests.lab.scenario import SCENARIOS
from tests.lab.scenarios import boot, reach, load  # noqa: F401  (each registers its own)

__all__ = ["SCENARIOS"]
