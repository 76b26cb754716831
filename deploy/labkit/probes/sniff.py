"""Watches a guest's tap from outside: what is delivered to the guest, and what the guest sends.

On a tap, a frame to the guest is an outgoing one. It is seen after the switch's egress hook, so a
frame the switch drops there is not seen; a frame from the guest is seen before the switch's ingress
hook. """

from __future__ import annotations

import argparse
import socket
import struct

from labkit.probes.denied import TCP_PORT, UDP_PORT
from labkit.probes.harness import Harness

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
PACKET_OUTGOING = 4
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_TIMESTAMPNS = 35


class Sniffer:
    """Counts frames by direction, and those of the denied flows that reach the guest."""

    def __init__(self, device: str, guest: str) -> None:
        self._guest = socket.inet_aton(guest)
        # `vnet*`: devices of such names, also those that come later.
        self._prefix = device.removesuffix("*") if device.endswith("*") else None
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if self._prefix is None:
            self.socket.bind((device, 0))
        self.socket.setblocking(False)
        self.denied = 0
        self.to_guest = 0
        self.from_guest = 0
        self.first: dict[str, object] | None = None

    def receive(self) -> None:
        while True:
            try:
                frame, ancillary, _, address = self.socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except OSError:
                return  # the device went away, as the source's does after a move
            if self._prefix is not None and not address[0].startswith(self._prefix):
                continue
            if address[2] == PACKET_OUTGOING:
                self.to_guest += 1
                self.denied += self._is_denied(frame)
            else:
                self.from_guest += 1
                if self.first is None:
                    self.first = _describe(frame, ancillary)

    def _is_denied(self, frame: bytes) -> bool:
        if len(frame) < 34 or int.from_bytes(frame[12:14], "big") != ETH_P_IP:
            return False
        ip = frame[14:]
        if ip[16:20] != self._guest or len(ip) < (ip[0] & 15) * 4 + 4:
            return False
        port = int.from_bytes(ip[(ip[0] & 15) * 4 + 2 :][:2], "big")
        return (ip[9], port) in ((socket.IPPROTO_UDP, UDP_PORT), (socket.IPPROTO_TCP, TCP_PORT))

    def result(self) -> dict[str, object]:
        statistics = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return {
            "denied": self.denied,
            "to_guest": self.to_guest,
            "from_guest": self.from_guest,
            "first_from_guest": self.first,
            "missed": struct.unpack("=II", statistics)[1],
        }


def _describe(frame: bytes, ancillary: list[tuple[int, int, bytes]]) -> dict[str, object]:
    seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2][:16])
    return {
        "time_us": seconds * 1_000_000 + nanoseconds // 1000,
        "ether_type": int.from_bytes(frame[12:14], "big"),
        "source": frame[6:12].hex(":"),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", required=True, help="a tap, or all of a beginning: vnet*")
    parser.add_argument("--guest", required=True, help="the guest's IPv4 address")
    options = parser.parse_args()
    harness = Harness(options.out)
    sniffer = Sniffer(options.device, options.guest)
    harness.listen(sniffer.socket, sniffer.receive)
    harness.write(sniffer.result())


if __name__ == "__main__":
    main()
