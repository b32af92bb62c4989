"""Compares the exported minilm with transformers on 200 sentences.

    python scripts/models/check_minilm.py [models/minilm/1/model.pt]
"""

import sys
from pathlib import Path

import torch

import minilm_reference

TOLERANCE = 1e-4
BATCHES = (1, 3, 32)


def difference(module, expected, batch):
    """The largest difference when `batch` neighbours are padded to the longest of them."""
    worst = 0.0
    for first in range(0, len(expected["lengths"]), batch):
        rows = slice(first, first + batch)
        longest = expected["lengths"][rows].max()
        got = module(torch.from_numpy(expected["input_ids"][rows, :longest].copy()),
                     torch.from_numpy(expected["attention_mask"][rows, :longest].copy()))
        worst = max(worst, (got - torch.from_numpy(expected["embedding"][rows])).abs().max().item())
    return worst


def check(path):
    """The largest difference over every batch size; ends the program if it is too large."""
    module = torch.jit.load(str(path))
    expected = minilm_reference.reference()
    with torch.inference_mode():
        worst = max(difference(module, expected, batch) for batch in BATCHES)
    if not worst <= TOLERANCE:
        sys.exit(f"{path}: differs from transformers by {worst:.1e}, allowed is {TOLERANCE:.0e}")
    return worst


if __name__ == "__main__":
    beside = Path(__file__).resolve().parents[2] / "models" / "minilm" / "1" / "model.pt"
    print(f"largest difference {check(sys.argv[1] if len(sys.argv) > 1 else beside):.1e}")
