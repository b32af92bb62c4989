"""Where a laboratory keeps its files and what its things in the kernel are called."""
from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    given = os.environ.get("COPPICE_LAB_CACHE")
    if given:
        return Path(given).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "coppice-lab"


@dataclass(frozen=True)
class Places:
    """Each checkout has a laboratory of its own; base images are shared by all of them."""

    cache: Path
    repository: Path

    @classmethod
    def here(cls) -> Places:
        return cls(cache_folder(), REPOSITORY)

    @property
    def name(self) -> str:
        return "lab-" + hashlib.sha256(str(self.repository).encode()).hexdigest()[:6]

    @property
    def prefix(self) -> str:
        """Of namespaces, control groups and machine names."""
        return f"coppice-{self.name}"

    @property
    def folder(self) -> Path:
        return self.cache / self.name

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def lock(self) -> Path:
        """Outside of the folder, since it outlives it."""
        return self.cache / f"{self.name}.lock"

    @property
    def ssh(self) -> Path:
        return self.folder / "ssh"

    @property
    def ssh_config(self) -> Path:
        return self.ssh / "config"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def inventory(self) -> Path:
        return self.repository / "ansible/inventory/lab/hosts.yml"

    @property
    def control(self) -> str:
        """The namespace in which bridge and control side are."""
        return f"{self.prefix}-control"

    def host(self, name: str) -> Path:
        return self.folder / "hosts" / name

    def root(self, name: str) -> Path:
        """The host's file system as it sees it, while it is mounted."""
        return self.host(name) / "root"

    def console(self, name: str) -> Path:
        return self.logs / f"{name}.console"

    def namespace(self, host: str) -> str:
        return f"{self.prefix}-{host}"
