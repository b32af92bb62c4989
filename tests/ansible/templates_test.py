"""What roles write for the processes: every key that the documentation knows can be set, and the programs take it."""
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.ansible.collection import COLLECTION, REPOSITORY
from tests.ansible.playbook import run

BIN = Path(os.environ.get("COPPICE_BIN", REPOSITORY / "build/release/bin"))
PARTS = ("scheduler", "gateway", "worker")
# Of one machine that has everything in one process, and of passwords, which do not leave it.
NOT_OF_FLEETS = {"gateway": {"embedded_scheduler", "users"}, "scheduler": set(), "worker": set()}
KEY = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
LIKE_A_TEMPLATE = "{{e@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{}}D"
OF_THE_SELF_TEST = "{%:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]%}7"
EVERYTHING = {
    "coppice_log_level": "debug", "gateway_limits": {"waiting_rows": 10}, "gateway_tenants": {"gold": {"weight": 4}},
    "gateway_quotas": {"small": {"open_requests": 1}}, "worker_models": "/var/lib/coppice/models", "worker_serve": ["digits"],
    "worker_builtins": ["echo"], "worker_engines": [{"device": "cpu", "threads": 1}], "worker_restart": {"intensity": 3},
    "worker_trusted_keys": ["/home/ann/store.key.pub"], "worker_sandbox": "auto", "worker_engine_user": "nobody",
    "worker_engine_memory_mib": 512, "worker_engine_tasks": 64}
WANTED = {"coppice_address": "127.0.0.1", "coppice_fleet": "test"}


def template(role, name, to, **more):
    folder = COLLECTION / "roles" / role
    return {"ansible.builtin.template": {"src": f"{folder}/templates/{name}.j2", "dest": str(to)}, **more}


def render(folder, **variables):
    """Renders what the roles have for one machine with these variables. Returns the folder with it."""
    files = [str(COLLECTION / "roles" / role / part / "main.yml") for role in PARTS for part in ("defaults", "vars")]
    tasks = [template(part, f"{part}.yml", folder / f"{part}.yml") for part in PARTS]
    tasks += [template(part, "unit.conf", folder / f"{part}.conf") for part in PARTS]
    tasks.append(template("gateway", "clients.yml", folder / "clients.yml"))
    # What a command answered is unsafe by itself; what stands in an inventory is marked so.
    keys = folder / "keys.yml"
    keys.write_text(f"gateway_self_test_key: {{stdout: !unsafe '{OF_THE_SELF_TEST}'}}\ngateway_clients:\n"
                    f"  - {{name: laptop, key: !unsafe '{KEY}', quota: small, expires: '2027-01-31T00:00:00Z'}}\n"
                    f"  - {{name: desk, key: !unsafe '{LIKE_A_TEMPLATE}', tenant: acme}}\n")
    done = run(folder, [{"hosts": "all", "gather_facts": False, "vars_files": files, "tasks": tasks}], {"machine-1": WANTED},
               "-e", f"@{keys}", **variables)
    assert done.code == 0, done.told
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return render(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return render(tmp_path_factory.mktemp("full"), **EVERYTHING)


@pytest.fixture(scope="module")
def insecure(tmp_path_factory):
    return render(tmp_path_factory.mktemp("insecure"), coppice_mesh_insecure=True)


def read(file):
    return yaml.safe_load(file.read_text())


def documented(part):
    """The keys of a process in docs/operations.md."""
    text = (REPOSITORY / "docs/operations.md").read_text()
    block = re.search(rf"```yaml\n# coppice-{part}\n(.*?)```", text, re.S)[1]
    return set(yaml.safe_load(block))


@pytest.mark.parametrize("part", PARTS)
def test_every_documented_key_can_be_set(full, part):
    assert documented(part) - NOT_OF_FLEETS[part] <= set(read(full / f"{part}.yml"))


def test_processes_find_each_other_by_the_inventory(plain):
    assert read(plain / "gateway.yml")["schedulers"] == read(plain / "worker.yml")["schedulers"] == ["127.0.0.1:4800"]
    assert read(plain / "scheduler.yml")["listen"] == "127.0.0.1:4800"


@pytest.mark.parametrize("part", PARTS)
def test_secrets_are_credentials_of_the_unit(plain, part):
    mesh = read(plain / f"{part}.yml")["mesh"]

    given = dict(re.findall(r"^LoadCredential=(\S+?):(\S+)$", (plain / f"{part}.conf").read_text(), re.M))

    assert {Path(each).name for each in mesh.values()} <= set(given)
    assert {str(Path(each).parent) for each in mesh.values()} == {f"/run/credentials/coppice-{part}.service"}
    assert all(each.startswith("/etc/coppice/keys/") for each in given.values())


@pytest.mark.parametrize("part", PARTS)
def test_a_mesh_that_is_said_to_be_insecure_has_no_certificates(insecure, part):
    assert read(insecure / f"{part}.yml")["mesh"] == {"insecure": True}
    assert "node.key" not in (insecure / f"{part}.conf").read_text()


def test_settings_of_units_come_from_the_inventory(tmp_path):
    folder = render(tmp_path, worker_unit_settings={"MemoryMax": "60G", "CPUAffinity": "0-7"})

    assert "\nCPUAffinity=0-7\nMemoryMax=60G\n" in (folder / "worker.conf").read_text()


def test_the_engines_are_those_of_the_inventory_or_of_the_devices(plain, full, tmp_path):
    assert read(plain / "worker.yml")["engines"] == [{"device": "cpu"}]
    assert read(full / "worker.yml")["engines"] == [{"device": "cpu", "threads": 1}]
    assert read(render(tmp_path, gpu_count=2) / "worker.yml")["engines"] == [{"device": "cuda:0"}, {"device": "cuda:1"}]


def test_keys_reach_the_list_of_clients_as_they_are(plain):
    assert read(plain / "clients.yml")["clients"] == {
        "laptop": {"key": KEY, "tenant": "laptop", "quota": "small", "expires": "2027-01-31T00:00:00Z"},
        "desk": {"key": LIKE_A_TEMPLATE, "tenant": "acme"},
        "self-test-machine-1": {"key": OF_THE_SELF_TEST, "tenant": "self-test"}}


@pytest.mark.parametrize("variant", ["plain", "full", "insecure"])
@pytest.mark.parametrize("part", PARTS)
def test_the_program_takes_what_its_role_writes(request, part, variant):
    folder = request.getfixturevalue(variant)
    file = folder / f"{part}.yml"
    file.write_text(file.read_text().replace('"coppice-engine"', '"nobody"'))  # a user that this machine has

    done = subprocess.run([BIN / f"coppice-{part}", "--check-config", "--config", file], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_the_program_takes_the_list_of_clients(plain):
    done = subprocess.run([BIN / "coppice", "keys", "list", plain / "clients.yml"], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
