import pytest

from tests.lab.problem import Problem
from tests.lab.processes import Started
from tests.lab.state import State, load_state

FULL = State(hosts=["gateway-1"], base="/cache/base-1", builder=Started(7, 70), running={"gateway-1": Started(8, 80)},
             control_groups=["/sys/fs/cgroup/x"], complete=True)


@pytest.mark.parametrize("state", [State(), FULL], ids=["empty", "full"])
def test_what_is_saved_is_loaded(state, tmp_path):
    state.save(tmp_path / "lab/state.json")
    assert load_state(tmp_path / "lab/state.json") == state


def test_without_a_file_there_is_no_laboratory(tmp_path):
    assert load_state(tmp_path / "state.json") is None


def test_a_later_state_replaces_the_one_before(tmp_path):
    FULL.save(tmp_path / "state.json")
    State().save(tmp_path / "state.json")
    assert load_state(tmp_path / "state.json") == State()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"builder": null, "running": {"a": {"pid": 1}}}',
                                  '{"builder": null, "running": {}, "more": 1}'])
def test_an_unreadable_state_names_its_remedy(text, tmp_path):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(Problem) as caught:
        load_state(tmp_path / "state.json")
    assert caught.value.remedy == "scripts/lab down"
