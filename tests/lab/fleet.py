"""Which hosts a laboratory has. Decides names, addresses and groups; touches nothing."""
from __future__ import annotations

from dataclasses import dataclass

NETWORK = "10.77.0"
CONTROL_ADDRESS = f"{NETWORK}.1"
DEFAULT_HOSTS = 6
# Hosts are taken from here in order, then further workers: the first three are a whole cluster with a client.
ORDER = ("client", "gateway", "worker", "gateway", "worker", "worker")
FEWEST, MOST = 3, 12
# The last byte of the address of the first host of a kind, less one.
FIRST_ADDRESS = {"gateway": 10, "worker": 20, "client": 30}
GROUPS = {"gateway": ("gateways", "schedulers"), "worker": ("workers",), "client": ("clients",)}


@dataclass(frozen=True)
class HostPlan:
    """One host; its number is the last byte of its address."""

    name: str
    kind: str
    number: int

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}"

    @property
    def mac(self) -> str:
        """The same each time that the host is switched on, as a network card's."""
        return f"02:00:00:00:00:{self.number:02x}"

    @property
    def groups(self) -> tuple[str, ...]:
        return GROUPS[self.kind]


def plan_hosts(count: int = DEFAULT_HOSTS) -> list[HostPlan]:
    """Gateways first, as inventories list them."""
    kinds = [*ORDER, *["worker"] * (count - len(ORDER))][:count]
    return [HostPlan(f"{kind}-{place}", kind, first + place) for kind, first in FIRST_ADDRESS.items()
            for place in range(1, kinds.count(kind) + 1)]


def plan_of(name: str) -> HostPlan:
    """The host of that name, which says all of it."""
    kind, place = name.rsplit("-", 1)
    return HostPlan(name, kind, FIRST_ADDRESS[kind] + int(place))
