"""The collection by the tools of its trade: ansible-lint in its production profile, yamllint, and the syntax of every playbook."""
import subprocess

import pytest

from tests.ansible.collection import COLLECTION, environment

PLAYBOOKS = sorted(each.name for each in (COLLECTION / "playbooks").glob("*.yml"))
INVENTORIES = ("sample-3", "sample-200")
OPERATIONS = {"preflight", "site", "upgrade", "rollback", "drain", "undrain", "add_node", "remove_node", "rotate_keys", "models"}


def told_by(*words):
    done = subprocess.run(words, cwd=COLLECTION, capture_output=True, text=True, timeout=600,
                          env=environment(ANSIBLE_COLLECTIONS_PATH=str(COLLECTION / "collections"), NO_COLOR="1"))
    return done.returncode, done.stdout + done.stderr


def test_there_is_a_playbook_for_each_operation():
    assert OPERATIONS <= {each.removesuffix(".yml") for each in PLAYBOOKS}


def test_yaml_is_as_agreed():
    code, told = told_by("yamllint", "--strict", ".")

    assert code == 0, told


def test_ansible_lint_is_content_in_its_production_profile():
    code, told = told_by("ansible-lint", "--nocolor")

    assert code == 0 and "Passed with production profile" in told, told


@pytest.mark.parametrize("inventory", INVENTORIES)
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_the_playbook_can_be_read_with_the_inventory(playbook, inventory):
    code, told = told_by("ansible-playbook", "--syntax-check", "-i", f"inventory/{inventory}", f"playbooks/{playbook}")

    assert code == 0, told


def test_the_sample_inventories_have_the_machines_that_their_names_say():
    for inventory in INVENTORIES:
        code, told = told_by("ansible", "all", "-i", f"inventory/{inventory}", "--list-hosts")

        assert code == 0 and f"hosts ({inventory.removeprefix('sample-')}):" in told, told
