import os
import subprocess

import pytest

from tests.lab.processes import Started, children, is_running, kill, kill_session, session


@pytest.fixture
def shell():
    """A session of a shell with a child, which says the child's number."""
    process = subprocess.Popen(["sh", "-c", "sleep 1000 & echo $!; wait"], stdout=subprocess.PIPE, text=True, start_new_session=True)
    child = int(process.stdout.readline())
    yield process, child
    for each in (child, process.pid):
        if is_running(each):
            kill([each])
    process.wait()


def test_a_session_is_its_leader_and_what_it_started(shell):
    process, child = shell
    assert sorted(session(Started.of(process.pid))) == sorted([process.pid, child])
    assert children(process.pid) == [child]


def test_a_session_whose_leader_has_died_is_still_ended(shell):
    process, child = shell
    leader = Started.of(process.pid)
    kill([process.pid])
    process.wait()
    assert not leader.is_alive() and is_running(child)
    kill_session(leader)
    assert not is_running(child)


def test_a_later_process_of_the_same_number_is_left_alone(shell):
    process, child = shell
    before = Started(process.pid, Started.of(process.pid).ticks - 1)
    assert not before.is_alive() and session(before) == []
    kill_session(before)
    assert is_running(process.pid) and is_running(child)


def test_killing_what_has_ended_is_no_error(shell):
    process, child = shell
    kill_session(Started.of(process.pid))
    process.wait()
    kill([process.pid, child])


@pytest.mark.parametrize("pid", [0, 1, os.getpid()])
def test_groups_the_first_process_and_oneself_are_never_killed(pid):
    with pytest.raises(AssertionError):
        kill([pid])
