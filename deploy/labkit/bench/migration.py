"""`migration`: what moves of a real guest cost its network, on Outrider and on a plain Linux bridge
with VXLAN; how long a destination takes to be armed, and a source to have all back."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from labkit import api, hypervisor, inventory, lifecycle, move, ports, process
from labkit.bench.rows import row
from labkit.hypervisor import How
from labkit.inventory import Lab
from labkit.probes.runner import RunningProbe
from labkit.rig import bridge, measured, opening, scene
from labkit.rig.flows import Flow, Stream
from labkit.rig.measured import MeasuredMove, Migrate
from labkit.shell import LabError

Rows = list[dict[str, Any]]
Sample = TypeVar("Sample")

RATES_PPS = (200, 1000)
OPEN_AT_MOST_MS, ARMED_AT_MOST_MS, ROLLBACK_AT_MOST_MS = 1, 50, 50
RULES = 1000
RULED_IP, RULED_MAC = "10.6.0.8", "52:54:00:06:00:08"
RULED = "kind: Profile\nname: ruled\nvlan: {segment: rig}\nacl:\n  egress:\n" + "".join(
    f"    - {{priority: {n}, match: {{protocol: tcp, src_prefix: 10.8.{n % 250}.0/24,"
    f" dst_port: {n}}}, action: allow}}\n"
    for n in range(1, RULES + 1)
)


def run(
    prefix: str, build: str, quick: bool, moves: int | None = None
) -> Iterator[dict[str, Any]]:
    """moves: at each rate, 20 unless told, and five times as many of a TCP stream; `quick` makes it
    4 of each. Rows come as they are measured."""
    count = moves or (4 if quick else 20)
    with lifecycle.temporary(prefix, scene.HOSTS, build) as lab:
        lab = scene.prepare(lab)
        yield from _armed(lab, 5 if quick else 20)
        yield from _series(prefix, "outrider", count, _by_outrider)
        yield from _streams(prefix, count if quick else 5 * count)
        yield from _rollbacks(prefix, 3 if quick else 10)
    with bridge.running(prefix, scene.HOSTS, build) as lab:
        bridge.stage(lab)
        yield from _series(prefix, "bridge", count, bridge.migrate)


def repeated(
    what: str, count: int, one: Callable[[], Sample], rows_of: Callable[[list[Sample]], Rows]
) -> Iterator[dict[str, Any]]:
    """The rows of `count` samples. When one fails: of those before it, and then the LabError, which
    says which it was."""
    samples: list[Sample] = []
    failure: LabError | None = None
    try:
        while len(samples) < count:
            samples.append(one())
    except LabError as error:
        failure = LabError(f"{what}, {len(samples) + 1} of {count}: {error}")
        failure.__cause__ = error
    if samples:
        yield from rows_of(samples)
    if failure:
        raise failure


def _by_outrider(lab: Lab, guest: str, destination: str, steps: move.Steps) -> move.MoveReport:
    """By what the agents hear of QEMU; nobody holds it."""
    report = move.migrate(lab, guest, destination, How(), steps)
    if report.phase != "committed":
        raise LabError(f"migration {report.migration_id}: {report.phase}")
    return report


# ---- flows -------------------------------------------------------------------------------------


def _series(
    prefix: str, system: str, count: int, migrate: Migrate
) -> Iterator[dict[str, Any]]:
    ours = system == "outrider"

    def rows_of(rate: int, moves: list[MeasuredMove]) -> Rows:
        if ours:
            print("".join(f"{one.described()}\n" for one in moves if not one.lossless), end="")
        name = f"migration_{system}_{rate}pps"
        _show(f"{system}, {rate} pps, {len(moves)} moves", moves)
        return loss_rows(name, moves, ours) + time_rows(name, moves, ours)

    for rate in RATES_PPS:
        yield from repeated(
            f"{system}, move at {rate} pps",
            count,
            lambda rate=rate: measured.measured_move(prefix, rate, migrate),
            functools.partial(rows_of, rate),
        )


def _losses(moves: list[MeasuredMove], direction: str) -> list[tuple[int, int, int]]:
    return [getattr(moved, direction).losses for moved in moves]


def _show(title: str, moves: list[MeasuredMove]) -> None:
    print(f"{title}: median/max/sum")
    for direction in ("to_guest", "from_guest"):
        kinds = zip(("lost", "duplicated", "reordered"), zip(*_losses(moves, direction)))
        told = [
            f"{kind} {statistics.median(found):g}/{max(found)}/{sum(found)}"
            for kind, found in kinds
        ]
        sent = sum(getattr(moved, direction).summary.sent for moved in moves)
        print(f"  {direction:10} of {sent:6}: {', '.join(told)}", flush=True)


def loss_rows(name: str, moves: list[MeasuredMove], judged: bool) -> Rows:
    """Sums over all moves; low and high are of the best and the worst of them."""
    rows: Rows = []
    for direction in ("to_guest", "from_guest"):
        losses = zip(("lost", "duplicated", "reordered"), zip(*_losses(moves, direction)))
        for kind, found in losses:
            one = row(f"{name}_{direction}_{kind}", [sum(found)], "frames")
            one |= {"low": min(found), "high": max(found)}
            one |= {"must": "<= 0", "met": sum(found) == 0} if judged else {}
            rows.append(one)
    return rows


def time_rows(name: str, moves: list[MeasuredMove], judged: bool) -> Rows:
    at_most = OPEN_AT_MOST_MS if judged else None
    rows = [row(f"{name}_blackout", [moved.report.blackout_ms for moved in moves], "ms")]
    opened = {
        "open_to_guest": [moved.open_to_guest_ms for moved in moves],
        "open_from_guest": [moved.open_from_guest_ms for moved in moves],
    }
    for title, found in opened.items():
        rows.append(row(f"{name}_{title}_p50", found, "ms"))
        rows.append(row(f"{name}_{title}_p99", found, "ms", at_most=at_most, judged=99))
        rows.append(row(f"{name}_{title}_max", [max(found)], "ms"))
    # From RESUME on: what the guest takes by itself is in it.
    rows.append(row(f"{name}_heard_at_peer", [moved.heard_at_peer_ms for moved in moves], "ms"))
    return rows


# ---- TCP ---------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _MovedStream:
    timeouts: int
    blackout_ms: float
    damaged: bool


def _streams(prefix: str, count: int) -> Iterator[dict[str, Any]]:
    """A connection opened by the guest through its stateful profile, over which the peer sends what
    it may, or in every second move the guest; a move is without timeout when the sender had none."""

    def rows_of(streams: list[_MovedStream]) -> Rows:
        survived = sum(one.timeouts == 0 for one in streams)
        bad = sum(one.damaged for one in streams)
        return [
            row("migration_tcp_moves_without_timeout", [survived], "moves", at_least=count),
            row("migration_tcp_timeouts", [one.timeouts for one in streams], "timeouts"),
            row("migration_tcp_streams_damaged", [bad], "streams", at_most=0),
            row("migration_tcp_blackout", [one.blackout_ms for one in streams], "ms"),
        ]

    by_guest = itertools.cycle((False, True))
    yield from repeated(
        "outrider, move of a TCP stream",
        count,
        lambda: _moved_stream(prefix, next(by_guest)),
        rows_of,
    )


def _moved_stream(prefix: str, by_guest: bool) -> _MovedStream:
    lab = inventory.load(prefix)
    guest, peer = measured.guest_end(), measured.peer_end(lab)
    stream = Stream(lab, guest, peer, sender=guest if by_guest else peer)
    report = _by_outrider(lab, measured.GUEST, measured.other_place(lab), move.Steps())
    time.sleep(measured.AFTER_S)
    result = stream.finish()
    damaged = result.received != result.sent or result.wrong > 0
    if damaged or result.timeouts:
        print(
            f"stream {'from' if by_guest else 'to'} the guest, {report.blackout_ms:.0f} ms of "
            f"blackout: {result.timeouts} timeouts, "
            f"{result.retransmitted} retransmitted, nothing came for {result.longest_gap_ms:.0f} ms"
            + (", damaged" if damaged else ""),
            flush=True,
        )
    return _MovedStream(result.timeouts, report.blackout_ms, damaged)


# ---- armed, and back ---------------------------------------------------------------------------


def _armed(lab: Lab, count: int) -> Iterator[dict[str, Any]]:
    """From the intent to the destination's receipt, by the controller's clock."""
    api.apply(lab, RULED)
    light = ports.add_light(lab, "ruled", "h1", RULED_IP, RULED_MAC, "ruled")

    def armed_ms() -> float:
        record = api.prepare_migration(lab, light.port_id, "h2")
        name = record["meta"]["name"]
        api.abort_migration(lab, name, "only the receipt was wanted")
        move.wait_done(lab, name)
        return (_event_us(record, "armed") - _event_us(record, "intent")) / 1000

    yield from repeated(
        "arming",
        count,
        armed_ms,
        lambda found: [row("migration_armed_1000_rules", found, "ms", at_most=ARMED_AT_MOST_MS)],
    )
    ports.remove_light(inventory.load(lab.prefix), "ruled")


def _event_us(record: api.Json, kind: str) -> int:
    times = [int(event["time_us"]) for event in record["timeline"] if event["kind"] == kind]
    if not times:
        raise LabError(f"migration {record['meta']['name']}: its timeline has no {kind}")
    return min(times)


def _rollbacks(prefix: str, count: int) -> Iterator[dict[str, Any]]:
    yield from repeated(
        "rollback",
        count,
        lambda: _rollback(inventory.load(prefix)),
        lambda found: [row("migration_rollback", found, "ms", at_most=ROLLBACK_AT_MOST_MS)],
    )


def _rollback(lab: Lab) -> float:
    """Milliseconds from the abort of a move whose guest is paused, and whose ports have gone, to
    the first frame that its tap at the source has again."""
    how, place, peer = How(holds=True), measured.other_place(lab), measured.peer_end(lab)
    source = lab.guest(measured.GUEST)
    tap = RunningProbe.numbered(lab, lab.netns(source.host), "watch-source", "watch", source.tap)
    flow = Flow(lab, "rollback", peer, measured.guest_end(), 1000, 7000)
    with move.prepared(lab, measured.GUEST, place) as moving:
        with hypervisor.connected(lab, source, moving.target, how) as copying:
            copying.begin(hypervisor.uri(lab, place))
            copying.wait_held()
            api.query(lab, "migration", "switchover", moving.migration_id)
            _wait_phase(lab, moving.migration_id, "switching")
            api.abort_migration(lab, moving.migration_id, "to see how long it takes")
            record = move.wait_done(lab, moving.migration_id)
            copying.cancel()
            copying.wait_returned()
        move.take_back(lab, moving, "it was aborted")
    flow.stop()
    flow.finish()
    aborted_us = _event_us(record, "abort")
    seen = opening.frames(tap.finish())
    back_us = min(f.time_us for f in seen if f.outgoing and f.time_us >= aborted_us)
    return (back_us - aborted_us) / 1000


def _wait_phase(lab: Lab, migration_id: str, phase: str) -> None:
    if not process.wait_until(
        lambda: api.phase(api.migration(lab, migration_id)) == phase, 5, 0.005
    ):
        raise LabError(f"migration {migration_id}: not {phase} 5 s after the guest's pause")
