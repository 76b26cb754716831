"""The stage of measured moves on Outrider: a guest under a stateful profile that drops by default,
and a peer on a third host."""

from __future__ import annotations

from labkit import api, inventory, ports, qemu
from labkit.inventory import Lab
from labkit.rig import measured
from labkit.rig.flows import FIRST_PORT

HOSTS = 3
SEGMENT, VNI = "rig", 6600
# The guest may begin what it likes; with it nobody may begin anything but the flows, and ICMP.
# Numbered datagrams are connections, too: each direction's flow is one.
GUARDED = f"""\
kind: Profile
name: guarded
vlan: {{segment: {SEGMENT}}}
acl:
  ingress:
    - {{action: allow_related}}
  egress:
    - priority: 10
      match: {{protocol: udp, dst_port: {FIRST_PORT}-{FIRST_PORT + 9}}}
      action: allow_related
    - {{priority: 9, match: {{protocol: icmp}}, action: allow_related}}
  default_action: drop
"""
OPEN = f"""\
kind: Profile
name: open
vlan: {{segment: {SEGMENT}}}
"""
PROFILES = f"kind: Segment\nname: {SEGMENT}\nvni: {VNI}\n---\n{GUARDED}---\n{OPEN}"


def prepare(lab: Lab) -> Lab:
    """The lab with guest `mover` on h1, booted, and light port `peer` on h3."""
    api.apply(lab, PROFILES)
    return stage(lab)


def stage(lab: Lab) -> Lab:
    """The same where the profiles are there."""
    words = (measured.GUEST_IP, measured.GUEST_MAC, "guarded")
    ports.start_guest(lab, measured.GUEST, "h1", *words)
    peer = (measured.PEER_IP, measured.PEER_MAC, "open")
    ports.add_light(lab, measured.PEER, "h3", *peer)
    lab = inventory.load(lab.prefix)
    qemu.wait_ready(lab, lab.guest(measured.GUEST))
    return lab
