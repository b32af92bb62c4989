"""What a client decides, in virtual time."""
import random

import msgpack
import numpy as np
import pytest

from coppice import Cancelled, CoppiceError, DeadlineExceeded, InternalError, Overloaded, UnknownOutcome, WorkerLost
from coppice import session as rules
from coppice.result import as_result
from coppice.session import Request, Session, Stream

ONE_PROCESS, ANOTHER_PROCESS = 77, 78


def sent(session, *ops):
    headers = [msgpack.unpackb(parts[1]) for parts in session.outbox]
    session.outbox.clear()
    return [header for header in headers if header["op"] in (ops or ("infer", "generate"))]


def a_request(deadline=30.0, **header):
    return Request({"op": "infer", "model": "m", **header}, [], deadline, lambda reply, frames: reply["model"])


def a_stream(window=8):
    request = a_request(op="generate", stream=True, window=window, inputs=[])
    got = []
    request.stream = Stream(deliver=got.extend)
    return request, got


def a_reply(number, **reply):
    return [b"", msgpack.packb({"id": number, **reply})]


def a_chunk(number, seq, count, **more):
    raw = np.arange(seq, seq + count, dtype="<i4").tobytes()
    tokens = {"name": "tokens", "datatype": "INT32", "shape": [count], "data": raw}
    return a_reply(number, seq=seq, outputs=[tokens], **more)


def an_error(number, code, retryable=True, **more):
    return a_reply(number, error={"code": code, "message": "why", "retryable": retryable, **more})


def a_session(process=ONE_PROCESS, **options):
    options = {"endpoints": ["a", "b"], "draw": lambda: 0.0, **options}
    return connect(Session(**options), 0.0, process)


def connect(session, now, process=ONE_PROCESS):
    session.tick(now)
    session.connected(now)
    session.take([b"", msgpack.packb({"gateway": "g", "incarnation": process})], now)
    return session


def reconnect(session, now, process=ONE_PROCESS):
    session.disconnected(now)
    session.outbox.clear()
    return connect(session, now, process)


@pytest.fixture
def session():
    made = a_session()
    made.outbox.clear()
    return made


def test_a_request_has_an_id_a_session_a_key_and_the_time_left(session):
    session.start(a_request(), now=0.0)
    (header,) = sent(session)
    assert header["session"] == session.name
    assert header["key"] == f"{session.name}-{header['id']}"
    assert header["timeout_ms"] == 30_000


def test_a_request_may_bring_a_key_of_its_own(session):
    session.start(a_request(key="order-17"), now=0.0)
    (header,) = sent(session)
    assert header["key"] == "order-17"


def test_results_and_errors_tell_the_key_of_their_request(session):
    good, bad = a_request(key="good"), a_request(key="bad")
    good.answer = as_result
    session.take(a_reply(session.start(good, now=0.0), model="m", version=1), now=0.1)
    session.take(an_error(session.start(bad, now=0.0), "model_error", retryable=False), now=0.1)
    assert good.future.result(0).key == "good"
    assert bad.future.exception(0).key == "bad"
    assert str(bad.future.exception(0)) == "model_error: why (request bad)"


def test_requests_that_end_together_tell_each_its_own_key(session):
    both = [a_request(key=key) for key in ("a", "b")]
    for request in both:
        session.start(request, now=0.0)
    session.close(Cancelled("The client was closed."))
    assert [request.future.exception(0).key for request in both] == ["a", "b"]


def test_a_reply_resolves_its_request_once(session):
    request = a_request()
    number = session.start(request, now=0.0)
    session.take(a_reply(number, model="m"), now=0.1)
    session.take(a_reply(number, model="other"), now=0.2)
    assert request.future.result(0) == "m"


