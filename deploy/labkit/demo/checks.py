"""What has to hold, as rows of the report. Pure apart from the report it writes to."""

from __future__ import annotations

from labkit import api
from labkit.demo import scenario
from labkit.demo.measure import PROBE_RATE, MeasuredMove
from labkit.demo.report import Report
from labkit.hypervisor import Times

POLICER_TOLERANCE = 0.15
POLICER_STEADY = 0.10
# A probe on a busy machine sends late and makes up for it; at the edges it is one more or less.
PROBE_TOLERANCE, PROBE_EDGES = 0.5, 2
# From QEMU's word that the guest runs to the agent's act.
OPENING_US = 5_000
# The downtime itself may be too short to judge a rate by.
AROUND_MS = 250


def timeline(record: api.Json, times: Times) -> str:
    """The migration's events relative to the source's pause, one a line."""
    lines = [
        (int(e["time_us"]), f"{e['host']:10} {e['kind']:14} {e.get('detail', '')}")
        for e in record.get("timeline", [])
    ]
    lines += [
        (times.paused_us, "qemu       STOP at the source"),
        (times.resumed_us, "qemu       RESUME at the destination"),
    ]
    return "\n".join(
        f"{(when - times.paused_us) / 1000:+10.1f} ms  {text}"
        for when, text in sorted(lines, key=lambda line: line[0])
    )


def _first_us(record: api.Json, kind: str) -> int:
    """When the first event of that kind was; 0 when there is none."""
    times = [int(e["time_us"]) for e in record.get("timeline", []) if e["kind"] == kind]
    return min(times, default=0)


def receipt_check(report: Report, moved: MeasuredMove, port_id: str) -> bool:
    """The destination had the profile, compiled as expected, before the guest's first frame
    there."""
    record = moved.report.record
    receipt = record.get("receipts", {}).get(port_id, {})
    expected = record.get("expected_digests", {}).get(port_id)
    received_us = _first_us(record, "receipt")
    first = moved.destination_tap["first_from_guest"]
    ahead_ms = (first["time_us"] - received_us) / 1000 if first and received_us else 0.0
    same = bool(expected) and receipt.get("digest") == expected
    if first:
        report.say(
            f"profile {receipt.get('profile')} revision {receipt.get('profile_revision')}, "
            f"digest {str(receipt.get('digest'))[:16]}...; first frame of the guest at the "
            f"destination: ethertype 0x{first['ether_type']:04x}"
        )
    report.row("receipt_digest_as_expected", same, "", same, "receipt's digest is the computed one")
    report.row(
        "receipt_before_first_frame",
        ahead_ms,
        "ms",
        ahead_ms > 0,
        "profile in force at the destination before the guest's first frame by",
    )
    return same and ahead_ms > 0


def move_checks(report: Report, moved: MeasuredMove) -> None:
    seen, times, record = moved.report, moved.report.times, moved.report.record
    report.row("migration_phase", seen.phase, "", seen.phase == "committed", "migration's phase")
    activated_us = _first_us(record, "activated")
    report.row(
        "activated_after_pause",
        (activated_us - times.paused_us) / 1000,
        "ms",
        times.paused_us < activated_us <= times.resumed_us + OPENING_US,
        "destination's port opened by the time the guest ran, and after the source's pause by",
    )
    peers = record.get("peers", {})
    behind = sorted(host for host, generation in peers.items() if not int(generation))
    worst_ms = int(record.get("converge_max_us", 0)) / 1000
    report.row(
        "peers_converged",
        worst_ms,
        "ms",
        bool(peers) and not behind,
        f"all {len(peers)} peers acknowledged the new place within",
    )
    report.row(
        "qemu_downtime",
        seen.blackout_ms,
        "ms",
        seen.blackout_ms > 0,
        "QEMU's downtime, STOP at the source to RESUME at the destination",
    )
    # QEMU's clock, the controller's and ours: the move was asked for after the pause, and had
    # happened when QEMU was told to go on.
    switched_us = _first_us(record, "switchover")
    report.row(
        "switchover_wait",
        seen.held_ms,
        "ms",
        times.paused_us <= switched_us <= times.continued_us <= times.resumed_us
        and times.paused_us <= times.held_us <= times.continued_us,
        "of that, QEMU waited for the port's move",
    )


def probe_checks(report: Report, moved: MeasuredMove) -> None:
    seen = moved.summary
    report.row("probes_sent", seen.sent, "frames", seen.sent > 0, "numbered requests sent")
    report.row("probes_answered", seen.answered, "frames", seen.answered > 0, "answered")
    around = moved.sent_around_downtime(AROUND_MS)
    expected = (moved.report.blackout_ms + 2 * AROUND_MS) * PROBE_RATE / 1000
    report.row(
        "probes_sent_in_downtime",
        moved.sent_in_downtime,
        "frames",
        abs(around - expected) <= PROBE_TOLERANCE * expected + PROBE_EDGES,
        f"sent during QEMU's downtime (from {AROUND_MS} ms before to {AROUND_MS} ms after it "
        f"{around}, of {expected:.0f} due)",
    )
    report.row("probes_lost", seen.lost, "frames", seen.lost == 0, "lost")
    report.row(
        "probes_duplicated", seen.duplicates, "frames", seen.duplicates == 0, "answered twice"
    )
    report.row("probes_reordered", seen.reordered, "frames", seen.reordered == 0, "out of order")


def denied_checks(report: Report, moved: MeasuredMove) -> None:
    """Nothing denied got through, and the claim is not empty: it was sent, it arrived, it was
    dropped."""
    source, destination = moved.source_tap, moved.destination_tap
    report.row(
        "denied_sent",
        moved.denied["sent"],
        "frames",
        moved.denied["sent"] > 0,
        "denied frames sent (UDP 9999, TCP 81)",
    )
    report.row(
        "denied_dropped_at_source",
        moved.dropped_at_source,
        "frames",
        moved.dropped_at_source > 0,
        "dropped by the profile before the move",
    )
    report.row(
        "denied_dropped_at_destination",
        moved.dropped_at_destination,
        "frames",
        moved.dropped_at_destination > 0,
        "dropped by the profile at the destination",
    )
    for name, tap in (("source", source), ("destination", destination)):
        watched = tap["to_guest"] > 0 and tap["missed"] == 0
        report.row(
            f"denied_leaked_{name}",
            tap["denied"],
            "frames",
            tap["denied"] == 0 and watched,
            f"denied frames among {tap['to_guest']} delivered to the guest's tap ({name})",
        )
    report.row(
        "denied_answered",
        moved.denied["answers"],
        "frames",
        moved.denied["answers"] == 0,
        "answers to denied frames",
    )


def policer_checks(report: Report, before: float, after: float) -> None:
    limit = scenario.POLICER_KBPS
    for name, rate in (("before", before), ("after", after)):
        report.row(
            f"policer_{name}",
            rate,
            "kb/s",
            abs(rate - limit) <= POLICER_TOLERANCE * limit,
            f"rate {name} the move, limit {limit} kb/s, asked for twice that",
        )
    change = (after - before) / before * 100 if before else 100.0
    report.row(
        "policer_change", change, "%", abs(change) <= POLICER_STEADY * 100, "change by the move"
    )
