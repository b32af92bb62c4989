"""Makes the models of models/ that are not already made: `scripts/make_models [NAME...]`."""

import argparse
import fcntl
import hashlib
import importlib
import json
import os
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STAMPS = ROOT / "build" / "made_models"
BY_DEFAULT = ["digits", "minilm", "silero_vad"]
RECIPES = [*BY_DEFAULT, "resnet18"]  # resnet18: for scripts/bench


def fingerprint(recipe):
    """What a made model depends on: its recipe's text and the versions of its packages."""
    text = Path(recipe.__file__).read_bytes()
    return {"recipe": hashlib.sha256(text).hexdigest(),
            "packages": {name: metadata.version(name) for name in recipe.PACKAGES}}


def is_made(recipe, folder, stamp):
    if not stamp.exists() or not all((folder / output).exists() for output in recipe.OUTPUTS):
        return False
    return json.loads(stamp.read_text()) == fingerprint(recipe)


def make(recipe, folder):
    """Makes every output beside its place and moves them there together, so no reader sees a part."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as scratch:
        made = {output: Path(scratch) / output for output in recipe.OUTPUTS}
        for path in made.values():
            path.parent.mkdir(parents=True)
        # Inductor's cache goes by code alone: with one from before, a package could get old weights.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(scratch) / "inductor")
        recipe.make(made, lambda line: print(f"  {recipe.NAME}: {line}", flush=True))
        for output, path in made.items():
            (folder / output).parent.mkdir(exist_ok=True)
            os.replace(path, folder / output)


def make_unless_made(name, models, force):
    recipe = importlib.import_module(name)
    folder = models / recipe.NAME
    stamp = STAMPS / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}-{recipe.NAME}.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not force and is_made(recipe, folder, stamp):
        print(f"{recipe.NAME}: already made")
        return
    started = time.monotonic()
    stamp.unlink(missing_ok=True)
    make(recipe, folder)
    stamp.write_text(json.dumps(fingerprint(recipe)))
    print(f"{recipe.NAME}: made in {time.monotonic() - started:.1f} s", flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/make_models", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"default: {' '.join(BY_DEFAULT)}")
    parser.add_argument("--models", type=Path, default=ROOT / "models", metavar="DIR",
                        help="where the model folders are (default: models)")
    parser.add_argument("--force", action="store_true", help="make again what is already made")
    chosen = parser.parse_args()
    chosen.names = [name.replace("-", "_") for name in chosen.names] or BY_DEFAULT
    for name in chosen.names:
        if name not in RECIPES:
            parser.error(f"no recipe for '{name}'; there are {', '.join(RECIPES)}")
    return chosen


def main():
    chosen = arguments()
    STAMPS.mkdir(parents=True, exist_ok=True)
    with open(STAMPS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in chosen.names:
            try:
                make_unless_made(name, chosen.models.resolve(), chosen.force)
            except metadata.PackageNotFoundError as missing:
                sys.exit(f"make_models: {name} needs the Python package '{missing.name}', which is not "
                         "installed; run scripts/setup")


if __name__ == "__main__":
    main()