def test_what_is_retryable_is_sent_again_with_its_key_after_the_hint(session):
    request = a_request()
    number = session.start(request, now=0.0)
    (first,) = sent(session)
    session.take(an_error(number, "overloaded", retry_after_ms=200), now=1.0)
    session.tick(now=1.1)
    assert sent(session) == []
    session.tick(now=1.25)
    (again,) = sent(session)
    assert again["key"] == first["key"] and again["timeout_ms"] == 28_750
    assert not request.future.done()


def test_without_a_hint_the_pause_doubles_up_to_a_second(session):
    request = a_request(deadline=100.0)
    number, now, pauses = session.start(request, now=0.0), 0.0, []
    for _ in range(9):
        session.take(an_error(number, "unavailable"), now)
        pauses.append(round((request.again_at - now) * 1000))
        now = request.again_at
        session.tick(now)
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1000, 1000]


def test_no_retry_starts_past_the_deadline(session):
    request = a_request(deadline=1.0)
    number = session.start(request, now=0.0)
    session.take(an_error(number, "overloaded", retry_after_ms=1500), now=0.5)
    with pytest.raises(Overloaded):
        request.future.result(0)


def test_an_at_most_once_request_is_not_repeated_after_a_lost_worker(session):
    request = a_request(at_most_once=True)
    number = session.start(request, now=0.0)
    session.take(an_error(number, "worker_lost"), now=0.5)
    with pytest.raises(WorkerLost):
        request.future.result(0)


def test_without_retries_the_first_error_is_the_outcome():
    session, request = a_session(retry=False), a_request()
    number = session.start(request, now=0.0)
    session.take(an_error(number, "overloaded", retry_after_ms=1), now=0.5)
    with pytest.raises(Overloaded):
        request.future.result(0)


def test_the_deadline_ends_a_request_that_nobody_answers(session):
    request = a_request(deadline=1.0)
    session.start(request, now=0.0)
    session.tick(now=1.01)
    assert not request.future.done()
    session.tick(now=1.03)
    with pytest.raises(DeadlineExceeded):
        request.future.result(0)


def test_retries_are_spread_by_chance_and_never_before_the_hint():
    session, request = a_session(draw=lambda: 0.9999), a_request()
    number = session.start(request, now=0.0)
    session.take(an_error(number, "overloaded", retry_after_ms=200), now=0.0)
    assert 0.299 < request.again_at < 0.3


def test_requests_wait_for_a_connection():
    session = Session(endpoints=["a"])
    session.start(a_request(), now=0.0)
    assert sent(session) == []
    connect(session, 0.0)
    assert len(sent(session)) == 1


def test_a_ping_says_up_to_which_request_every_outcome_arrived(session):
    numbers = [session.start(a_request(), now=0.0) for _ in range(3)]
    session.take(a_reply(numbers[2], model="m"), now=0.0)
    session.take(a_reply(numbers[0], model="m"), now=0.0)
    session.tick(now=1.0)
    (ping,) = sent(session, "ping")
    assert ping["session"] == session.name and ping["acked"] == numbers[0]
    session.take(a_reply(numbers[1], model="m"), now=1.0)
    session.start(a_request(), now=1.0)
    assert sent(session)[0]["acked"] == numbers[2]


def test_open_work_goes_to_the_next_gateway_with_its_keys_and_its_deadline(session):
    session.start(a_request(), now=0.0)
    session.start(a_request(), now=0.0)
    keys, home = [header["key"] for header in sent(session)], session.gateway
    reconnect(session, 10.0, ANOTHER_PROCESS)
    again = sent(session)
    assert session.gateway != home
    assert [header["key"] for header in again] == keys
    assert all(header["again"] and header["timeout_ms"] == 20_000 for header in again)


def test_a_silent_gateway_is_left(session):
    session.start(a_request(), now=0.0)
    dials = session.dials
    for step in range(160):
        session.tick(now=step * 0.005)
    assert session.dials == dials
    session.tick(now=0.8)
    assert session.dials == dials + 1


