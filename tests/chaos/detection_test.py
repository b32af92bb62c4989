"""When a fault was known, from made log lines."""
import json

import pytest

from tests.chaos.detection import GATEWAY_EVENTS, SCHEDULER_EVENTS, SLACK_US, ClusterLog, detection_ms, told_ms

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


def test_of_that_time_the_clusters_own_part_begins_with_the_end_of_the_process(tmp_path):
    log = log_of(tmp_path, line(5.006, "engine_ended", engine="node-1/engine-0"), line(5.007, "engine_down", engine="node-1/engine-0"))
    assert told_ms(log, [fault("kill engine", "node-1/engine-0", 5)], "kill engine") == [pytest.approx(1.0)]


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


def test_times_of_one_kind_are_gathered_and_what_nobody_knew_is_counted(tmp_path):
    log = log_of(tmp_path, line(5.1, "engine_down", engine="node-1/engine-0"), line(7.2, "engine_down", engine="node-1/engine-0"))
    faults = [fault("kill engine", "node-1/engine-0", at) for at in (5, 7, 20)] + [fault("kill worker", "node-1", 5)]
    assert detection_ms(log, faults, ("kill engine",)) == ([100.0, 200.0], 1)


@pytest.mark.parametrize("lasting_ms, times", [(600, [100.0]), (601, [])])
def test_a_fault_that_was_lifted_too_soon_to_be_known_is_no_evidence(tmp_path, lasting_ms, times):
    log = log_of(tmp_path, line(5.1, "engine_down", engine="node-1/engine-0"))
    short = {**fault("freeze worker", "node-1", 5), "lifted": 1_005_600_000}
    assert detection_ms(log, [short], ("freeze worker",), lasting_ms) == (times, 0)


def test_a_hang_is_known_by_the_end_of_whichever_engine_took_it(tmp_path):
    log = log_of(tmp_path, line(6.05, "engine_down", engine="node-1/engine-1"))
    assert log.known_ms(fault("hang", "the engine that takes it", 5)) == 1050.0


def test_a_node_that_only_a_scheduler_does_not_hear_is_known_once_it_is_suspect_and_a_frozen_one_is_not(tmp_path):
    log = log_of(tmp_path, line(5.3, "verdict", engine="node-1/engine-0", verdict="suspect"),
                 line(5.5, "engine_down", engine="node-1/engine-0"))
    assert log.known_ms(fault("freeze worker", "node-1", 5)) == 300.0
    assert log.known_ms(fault("cut scheduler - node", "node-1", 5)) == 300.0
    assert log.known_ms(fault("freeze node", "node-1", 5)) == 500.0


def test_alarms_are_counted_and_a_verdict_that_all_is_well_is_none(tmp_path):
    log = log_of(tmp_path, line(1, "verdict", engine="node-1/engine-0", verdict="up"),
                 line(2, "verdict", engine="node-1/engine-0", verdict="suspect"), line(3, "attempt_lost", reason="node-1/engine-0 x"))
    assert log.alarms == {"suspect": 1, "attempt_lost": 1}


def test_what_is_no_log_line_are_the_last_words_of_a_process(tmp_path):
    log = log_of(tmp_path, "Assertion failed: !_more (src/fq.cpp:112)", '{"cut off')
    assert log.last_words[0] == "gateway-1: Assertion failed: !_more (src/fq.cpp:112)" and len(log.last_words) == 3
