"""The software bill of materials, as CycloneDX 1.5 JSON: what the programs were really made of."""
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from debian import Package, copyright_file


@dataclass
class Part:
    """One component, and where it is: `inside` the archive, on the `host`, or `compiled` into the programs."""
    name: str
    version: str
    purl: str
    place: str
    license: str = ""
    files: list[Path] = field(default_factory=list)


def sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def license_of(package: str) -> str:
    """What the first paragraph on files of a machine-readable copyright file says; else nothing."""
    file = copyright_file(package)
    lines = file.read_text(errors="replace").splitlines() if file else []
    if not lines or "copyright-format" not in lines[0]:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("License:")), "")


def debian_part(package: Package, release: str, place: str, files: list[Path] = ()) -> Part:
    purl = f"pkg:deb/debian/{package.name}@{package.version}?arch={package.architecture}&distro=debian-{release}"
    return Part(package.name, package.version, purl, place, license_of(package.name), list(files))


def python_part(name: str, place: str, files: list[Path]) -> Part:
    told = metadata.metadata(name)
    version = told["Version"]
    return Part(name, version, f"pkg:pypi/{name}@{version}", place, told["License-Expression"] or told["License"] or "", files)


def component(part: Part, root: Path) -> dict:
    out = {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl,
           "properties": [{"name": "coppice:place", "value": part.place}]}
    if part.license:
        out["licenses"] = [{"license": {"name": part.license}}]
    if part.files:
        out["components"] = [{"type": "file", "name": str(file.relative_to(root)),
                              "hashes": [{"alg": "SHA-256", "content": sha256(file)}]} for file in sorted(part.files)]
    return out


def write(file: Path, root: Path, version: str, revision: str, timestamp: str, parts: list[Part]) -> None:
    parts = sorted(parts, key=lambda part: part.purl)
    own = f"pkg:generic/coppice@{version}"
    # The same content gets the same number.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, own + revision + "".join(part.purl for part in parts))
    file.write_text(json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {"timestamp": timestamp, "component": {
            "type": "application", "bom-ref": own, "name": "coppice", "version": version, "purl": own,
            "properties": [{"name": "coppice:revision", "value": revision}]}},
        "components": [component(part, root) for part in parts],
        "dependencies": [{"ref": own, "dependsOn": [part.purl for part in parts]}],
    }, indent=1) + "\n")
