"""A plain DEALER socket with 1,000 requests in flight: python examples/dealer_1000.py tcp://HOST:PORT [TOTAL]

Answers come in any order; `id` says which request one belongs to.
"""
import struct
import sys
import time

import msgpack
import zmq

IN_FLIGHT = 1000
total = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000

socket = zmq.Context().socket(zmq.DEALER)
socket.rcvtimeo = 10_000
socket.linger = 0
socket.connect(sys.argv[1])


def send(number):
    header = {"v": 1, "op": "infer", "id": number, "model": "echo", "timeout_ms": 10_000,
              "inputs": [{"name": "x", "datatype": "UINT64", "shape": [1], "frame": 0}]}
    socket.send_multipart([b"", msgpack.packb(header), struct.pack("<Q", number)])


started = time.monotonic()
sent = answered = failed = 0
while answered < total:
    while sent < total and sent - answered < IN_FLIGHT:
        send(sent)
        sent += 1
    _, head, *frames = socket.recv_multipart()
    reply = msgpack.unpackb(head)
    answered += 1
    if "error" in reply:
        failed += 1
        print(f"{reply['id']}: {reply['error']['code']}: {reply['error']['message']}", file=sys.stderr)
    else:
        assert struct.unpack("<Q", frames[0])[0] == reply["id"], "an answer belongs to another request"

seconds = time.monotonic() - started
print(f"{answered} answers, {failed} errors, {answered / seconds:,.0f} a second with {IN_FLIGHT} in flight")
sys.exit(1 if failed else 0)
