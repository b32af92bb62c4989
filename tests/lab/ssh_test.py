from pathlib import Path

from tests.lab.fleet import plan_hosts
from tests.lab.places import Places
from tests.lab.ssh import HOST_KEY, config_text, write_config

PLACES = Places(Path("/cache"), Path("/tree"))


def test_every_host_is_known_by_name_and_no_unknown_key_is_taken():
    text = config_text(PLACES, plan_hosts())
    assert "Host worker-2\n  HostName 10.77.0.22\n" in text
    assert "StrictHostKeyChecking yes" in text and f"UserKnownHostsFile {PLACES.ssh}/known_hosts" in text


def test_known_hosts_are_read_from_their_disks(tmp_path):
    places, [host, *_] = Places(tmp_path, Path("/tree")), plan_hosts()
    key = (places.root(host.name) / HOST_KEY).with_suffix(".pub")
    key.parent.mkdir(parents=True)
    key.write_text("ssh-ed25519 AAAA gateway-1\n")
    places.ssh.mkdir()
    write_config(places, [host])
    assert (places.ssh / "known_hosts").read_text() == "10.77.0.11,gateway-1 ssh-ed25519 AAAA gateway-1\n"
