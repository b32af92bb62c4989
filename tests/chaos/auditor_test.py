"""The auditor finds every kind of broken promise that is planted in a log, and only those."""
import subprocess
import sys

import pytest

from tests.chaos.auditor import audit, story
from tests.chaos.client_log import ClientLog

S = 1_000_000  # one second


def a_log(*lines, ended=True):
    log = ClientLog("client-1")
    for line in (*lines, *([f"E {60 * S}"] if ended else [])):
        log.take(line)
    return log


def sent(number=1, at=S, deadline=6 * S, digest="aa"):
    return f"S {at} {number} flip {deadline} {digest}"


def ok(number=1, at=2 * S, digest="aa"):
    return f"O {at} {number} ok {digest} 1"


def failed(number=1, code="unavailable", at=2 * S):
    return f"O {at} {number} {code} - 0"


def kinds(*lines, allowed=None, ended=True):
    return [each.kind for each in audit([a_log(*lines, ended=ended)], allowed).breaks]


def test_keeps_a_request_with_one_right_answer_in_time():
    verdict = audit([a_log(sent(), ok())])
    assert verdict.kept and verdict.requests == 1 and verdict.codes == {"ok": 1}


def test_finds_a_request_without_outcome():
    assert kinds(sent(1), sent(2), ok(2)) == ["lost"]


def test_finds_a_second_outcome_whatever_it_says():
    assert kinds(sent(), ok(), ok()) == ["doubled"]
    assert kinds(sent(), ok(), failed()) == ["doubled"]
    assert kinds(sent(), failed(), ok(digest="bb")) == ["doubled"]


def test_finds_an_answer_to_another_input():
    assert kinds(sent(1, digest="aa"), sent(2, digest="bb"), ok(1, digest="bb"), ok(2, digest="aa")) == ["wrong", "wrong"]


def test_allows_fifty_milliseconds_after_the_deadline_and_no_more():
    assert kinds(sent(deadline=3 * S), ok(at=3 * S + 50_000)) == []
    assert kinds(sent(deadline=3 * S), ok(at=3 * S + 50_001)) == ["late"]
    assert kinds(sent(deadline=3 * S), failed(code="deadline", at=3 * S + 50_001)) == ["late"]


def test_reports_the_worst_lateness_even_where_it_is_allowed():
    assert audit([a_log(sent(deadline=3 * S), ok(at=3 * S + 20_000))]).worst_late_us == 20_000


def test_excuses_an_outcome_by_the_lateness_of_its_own_client_and_says_so():
    verdict = audit([a_log(sent(deadline=3 * S), f"L {3 * S + 90_000} 100000", ok(at=3 * S + 100_000))])
    assert verdict.kept and verdict.excused == 1 and verdict.worst_excused_us == 100_000


def test_does_not_excuse_by_lateness_at_another_time():
    assert kinds(sent(deadline=3 * S), f"L {2 * S} 500000", ok(at=3 * S + 100_000)) == ["late"]
    assert kinds(sent(deadline=3 * S), f"L {3 * S + 20_000} 40000", ok(at=3 * S + 100_000)) == ["late"]


def test_finds_an_outcome_without_a_request():
    assert kinds(sent(1), ok(1), ok(2)) == ["unasked"]


def test_finds_errors_that_the_run_does_not_allow():
    assert kinds(sent(), failed(code="worker_lost")) == []
    assert kinds(sent(), failed(code="worker_lost"), allowed=set()) == ["failed"]
    assert kinds(sent(), failed(code="overloaded"), allowed={"overloaded"}) == []


def test_allows_an_offender_any_error_but_not_two():
    log = a_log(sent(1), failed(1, code="poison"), sent(2), failed(2), failed(2))
    log.name = "offender-1"
    assert [each.kind for each in audit([log], set()).breaks] == ["doubled"]


def test_finds_a_log_that_was_cut_and_does_not_call_its_open_requests_lost():
    assert kinds(sent(), ended=False) == ["cut"]


@pytest.mark.parametrize("line", ["", "X 1", "S 1 2", "O a b ok - 1", "S 1000000 1 flip 6000000 bb"])
def test_finds_a_line_that_is_none(line):
    assert kinds(sent(), ok(), line) == ["garbled"]


def test_shows_nothing_by_an_empty_run():
    assert not audit([a_log()]).kept


def test_tells_the_story_of_a_request_with_the_faults_around_it():
    log = a_log(sent(), f"L {2 * S} 30000", ok(), ok(at=3 * S))
    faults = [{"fault": "kill", "target": "node-1/engine-0", "at": S + 500_000, "whole": 2 * S + 1},
              {"fault": "kill", "target": "node-2", "at": 40 * S}]
    told = "\n".join(story(audit([log]).breaks[0], [log], faults))
    order = ["doubled", "sent to 'flip'", "kill node-1/engine-0: struck", "late by 30.0 ms", "outcome ok",
             "whole again", "outcome ok", "deadline"]
    places = [told.find(each) for each in order]
    assert -1 not in places and told.find("node-2") == -1
    assert told.index("struck") < told.index("whole again") < told.index("deadline")


@pytest.mark.parametrize("lines, code", [((sent(), ok()), 0), ((sent(), ok(), ok()), 1), ((sent(),), 1)])
def test_the_program_exits_by_its_verdict(tmp_path, lines, code):
    file = tmp_path / "client-1.log"
    file.write_text("\n".join([*lines, f"E {60 * S}"]) + "\n")
    done = subprocess.run([sys.executable, "-m", "tests.chaos.auditor", file], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("KEPT" in done.stdout) == (code == 0)
