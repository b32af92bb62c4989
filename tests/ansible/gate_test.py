"""A roll over batches of hosts stops where one was lost, and does not leave its neighbours in the middle of their way."""
import pytest

from tests.ansible.collection import COLLECTION
from tests.ansible.playbook import run

HOSTS = {name: {} for name in ("a", "b", "c", "d")}


def rolling(step):
    """Batches of 1 and 2, as roll.yml has them: a step that may fail for b, one after it, and a way back."""
    return [{
        "hosts": "workers", "gather_facts": False, "serial": [1, 2], "max_fail_percentage": 0,
        "tasks": [
            {"name": "gate", "ansible.builtin.import_tasks": str(COLLECTION / "playbooks/tasks/gate.yml")},
            {"block": [{"name": "begin", **step}, {"name": "end", "ansible.builtin.command": "true"}],
             "rescue": [{"name": "come back", "ansible.builtin.command": "true"},
                        {"name": "stop", "ansible.builtin.fail": {"msg": "it came back"}}]}]}]


LOST = {"ansible.builtin.command": "true", "vars": {
    "ansible_connection": "{{ (inventory_hostname == 'b') | ternary('ssh', 'local') }}", "ansible_host": "127.0.0.1", "ansible_port": 1}}
FAILED = {"ansible.builtin.command": "{{ (inventory_hostname == 'b') | ternary('false', 'true') }}"}


def test_all_hosts_are_taken_where_nothing_fails(tmp_path):
    done = run(tmp_path, rolling({"ansible.builtin.command": "true"}), HOSTS)

    assert done.code == 0 and done.ran("end") == ["a", "b", "c", "d"]


@pytest.mark.parametrize("step", [LOST, FAILED], ids=["cannot be reached", "fails"])
def test_the_next_batch_is_not_begun_and_the_neighbour_goes_on_to_its_end(tmp_path, step):
    done = run(tmp_path, rolling(step), HOSTS)

    assert done.code != 0
    assert sorted(done.ran("begin")) == ["a", "b", "c"]
    assert sorted(done.ran("end")) == ["a", "c"]


def test_a_host_that_failed_comes_back_and_counts_as_failed(tmp_path):
    done = run(tmp_path, rolling(FAILED), HOSTS)

    assert done.ran("come back") == ["b"] and "it came back" in done.messages()
