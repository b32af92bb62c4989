"""What all-MiniLM-L6-v2 answers to 200 sentences according to transformers.

    python scripts/models/minilm_reference.py OUT.npz

writes `input_ids` and `attention_mask` INT64 [200, longest], padded with 0, `lengths` INT64 [200]
and `embedding` FP32 [200, 384]: mean over the tokens, of length 1, each sentence run alone.
"""

import os
import random
import sys

import numpy

import minilm

COUNT = 200
WHO = ["The harbour pilot", "A tired violinist", "Her youngest brother", "The committee", "Dr. Okafor",
       "An unmarked van", "The night train", "Every second student", "My neighbour's goat", "Zoë"]
DOES = ["repaired", "quietly ignored", "measured", "painted over", "apologised to", "lost", "photographed",
        "voted against", "re-read", "sold"]
WHAT = ["a brass telescope", "the minutes of the meeting", "two crates of oranges", "the north wall",
        "an unpaid invoice (no. 4711)", "the café's oldest waiter", "a half-finished proof",
        "the only bridge", "nine copies of the map", "a letter from São Paulo"]
WHEN = ["before dawn", "in 1987", "while it rained", "twice a week", "at 17:45", "without a word",
        "as the tide turned", "for the last time", "during the strike", "on a frozen lake"]


def sentences(count=COUNT):
    """Seeded sentences of 1 to about 150 words; the first are one word, a mark and an emoji."""
    draw = random.Random(7)

    def clause():
        return " ".join(draw.choice(part) for part in (WHO, DOES, WHAT, WHEN))

    made = ["Yes", "?", "Thanks 🙂"]
    while len(made) < count:
        made.append("; ".join(clause() for _ in range(1 + draw.randrange(12) ** 2 // 12)) + ".")
    return made


def tokenise(texts):
    """`input_ids` and `attention_mask`, INT64 [texts, longest], padded with 0."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm.checkpoint())
    rows = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="np")
    return rows["input_ids"].astype("int64"), rows["attention_mask"].astype("int64")


def embed(input_ids, attention_mask):
    """The embeddings by transformers, one sentence at a time and without padding."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModel.from_pretrained(minilm.checkpoint()).eval()
    embeddings = []
    with torch.inference_mode():
        for ids, mask in zip(input_ids, attention_mask):
            row = torch.from_numpy(ids[: mask.sum()])[None]
            tokens = model(input_ids=row, attention_mask=torch.ones_like(row)).last_hidden_state
            embeddings.append(torch.nn.functional.normalize(tokens.mean(1), dim=1)[0].numpy())
    return numpy.stack(embeddings)


def reference(count=COUNT):
    os.environ["HF_HUB_OFFLINE"] = "1"
    input_ids, attention_mask = tokenise(sentences(count))
    return {"input_ids": input_ids, "attention_mask": attention_mask,
            "lengths": attention_mask.sum(1), "embedding": embed(input_ids, attention_mask)}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: minilm_reference.py OUT.npz")
    numpy.savez(sys.argv[1], **reference())
