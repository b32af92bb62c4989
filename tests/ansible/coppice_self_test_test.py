"""The module coppice_self_test, against a program that answers as it is told to."""
import pytest

from tests.ansible.collection import FakeCluster, run_module

ECHO = {"model": "echo", "inputs": ["x=[1,2]"], "outputs": {"x": [1, 2]}}


def answer(engine="node-1/engine-0", data=(1.0, 2.0)):
    return {"engine": engine, "outputs": {"x": list(data)}}


@pytest.fixture
def cluster_of(tmp_path):
    return lambda *answers: FakeCluster(tmp_path, nodes={}, answers=list(answers))


def ask(cluster, wait=10, requests=(ECHO,), **more):
    return run_module("coppice_self_test", program=str(cluster.program), endpoint="tcp://10.0.0.1:5555", requests=list(requests),
                      wait=wait, **more)


def test_an_answer_is_enough_where_no_node_is_named(cluster_of):
    result = ask(cluster_of(answer("node-7/engine-2")))

    assert not result["changed"] and result["answered_by"] == {"echo": "node-7/engine-2"} and result["sent"] == 1


def test_requests_go_on_until_the_node_has_answered(cluster_of):
    result = ask(cluster_of(answer("node-2/engine-0"), answer("node-10/engine-0"), answer("node-1/engine-3")), node="node-1")

    assert result["answered_by"] == {"echo": "node-1/engine-3"} and result["sent"] == 3


def test_every_request_has_to_be_answered_by_the_node(cluster_of):
    other = {"model": "digits", "inputs": []}

    result = ask(cluster_of(answer("node-1/engine-0"), answer("node-2/engine-0"), answer("node-1/engine-1")), node="node-1",
                 requests=[ECHO, other])

    assert result["answered_by"] == {"echo": "node-1/engine-0", "digits": "node-1/engine-1"}


def test_a_node_that_is_given_no_work_is_told_and_no_failure(cluster_of):
    result = ask(cluster_of(answer("node-2/engine-0")), node="node-1", burst=0)

    assert result["not_answered_by_node"] == ["echo"] and result["answered_by"] == {"echo": "node-2/engine-0"}
    assert "node-1 was given no work" in result["warnings"][0]


def test_where_it_is_required_such_a_node_fails_and_those_that_answered_are_named(cluster_of):
    result = ask(cluster_of(answer("node-2/engine-0")), wait=0.2, node="node-1", required=True)

    assert result["failed"] and "node-1 answered none" in result["msg"] and "answered by node-2/engine-0" in result["msg"]


def test_an_answer_that_is_wrong_fails_at_once(cluster_of):
    result = ask(cluster_of(answer(data=(1.0, 3.0)), answer()))

    assert result["failed"] and "x was answered as [1.0, 3.0]" in result["msg"] and result["sent"] == 1


@pytest.mark.parametrize("told", ["overloaded: The queue is full.", "unavailable: No engine serves it."])
def test_what_is_refused_for_a_moment_is_sent_again(cluster_of, told):
    assert ask(cluster_of({"refuse": told}, answer()))["sent"] == 2


def test_a_failure_of_the_model_ends_the_test(cluster_of):
    result = ask(cluster_of({"refuse": "model_error: It threw."}, answer()))

    assert result["failed"] and "It threw" in result["msg"] and result["sent"] == 1


def test_what_is_always_refused_fails_in_time_with_the_reason(cluster_of):
    result = ask(cluster_of({"refuse": "overloaded: The queue is full."}), wait=0.2)

    assert result["failed"] and "The queue is full" in result["msg"]


def test_keys_go_to_the_program_and_each_request_has_a_name_of_its_own(cluster_of):
    cluster = cluster_of(answer("node-2/engine-0"), answer())

    ask(cluster, node="node-1", gateway_key="K:?", key_file="/etc/coppice/keys/self_test.key")

    sent = cluster.calls_of("predict")
    assert [each[each.index("--endpoint") + 1] for each in sent] == ["tcp://10.0.0.1:5555?key=K:?"] * 2
    assert [each[each.index("--key-file") + 1] for each in sent] == ["/etc/coppice/keys/self_test.key"] * 2
    assert len({each[each.index("--key") + 1] for each in sent}) == 2


def test_a_node_that_only_gets_work_when_others_are_busy_is_reached_by_bursts(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={}, answers=[answer("node-2/engine-0")], busy_at=16, busy_answers=[answer()])

    result = ask(cluster, node="node-1", gateway_key="K", burst=64)

    assert result["answered_by"] == {"echo": "node-1/engine-0"}
    sizes = [int(each[each.index("--concurrency") + 1]) for each in cluster.calls_of("bench")]
    assert sizes[:3] == [4, 8, 16]
    assert all(each[1] == "echo" and "tcp://10.0.0.1:5555?key=K" in each for each in cluster.calls_of("bench"))


def test_bursts_end_with_the_largest_that_may_be(tmp_path):
    cluster = FakeCluster(tmp_path, nodes={}, answers=[answer("node-2/engine-0")])

    result = ask(cluster, node="node-1", burst=10)

    assert result["not_answered_by_node"] == ["echo"]
    assert [int(each[each.index("--concurrency") + 1]) for each in cluster.calls_of("bench")] == [4, 8]


def test_check_mode_sends_nothing(cluster_of):
    cluster = cluster_of(answer())

    assert ask(cluster, check=True)["sent"] == 0 and not cluster.calls
