"""minilm and silero-vad through a real cluster give what they give alone."""
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.cluster import Cluster, Dealer, send_signal

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts/models"))


def made(model):
    return pytest.mark.skipif(not (ROOT / f"models/{model}/1/model.pt").exists(),
                              reason=f"scripts/make_models has not made {model}")


def tensor(name, array, frame):
    types = {"float32": "FP32", "int64": "INT64"}
    return {"name": name, "datatype": types[str(array.dtype)], "shape": list(array.shape), "frame": frame}


def infer(number, model, **inputs):
    arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
    header = {"v": 1, "op": "infer", "id": number, "model": model,
              "inputs": [tensor(name, array.reshape(np.shape(inputs[name])), frame)
                         for frame, (name, array) in enumerate(arrays.items())]}
    return header, [array.tobytes() for array in arrays.values()]


@made("minilm")
def test_minilm_agrees_with_transformers_on_200_sentences():
    import minilm_reference
    expected = minilm_reference.reference()
    with Cluster("--models", ROOT / "models", "--serve", "minilm") as cluster, \
            Dealer(cluster.endpoint) as client:
        for number, length in enumerate(expected["lengths"]):
            header, frames = infer(number, "minilm",
                                   input_ids=expected["input_ids"][number:number + 1, :length],
                                   attention_mask=expected["attention_mask"][number:number + 1, :length])
            client.send(header, *frames)
        for _ in expected["lengths"]:
            reply, frames = client.receive()
            assert "error" not in reply, reply
            got = np.frombuffer(frames[0], np.float32)
            assert np.abs(got - expected["embedding"][reply["id"]]).max() <= 1e-4


def clip(seed, windows):
    random = np.random.default_rng(seed)
    t = np.arange(512 * windows) / 16000
    speech = 0.3 * np.sin(2 * np.pi * (120 + 40 * seed) * t) * (np.sin(4 * np.pi * t) > 0)
    return (speech + 0.02 * random.standard_normal(t.size)).astype(np.float32).reshape(windows, 1, 512)


@made("silero-vad")
def test_interleaved_silero_clients_get_what_each_gets_alone_across_a_kill():
    import torch
    torch.set_num_threads(1)
    clips, windows = [clip(seed, 30) for seed in range(3)], 30
    alone = []
    for audio in clips:
        module = torch.jit.load(str(ROOT / "models/silero-vad/1/model.pt"))
        with torch.inference_mode():
            alone.append([module(torch.from_numpy(x), 16000).item() for x in audio])
    with Cluster("--models", ROOT / "models", "--serve", "silero-vad", "--nodes", 2) as cluster, \
            Dealer(cluster.endpoint) as client:
        states = [(np.zeros((2, 1, 128), np.float32), np.zeros((1, 64), np.float32)) for _ in clips]
        for window in range(windows):
            if window == windows // 2:
                send_signal(cluster.engines()[0]["pid"], signal.SIGKILL)
            for who, audio in enumerate(clips):
                header, frames = infer(who, "silero-vad", audio=audio[window], sr=np.array(16000),
                                       state=states[who][0], context=states[who][1])
                reply, frames = client.ask(header, *frames)
                assert "error" not in reply, reply
                assert np.frombuffer(frames[0], np.float32)[0] == np.float32(alone[who][window])
                states[who] = (np.frombuffer(frames[1], np.float32).reshape(2, 1, 128),
                               np.frombuffer(frames[2], np.float32).reshape(1, 64))
