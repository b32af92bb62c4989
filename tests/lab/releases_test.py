import subprocess
from pathlib import Path

import pytest

from tests.lab.releases import PATCHES, this_version

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("patch", sorted(each.name for each in PATCHES.glob("*.patch")))
def test_what_a_release_to_come_changes_is_still_there(patch):
    """Its patch applies to this tree."""
    done = subprocess.run(["patch", "-p1", "--dry-run", "-i", PATCHES / patch], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_release_is_named_by_the_version_of_its_tree():
    assert this_version(ROOT).count(".") == 2
