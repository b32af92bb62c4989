"""What a client decides, in virtual time."""
import msgpack
import pytest

from coppice import DeadlineExceeded, InternalError, Overloaded, UnknownOutcome, WorkerLost
from coppice.session import Request, Session


def sent(session):
    headers = [msgpack.unpackb(parts[1]) for parts in session.outbox]
    session.outbox.clear()
    return headers


def a_request(deadline=30.0, **header):
    return Request({"op": "infer", "model": "m", **header}, [], deadline, lambda reply, frames: reply["model"])


def a_reply(number, **reply):
    return [b"", msgpack.packb({"id": number, **reply})]


def an_error(number, code, retryable=True, **more):
    return a_reply(number, error={"code": code, "message": "why", "retryable": retryable, **more})


@pytest.fixture
def session():
    return Session(gateways=2)


def test_a_request_has_an_id_a_session_a_key_and_the_time_left(session):
    session.start(a_request(), now=0.0)
    (header,) = sent(session)
    assert header["session"] == session.name
    assert header["key"] == f"{session.name}-{header['id']}"
    assert header["timeout_ms"] == 30_000


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
    assert sent(session) == [{"v": 1, "op": "ping", "session": session.name}]
    session.tick(now=1.25)
    (again,) = sent(session)
    assert again["key"] == first["key"] and again["timeout_ms"] == 28_750
    assert not request.future.done()


def test_without_a_hint_the_pause_doubles_up_to_a_second(session):
    request = a_request(deadline=100.0)
    number, now, pauses = session.start(request, now=0.0), 0.0, []
    for _ in range(9):
        session.take(an_error(number, "unavailable"), now)
        pauses.append(round((request.send_at - now) * 1000))
        now = request.send_at
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
    session, request = Session(gateways=1, retry=False), a_request()
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


def test_it_pings_once_a_second_while_work_is_open_and_not_otherwise(session):
    session.tick(now=5.0)
    assert sent(session) == []
    number = session.start(a_request(), now=5.0)
    sent(session)
    for now in (5.5, 6.0, 6.5, 7.0):
        session.tick(now)
    assert [header["op"] for header in sent(session)] == ["ping", "ping"]
    session.take(a_reply(number, model="m"), now=7.0)
    session.tick(now=9.0)
    assert sent(session) == []


def test_a_silent_gateway_is_left_and_open_work_goes_to_the_next_with_its_keys(session):
    plain, once = a_request(), a_request(at_most_once=True)
    session.start(plain, now=0.0)
    session.start(once, now=0.0)
    key = sent(session)[0]["key"]
    session.tick(now=3.0)
    assert session.gateway == 1 and session.reconnects == 1
    assert [header["key"] for header in sent(session)] == [key]
    with pytest.raises(UnknownOutcome):
        once.future.result(0)
    session.tick(now=6.0)
    assert session.gateway == 0


def test_a_cancelled_request_is_cancelled_in_the_cluster(session):
    number = session.start(a_request(), now=0.0)
    sent(session)
    session.cancel(number)
    session.cancel(number)
    (header,) = sent(session)
    assert header["op"] == "cancel" and header["id"] == number and not session.open


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
