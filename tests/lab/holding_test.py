import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.holding import holding
from tests.lab.places import REPOSITORY, Places
from tests.lab.problem import Problem

# Holds the laboratory of a folder until it is ended, and says what it did about it.
HOLDER = """
import sys
from pathlib import Path
from tests.lab.holding import holding
from tests.lab.places import Places
try:
    with holding(Places(Path(sys.argv[1]), Path("/tree"))):
        print("holds", flush=True)
        sys.stdin.read()
finally:
    print("tidied", flush=True)
"""


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path, Path("/tree"))


@pytest.fixture
def other(places):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, places.cache], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               cwd=REPOSITORY)
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_command_is_told_who_works_on_it(places, other):
    with pytest.raises(Problem, match=f"process {other.pid} does"), holding(places):
        pass


def test_a_command_that_may_end_others_waits_until_they_have_tidied_up(places, other):
    with holding(places, end_others=True):
        assert other.wait(10) == 143
        assert other.stdout.read() == "tidied\n"


def test_what_was_held_is_free_when_its_holder_was_killed(places, other):
    other.kill()
    other.wait()
    with holding(places):
        pass


def test_another_checkout_has_a_laboratory_of_its_own(places, other):
    with holding(Places(places.cache, Path("/other"))):
        pass
