"""Numbered echo requests at a steady rate; records when each was sent and each answer came."""

from __future__ import annotations

import argparse
import os
import socket
import struct

from labkit.probes.checksum import internet_checksum
from labkit.probes.harness import Harness, now_us

ECHO_REPLY, ECHO_REQUEST = 0, 8
MAGIC = b"outrider"
HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
NUMBER = struct.Struct("!Q")


class IcmpProbe:
    """Sends to one address; the number of a request is in its payload, 64 bits wide."""

    def __init__(self, destination: str, payload: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.setblocking(False)
        self._socket.connect((destination, 0))
        self._identifier = os.getpid() & 0xFFFF
        self._padding = b"." * max(0, payload - len(MAGIC) - NUMBER.size)
        self.sent_us: list[int] = []
        self.replies: list[tuple[int, int]] = []

    @property
    def socket(self) -> socket.socket:
        return self._socket

    def send(self, number: int) -> None:
        body = MAGIC + NUMBER.pack(number) + self._padding
        blank = HEADER.pack(ECHO_REQUEST, 0, 0, self._identifier, number & 0xFFFF)
        checksum = internet_checksum(blank + body)
        head = HEADER.pack(ECHO_REQUEST, 0, checksum, self._identifier, number & 0xFFFF)
        self.sent_us.append(now_us())
        try:
            self._socket.send(head + body)
        except (BlockingIOError, OSError):
            pass  # counts as sent and lost: the network's user sees it so

    def receive(self) -> None:
        while True:
            try:
                packet = self._socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                continue
            message = packet[(packet[0] & 15) * 4 :]
            kind, _, _, identifier, _ = HEADER.unpack_from(message)
            if kind != ECHO_REPLY or identifier != self._identifier:
                continue
            if message[HEADER.size : HEADER.size + len(MAGIC)] == MAGIC:
                number = NUMBER.unpack_from(message, HEADER.size + len(MAGIC))[0]
                self.replies.append((number, now_us()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--destination", required=True)
    parser.add_argument("--rate", type=float, required=True, help="per second")
    parser.add_argument("--payload", type=int, default=56, help="bytes of ICMP payload")
    options = parser.parse_args()
    harness = Harness(options.out)
    probe = IcmpProbe(options.destination, options.payload)
    harness.pace(options.rate, probe.send, probe.socket, probe.receive)
    harness.write({"sent_us": probe.sent_us, "replies": probe.replies})


if __name__ == "__main__":
    main()
