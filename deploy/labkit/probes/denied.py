"""What a profile forbids, sent all the time: UDP to port 9999 and TCP SYN to port 81 of a guest."""

from __future__ import annotations

import argparse
import socket
import struct

from labkit.probes.checksum import internet_checksum
from labkit.probes.harness import Harness

UDP_PORT = 9999
TCP_PORT = 81
SOURCE_PORT = 40081
SYN = 0x02


def tcp_syn(source: str, destination: str, sequence: int) -> bytes:
    """A TCP header that opens a connection, with its checksum."""
    header = struct.pack("!HHIIBBHHH", SOURCE_PORT, TCP_PORT, sequence, 0, 5 << 4, SYN, 65535, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination)
    pseudo += struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(header))
    checksum = internet_checksum(pseudo + header)
    return header[:16] + struct.pack("!H", checksum) + header[18:]


class DeniedFlow:
    """Counts what it sends and what the guest's TCP answers (nothing, when the profile holds)."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.connect((destination, UDP_PORT))
        self._source = self._udp.getsockname()[0]
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.tcp.setblocking(False)
        self.sent = 0
        self.answers = 0

    def send(self, number: int) -> None:
        try:
            self._udp.send(b"denied %d" % number)
            segment = tcp_syn(self._source, self._destination, number)
            self.tcp.sendto(segment, (self._destination, 0))
            self.sent += 2
        except ConnectionRefusedError:
            self.answers += 1  # an ICMP error: the guest's UDP saw a frame

    def receive(self) -> None:
        while True:
            try:
                packet = self.tcp.recv(65536)
            except BlockingIOError:
                return
            header = packet[(packet[0] & 15) * 4 :]
            source_port, destination_port = struct.unpack_from("!HH", header)
            if source_port == TCP_PORT and destination_port == SOURCE_PORT:
                self.answers += 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--destination", required=True)
    parser.add_argument("--rate", type=float, required=True, help="of each of the two, per second")
    options = parser.parse_args()
    harness = Harness(options.out)
    flow = DeniedFlow(options.destination)
    harness.pace(options.rate, flow.send, flow.tcp, flow.receive)
    harness.write({"sent": flow.sent, "answers": flow.answers})


if __name__ == "__main__":
    main()
