"""`network`: what traffic between guests of two hosts reaches, with Outrider and without.

Stages (stages.py, ovs_stage.py) stand side by side in one lab; a round measures every workload
(loads.py) in each of them, for a fraction of a second, in an order that changes. Figures are
medians of rounds with a 95 % bootstrap interval; ratios are of the same round. This is done in two
regimes: on a wire that carries super-packets whole, as veth does, and on one in front of which the
kernel cuts them up, and behind which it puts them together again, tunnelled or not, as with a
network card that has receive offload (GRO) only. Sender and receiver are pinned to processors of
their own, streams are cubic's. steadiness.py says when a run is refused.

After that: our programs' time (program_time.py), QEMU guests behind taps (guests.py), and what size
costs: a million MACs, 64 hosts to copy to, and, but not quickly, an agent with 50,000 MACs (fdb.py,
replication.py, agent.py).
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from labkit import inventory, lifecycle, netns
from labkit.bench import agent, chart, fdb, figures, guests, loads, machine, ovs_stage
from labkit.bench import program_time, replication, samples, stages, table
from labkit.bench.figures import NIC, VETH
from labkit.bench.loads import Load
from labkit.bench.rows import row
from labkit.bench.samples import Samples
from labkit.bench.stages import EMPTY, FULL, OVS, Stage
from labkit.bench.steadiness import Judge
from labkit.inventory import Lab
from labkit.shell import LabError, run

Rows = list[dict[str, Any]]
# What the kernel does in front of a wire like a NIC. Of a sender that has TSO a veth never puts
# together what comes (Linux, veth_skb_is_eligible_for_gro).
CUT_OFFLOADS = ("tso", "tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation")


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is measured. `seconds`: of one workload in one stage in one round."""

    rounds: int
    seconds: float
    program_runs: int
    guest_rounds: int
    # That a guest fetches in a round.
    files: int


QUICK = Effort(rounds=11, seconds=0.2, program_runs=3, guest_rounds=3, files=2)
FULL_EFFORT = Effort(rounds=30, seconds=0.4, program_runs=10, guest_rounds=20, files=5)
WARM_UP_S = 0.1
# It is slow, and nothing is asked of it: in every so many rounds.
OVS_EVERY = 4


def run_all(
    prefix: str, build: str, quick: bool, plot: str | None = None
) -> Iterator[dict[str, Any]]:
    """Rows as they are measured; then prints their tables and draws `plot`, an SVG file. LabError
    when the run is refused."""
    rows: Rows = []
    judge = Judge()
    effort = QUICK if quick else FULL_EFFORT
    for found in itertools.chain(
        measure(prefix, build, effort, judge), _of_size(prefix, build, quick)
    ):
        rows.append(found)
        yield found
    print(f"\n{table.text(rows, machine.described())}", flush=True)
    if plot:
        _draw(plot, rows)
    judge.check()


def _draw(path: str, rows: Rows) -> None:
    try:
        pathlib.Path(path).write_text(chart.svg(rows, machine.described()), encoding="utf-8")
    except OSError as error:
        raise LabError(f"--plot {path}: {error.strerror}") from error


def measure(prefix: str, build: str, effort: Effort, judge: Judge) -> Iterator[dict[str, Any]]:
    with lifecycle.temporary(prefix, 2, build, wired=True) as lab:
        _tell("two hosts of each kind")
        built = stages.build(lab)
        built[OVS] = ovs_stage.build(lab)
        load = Load(lab)
        for regime in figures.REGIMES:
            _wires_like(regime, built)
            judge.begin()
            found = _rounds(regime, load, built, effort)
            yield from judge.rows(regime, samples.of_bare(found))
            yield from samples.rows_of(regime, found)
        _wires_like(VETH, built)
        yield from _programs(load, built, effort)
        with guests.running(lab, built) as pairs:
            lab = inventory.load(prefix)
            for regime in figures.REGIMES:
                _wires_like(regime, built)
                yield from samples.rows_of(regime, _guest_rounds(regime, lab, pairs, effort))


def _of_size(prefix: str, build: str, quick: bool) -> Iterator[dict[str, Any]]:
    _tell("a million MACs")
    yield from fdb.run(build, quick)
    _tell("copies for 64 hosts")
    yield from replication.measure(prefix, build, quick)
    if not quick:
        _tell("an idle agent")
        yield from agent.measure(prefix, build, quick)


def _wires_like(regime: str, built: dict[str, Stage]) -> None:
    """Of a wire like a NIC, the receiving end has GRO, as a driver has."""
    segmented, merged = ("off", "on") if regime == NIC else ("on", "off")
    words = [word for feature in CUT_OFFLOADS for word in (feature, segmented)]
    # Two stages, of two profiles, share one.
    for namespace, device in sorted({end for stage in built.values() for end in stage.wire}):
        run(netns.inside(namespace, ["ethtool", "-K", device, *words, "gro", merged]))


def _rounds(regime: str, load: Load, built: dict[str, Stage], effort: Effort) -> Samples:
    found = Samples()
    _tell(f"{regime}: warm-up")
    for workload in loads.WORKLOADS:
        for stage in built.values():
            load.measure(workload, stage, WARM_UP_S)
    for number in range(effort.rounds):
        _tell(f"{regime}: round {number + 1} of {effort.rounds}")
        taking_part = [
            stage for stage in built.values() if stage.name != OVS or number % OVS_EVERY == 0
        ]
        for workload in loads.WORKLOADS:
            for stage in _turned(taking_part, number):
                taken = load.measure(workload, stage, effort.seconds)
                found.add(number, workload.name, stage.name, taken)
    return found


def _turned(order: Sequence[Any], number: int) -> list[Any]:
    """Each comes first in turn, and every second time they go backwards: none always follows the
    same."""
    begin = number // 2 % len(order)
    turned = [*order[begin:], *order[:begin]]
    return turned[::-1] if number % 2 else turned


def _programs(load: Load, built: dict[str, Stage], effort: Effort) -> Rows:
    """Of small datagrams from guest to guest: by program, and of all."""
    _tell("programs")
    taken: dict[tuple[str, str], list[float]] = {}
    workload = loads.named("udp64")
    with program_time.counting():
        for number in range(effort.program_runs):
            for name in _turned((EMPTY, FULL), number):
                found = program_time.measure(load, workload, built[name], effort.seconds)
                for program, nanoseconds in sorted(found.items()):
                    taken.setdefault((name, program), []).append(nanoseconds)
                taken.setdefault((name, "programs"), []).append(sum(found.values()))
    rows = []
    for (name, program), values in taken.items():
        judged = name == FULL and program == "programs"
        at_most = figures.PROGRAMS_AT_MOST_NS if judged else None
        rows.append(row(f"net_ns_{name}_{program}", values, "ns", at_most=at_most, judged=50))
    return rows


def _guest_rounds(regime: str, lab: Lab, pairs: list[guests.Pair], effort: Effort) -> Samples:
    found = Samples()
    _tell(f"{regime}: guests, {effort.guest_rounds} rounds")
    for pair in pairs:
        guests.measure(lab, pair, guests.GUEST, 1)
    for number in range(effort.guest_rounds):
        for sender in (guests.GUEST, guests.CONTAINER):
            for pair in _turned(pairs, number):
                taken = guests.measure(lab, pair, sender, effort.files)
                found.add(number, sender, pair.stage, taken)
    return found


def _tell(what: str) -> None:
    """Progress, for who waits."""
    print(f"{time.strftime('%H:%M:%S')} network: {what}", file=sys.stderr, flush=True)
