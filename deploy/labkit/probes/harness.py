"""What all measuring programs share: pacing, the wish to end, the result file."""

from __future__ import annotations

import json
import os
import pathlib
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any


class Harness:
    """Runs a probe until SIGTERM or SIGINT, then writes its result."""

    def __init__(self, out: str) -> None:
        self._out = pathlib.Path(out)
        self._stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping

    def wait_readable(self, sock: socket.socket, receive: Callable[[], None]) -> None:
        """Calls receive() once sock is readable; not after a twentieth of a second."""
        if select.select([sock], [], [], 0.05)[0]:
            receive()

    def ready(self) -> None:
        """Tells the starter that sockets are open."""
        self._out.with_name(f"{self._out.name}.ready").touch()

    def pace(
        self,
        rate: float,
        send: Callable[[int], None],
        sock: socket.socket,
        receive: Callable[[], None],
    ) -> None:
        """Calls send(0), send(1) ... `rate` times a second and receive() whenever sock is readable,
        until told to end; then receives for another second. A late turn is made up for at once, so
        the mean rate holds."""
        begin = time.monotonic()
        number = 0
        self.ready()
        while not self._stopping:
            wait = begin + number / rate - time.monotonic()
            if wait <= 0:
                send(number)
                number += 1
                wait = 0
            if select.select([sock], [], [], wait)[0]:
                receive()
        end = time.monotonic() + 1
        while (left := end - time.monotonic()) > 0:
            if select.select([sock], [], [], left)[0]:
                receive()

    def listen(self, sock: socket.socket, receive: Callable[[], None]) -> None:
        """Calls receive() whenever sock is readable, until told to end."""
        self.ready()
        while not self._stopping:
            self.wait_readable(sock, receive)

    def write(self, result: dict[str, Any]) -> None:
        partial = self._out.with_suffix(".partial")
        partial.write_text(json.dumps(result), encoding="utf-8")
        os.replace(partial, self._out)


def now_us() -> int:
    """Microseconds of the machine's clock since 1970, as QEMU's events have them."""
    return time.time_ns() // 1000