def test_what_is_sent_again_is_paced(session):
    for _ in range(rules.SENT_A_TURN + 10):
        session.start(a_request(), now=0.0)
    sent(session)
    session.disconnected(0.0)
    session.tick(0.0)
    session.connected(0.0)
    assert len(sent(session)) == rules.SENT_A_TURN
    session.start(a_request(), now=0.0)
    assert sent(session) == []
    session.tick(0.005)
    assert len(sent(session)) == 11


def test_what_may_run_once_goes_back_to_the_same_process_only(session):
    back, away = a_request(at_most_once=True), a_request(at_most_once=True)
    session.start(back, now=0.0)
    sent(session)
    reconnect(session, 0.0)
    (again,) = sent(session)
    assert again["again"] and not back.future.done()
    session.start(away, now=0.0)
    reconnect(session, 0.0, ANOTHER_PROCESS)
    for request in (back, away):
        with pytest.raises(UnknownOutcome):
            request.future.result(0)


def test_what_may_run_once_goes_elsewhere_if_it_never_ran(session):
    number = session.start(a_request(at_most_once=True), now=0.0)
    session.take(an_error(number, "overloaded", retry_after_ms=10), now=0.0)
    reconnect(session, 0.0, ANOTHER_PROCESS)
    session.outbox.clear()
    session.tick(0.02)
    assert len(sent(session)) == 1


def test_a_client_that_is_refused_ends_with_the_reason(session):
    request = a_request()
    session.start(request, now=0.0)
    session.refused(WorkerLost("why"), now=0.0)
    with pytest.raises(WorkerLost):
        request.future.result(0)


def test_the_tokens_of_a_stream_come_in_order_and_its_window_opens_by_halves(session):
    request, got = a_stream(window=8)
    number = session.start(request, now=0.0)
    session.take(a_chunk(number, 0, 3), now=0.0)
    session.take(a_chunk(number, 3, 2), now=0.0)
    assert got == [0, 1, 2, 3, 4]
    session.acknowledge(number, 3)
    assert sent(session, "ack") == []
    session.acknowledge(number, 4)
    (ack,) = sent(session, "ack")
    assert ack["seq"] == 4 and ack["id"] == number
    session.take(a_chunk(number, 5, 1, final=True, model="m"), now=0.0)
    assert got == [0, 1, 2, 3, 4, 5] and request.future.result(0) == "m"


def test_a_stream_cuts_what_repeats_and_asks_for_what_it_misses_once(session):
    request, got = a_stream()
    number = session.start(request, now=0.0)
    sent(session)
    session.take(a_chunk(number, 0, 4), now=0.0)
    session.take(a_chunk(number, 2, 4), now=0.0)
    session.take(a_chunk(number, 8, 2), now=0.0)
    session.take(a_chunk(number, 10, 2), now=0.0)
    (again,) = sent(session)
    assert again["seq"] == 6
    session.take(a_chunk(number, 6, 6, final=True, model="m"), now=0.0)
    assert got == list(range(12))


def test_a_stream_is_resumed_behind_the_tokens_it_has(session):
    request, got = a_stream()
    number = session.start(request, now=0.0)
    (first,) = sent(session)
    session.take(a_chunk(number, 0, 3), now=0.0)
    reconnect(session, 1.0, ANOTHER_PROCESS)
    (again,) = sent(session)
    assert again["key"] == first["key"] and again["seq"] == 3
    assert np.frombuffer(again["emitted"], "<i4").tolist() == [0, 1, 2]


def test_the_longest_stream_goes_on_at_another_gateway(session):
    request, got = a_stream()
    number = session.start(request, now=0.0)
    session.take(a_chunk(number, 0, 99_999), now=0.0)
    reconnect(session, 1.0, ANOTHER_PROCESS)
    (again,) = sent(session, "generate")
    assert again["seq"] == 99_999 and len(again["emitted"]) == 4 * 99_999
    session.take(a_chunk(number, 99_999, 1, final=True, model="m"), now=1.0)
    assert got == list(range(100_000)) and request.future.result(0) == "m"


