"""The physical network of a lab with one: a switch that carries every VLAN to every host.

Namespace PREFIX-phys with a Linux bridge `switch`; its port hN leads to phys0 of host hN, whose
agent calls it uplink `physnet1`. The bridge does not look at tags: whoever is on it sends and gets
them. """

from __future__ import annotations

import json

from labkit import netns
from labkit.inventory import Lab
from labkit.shell import run

SWITCH = "phys"
BRIDGE = "switch"
UPLINK = "physnet1"
DEVICE = "phys0"
MTU = 1500


def build(lab: Lab) -> None:
    """The switch, and an uplink of every host."""
    namespace = lab.netns(SWITCH)
    netns.add(namespace)
    # Nobody's address: it only forwards.
    netns.sysctl(namespace, "net.ipv6.conf.default.disable_ipv6", "1")
    run(["ip", "-n", namespace, "link", "add", BRIDGE, "up", "type", "bridge"])
    for host in lab.hosts:
        plug(lab, (lab.netns(host), DEVICE), host)


def plug(lab: Lab, end: tuple[str, str], port: str) -> None:
    """A cable from a (namespace, device) to the switch, whose port is called `port`."""
    namespace = lab.netns(SWITCH)
    netns.veth(end, (namespace, port), MTU)
    run(["ip", "-n", namespace, "link", "set", port, "master", BRIDGE])


def learned(lab: Lab, mac: str) -> str:
    """The port behind which the switch has heard the MAC last; empty: none."""
    shown = run(
        netns.inside(lab.netns(SWITCH), ["bridge", "-json", "fdb", "show", "br", BRIDGE])
    )
    found = [row for row in json.loads(shown) if row["mac"] == mac and "ifname" in row]
    return found[0]["ifname"] if found else ""
