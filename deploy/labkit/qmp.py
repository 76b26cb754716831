"""A client of QEMU's machine protocol (QMP) over its unix socket. One thread uses one client."""

from __future__ import annotations

import json
import pathlib
import socket
import time
from typing import Any

from labkit.shell import LabError

Event = dict[str, Any]


def event_time_us(event: Event) -> int:
    """When QEMU sent the event: microseconds of the machine's clock since 1970."""
    stamp = event["timestamp"]
    return stamp["seconds"] * 1_000_000 + stamp["microseconds"]


class QmpClient:
    """Commands and events. QEMU serves one client at a time, so close it when done."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self._socket = connection
        self._name = name
        self._buffer = b""
        self._events: list[Event] = []

    @classmethod
    def connect(cls, path: pathlib.Path, timeout: float = 10) -> "QmpClient":
        """Connects and negotiates; waits for the socket of a QEMU that is just starting."""
        deadline = time.monotonic() + timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
                break
            except OSError as error:
                connection.close()
                if time.monotonic() > deadline:
                    raise LabError(f"QMP {path}: {error.strerror}") from error
                time.sleep(0.02)
        client = cls(connection, path.name)
        client._message(deadline)  # the greeting
        client.command("qmp_capabilities")
        return client

    def __enter__(self) -> "QmpClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def command(self, name: str, timeout: float = 10, **arguments: Any) -> Any:
        """Runs a command; returns its `return`. Events that arrive meanwhile are kept."""
        request: dict[str, Any] = {"execute": name}
        if arguments:
            request["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except BrokenPipeError as error:
            raise LabError(f"{self._name}: {name}: QEMU closed the connection") from error
        deadline = time.monotonic() + timeout
        while True:
            message = self._message(deadline)
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise LabError(f"{self._name}: {name}: {message['error']['desc']}")
            else:
                return message["return"]

    def wait_event(self, name: str, timeout: float) -> Event:
        """The next event of that name; events before it are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            event = self._events.pop(0) if self._events else self._message(deadline)
            if event.get("event") == name:
                return event

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise LabError(f"{self._name}: QEMU said nothing in time")
            self._socket.settimeout(remaining)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                raise LabError(f"{self._name}: QEMU closed the connection")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)
