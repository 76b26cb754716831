"""Every kind of drop the demo has caused, explained by `outrider trace` at the port that counted it:
the trace has to name the same reason as the counter."""

from __future__ import annotations

import dataclasses
import time

from labkit import api, ports
from labkit.demo import measure, scenario
from labkit.demo.report import Report
from labkit.inventory import Lab
from labkit.probes.runner import RunningProbe

# The limit lets a part of the frames pass; within this time one is refused.
PATIENCE_S = 8


@dataclasses.dataclass(frozen=True)
class Question:
    """A frame like those that were dropped, as words of `outrider trace`."""

    told: str
    words: tuple[str, ...]


# Reasons that are of a moment, and not of a frame.
PASSING = {"move_copy", "port_armed", "port_blocked", "port_departed", "port_unknown"}
TO_SERVER = ("--to", "--ip-src", scenario.PROBE_IP, "--ip-dst", scenario.SERVER_IP)
QUESTIONS = {
    "acl_egress": Question(
        "UDP to the server's port 9999", (*TO_SERVER, "--proto", "udp", "--dst-port", "9999")
    ),
    "acl_ingress": Question(
        "UDP of the server from port 9999",
        ("--ip-dst", scenario.PROBE_IP, "--proto", "udp", "--src-port", "9999"),
    ),
    # An echo reply as large as those that use up the rate.
    "policer": Question(
        "another reply of the server over its rate",
        ("--ip-dst", scenario.PROBE_IP, "--proto", "icmp", "--icmp-type", "0", "--length", "1442"),
    ),
}


def drops_explained(report: Report, lab: Lab) -> None:
    """One row per reason that the server's port has counted."""
    server = lab.guest("server")
    for reason in sorted(api.drops(lab, server.host, server.port_id)):
        if reason in PASSING:
            report.say(f"{reason}: while the server moved; nothing is in that state any more")
            continue
        question = QUESTIONS.get(reason)
        if question is None:
            report.row(f"trace_{reason}", "", "", False, f"{reason}: the demo has no frame for it")
            continue
        trace = _trace(lab, reason, question)
        said = trace.get("drop_reason") or trace.get("verdict", "")
        report.say(f"{question.told}:")
        for step in trace.get("steps", []):
            report.say(f"  {step['stage']:12} {step['text']}")
        report.row(
            f"trace_{reason}",
            said,
            "",
            said == reason,
            f"trace names the same reason as the counter ({reason})",
        )


def _trace(lab: Lab, reason: str, question: Question) -> api.Json:
    server = lab.guest("server")
    if reason != "policer":
        return api.trace(lab, server.host, server.port_id, *question.words)
    # The bucket has to be as empty as when the frames were dropped.
    flood = RunningProbe.start(
        *(lab, ports.light_netns(lab, "probe"), "icmp", "flood-trace"),
        destination=scenario.SERVER_IP,
        rate=measure.flood_rate(),
        payload=measure.FLOOD_PAYLOAD,
    )
    try:
        end = time.monotonic() + PATIENCE_S
        trace: api.Json = {}
        while trace.get("drop_reason") != reason and time.monotonic() < end:
            trace = api.trace(lab, server.host, server.port_id, *question.words)
        return trace
    finally:
        flood.finish()
