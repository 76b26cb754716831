"""Measured moves and measured rates; judges nothing."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from labkit import api, inventory, move, ports
from labkit.demo import scenario
from labkit.inventory import Lab
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe

PROBE_RATE = 200
DENIED_RATE = 50  # of UDP and of TCP each: 100 denied frames a second
FLOOD_PAYLOAD = 1400


@dataclasses.dataclass
class MeasuredMove:
    """One move, and what was seen around it."""

    report: move.MoveReport
    probe: dict[str, Any]
    denied: dict[str, Any]
    source_tap: dict[str, Any]
    destination_tap: dict[str, Any]
    # Frames the port's egress ACL dropped while the denied flow ran.
    dropped_at_source: int
    dropped_at_destination: int

    @property
    def summary(self) -> analysis.ProbeSummary:
        return analysis.summarize(self.probe)

    @property
    def sent_in_downtime(self) -> int:
        """Requests sent between the source's STOP and the destination's RESUME."""
        return self.sent_around_downtime(0)

    def sent_around_downtime(self, margin_ms: int) -> int:
        """The same, beginning so much earlier and ending so much later."""
        begin_us = self.report.times.paused_us - margin_ms * 1000
        end_us = self.report.times.resumed_us + margin_ms * 1000
        return analysis.sent_between(self.probe, begin_us, end_us)


def measured_move(lab: Lab, destination: str, number: int) -> MeasuredMove:
    """Moves the server under the numbered probe and the denied flow, watched on both taps."""
    server = lab.guest("server")
    vantage = ports.light_netns(lab, "probe")
    to_server = {"destination": scenario.SERVER_IP}
    source_tap = _sniffer(lab, lab.netns(server.host), server.tap, f"tap-source-{number}")
    taps: list[RunningProbe] = []

    def watch(namespace: str, device: str) -> None:
        taps.append(_sniffer(lab, namespace, device, f"tap-destination-{number}"))

    before = _acl_drops(lab, server.host, server.port_id)
    denied = RunningProbe.start(
        lab, vantage, "denied", f"denied-{number}", rate=DENIED_RATE, **to_server
    )
    probe = RunningProbe.start(
        lab, vantage, "icmp", f"probe-{number}", rate=PROBE_RATE, **to_server
    )
    time.sleep(
        1
    )  # a second of the flows before the move; the measurement, not a wait for something
    dropped_at_source = _acl_drops(lab, server.host, server.port_id) - before
    report = move.migrate(lab, "server", destination, steps=move.Steps(on_tap=watch))
    time.sleep(1.5)
    moved = inventory.load(lab.prefix)
    return MeasuredMove(
        report=report,
        probe=probe.finish(),
        denied=denied.finish(),
        source_tap=source_tap.finish(),
        destination_tap=taps[0].finish(),
        dropped_at_source=dropped_at_source,
        dropped_at_destination=_acl_drops(moved, destination, server.port_id),
    )


def _sniffer(lab: Lab, namespace: str, device: str, name: str) -> RunningProbe:
    return RunningProbe.start(
        lab, namespace, "sniff", name, device=device, guest=scenario.SERVER_IP
    )


def _acl_drops(lab: Lab, host: str, port_id: str) -> int:
    return api.drops(lab, host, port_id).get("acl_egress", 0)


def flood_rate() -> float:
    """Echo requests a second whose answers are twice what the server's profile allows."""
    frame_kb = (FLOOD_PAYLOAD + analysis.FRAME_OVERHEAD) * 8 / 1000
    return 2 * scenario.POLICER_KBPS / frame_kb


def policed_kbps(lab: Lab, name: str, seconds: float = 4) -> float:
    """Rate at which the server's answers come when it is asked for twice what its profile
    allows."""
    flood = RunningProbe.start(
        *(lab, ports.light_netns(lab, "probe"), "icmp", f"flood-{name}"),
        destination=scenario.SERVER_IP,
        rate=flood_rate(),
        payload=FLOOD_PAYLOAD,
    )
    time.sleep(seconds)
    # The first second uses up the burst.
    return analysis.answered_kbps(flood.finish(), FLOOD_PAYLOAD, skip_us=1_000_000)