def test_the_window_counts_from_what_the_reader_has_taken_at_the_next_connection_too(session):
    request, got = a_stream(window=8)
    number = session.start(request, now=0.0)
    session.take(a_chunk(number, 0, 8), now=0.0)
    session.acknowledge(number, 4)
    session.take(a_chunk(number, 8, 4), now=0.0)
    reconnect(session, 1.0)
    (again,) = sent(session, "generate")
    assert again["seq"] == 12 and again["unread"] == 8, "the window is shut until the reader takes more"
    session.acknowledge(number, 8)
    (ack,) = sent(session, "ack")
    assert ack["seq"] == 8


def test_what_a_reader_takes_while_there_is_no_connection_opens_the_window_of_the_next(session):
    request, got = a_stream(window=8)
    number = session.start(request, now=0.0)
    session.take(a_chunk(number, 0, 8), now=0.0)
    session.disconnected(now=0.5)
    session.acknowledge(number, 4)
    session.acknowledge(number, 8)
    assert sent(session, "ack") == []
    session.tick(1.0)
    session.connected(1.0)
    (again,) = sent(session, "generate")
    assert again["seq"] == 8 and again["unread"] == 0


def test_every_request_ends_once_and_in_time_under_random_faults():
    dice = random.Random(7)
    session, now, up, held, requests = Session(endpoints=["a", "b"], draw=dice.random), 0.0, False, [], []
    for step in range(20_000):
        now += 0.005
        session.tick(now)
        kind = dice.randrange(100)
        if kind < 30:
            requests.append(a_request(deadline=now + 0.001 + 3 * dice.random(), at_most_once=dice.random() < 0.2))
            session.start(requests[-1], now)
        held += [msgpack.unpackb(parts[1]) for parts in session.outbox]
        session.outbox.clear()
        if 30 <= kind < 80 and up and held:
            header = held.pop(dice.randrange(len(held)))
            answer = dice.choice([a_reply(header.get("id"), model="m"), an_error(header.get("id"), "overloaded"),
                                  an_error(header.get("id"), "invalid", retryable=False)])
            if header["op"] == "ping":
                answer = a_reply(None, incarnation=dice.choice([ONE_PROCESS, ANOTHER_PROCESS]))
            session.take(answer, now)
        if kind == 98 and up:
            session.disconnected(now)
            up, held = False, []
        if kind == 99 and not up and session.dials:
            session.connected(now)
            up = True
        for request in requests[-700:] if step % 50 == 0 else ():
            assert request.future.done() or now < request.deadline + rules.GRACE_S + 0.006
    session.tick(now + 4)
    assert all(request.future.done() for request in requests) and not session.open
    kinds = {type(request.future.exception()) for request in requests}
    assert {type(None), DeadlineExceeded, UnknownOutcome} <= kinds
    assert all(kind is type(None) or issubclass(kind, CoppiceError) for kind in kinds)


def test_a_cancelled_request_is_cancelled_in_the_cluster(session):
    request = a_request()
    number = session.start(request, now=0.0)
    sent(session)
    session.cancel(number)
    session.cancel(number)
    (header,) = sent(session, "cancel")
    assert header["id"] == number and not session.open
    with pytest.raises(Cancelled):
        request.future.result(0)


@pytest.mark.parametrize("parts", [[b""], [b"", b"\xc1"], [b"", b"\x01"], [b"", msgpack.packb({"id": [1]})],
                                   [b"", msgpack.packb({"id": 77})]])
def test_messages_that_answer_nothing_are_dropped(session, parts):
    request = a_request()
    session.start(request, now=0.0)
    session.take(parts, now=0.1)
    assert not request.future.done()


def test_a_reply_that_breaks_the_protocol_is_an_internal_error(session):
    request = a_request()
    number = session.start(request, now=0.0)
    session.take(a_reply(number), now=0.1)  # no model
    with pytest.raises(InternalError):
        request.future.result(0)
