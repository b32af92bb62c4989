"""Cosine similarity of two vectors, from PyTorch to a file that Coppice serves: python export.py FILE"""
import sys
from pathlib import Path

import torch


class Similarity(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cosine_similarity(a, b, dim=1)


file = Path(sys.argv[1])
file.parent.mkdir(parents=True, exist_ok=True)
torch.jit.script(Similarity().eval()).save(str(file))
print(f"wrote {file}")
