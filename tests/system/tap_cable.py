"""What QEMU and vhost are to a guest, without the guest: carries frames between taps of a host and
taps of a guest's namespace, with their virtio-net headers, so that super-packets and checksums to
be filled in pass as they are.

    tap_cable.py GUEST_NAMESPACE HOST_TAP=GUEST_TAP...    in the host's namespace

Each line of standard input is what the guest can take from then on, as words of OFFLOADS (none: no
offload at all); the answer is a line of JSON about the time before, by host tap and direction. It
ends with its input. """

from __future__ import annotations

import ctypes
import dataclasses
import fcntl
import json
import os
import select
import struct
import sys

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
# TUN_F_*; segmentation needs checksums.
OFFLOADS = {"csum": 0x01, "tso": 0x02 | 0x04, "uso": 0x20 | 0x40}
CLONE_NEWNET = 0x40000000
VNET_HEADER = 10
VIRTIO_NET_HDR_F_NEEDS_CSUM = 1
# Frames of a direction before the other one has its turn.
TURN = 64
TO_GUEST, FROM_GUEST = "to_guest", "from_guest"


@dataclasses.dataclass
class Carried:
    """What went one way."""

    frames: int = 0
    bytes: int = 0
    longest: int = 0
    super_packets: int = 0
    # With a checksum to be filled in.
    unsummed: int = 0
    # Those that the tap on the other side did not take.
    refused: int = 0


@dataclasses.dataclass
class Way:
    source: int
    target: int
    carried: Carried

    def carry(self, buffer: bytearray) -> None:
        view = memoryview(buffer)
        for _ in range(TURN):
            try:
                length = os.readv(self.source, [buffer])
            except BlockingIOError:
                return
            self.carried.frames += 1
            self.carried.bytes += length - VNET_HEADER
            self.carried.longest = max(self.carried.longest, length - VNET_HEADER)
            # struct virtio_net_hdr: flags, gso_type.
            self.carried.unsummed += buffer[0] & VIRTIO_NET_HDR_F_NEEDS_CSUM
            self.carried.super_packets += buffer[1] != 0
            try:
                os.write(self.target, view[:length])
            except OSError:
                self.carried.refused += 1


def open_tap(name: str) -> int:
    """Of the namespace this process is in; made, if it is not there."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    return tap


def enter(namespace: str) -> None:
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns {namespace}")
    os.close(fd)


def run(namespace: str, pairs: list[list[str]]) -> None:
    hosts = [open_tap(host) for host, _ in pairs]
    enter(namespace)
    guests = [open_tap(guest) for _, guest in pairs]
    ways: dict[int, Way] = {}
    told: dict[str, dict[str, Way]] = {}
    for (name, _), host, guest in zip(pairs, hosts, guests):
        told[name] = {
            TO_GUEST: Way(host, guest, Carried()),
            FROM_GUEST: Way(guest, host, Carried()),
        }
        ways |= {way.source: way for way in told[name].values()}
    poller = select.poll()
    for fd in (0, *ways):
        poller.register(fd, select.POLLIN)
    print(json.dumps({}), flush=True)
    buffer = bytearray(VNET_HEADER + 18 + (1 << 16))
    while True:
        for fd, _ in poller.poll():
            if fd in ways:
                ways[fd].carry(buffer)
                continue
            line = sys.stdin.readline()
            if not line:
                return
            for tap in ways:
                fcntl.ioctl(tap, TUNSETOFFLOAD, sum(OFFLOADS[word] for word in line.split()))
            answer = {
                name: {way: dataclasses.asdict(both[way].carried) for way in both}
                for name, both in told.items()
            }
            print(json.dumps(answer), flush=True)
            for way in ways.values():
                way.carried = Carried()


if __name__ == "__main__":
    run(sys.argv[1], [word.split("=") for word in sys.argv[2:]])
