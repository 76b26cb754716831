"""One TCP connection that carries as much as it can, in one direction. The receiver records how
much came, a sample every tenth of a second."""

from __future__ import annotations

import argparse
import socket
import time

from labkit.probes.harness import Harness

PORT = 5201
CHUNK = 1 << 18
SAMPLE_S = 0.1
# Linux's default, whatever this machine's is.
CONGESTION_CONTROL = b"cubic"


class Receiver:
    def __init__(self) -> None:
        self.socket = socket.create_server(("0.0.0.0", PORT))
        self._connection: socket.socket | None = None
        self._received = 0
        # Seconds of a steady clock, bytes until then.
        self.samples: list[tuple[float, int]] = []

    def receive(self) -> None:
        """Takes the connection, or what it brings."""
        if self._connection is None:
            self._connection = self.socket.accept()[0]
            self.socket = self._connection
            return
        self._received += len(self._connection.recv(CHUNK))
        now = time.monotonic()
        if not self.samples or now - self.samples[-1][0] >= SAMPLE_S:
            self.samples.append((now, self._received))


def receive(harness: Harness) -> None:
    receiver = Receiver()
    harness.ready()
    while not harness.stopping:
        harness.wait_readable(receiver.socket, receiver.receive)
    harness.write({"samples": receiver.samples})


def send(harness: Harness, destination: str) -> None:
    connection = socket.create_connection((destination, PORT), timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL)
    harness.ready()
    data = bytes(CHUNK)
    while not harness.stopping:
        try:
            connection.send(data)
        except TimeoutError:
            continue
    harness.write({})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--destination", help="send there; without it, receive")
    options = parser.parse_args()
    harness = Harness(options.out)
    if options.destination:
        send(harness, options.destination)
    else:
        receive(harness)


if __name__ == "__main__":
    main()
