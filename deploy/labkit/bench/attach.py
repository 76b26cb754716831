"""`attach`: from the add-port request to the port's own profile in force on the host."""

from __future__ import annotations

import uuid
from typing import Any

from labkit import api, netns, ports
from labkit.bench.rows import row
from labkit.inventory import Lab

PROFILE = """\
kind: Profile
name: bench
vlan: {segment: bench}
acl:
  ingress: [{match: {protocol: tcp, src_port: 80}, action: allow}]
  egress: [{match: {protocol: tcp, dst_port: 80}, action: allow}]
qos: {ingress_policer: {rate_kbps: 100000}}
"""


def run(lab: Lab, quick: bool) -> list[dict[str, Any]]:
    api.create_segment(lab, "bench", 7001, ports.SEGMENT_MTU)
    api.apply(lab, PROFILE)
    samples = [_one(lab, number) for number in range(5 if quick else 50)]
    return [row("attach_to_in_force", samples, "ms")]


def _one(lab: Lab, number: int) -> float:
    """Milliseconds one attachment took, by the agent's own clock."""
    host = "h1"
    namespace = lab.netns(host)
    device = f"bench{number}"
    port_id = str(uuid.uuid4())
    netns.veth((namespace, device), (namespace, f"{device}p"), ports.SEGMENT_MTU)
    answer = api.attach(
        lab, host, device, port_id, f"52:54:00:01:{number >> 8:02x}:{number & 255:02x}", "bench"
    )
    api.detach(lab, host, port_id)
    netns.remove_link(namespace, device)
    return int(answer["in_force_us"]) / 1000
