from pathlib import Path

from tests.lab.fleet import plan_hosts
from tests.lab.inventory import as_yaml, inventory
from tests.lab.places import Places

PLACES = Places(Path("/cache"), Path("/tree"))


def test_every_group_has_its_hosts_with_their_addresses():
    groups = inventory(PLACES, plan_hosts())["all"]["children"]
    assert {name: list(group["hosts"]) for name, group in groups.items()} == {
        "gateways": ["gateway-1", "gateway-2"], "schedulers": ["gateway-1", "gateway-2"],
        "workers": ["worker-1", "worker-2", "worker-3"], "clients": ["client-1"]}
    assert groups["workers"]["hosts"]["worker-2"] == {"ansible_host": "10.77.0.22"}


def test_a_group_without_hosts_is_there_and_empty():
    groups = inventory(PLACES, [each for each in plan_hosts() if each.kind != "client"])["all"]["children"]
    assert groups["clients"] == {"hosts": {}}


def test_hosts_are_known_by_their_keys():
    variables = inventory(PLACES, plan_hosts())["all"]["vars"]
    assert variables["ansible_ssh_common_args"] == f"-F {PLACES.ssh_config}"


def test_it_is_written_as_yaml():
    assert as_yaml({"all": {"vars": {"user": "a \"b\": c"}, "hosts": {}}}) == (
        "all:\n"
        "  vars:\n"
        "    user: \"a \\\"b\\\": c\"\n"
        "  hosts: {}\n")
