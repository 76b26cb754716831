"""A guest with a trunk of 64 VLANs that may begin what it likes, with whom nobody may begin
anything, and whose downloads are limited: what is asked of it, whatever carries its VLANs."""

from __future__ import annotations

import unittest
from collections.abc import Callable

VLANS = 64
FIRST_VLAN = 101
RATE_KBPS = 8000
FILE_KB = 2048
# Segments v0 to v63.
TRUNK = "".join(f"    - {{vlan: {FIRST_VLAN + n}, segment: v{n}}}\n" for n in range(VLANS))
PROFILE = f"""\
kind: Profile
name: guest
vlan:
  mode: trunk
  vlans:
{TRUNK}acl:
  ingress:
    - {{action: allow_related}}
  default_action: drop
qos:
  egress_policer: {{rate_kbps: {RATE_KBPS}}}
"""
# Of VLAN n: NETWORK.n.1 is the guest, NETWORK.n.2 its peer.
GUEST, PEER = 1, 2

# Runs a shell command in a guest, for so many seconds at most; returns what it said.
Shell = Callable[[str, float], str]


def configure(network: str, side: int, device: str = "eth0") -> str:
    """Shell commands of a guest: a VLAN device each, with the address of that side."""
    return (
        f"for n in $(seq 0 {VLANS - 1}); do v=$((n + {FIRST_VLAN}));"
        f" ip link add link {device} name v$v type vlan id $v && ip link set v$v up"
        f" && ip addr add {network}.$n.{side}/24 dev v$v || exit 1; done"
    )


def check_every_vlan_answers(test: unittest.TestCase, guest: Shell, network: str) -> None:
    answered = guest(
        f"for n in $(seq 0 {VLANS - 1}); do"
        f" ping -c 1 -W 5 {network}.$n.{PEER} >/dev/null && echo answered; done; true",
        200,
    )
    test.assertEqual(answered.count("answered"), VLANS)


def check_remembered(test: unittest.TestCase, connections: list[dict], network: str) -> None:
    """What the guest asked of its peers is connections of its port."""
    peers = {f"{network}.{n}.{PEER}" for n in range(VLANS)}
    states = {one["dst"]: one["state"] for one in connections}
    test.assertLessEqual(peers, states.keys())
    test.assertEqual({states[peer] for peer in peers}, {"replied"})


def check_download(test: unittest.TestCase, guest: Shell, url: str) -> None:
    """What the guest fetches, a file of FILE_KB, comes whole and at its rate."""
    output = guest(
        "b=$(cut -d' ' -f1 /proc/uptime);"
        f" wget -q -O /tmp/file {url} || exit 1;"
        " e=$(cut -d' ' -f1 /proc/uptime); wc -c </tmp/file; rm /tmp/file; echo $b $e",
        120,
    ).split()
    test.assertEqual(int(output[0]), FILE_KB * 1024)
    seconds = float(output[2]) - float(output[1])
    rate = FILE_KB * 1024 * 8 / 1000 / seconds
    # No faster than the policer and its burst; how much slower is TCP's matter.
    burst_kb = RATE_KBPS / 4  # the default
    test.assertLess(rate, RATE_KBPS * 1.05 + burst_kb / seconds)
    test.assertGreater(rate, RATE_KBPS * 0.5)
