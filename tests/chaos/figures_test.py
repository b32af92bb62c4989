"""Figures of made logs."""
import pytest

from tests.chaos.client_log import ClientLog
from tests.chaos.figures import Figure, Requests, quantile, recovery_figures, recovery_ms
from tests.chaos.load_campaigns import seconds_to_recover
from tests.chaos.sampling import Sample, slope_per_hour

S = 1_000_000


def requests_of(*rows):
    """(sent, answered or None, code, attempts)"""
    log = ClientLog("client-1")
    for number, (sent, answered, code, attempts) in enumerate(rows):
        log.take(f"S {sent} {number} echo {sent + 5 * S} aa")
        if answered is not None:
            log.take(f"O {answered} {number} {code} aa {attempts}")
    return Requests([log])


@pytest.mark.parametrize("q, value", [(0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.99, 4), (1, 4)])
def test_a_quantile_is_a_value_that_was_seen(q, value):
    assert quantile([4, 2, 1, 3], q) == value


def test_of_nothing_there_is_no_quantile():
    assert quantile([], 0.5) is None


def test_goodput_counts_good_outcomes_by_the_time_they_came():
    requests = requests_of((0, S, "ok", 1), (0, 2 * S, "ok", 1), (0, S, "overloaded", 0), (0, None, "", 0))
    assert requests.rate(0, 2 * S) == 0.5 and requests.rate(0, 2 * S + 1) == pytest.approx(1.0)
    assert requests.rate(0, 2 * S, "overloaded") == 0.5


def test_bins_hold_what_was_sent_and_what_ended_well():
    start, sent, good = requests_of((0, 250_000, "ok", 1), (99_999, 100_000, "ok", 1), (100_000, 299_999, "late", 0)).per_bin()
    assert (start, sent, good) == (0, [2, 1, 0], [0, 1, 1])


def test_a_second_outcome_is_no_second_request():
    log = ClientLog("client-1")
    for line in ("S 0 1 echo 9 aa", "O 1000 1 ok aa 1", "O 2000 1 ok aa 1"):
        log.take(line)
    assert Requests([log]).latencies_ms() == [1.0]


def test_extra_latency_is_of_those_that_were_tried_again_from_the_last_strike_before_their_answer():
    requests = requests_of(*[(0, 2000, "ok", 1)] * 9, (0, 12_000, "ok", 2), (5000, 6000, "ok", 2))
    assert requests.extra_ms_of_hit([1000, 4000, 13_000]) == [8.0, 1.0]
    assert requests.extra_ms_of_hit([]) == [12.0, 1.0]


def test_a_kill_recovers_from_its_strike_and_a_freeze_from_its_lifting():
    times = {"at": 1000, "lifted": 5000, "whole": 9000}
    assert recovery_ms({"fault": "kill engine", **times}) == 8.0
    assert recovery_ms({"fault": "freeze engine", **times}) == 4.0
    assert recovery_ms({"fault": "cut", **times, "whole": None}) is None


def test_a_cluster_that_was_never_whole_again_misses_its_bar():
    figures = {each.name: each for each in recovery_figures([{"fault": "cut", "target": "", "at": 0, "lifted": 0, "whole": None}])}
    assert figures["cut: not whole within a minute"].verdict == "MISSED"


@pytest.mark.parametrize("value, bar, most, verdict", [
    (5, 5, True, "met"), (5.1, 5, True, "MISSED"), (5, 5, False, "met"), (4.9, 5, False, "MISSED"), (None, 5, True, "not seen"),
    (5, None, True, "")])
def test_a_figure_keeps_or_misses_its_bar(value, bar, most, verdict):
    assert Figure("f", value, "", bar, most).verdict == verdict


@pytest.mark.parametrize("value, n, verdict", [(0, 100, "met"), (0, 99, "too few"), (0, None, "too few"), (1, 99, "MISSED")])
def test_a_figure_of_too_few_meets_no_bar(value, n, verdict):
    assert Figure("f", value, "", 0, n=n, least_n=100).verdict == verdict


def test_recovery_is_where_the_last_bad_stretch_ends():
    def second(at, good):
        return [(at * S + k, at * S + k, "ok" if k < good else "overloaded", 1) for k in range(100)]
    rows = [*second(0, 50), *second(1, 100), *second(2, 98), *second(3, 99), *second(4, 100)]
    assert seconds_to_recover(requests_of(*rows), 0, 5 * S) == 3.0
    assert seconds_to_recover(requests_of(*second(0, 50), *second(1, 98)), 0, 2 * S) is None


def test_a_slope_is_growth_an_hour():
    hour = 3_600_000_000
    samples = [Sample(k * hour // 4, 1000 + 10 * k, 7, 3) for k in range(5)]
    assert slope_per_hour(samples, "resident") == pytest.approx(40)
    assert slope_per_hour(samples, "threads") == pytest.approx(0)
    assert slope_per_hour(samples[:1], "resident") is None
