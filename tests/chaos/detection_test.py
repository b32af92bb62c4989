"""When a fault was known, from made log lines."""
import json

import pytest

from tests.chaos.detection import GATEWAY_EVENTS, SCHEDULER_EVENTS, SLACK_US, ClusterLog

# 2026-01-01T00:00:00Z is second 1000 of this machine.
OFFSET_US = 1_767_225_600_000_000 - 1_000_000_000


def line(seconds, event, **fields):
    return json.dumps({"time": f"2026-01-01T00:00:{seconds:09.6f}+00:00", "event": event, **fields})


def log_of(tmp_path, *lines):
    (tmp_path / "gateway-1.log").write_text("\n".join([*lines, "terminate called", '{"event": 1}', "[]"]))
    return ClusterLog(tmp_path, OFFSET_US)


def fault(kind, target, seconds):
    """Whole again after a second."""
    at = int((1000 + seconds) * 1e6)
    return {"fault": kind, "target": target, "at": at, "lifted": at, "whole": at + 1_000_000}


def test_an_engines_death_is_known_by_its_lost_attempts_or_by_word_of_the_scheduler(tmp_path):
    log = log_of(tmp_path, line(5.003, "engine_down", engine="node-1/engine-0"),
                 line(5.002, "attempt_lost", reason="node-1/engine-0 was killed by signal 9"))
    kill = fault("kill engine", "node-1/engine-0", 5)
    assert log.known_ms(kill, GATEWAY_EVENTS) == 2.0
    assert log.known_ms(kill, SCHEDULER_EVENTS) == 3.0


def test_what_is_about_another_or_was_before_says_nothing(tmp_path):
    log = log_of(tmp_path, line(4.9, "engine_down", engine="node-1/engine-0"), line(5.1, "engine_down", engine="node-1/engine-1"))
    assert log.known_ms(fault("kill engine", "node-1/engine-0", 5), SCHEDULER_EVENTS) is None


def test_a_workers_death_is_known_by_the_first_of_its_engines(tmp_path):
    log = log_of(tmp_path, line(5.2, "engine_down", engine="node-1/engine-1"), line(5.1, "engine_down", engine="node-10/engine-0"))
    assert log.known_ms(fault("kill worker", "node-1", 5), SCHEDULER_EVENTS) == 200.0


@pytest.mark.parametrize("seconds, known", [(6 + SLACK_US / 1e6, True), (6.001 + SLACK_US / 1e6, False)])
def test_what_comes_after_the_cluster_was_whole_again_has_another_cause(tmp_path, seconds, known):
    log = log_of(tmp_path, line(seconds, "scheduler_lost", host="127.0.0.1"))
    assert (log.known_ms(fault("kill scheduler", "scheduler-1", 5), GATEWAY_EVENTS) is not None) == known


def test_times_of_one_role_are_gathered(tmp_path):
    log = log_of(tmp_path, line(5.1, "engine_down", engine="node-1/engine-0"), line(6.2, "engine_down", engine="node-1/engine-0"))
    faults = [fault("kill engine", "node-1/engine-0", 5), fault("kill engine", "node-1/engine-0", 6), fault("kill worker", "node-1", 5)]
    assert log.detection_ms(faults, ("engine",), SCHEDULER_EVENTS) == [100.0, 200.0]


def test_what_is_no_log_line_are_the_last_words_of_a_process(tmp_path):
    log = log_of(tmp_path, "Assertion failed: !_more (src/fq.cpp:112)", '{"cut off')
    assert log.last_words[0] == "gateway-1: Assertion failed: !_more (src/fq.cpp:112)" and len(log.last_words) == 3
