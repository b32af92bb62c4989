"""Conditions are sentences. One with `: ` in it that is not quoted is a map for YAML, and a map is true for Ansible."""
import pytest
import yaml

from tests.ansible.collection import COLLECTION

CONDITIONS = ("when", "that", "failed_when", "changed_when", "until")
FILES = sorted(str(each.relative_to(COLLECTION)) for folder in ("roles", "playbooks") for each in (COLLECTION / folder).glob("**/*.yml"))


def conditions(of):
    """Every condition in a tree of tasks."""
    if isinstance(of, list):
        for each in of:
            yield from conditions(each)
    elif isinstance(of, dict):
        for name, value in of.items():
            if name in CONDITIONS:
                yield from value if isinstance(value, list) else [value]
            else:
                yield from conditions(value)


def not_sentences(text):
    return [each for each in conditions(yaml.safe_load(text)) if not isinstance(each, (str, bool))]


def test_a_condition_that_is_a_map_is_found():
    assert not_sentences("- assert:\n    that:\n      - asked == {'name': wanted}\n") and not not_sentences("- when: asked\n")


@pytest.mark.parametrize("file", FILES)
def test_every_condition_is_a_sentence(file):
    assert not not_sentences((COLLECTION / file).read_text())
