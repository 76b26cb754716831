"""Small stages that benchmarks and system tests share, and disturbances on them."""

from __future__ import annotations

import dataclasses
import time

from labkit import api, inventory, ports, services
from labkit.inventory import Lab
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe

SEGMENT = "scene"
VNI = 6001
LEFT_IP, RIGHT_IP = "10.2.0.1", "10.2.0.2"
PROFILE = f"""\
kind: Profile
name: scene
vlan: {{segment: {SEGMENT}}}
"""

# A segment `blue`, a profile in it that lets ICMP pass, and one that lets everything.
WEB_AND_OPEN = """\
kind: Segment
name: blue
vni: 5001
---
kind: Profile
name: web
vlan: {segment: blue}
acl:
  ingress: [{priority: 10, match: {protocol: icmp}, action: allow}]
  egress: [{priority: 10, match: {protocol: icmp}, action: allow}]
  default_action: drop
---
kind: Profile
name: open
vlan: {segment: blue}
"""


def segment_and_profile(lab: Lab) -> None:
    """Segment `scene` and a profile `scene` in it that allows everything."""
    api.create_segment(lab, SEGMENT, VNI, ports.SEGMENT_MTU)
    api.apply(lab, PROFILE)


def two_light_ports(lab: Lab) -> Lab:
    """Light ports `left` on h1 and `right` on h2; returns the lab with them."""
    segment_and_profile(lab)
    ports.add_light(lab, "left", "h1", LEFT_IP, "52:54:00:02:00:01", "scene")
    ports.add_light(lab, "right", "h2", RIGHT_IP, "52:54:00:02:00:02", "scene")
    return inventory.load(lab.prefix)


@dataclasses.dataclass(frozen=True)
class Restart:
    """What a kill -9 and start of an agent did."""

    sent: int
    lost: int
    objects_written: int
    objects_deleted: int
    reconciled_ms: float
    status: api.Json


def restart_under_probe(
    lab: Lab, host: str, rate: int = 1000, destination: str = RIGHT_IP
) -> Restart:
    """Kills and starts the agent of `host` while `left` sends numbered requests to `right`, or
    somebody else."""
    probe = RunningProbe.start(
        *(lab, ports.light_netns(lab, "left"), "icmp", "restart-probe"),
        destination=destination,
        rate=rate,
    )
    time.sleep(1)
    services.kill(lab, services.agent_name(host))
    time.sleep(1)  # a second without any agent
    began = time.monotonic()
    services.start_agent(lab, host)
    services.wait_agent(lab, host)
    reconciled_ms = (time.monotonic() - began) * 1000
    time.sleep(1)
    result = probe.finish()
    status = api.agent_status(lab, host)
    return Restart(
        sent=len(result["sent_us"]),
        lost=analysis.summarize(result).lost,
        objects_written=int(status.get("objects_written", 0)),
        objects_deleted=int(status.get("objects_deleted", 0)),
        reconciled_ms=reconciled_ms,
        status=status,
    )
