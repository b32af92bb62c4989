"""What roles say of their variables is what they have: specifications, defaults and README agree."""
import subprocess
import sys

import pytest
import yaml

from tests.ansible.collection import COLLECTION, REPOSITORY

ROLES = sorted(each.parent.name for each in COLLECTION.glob("roles/*/meta"))
# Of the fleet, not of one role.
SHARED = ("coppice_", "metrics_address")


def read(role, file):
    path = COLLECTION / "roles" / role / file
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def specified(role):
    return read(role, "meta/argument_specs.yml")["argument_specs"]


def test_there_are_roles():
    assert {"common", "gpu", "release", "pki", "scheduler", "gateway", "worker", "models"} <= set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_specification(role):
    options = specified(role)["main"]["options"]

    assert read(role, "defaults/main.yml") == {name: each["default"] for name, each in options.items()
                                               if "default" in each and not name.startswith(SHARED)}


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_name_of_their_role(role):
    names = [name for entry in specified(role).values() for name in entry.get("options", {})] + list(read(role, "vars/main.yml"))

    foreign = {name for name in names if not name.startswith((f"{role}_", *SHARED))}

    assert not foreign - ({"models_source"} if role == "worker" else set())


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_is_a_file_of_tasks(role):
    for entry in specified(role):
        assert (COLLECTION / "roles" / role / "tasks" / f"{entry}.yml").exists(), entry


def test_every_readme_is_what_the_specification_says():
    done = subprocess.run([sys.executable, REPOSITORY / "scripts/ansible_readmes", "--check"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
