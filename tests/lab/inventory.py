"""The hosts as Ansible knows them."""
from __future__ import annotations

import json

from tests.lab.fleet import GROUPS, HostPlan
from tests.lab.places import Places

TITLE = "# Written by scripts/lab up, removed by scripts/lab down.\n---\n"


def inventory(places: Places, hosts: list[HostPlan]) -> dict:
    groups = {group: {"hosts": {each.name: {"ansible_host": each.address} for each in hosts if group in each.groups}}
              for group in dict.fromkeys(group for groups in GROUPS.values() for group in groups)}
    return {"all": {"vars": {"ansible_user": "root", "ansible_python_interpreter": "/usr/bin/python3",
                             "ansible_ssh_private_key_file": f"{places.ssh}/key",
                             "ansible_ssh_common_args": f"-F {places.ssh_config}"},
                    "children": groups}}


def as_yaml(tree: dict, indent: int = 0) -> str:
    """Of maps and strings."""
    lines = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines.append(f"{' ' * indent}{key}:{'' if value else ' {}'}\n" + as_yaml(value, indent + 2))
        else:
            lines.append(f"{' ' * indent}{key}: {json.dumps(value)}\n")
    return "".join(lines)


def write_inventory(places: Places, hosts: list[HostPlan]) -> None:
    places.inventory.parent.mkdir(parents=True, exist_ok=True)
    places.inventory.write_text(TITLE + as_yaml(inventory(places, hosts)))
