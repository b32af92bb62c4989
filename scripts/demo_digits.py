"""Sends the digits that the classifier never saw, by a DEALER and by a plain REQ client."""
import argparse
import json
import time

import msgpack
import numpy as np
import zmq
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

IN_FLIGHT = 64


def header(number):
    return msgpack.packb({
        "v": 1, "op": "infer", "id": number, "model": "digits",
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "frame": 0}]})


def answer(parts):
    reply = msgpack.unpackb(parts[0])
    if "error" in reply:
        raise SystemExit(f"{reply['error']['code']}: {reply['error']['message']}")
    return reply["id"], int(np.frombuffer(parts[1], np.float32).argmax())


def by_req(context, endpoint, images):
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    answers = []
    for number, image in enumerate(images):
        socket.send_multipart([header(number), image.tobytes()])
        answers.append(answer(socket.recv_multipart())[1])
    return answers


def by_dealer(context, endpoint, images, repeats):
    socket = context.socket(zmq.DEALER)
    socket.connect(endpoint)
    answers, sent_at, latencies = {}, {}, []
    total, sent = repeats * len(images), 0
    begin = time.perf_counter()
    while len(latencies) < total:
        while sent < total and sent - len(latencies) < IN_FLIGHT:
            sent_at[sent] = time.perf_counter()
            socket.send_multipart([b"", header(sent), images[sent % len(images)].tobytes()])
            sent += 1
        number, digit = answer(socket.recv_multipart()[1:])
        latencies.append(time.perf_counter() - sent_at.pop(number))
        answers[number % len(images)] = digit
    return [answers[i] for i in range(len(images))], latencies, time.perf_counter() - begin


def draw(images, digits, truth):
    shades = " ░▒▓█"
    for row in range(8):
        print("   " + "   ".join("".join(shades[int(v * 4.99)] * 2 for v in image[0, row])
                                 for image in images))
    print("   " + "   ".join(f"answer {d}, is {t}".ljust(16) for d, t in zip(digits, truth)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cluster", required=True, help="ready file of 'coppice up'")
    with open(parser.parse_args().cluster) as file:
        cluster = json.load(file)
    pixels, labels = load_digits(return_X_y=True)
    _, unseen, _, truth = train_test_split(pixels, labels, test_size=0.25, random_state=0)
    images = [(x / 16).astype(np.float32).reshape(1, 8, 8) for x in unseen]
    context, endpoint = zmq.Context(), cluster["gateways"][0]

    req = by_req(context, endpoint, images)
    dealer, latencies, seconds = by_dealer(context, endpoint, images, repeats=10)
    draw(images[:5], dealer[:5], truth[:5])
    us = sorted(x * 1e6 for x in latencies)
    for name, answers in (("REQ", req), ("DEALER", dealer)):
        right = sum(int(a == t) for a, t in zip(answers, truth))
        print(f"{name:7} {right} of {len(truth)} unseen digits right: {100 * right / len(truth):.1f} %")
    print(f"DEALER with {IN_FLIGHT} in flight: {len(us) / seconds:,.0f} requests/s (a Python client), "
          f"p50 {us[len(us) // 2]:,.0f} us, p99 {us[len(us) * 99 // 100]:,.0f} us")
    for name, url in cluster["metrics"].items():
        print(f"metrics of {name}: {url}")
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
