"""A QEMU guest with a trunk of 64 VLANs, a stateful profile and QoS, and its peer on another host:
over VXLAN, and over VXLAN in IPv6."""

from __future__ import annotations

import support
from labkit import api, inventory, ports, qemu

VLANS = 64
FIRST_VLAN, VNI = 101, 7001
GUEST_MAC, PEER_MAC = "52:54:00:05:00:01", "52:54:00:05:00:02"
RATE_KBPS = 8000
FILE_KB = 2048
TRUNK = "".join(f"    - {{vlan: {FIRST_VLAN + n}, segment: v{n}}}\n" for n in range(VLANS))
# The guest may begin what it likes, nobody may begin anything with it.
GUEST_PROFILE = f"""\
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
PEER_PROFILE = f"kind: Profile\nname: peer\nvlan:\n  mode: trunk\n  vlans:\n{TRUNK}"


def segments() -> str:
    return "---\n".join(f"kind: Segment\nname: v{n}\nvni: {VNI + n}\n" for n in range(VLANS))


def guest_ip(number: int) -> str:
    return f"10.5.{number}.1"


def peer_ip(number: int) -> str:
    return f"10.5.{number}.2"


def configure(side: int) -> str:
    """Shell commands of a guest: a VLAN device each, with the address of that side."""
    return (
        f"for n in $(seq 0 {VLANS - 1}); do v=$((n + {FIRST_VLAN}));"
        " ip link add link eth0 name v$v type vlan id $v && ip link set v$v up"
        f" && ip addr add 10.5.$n.{side}/24 dev v$v || exit 1; done"
    )


class OverIpv4(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, "---\n".join([segments(), GUEST_PROFILE, PEER_PROFILE]))
        guests = [
            ports.start_guest(cls.lab, "trunk", "h1", "10.4.0.1", GUEST_MAC, "guest"),
            ports.start_guest(cls.lab, "peer", "h2", "10.4.0.2", PEER_MAC, "peer"),
        ]
        cls.lab = inventory.load(cls.lab.prefix)
        for side, guest in enumerate(guests, 1):
            qemu.wait_ready(cls.lab, guest)
            cls.in_guest(guest.name, configure(side))

    @classmethod
    def in_guest(cls, name: str, command: str, timeout: float = 60) -> str:
        status, output = qemu.console(cls.lab, cls.lab.guest(name), command, timeout)
        if status != 0:
            raise AssertionError(f"in {name}, `{command}` ended with {status}: {output}")
        return output

    def drops(self, reason: str) -> int:
        guest = self.lab.guest("trunk")
        return api.drops(self.lab, "h1", guest.port_id).get(reason, 0)

    def test_every_vlan_answers_what_the_guest_asks(self) -> None:
        answered = self.in_guest(
            "trunk",
            f"for n in $(seq 0 {VLANS - 1}); do"
            " ping -c 1 -W 5 10.5.$n.2 >/dev/null && echo answered; done; true",
            timeout=200,
        )
        self.assertEqual(answered.count("answered"), VLANS)
        listed = api.query(self.lab, "conntrack", "list", host="h1")["items"]
        peers = {one["dst"] for one in listed}
        self.assertLessEqual({peer_ip(n) for n in range(VLANS)}, peers)
        self.assertEqual({one["state"] for one in listed if one["dst"] in peers}, {"replied"})

    def test_nobody_begins_anything_with_the_guest(self) -> None:
        before = self.drops("acl_egress")
        for number in (0, VLANS // 2, VLANS - 1):
            said = self.in_guest("peer", f"ping -c 2 -W 1 {guest_ip(number)} || true")
            self.assertIn("0 packets received", said)
        self.assertGreaterEqual(self.drops("acl_egress") - before, 6)

    def test_what_the_guest_fetches_comes_at_its_rate(self) -> None:
        self.in_guest("peer", f"dd if=/dev/zero of=/tmp/www/file bs=1k count={FILE_KB}")
        output = self.in_guest(
            "trunk",
            "b=$(cut -d' ' -f1 /proc/uptime);"
            f" wget -q -O /tmp/file http://{peer_ip(7)}/file || exit 1;"
            " e=$(cut -d' ' -f1 /proc/uptime); wc -c </tmp/file; echo $b $e",
            timeout=120,
        ).split()
        self.assertEqual(int(output[0]), FILE_KB * 1024)
        rate = FILE_KB * 1024 * 8 / 1000 / (float(output[2]) - float(output[1]))
        # No faster than the policer and its burst; how much slower is TCP's matter.
        burst_kb = RATE_KBPS / 4  # the default
        self.assertLess(rate, RATE_KBPS * 1.05 + burst_kb / (float(output[2]) - float(output[1])))
        self.assertGreater(rate, RATE_KBPS * 0.5)


class OverIpv6(OverIpv4):
    UNDERLAY = "ipv6"


if __name__ == "__main__":
    support.main()
