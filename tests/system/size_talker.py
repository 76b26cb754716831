"""Traffic of every size, byte for byte: a process in a guest's namespace that answers its like, and
asks it what a line of standard input says, as JSON:

    {"way": "udp" | "udp_segments" | "icmp" | "tcp" | "bulk", "to": address, "sizes": [payloads]}

The answer is a line of JSON: {"wrong": "", or what was}. It ends with its input. Nothing is sent a
second time: what is lost is wrong, but for TCP's own repeats. """

from __future__ import annotations

import json
import random
import socket
import struct
import sys
import threading

PORT = 5000
PATIENCE_S = 2
BUFFER = 8 << 20
# Of streams: no more is under way than the ring of a veth has places for, in the smallest packets.
STREAM_BUFFER = 128 << 10
# Questions that are under way at a time.
WINDOW = 24
CONTENT = random.Random(4789).randbytes(1 << 20)
BULK = len(CONTENT)
SO_RCVBUFFORCE, UDP_SEGMENT = 33, 103
ECHO_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
ICMP = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
# The default may pace by time.
CONGESTION = b"cubic"


def payload(size: int) -> bytes:
    """Another one for each size."""
    start = size * 131 % (BULK // 2)
    return CONTENT[start : start + size]


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def opened(family: int, kind: int, protocol: int = 0) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    if kind == socket.SOCK_DGRAM:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    else:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_BUFFER)
    return made


class Answers:
    """Gives back what it gets, by UDP and TCP over both families."""

    def __init__(self) -> None:
        self._datagrams = self._bound(socket.SOCK_DGRAM)
        self._listener = self._bound(socket.SOCK_STREAM)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
        self._listener.listen()
        for run in (self._answer_datagrams, self._accept):
            threading.Thread(target=run, daemon=True).start()

    def _bound(self, kind: int) -> socket.socket:
        made = opened(socket.AF_INET6, kind)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(("::", PORT))
        return made

    def _answer_datagrams(self) -> None:
        while True:
            data, sender = self._datagrams.recvfrom(1 << 16)
            self._datagrams.sendto(data, sender)

    def _accept(self) -> None:
        while True:
            peer, _ = self._listener.accept()
            threading.Thread(target=self._answer_stream, args=(peer,), daemon=True).start()

    def _answer_stream(self, peer: socket.socket) -> None:
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := peer.recv(1 << 17):
                peer.sendall(data)


def check(got: bytes, waiting: set[int]) -> None:
    """An answer to one of the sizes that are `waiting`."""
    if len(got) not in waiting:
        raise ValueError(f"{len(got)} bytes were not asked for, or come twice")
    if got != payload(len(got)):
        raise ValueError(f"{len(got)} bytes came, but other ones")
    waiting.remove(len(got))


def ask_in_windows(sizes: list[int], ask, hear) -> None:
    """ask(size) sends; hear() returns a payload."""
    for begin in range(0, len(sizes), WINDOW):
        waiting = set(sizes[begin : begin + WINDOW])
        for size in sorted(waiting):
            ask(size)
        while waiting:
            try:
                check(hear(), waiting)
            except TimeoutError:
                raise ValueError(f"sizes {sorted(waiting)} do not come back") from None


def ask_udp(to: str, sizes: list[int]) -> None:
    with opened(family_of(to), socket.SOCK_DGRAM) as asker:
        asker.settimeout(PATIENCE_S)
        asker.connect((to, PORT))
        ask_in_windows(sizes, lambda size: asker.send(payload(size)), lambda: asker.recv(1 << 16))


def ask_udp_segments(to: str, sizes: list[int]) -> None:
    """For each size one send of many datagrams, which the kernel or a device cuts apart."""
    with opened(family_of(to), socket.SOCK_DGRAM) as asker:
        asker.settimeout(PATIENCE_S)
        asker.connect((to, PORT))
        for size in sizes:
            sent = payload(size * WINDOW)
            cut = (socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))
            asker.sendmsg([sent], [cut])
            try:
                got = sorted(asker.recv(1 << 16) for _ in range(WINDOW))
            except TimeoutError:
                raise ValueError(f"not all {WINDOW} datagrams of {size} bytes come back") from None
            if got != sorted(sent[n * size : (n + 1) * size] for n in range(WINDOW)):
                raise ValueError(f"other bytes come than {WINDOW} datagrams of {size}")


def ask_icmp(to: str, sizes: list[int]) -> None:
    family = family_of(to)
    with opened(family, socket.SOCK_DGRAM, ICMP[family]) as asker:
        asker.settimeout(PATIENCE_S)
        asker.connect((to, 0))
        head = struct.Struct("!BBHHH")
        # Checksum and identifier are the kernel's.
        ask_in_windows(
            sizes,
            lambda size: asker.send(head.pack(ECHO_REQUEST[family], 0, 0, 0, size) + payload(size)),
            lambda: asker.recv(1 << 16)[head.size :],
        )


def connected(to: str) -> socket.socket:
    asker = opened(family_of(to), socket.SOCK_STREAM)
    asker.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
    asker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asker.settimeout(PATIENCE_S)
    asker.connect((to, PORT))
    return asker


def hear_stream(asker: socket.socket, size: int) -> bytes:
    heard = bytearray()
    try:
        while len(heard) < size:
            part = asker.recv(1 << 17)
            if not part:
                break
            heard += part
    except TimeoutError:
        raise ValueError(f"of {size} bytes {len(heard)} come back") from None
    return bytes(heard)


def ask_tcp(to: str, sizes: list[int]) -> None:
    """A write for each size, and its answer."""
    with connected(to) as asker:
        for size in sizes:
            asker.sendall(payload(size))
            check(hear_stream(asker, size), {size})


def ask_bulk(to: str, sizes: list[int]) -> None:
    """Streams of the sizes, without waiting."""
    for size in sizes:
        with connected(to) as asker:
            sender = threading.Thread(target=asker.sendall, args=(CONTENT[:size],), daemon=True)
            sender.start()
            if hear_stream(asker, size) != CONTENT[:size]:
                raise ValueError(f"of {size} bytes of a stream other ones come back")
            sender.join()


WAYS = {
    "udp": ask_udp,
    "udp_segments": ask_udp_segments,
    "icmp": ask_icmp,
    "tcp": ask_tcp,
    "bulk": ask_bulk,
}


def main() -> None:
    Answers()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        wrong = ""
        try:
            WAYS[asked["way"]](asked["to"], asked["sizes"])
        except (OSError, ValueError) as error:
            wrong = str(error) or repr(error)
        print(json.dumps({"wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
