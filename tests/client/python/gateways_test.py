"""Which gateway a client talks to, in virtual time."""
from collections import Counter

import pytest

from coppice.gateways import Act, GatewayWatch, gateway_order


def watch_over(*order, draw=0.0):
    return GatewayWatch(order, lambda: draw)


def connected(watch, now=0.0):
    assert watch.next(now, True) is Act.DIAL
    watch.connected(now)
    watch.heard(now)
    return watch


def look(watch, begin, end, busy=True):
    """What the watch does when it is looked at every 5 ms."""
    acts, step = [], 0
    while begin + step * 0.005 <= end + 1e-9:
        act = watch.next(begin + step * 0.005, busy)
        if act is not Act.NOTHING:
            acts.append((act, round(step * 0.005, 3)))
        step += 1
    return acts


def test_it_dials_its_home_at_once():
    watch = watch_over(1, 0)
    assert watch.next(0.0, False) is Act.DIAL and watch.gateway == 1


def test_it_pings_a_silent_gateway_while_work_is_open_and_not_otherwise():
    watch = connected(watch_over(0, 1))
    assert look(watch, 0.0, 0.795) == [(Act.PING, 0.3), (Act.PING, 0.6)]
    watch.heard(0.795)
    assert look(watch, 0.8, 9.0, busy=False) == []


def test_it_pings_no_gateway_from_which_something_comes():
    watch = connected(watch_over(0, 1))
    for step in range(50):
        watch.heard(step / 10)
        assert look(watch, step / 10, step / 10 + 0.095) == []


def test_a_silent_gateway_is_left_at_the_limit_and_not_before():
    watch = connected(watch_over(0, 1))
    look(watch, 0.0, 0.795)
    assert watch.is_connected
    assert watch.next(0.8, True) is Act.DIAL and watch.gateway == 1


def test_a_client_that_slept_blames_no_gateway():
    watch = connected(watch_over(0, 1))
    look(watch, 0.0, 0.5)
    assert watch.next(9.0, True) is not Act.DIAL and watch.is_connected


def test_work_moves_to_another_gateway_at_once_and_waits_when_all_were_tried():
    watch = connected(watch_over(0, 1, draw=0.5))
    watch.lost(1.0, True)
    assert watch.next(1.0, True) is Act.DIAL and watch.gateway == 1
    watch.lost(1.0, True)
    assert look(watch, 1.0, 2.0) == [(Act.DIAL, 0.15)]


def test_pauses_grow_up_to_their_limit():
    watch, now, pauses = watch_over(0, draw=0.999999), 0.0, []
    watch.next(now, True)
    for _ in range(7):
        watch.lost(now, True)
        begin = now
        while watch.next(now, True) is not Act.DIAL:
            now += 0.005
        pauses.append(round(now - begin, 1))
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_connection_that_does_not_stand_is_given_up():
    watch = watch_over(0, 1)
    watch.next(0.0, True)
    assert look(watch, 0.005, 1.495) == []
    assert watch.next(1.5, True) is Act.DIAL and watch.gateway == 1


@pytest.mark.parametrize("count", [2, 3])
def test_sessions_spread_over_gateways(count):
    endpoints = [f"tcp://g{number}:1" for number in range(count)]
    homes = Counter(gateway_order(f"s{number}", endpoints)[0] for number in range(3000))
    assert len(homes) == count and min(homes.values()) > 0.85 * 3000 / count
    assert sorted(gateway_order("s", endpoints)) == list(range(count))
