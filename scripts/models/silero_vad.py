"""Silero VAD: the TorchScript file of the PyPI package `silero-vad`, byte for byte."""

NAME = "silero-vad"
PACKAGES = ["silero-vad"]
OUTPUTS = ["1/model.pt"]


def shipped():
    """Where the package keeps the file; the package itself is not imported."""
    from importlib import metadata

    return next(file.locate() for file in metadata.files("silero-vad")
                if str(file).endswith("data/silero_vad.jit"))


def make(paths, say):
    import shutil

    say("copying the package's TorchScript file")
    shutil.copyfile(shipped(), paths["1/model.pt"])
