"""Flows of numbered datagrams, and TCP streams, between guests and namespaces of a lab. The program
at both ends is deploy/guest/numbered.c. Counts, and judges nothing. """

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from labkit import inventory, qemu
from labkit.inventory import Lab
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe
from labkit.shell import LabError, undo

# Of the datagrams; those from a guest and those to it must differ at neither end.
FIRST_PORT = 7000
STREAM_PORT = 5201


@dataclasses.dataclass(frozen=True)
class End:
    """An end of a flow: a namespace, or with `guest` that guest, wherever it is."""

    ip: str
    namespace: str = ""
    guest: str = ""


class GuestProgram:
    """`numbered` at work in a guest, which may move meanwhile."""

    def __init__(self, prefix: str, guest: str, name: str) -> None:
        self._prefix, self._guest = prefix, guest
        self._out = f"/tmp/{name}.json"

    @classmethod
    def start(
        cls, lab: Lab, guest: str, name: str, verb: str, *words: object
    ) -> "GuestProgram":
        """Returns when its sockets are open."""
        program = cls(lab.prefix, guest, name)
        out = program._out
        arguments = " ".join(str(word) for word in words)
        program._shell(
            f"rm -f {out}*; numbered {verb} {out} {arguments} >{out}.log 2>&1 & echo $! >{out}.pid;"
            f" {program._wait(f'{out}.ready')}"
        )
        return program

    def finish(self) -> dict[str, Any]:
        out = self._out
        stop = f"kill -TERM $(cat {out}.pid) 2>/dev/null"
        return json.loads(self._shell(f"{stop}; {self._wait(out)}; cat {out}"))

    def _wait(self, path: str) -> str:
        """Shell commands that wait for the file, and fail when the program ends without it."""
        out = self._out
        alive = f"kill -0 $(cat {out}.pid) 2>/dev/null"
        return (
            f"while [ ! -e {path} ] && {alive}; do usleep 5000; done;"
            f" [ -e {path} ] || {{ cat {out}.log; exit 1; }}"
        )

    def _shell(self, command: str) -> str:
        # The shell that an `exit` ends is not that of the console.
        lab = inventory.load(self._prefix)
        return qemu.shell(lab, lab.guest(self._guest), f"( {command} )", 60)


def start_program(lab: Lab, end: End, name: str, verb: str, *words: object):
    if end.guest:
        return GuestProgram.start(lab, end.guest, name, verb, *words)
    return RunningProbe.numbered(lab, end.namespace, name, verb, *words)


@dataclasses.dataclass(frozen=True)
class FlowResult:
    summary: analysis.ProbeSummary
    # What the receiving socket had no room for: then the counts say nothing.
    overflow: int
    # When each was sent, if by a host.
    times_us: list[int]

    @property
    def losses(self) -> tuple[int, int, int]:
        """Lost, duplicated, reordered."""
        if self.overflow:
            raise LabError(f"{self.overflow} datagrams were lost by who counts them")
        return self.summary.lost, self.summary.duplicates, self.summary.reordered


class Flow:
    """Datagrams 0, 1, 2 ... from one end to the other."""

    def __init__(self, lab: Lab, name: str, sender: End, receiver: End, rate: int, port: int):
        self.port = port
        self._receiving = start_program(lab, receiver, f"{name}-receive", "receive", port)
        words: list[object] = [receiver.ip, port, rate]
        words += [] if sender.guest else ["times"]
        self._sending = start_program(lab, sender, f"{name}-send", "send", *words)
        self._sent: dict[str, Any] = {}

    def stop(self) -> None:
        """Nothing more is sent."""
        self._sent = self._sending.finish()

    def finish(self) -> FlowResult:
        """After stop(): what has come, once nothing more comes."""
        received = self._receiving.finish()
        summary = analysis.of_runs(self._sent["sent"], received["runs"])
        return FlowResult(summary, received["overflow"], self._sent["times_us"])


class Flows:
    """Several at a time, by name, each on a port of its own. As a context: when its block fails
    they end, and what they saw is nobody's."""

    def __init__(self, lab: Lab, ends: dict[str, tuple[End, End]], rate: int) -> None:
        """ends: sender and receiver of each."""
        self.flows = {
            name: Flow(lab, name, sender, receiver, rate, FIRST_PORT + number)
            for number, (name, (sender, receiver)) in enumerate(ends.items())
        }

    def __enter__(self) -> "Flows":
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        if failure:
            undo(self.finish)

    def finish(self) -> dict[str, FlowResult]:
        for flow in self.flows.values():
            flow.stop()
        return {name: flow.finish() for name, flow in self.flows.items()}


def both_ways(guest: End, peer: End, suffix: str = "") -> dict[str, tuple[End, End]]:
    return {f"to_guest{suffix}": (peer, guest), f"from_guest{suffix}": (guest, peer)}


@dataclasses.dataclass(frozen=True)
class StreamResult:
    """Of the sender: bytes, retransmitted segments, and timeouts of all of its TCP. Of the
    receiver: bytes that came, and how many of them were not those of the stream."""

    sent: int
    retransmitted: int
    timeouts: int
    received: int
    wrong: int
    longest_gap_ms: float


class Stream:
    """A TCP connection opened by `opener`, over which `sender`, one of the two, sends what it
    can."""

    def __init__(self, lab: Lab, opener: End, listener: End, sender: End) -> None:
        def role(end: End) -> str:
            return "send" if end == sender else "receive"

        self._sends = sender == opener
        address = listener.ip, STREAM_PORT
        words: Sequence[object] = ("listen", *address, role(listener))
        self._listening = start_program(lab, listener, "stream-listen", "stream", *words)
        words = ("connect", *address, role(opener))
        self._opening = start_program(lab, opener, "stream-connect", "stream", *words)

    def finish(self) -> StreamResult:
        ends = [self._opening, self._listening]
        sender, receiver = ends if self._sends else ends[::-1]
        sent, received = sender.finish(), receiver.finish()
        return StreamResult(
            sent["bytes"],
            sent["retransmitted"],
            sent["timeouts"],
            received["bytes"],
            received["wrong"],
            received["longest_gap_us"] / 1000,
        )
