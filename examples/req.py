"""One request over a plain REQ socket: python examples/req.py tcp://HOST:PORT"""
import struct
import sys

import msgpack
import zmq

socket = zmq.Context().socket(zmq.REQ)
socket.rcvtimeo = 10_000  # milliseconds; without it a missing gateway is waited for forever
socket.linger = 0
socket.connect(sys.argv[1])

numbers = [1.0, 2.0, 3.0]
header = {"v": 1, "op": "infer", "id": "first", "model": "echo", "timeout_ms": 5000,
          "inputs": [{"name": "x", "datatype": "FP32", "shape": [len(numbers)], "frame": 0}]}
socket.send_multipart([msgpack.packb(header), struct.pack(f"<{len(numbers)}f", *numbers)])

try:
    head, *frames = socket.recv_multipart()
except zmq.Again:
    sys.exit(f"{sys.argv[1]} does not answer. Is a gateway running there?")
reply = msgpack.unpackb(head)
if "error" in reply:
    sys.exit(f"{reply['error']['code']}: {reply['error']['message']}")
for output in reply["outputs"]:
    values = struct.unpack(f"<{output['shape'][0]}f", frames[output["frame"]])
    print(f"{reply['model']}:{reply['version']} answered {output['name']} = {values}")
