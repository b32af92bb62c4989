"""Keys change under load."""
from __future__ import annotations

import time

from tests.chaos.client_log import read_log
from tests.lab.lab import Lab
from tests.lab.load import Load
from tests.lab.provisioned import Fleet, provisioned
from tests.lab.scenario import Report, scenario
from tests.lab.scenarios.converge import FLEET, is_answered
from tests.lab.scenarios.upgrade import kept, wait_answers

SHARE = 0.4
REVOKED_WITHIN_S = 1
KEYS = "/etc/coppice/keys"


def rotate(fleet: Fleet, step: str) -> None:
    fleet.play("rotate_keys.yml", rotate_keys_step=step)


def certificate(lab: Lab, host: str) -> str:
    return lab.run(host, "openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", f"{KEYS}/mesh/node.pem")


def authority(lab: Lab, host: str) -> str:
    """The key that signed its certificate; authorities of one day have one name."""
    return lab.run(host, "openssl", "x509", "-noout", "-ext", "authorityKeyIdentifier", "-in", f"{KEYS}/mesh/node.pem")


@scenario(*FLEET)
def rotation(lab: Lab, report: Report) -> None:
    """keys of clients, gateways, machines and of the authority are changed under load, and no request fails"""
    fleet = provisioned(lab, report)
    machines = lab.names("gateway") + lab.names("worker")
    load = fleet.load(SHARE)
    wait_answers(lab, load, 100)
    with report.step("every machine gets a new certificate"):
        before = {each: certificate(lab, each) for each in machines}
        rotate(fleet, "certificates")
        assert all(certificate(lab, each) != before[each] for each in machines)
    with report.step("another authority takes over, in three steps"):
        before = {each: authority(lab, each) for each in machines}
        for step in ("authority_next", "authority_switch", "authority_retire"):
            rotate(fleet, step)
        assert all(authority(lab, each) != before[each] for each in machines)
    kept(lab, report, load, "while certificates and authority changed")
    gateway_keys_change(fleet, report)
    client_keys_change(fleet, report)


def next_endpoint(lab: Lab, gateway: str) -> str:
    key = lab.run(gateway, "/opt/coppice/current/bin/coppice", "keys", "show", f"{KEYS}/gateway.key.next").strip()
    return f"tcp://{lab.address(gateway)}:5555?key={key}"


def gateway_keys_change(fleet: Fleet, report: Report) -> None:
    lab = fleet.lab
    with report.step("gateways take other keys, while clients know both"):
        rotate(fleet, "gateways_next")
        following = [next_endpoint(lab, each) for each in lab.names("gateway")]
        load = fleet.load(SHARE, name="load-gateways", endpoints=[*fleet.endpoints(), *following])
        wait_answers(lab, load, 100)
        rotate(fleet, "gateways_switch")
        wait_answers(lab, load, 1000)
        kept(lab, report, load, "while gateways took other keys")
    with report.step("the inventory's run tells the new endpoints"):
        fleet.play("site.yml")
        assert sorted(fleet.endpoints()) == sorted(following)


def client_keys_change(fleet: Fleet, report: Report) -> None:
    lab = fleet.lab
    with report.step("a client's next key is taken beside the one before"):
        fleet.make_client("client-next")
        rotate(fleet, "clients")
        old, new = (fleet.load(SHARE / 2, name=f"load-{each}", client=each) for each in ("client", "client-next"))
        for each in (old, new):
            wait_answers(lab, each, 100)
    with report.step("the one before is revoked: within a second it gets nothing any more, and the other goes on"):
        del fleet.clients["client"]
        rotate(fleet, "clients")
        written = max(float(lab.run(each, "stat", "-c", "%.Z", "/etc/coppice/clients.yml")) for each in lab.names("gateway"))
        old.stop_sending()
        kept(lab, report, new, "of the key that stays, while the other was revoked")
        took = last_answer(old) - monotonic_of(written)
        report.figure("seconds from the written list to the last answer to the revoked key", round(took, 3))
        assert took <= REVOKED_WITHIN_S
        assert not is_answered(fleet, "client")


def last_answer(load: Load) -> float:
    """Seconds of the monotonic clock."""
    return max(each.at for each in read_log(load.finish()).outcomes if each.code == "ok") / 1e6


def monotonic_of(wall: float) -> float:
    return wall - time.time() + time.monotonic()
