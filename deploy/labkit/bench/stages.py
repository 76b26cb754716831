"""What traffic is compared over: two hosts on one wire, a guest's namespace on each, and in between
nothing (the bare wire), what Linux has of its own, Open vSwitch (ovs_stage.py), or Outrider. All of
one lab, side by side, each with a wire of its own, so that one can be measured after the other. """

from __future__ import annotations

import dataclasses

from labkit import api, fabric, inventory, netns, ports
from labkit.inventory import Lab
from labkit.shell import run

BARE, BRIDGE, OVS, EMPTY, FULL = "bare", "bridge", "ovs", "empty", "full"
# What a guest of another switch than ours is plugged into, on its host.
GUEST_PORT = "vm0"
VNI = 7001
RULES = 100
SEGMENT = "net"
# The limit is there to be asked, not to be met.
POLICER_KBPS = 100_000_000
PROFILES = f"""\
kind: Profile
name: empty
vlan: {{segment: {SEGMENT}}}
---
kind: Profile
name: full
vlan: {{segment: {SEGMENT}}}
qos: {{ingress_policer: {{rate_kbps: {POLICER_KBPS}}}}}
acl:
  default_action: drop
"""


@dataclasses.dataclass(frozen=True)
class Stage:
    """Who sends to whom: namespaces, the receiver's address, and the ends of the wire between the
    hosts."""

    name: str
    sender: str
    receiver: str
    address: str
    wire: tuple[tuple[str, str], ...]


def _rules(direction: str) -> str:
    """All but the last are about somebody else."""
    lines = [f"  {direction}:"]
    for number in range(1, RULES):
        match = f"{{protocol: tcp, dst_prefix: 10.9.{number % 250}.0/24, dst_port: {number}}}"
        lines.append(f"    - {{priority: {number}, match: {match}, action: allow-related}}")
    lines.append(f"    - {{priority: {RULES}, action: allow-related}}")
    return "\n".join(lines) + "\n"


def profiles() -> str:
    return PROFILES + _rules("ingress") + _rules("egress")


def wire(lab: Lab, name: str) -> tuple[tuple[str, str], ...]:
    """Two hosts `name`1 and `name`2 with a wire between them: 10.79.0.1 and 10.79.0.2."""
    ends = tuple((lab.netns(f"{name}{number}"), "wire") for number in (1, 2))
    for namespace, _ in ends:
        netns.add(namespace)
    netns.veth(ends[0], ends[1], fabric.MTU["ipv4"])
    for number, (namespace, device) in enumerate(ends, start=1):
        netns.address(namespace, device, f"10.79.0.{number}/24")
    return ends


def plug_guest(lab: Lab, host: str, ip: str) -> str:
    """A guest's namespace behind GUEST_PORT of a host of wire()."""
    guest = lab.netns(f"vm-{host}")
    netns.add(guest)
    netns.veth((guest, "eth0"), (lab.netns(host), GUEST_PORT), ports.SEGMENT_MTU)
    netns.address(guest, "eth0", f"{ip}/24")
    return guest


def bare(lab: Lab) -> Stage:
    ends = wire(lab, "n")
    return Stage(BARE, ends[0][0], ends[1][0], "10.79.0.2", ends)


def bridge(lab: Lab) -> Stage:
    """A bridge and a vxlan device on each host, which floods to the other."""
    ends = wire(lab, "b")
    guests = []
    for number, (host, _) in enumerate(ends, start=1):
        other = f"10.79.0.{3 - number}"
        run(["ip", "-n", host, "link", "add", "br0", "up", "type", "bridge"])
        tunnel = ["type", "vxlan", "id", str(VNI), "local", f"10.79.0.{number}", "dstport", "4789"]
        run(["ip", "-n", host, "link", "add", "vx0", *tunnel])
        run(["ip", "-n", host, "link", "set", "vx0", "mtu", str(ports.SEGMENT_MTU), "up"])
        entry = ["00:00:00:00:00:00", "dev", "vx0", "dst", other]
        run(netns.inside(host, ["bridge", "fdb", "append", *entry]))
        guests.append(plug_guest(lab, f"b{number}", f"10.9.0.{number}"))
        for device in ("vx0", GUEST_PORT):
            run(["ip", "-n", host, "link", "set", device, "master", "br0"])
    return Stage(BRIDGE, guests[0], guests[1], "10.9.0.2", ends)


def ours(lab: Lab, name: str) -> Stage:
    """Ports of profile `name` on h1 and h2, whose wire is the lab's."""
    subnet = {EMPTY: 0, FULL: 1}[name]
    guests = []
    for number in (1, 2):
        ip, mac = f"10.9.{subnet}.{number}", f"52:54:00:09:0{subnet}:0{number}"
        ports.add_light(lab, f"{name}{number}", f"h{number}", ip, mac, name)
        guests.append(ports.light_netns(lab, f"{name}{number}"))
    ends = tuple((lab.netns(f"h{number}"), fabric.WIRE) for number in (1, 2))
    return Stage(name, guests[0], guests[1], f"10.9.{subnet}.2", ends)


def build(lab: Lab) -> dict[str, Stage]:
    """All of them in a wired lab of two hosts."""
    api.create_segment(lab, SEGMENT, VNI, ports.SEGMENT_MTU)
    api.apply(lab, profiles())
    stages = [bare(lab), bridge(lab)]
    for name in (EMPTY, FULL):
        stages.append(ours(inventory.load(lab.prefix), name))
    return {stage.name: stage for stage in stages}
