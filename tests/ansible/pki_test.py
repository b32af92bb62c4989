"""The role pki with real keys: two machines, which are folders of this one, and the authority of a control host."""
import os
import subprocess

import pytest

from tests.ansible.playbook import run

PARTS = ["authority", "certificate", "trust"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files are to belong to root, and this is another user")


class Fleet:
    def __init__(self, folder):
        self.folder, self.hosts = folder, {"worker-1": {"coppice_address": "10.0.0.1"}, "worker-2": {"coppice_address": "10.0.0.2"}}
        for name in self.hosts:
            (folder / name).mkdir(mode=0o700)

    def converge(self, *words, steps=(), **more):
        """steps: of the authority, before certificates are given."""
        tasks = [{"ansible.builtin.include_role": {"name": "coppice.fleet.pki", "tasks_from": f"{step}_authority"}} for step in steps]
        tasks += [{"ansible.builtin.include_role": {"name": "coppice.fleet.pki", "tasks_from": part}} for part in PARTS]
        plays = [{"hosts": "workers", "gather_facts": False, "any_errors_fatal": True, "tasks": tasks}]
        return run(self.folder, plays, self.hosts, *words, coppice_fleet="test", pki_ca_dir=str(self.folder / "ca"),
                   pki_folder=f"{self.folder}/{{{{ inventory_hostname }}}}", **more)

    def read(self, host, name="node.pem"):
        return (self.folder / host / name).read_text()

    def x509(self, host, *words):
        return openssl("x509", "-in", self.folder / host / "node.pem", "-noout", *words)

    def trusts(self, host, other):
        """Whether a host accepts another's certificate, as both lie there now."""
        done = subprocess.run(["openssl", "verify", "-CAfile", self.folder / host / "ca.pem", self.folder / other / "node.pem"],
                              capture_output=True)
        return done.returncode == 0


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True).stdout


def converged(folder):
    it = Fleet(folder)
    done = it.converge()
    assert done.code == 0, done.told
    return it


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A fleet that tests look at and leave as it is."""
    return converged(tmp_path_factory.mktemp("settled"))


@pytest.fixture
def fleet(tmp_path):
    return converged(tmp_path)


def test_each_machine_gets_a_certificate_of_its_names_that_the_others_trust(settled):
    assert settled.trusts("worker-1", "worker-2") and settled.trusts("worker-2", "worker-1")
    assert settled.x509("worker-1", "-subject").strip() == "subject=CN = worker-1"
    names = settled.x509("worker-1", "-ext", "subjectAltName,extendedKeyUsage,basicConstraints")
    assert "DNS:worker-1, IP Address:10.0.0.1" in names and "CA:FALSE" in names
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in names


def test_it_is_valid_for_ninety_days(settled):
    certificate = settled.folder / "worker-1/node.pem"

    openssl("x509", "-in", certificate, "-noout", "-checkend", 89 * 86400)
    with pytest.raises(subprocess.CalledProcessError):
        openssl("x509", "-in", certificate, "-noout", "-checkend", 91 * 86400)


def test_private_keys_are_for_root_alone_and_none_of_a_machine_is_on_the_control_host(settled):
    for file in (settled.folder / "worker-1/node.key", settled.folder / "ca/ca.key"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in settled.folder.glob("ca/**/*.key")] == ["ca.key"]
    assert settled.read("worker-1", "node.key") != settled.read("worker-2", "node.key")


def test_a_second_run_changes_nothing(settled):
    again = settled.converge()

    assert again.code == 0 and again.changed() == 0, again.told


def test_check_mode_on_new_machines_tells_the_change_and_makes_nothing(tmp_path):
    fleet = Fleet(tmp_path)

    done = fleet.converge("--check")

    assert done.code == 0, done.told
    assert sorted(done.ran("Tell that there would be a new one")) == ["worker-1", "worker-2"]
    assert not list(tmp_path.glob("*/*.key")) and not (tmp_path / "ca").exists()


def test_a_certificate_near_its_end_is_renewed_with_a_new_key(fleet):
    before = fleet.read("worker-1", "node.key"), fleet.read("worker-1")

    assert fleet.converge(pki_renew_before_days=89).changed() == 0
    assert fleet.converge(pki_renew_before_days=91).code == 0

    after = fleet.read("worker-1", "node.key"), fleet.read("worker-1")
    assert before[0] != after[0] and before[1] != after[1] and fleet.trusts("worker-2", "worker-1")


def test_a_machine_that_has_moved_gets_a_new_certificate_and_its_neighbour_keeps_its_own(fleet):
    before = fleet.read("worker-2")
    fleet.hosts["worker-1"]["coppice_address"] = "10.0.0.9"

    assert fleet.converge().code == 0

    assert "IP Address:10.0.0.9" in fleet.x509("worker-1", "-ext", "subjectAltName") and fleet.read("worker-2") == before


def test_a_request_for_another_name_is_not_signed(fleet):
    """Somebody on the machine who has a request of their own sent is no better off."""
    before = fleet.read("worker-1")
    forger = fleet.folder / "forged/openssl"
    forger.parent.mkdir()
    forger.write_text('#!/bin/sh\nfor each; do shift; [ "$each" != /CN=worker-1 ] || each=/CN=gateway-1; set -- "$@" "$each"; done\n'
                      'exec /usr/bin/openssl "$@"\n')
    forger.chmod(0o755)

    done = fleet.converge("--limit", "worker-1", pki_reissue=True, first_in_path=forger.parent)

    assert done.code != 0 and "asks for {'commonName': 'gateway-1'}" in done.messages()
    assert fleet.read("worker-1") == before


def test_while_the_authority_is_replaced_machines_of_both_trust_each_other(fleet):
    old = fleet.read("worker-1")
    assert fleet.converge(steps=["next"]).code == 0
    assert fleet.read("worker-1") == old and fleet.read("worker-1", "ca.pem").count("BEGIN CERTIFICATE") == 2

    assert fleet.converge("--limit", "worker-1", steps=["switch"]).code == 0
    assert fleet.read("worker-1") != old and fleet.trusts("worker-1", "worker-2") and fleet.trusts("worker-2", "worker-1")

    refused = fleet.converge(steps=["retire"])
    assert refused.code != 0 and "worker-2 still has a certificate of the authority before" in refused.messages()

    assert fleet.converge().code == 0
    assert fleet.converge(steps=["retire"]).code == 0
    assert fleet.read("worker-1", "ca.pem").count("BEGIN CERTIFICATE") == 1
    assert fleet.trusts("worker-1", "worker-2") and fleet.trusts("worker-2", "worker-1")


def test_the_key_of_the_authority_can_have_a_passphrase(tmp_path):
    fleet = Fleet(tmp_path)

    done = fleet.converge(pki_ca_passphrase="correct horse")

    assert done.code == 0 and "ENCRYPTED" in (tmp_path / "ca/ca.key").read_text()
    assert "correct horse" not in done.told and fleet.trusts("worker-1", "worker-2")
