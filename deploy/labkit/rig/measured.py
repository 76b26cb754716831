"""One move under flows both ways, watched at the guest's new tap and at the peer. Judges
nothing."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from labkit import inventory, move, ports
from labkit.inventory import Lab
from labkit.probes.runner import RunningProbe
from labkit.rig import flows, opening
from labkit.rig.flows import End, FlowResult

GUEST, PEER = "mover", "peer"
GUEST_IP, PEER_IP = "10.6.0.1", "10.6.0.9"
GUEST_MAC, PEER_MAC = "52:54:00:06:00:01", "52:54:00:06:00:09"

# The flows go on for so long after the move: what comes late, or twice, is part of what it did.
AFTER_S = 0.5

# (lab, guest, destination, steps) -> report.
Migrate = Callable[[Lab, str, str, move.Steps], move.MoveReport]


@dataclasses.dataclass(frozen=True)
class MeasuredMove:
    report: move.MoveReport
    to_guest: FlowResult
    from_guest: FlowResult
    # opening.py says what of.
    open_to_guest_ms: float
    open_from_guest_ms: float
    heard_at_peer_ms: float


    @property
    def lossless(self) -> bool:
        return not any(self.to_guest.losses + self.from_guest.losses)

    def described(self) -> str:
        """What to look at when something was lost: when that was sent, and what happened when, all
        in milliseconds from the source's STOP."""
        times = self.report.times
        lines = [f"blackout {self.report.blackout_ms:.1f} ms, times from STOP"]
        for name, flow in (("to_guest", self.to_guest), ("from_guest", self.from_guest)):
            lost = flow.summary.lost_numbers
            when = [(flow.times_us[n] - times.paused_us) / 1000 for n in lost if flow.times_us]
            told = ", ".join(f"{number}" for number in lost[:20])
            sent = f"; sent from {when[0]:.1f} to {when[-1]:.1f} ms" if when else ""
            losses = "lost %d, duplicated %d, reordered %d" % flow.losses
            lines.append(f"  {name}: {losses}: {told}{sent}")
        for event in self.report.record.get("timeline", []):
            at_ms = (int(event["time_us"]) - times.paused_us) / 1000
            said = f"{event['host']:10} {event['kind']:14} {event.get('detail', '')}"
            lines.append(f"  {at_ms:+10.1f} {said}")
        return "\n".join(lines)


def guest_end() -> End:
    return End(GUEST_IP, guest=GUEST)


def peer_end(lab: Lab) -> End:
    return End(PEER_IP, namespace=ports.light_netns(lab, PEER))


def other_place(lab: Lab) -> str:
    """The host of the first two on which the guest is not."""
    return "h2" if lab.guest(GUEST).host == "h1" else "h1"


def measured_move(prefix: str, rate: int, migrate: Migrate) -> MeasuredMove:
    """Moves the guest to its other place under flows of that rate."""
    lab = inventory.load(prefix)
    peer = peer_end(lab)
    taps: list[RunningProbe] = []

    def watch(namespace: str, device: str) -> None:
        taps.append(RunningProbe.numbered(lab, namespace, "watch-tap", "watch", device))

    at_peer = RunningProbe.numbered(lab, peer.namespace, "watch-peer", "watch", "eth0")
    with flows.Flows(lab, flows.both_ways(guest_end(), peer), rate) as running:
        report = migrate(lab, GUEST, other_place(lab), move.Steps(on_tap=watch))
        time.sleep(AFTER_S)
        found = running.finish()
    on_tap, on_peer = opening.frames(taps[0].finish()), opening.frames(at_peer.finish())
    resumed_us, to_guest = report.times.resumed_us, running.flows["to_guest"]
    opened, heard = opening.from_guest_ms(resumed_us, on_tap, on_peer, GUEST_MAC)
    return MeasuredMove(
        report=report,
        to_guest=found["to_guest"],
        from_guest=found["from_guest"],
        open_to_guest_ms=opening.to_guest_ms(
            *(resumed_us, on_tap, to_guest.port, found["to_guest"].times_us)
        ),
        open_from_guest_ms=opened,
        heard_at_peer_ms=heard,
    )
