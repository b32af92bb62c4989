"""One host: its disk over the base image, its power."""
from __future__ import annotations

import subprocess
import uuid
from functools import partial
from pathlib import Path
from typing import Optional

from tests.lab import control_groups, ssh
from tests.lab.commands import last_lines, run
from tests.lab.fleet import HostPlan
from tests.lab.mounts import remove_tree, unmount_below
from tests.lab.network import Network
from tests.lab.places import Places
from tests.lab.problem import Problem
from tests.lab.processes import Started, children, is_running, kill, kill_session
from tests.lab.waiting import wait_until

# A laboratory that was forgotten ends by itself.
LONGEST_LIFE = "8h"
START_LIMIT_S = 30
# Beyond what nspawn leaves: a firewall, limits above those of the developer's shell, pinned memory.
CAPABILITIES = "CAP_NET_ADMIN,CAP_SYS_RESOURCE,CAP_IPC_LOCK"


class Machine:
    def __init__(self, places: Places, network: Network, plan: HostPlan) -> None:
        self.places, self.network, self.plan = places, network, plan
        self.root = places.root(plan.name)

    def make_disk(self, base: Path, everybody: list[HostPlan]) -> None:
        """As a machine that was just installed: nothing on it but the base image, names and keys."""
        folder = self.places.host(self.plan.name)
        for each in ("upper", "work", "root"):
            (folder / each).mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={folder}/upper,workdir={folder}/work", self.root)
        (self.root / "etc/hostname").write_text(f"{self.plan.name}\n")
        (self.root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")
        names = ["127.0.0.1 localhost\n", *(f"{each.address} {each.name}\n" for each in everybody)]
        (self.root / "etc/hosts").write_text("".join(names))
        ssh.give_keys(self.places, self.plan)

    def remove_disk(self) -> None:
        folder = self.places.host(self.plan.name)
        unmount_below(folder)
        remove_tree(folder)

    def power_on(self, groups: list[Path]) -> Started:
        """Returns when its systemd has begun; it boots meanwhile. groups: the laboratory's."""
        self.network.plug_in(self.plan)
        folders = control_groups.add_host(groups, self.plan.name)
        self.places.logs.mkdir(exist_ok=True)
        console_file = self.places.console(self.plan.name)
        with open(console_file, "a") as console:
            process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                                       preexec_fn=partial(control_groups.join, folders))
        holder = Started.of(process.pid)
        wait_until(lambda: self.systemd(holder) or process.poll() is not None, f"{self.plan.name} to begin to boot", START_LIMIT_S)
        if process.poll() is not None:
            raise Problem(f"{self.plan.name} does not boot", last_lines(console_file.read_text()), f"see {console_file}")
        return holder

    def command(self) -> list[str]:
        """The holder: ends the host after its longest life. The kernel's settings stay the developer's, but the network's.
        nspawn's lock on the disk would be left behind by a loss of power; the laboratory is held by one command anyway."""
        return ["timeout", "--kill-after=10", LONGEST_LIFE, "env", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network", "SYSTEMD_NSPAWN_LOCK=0",
                "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off",
                "--timezone=off", f"--capability={CAPABILITIES}", f"--directory={self.root}",
                f"--machine={self.places.prefix}-{self.plan.name}", f"--hostname={self.plan.name}",
                f"--network-namespace-path=/run/netns/{self.places.namespace(self.plan.name)}"]

    @staticmethod
    def systemd(holder: Started) -> Optional[int]:
        """The host's first process: the child of nspawn, which is the child of the holder."""
        below = [grandchild for child in children(holder.pid) for grandchild in children(child) if is_running(grandchild)]
        return below[0] if below else None

    def power_off(self, holder: Optional[Started]) -> None:
        """At once, and nobody hears of it: its connections end in silence."""
        self.network.silence(self.plan)
        first = self.systemd(holder) if holder is not None and holder.is_alive() else None
        if first is not None:
            kill([first])
        kill_session(holder)
        self.network.unplug(self.plan)
