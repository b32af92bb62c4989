"""An echo served by mosec: `mosec_echo.py MAX_BATCH --port PORT`."""
import sys

from mosec import Server, Worker
from mosec.mixin import MsgpackMixin


class Echo(MsgpackMixin, Worker):
    """Takes and gives named tensors as msgpack, as a Coppice request does."""

    def forward(self, data):
        return data


if __name__ == "__main__":
    max_batch = int(sys.argv.pop(1))
    server = Server()
    server.append_worker(Echo, num=1, max_batch_size=max_batch, **({"max_wait_time": 2} if max_batch > 1 else {}))
    server.run()
