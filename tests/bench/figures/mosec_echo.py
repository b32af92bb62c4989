"""An echo served by mosec: `mosec_echo.py MAX_BATCH --port PORT`."""
import sys

from mosec import Server, Worker


class Echo(Worker):
    """Takes and gives the body as it is."""

    def deserialize(self, data):
        return data

    def serialize(self, data):
        return data

    def forward(self, data):
        return data


if __name__ == "__main__":
    max_batch = int(sys.argv.pop(1))
    server = Server()
    server.append_worker(Echo, num=1, max_batch_size=max_batch, **({"max_wait_time": 2} if max_batch > 1 else {}))
    server.run()
