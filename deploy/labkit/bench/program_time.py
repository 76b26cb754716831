"""What the kernel says our eBPF programs take for a packet (bpf_stats): on the way of small
datagrams of one flow from a port of one host to a port of another. In runs of their own: reading
the clock around every program costs time, and some of it is in the figures. """

from __future__ import annotations

import contextlib
import json
import pathlib
from collections.abc import Iterator

from labkit import netns
from labkit.bench.loads import Load, Workload
from labkit.bench.stages import Stage
from labkit.shell import run

SWITCH = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
# A program that ran for fewer of the packets is not on their way: it saw an ARP request, or so.
LEAST_SHARE = 0.01

# Runs and nanoseconds, by the program's ID.
Counts = dict[int, tuple[int, int]]


@contextlib.contextmanager
def counting() -> Iterator[None]:
    """The kernel counts, for the time of a block."""
    before = SWITCH.read_text(encoding="ascii")
    SWITCH.write_text("1\n", encoding="ascii")
    try:
        yield
    finally:
        SWITCH.write_text(before, encoding="ascii")


def measure(load: Load, workload: Workload, stage: Stage, seconds: float) -> dict[str, float]:
    """Nanoseconds a packet by program, `from_port` and the like, on both hosts. counting() is on;
    every packet is one run, as datagrams are not put together."""
    hosts = [namespace for namespace, _ in stage.wire]
    names = {number: name for host in hosts for number, name in _attached(host).items()}
    before = _counts(names)
    load.measure(workload, stage, seconds)
    return per_packet(names, before, _counts(names))


def per_packet(names: dict[int, str], before: Counts, after: Counts) -> dict[str, float]:
    """Nanoseconds of a run. The same program on both hosts counts twice if packets pass it on
    both."""
    spent = {
        number: (after[number][0] - before[number][0], after[number][1] - before[number][1])
        for number in names
    }
    packets = max((runs for runs, _ in spent.values()), default=0)
    found: dict[str, float] = {}
    for number, (runs, nanoseconds) in spent.items():
        if runs > packets * LEAST_SHARE:
            found[names[number]] = found.get(names[number], 0.0) + nanoseconds / runs
    return found


def _attached(host: str) -> dict[int, str]:
    """Programs at devices of the host, by ID: no other host's, nor another lab's."""
    (listed,) = json.loads(run(netns.inside(host, ["bpftool", "--json", "net", "show"])))
    numbers = {one["id"] for one in listed["tc"]}
    return {number: _shown(number)["name"].removeprefix("or_") for number in numbers}


def _counts(numbers: dict[int, str]) -> Counts:
    shown = {number: _shown(number) for number in numbers}
    return {
        number: (one.get("run_cnt", 0), one.get("run_time_ns", 0)) for number, one in shown.items()
    }


def _shown(number: int) -> dict:
    return json.loads(run(["bpftool", "--json", "prog", "show", "id", str(number)]))
