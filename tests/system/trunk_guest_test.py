"""A QEMU guest with a trunk of 64 VLANs, a stateful profile and QoS, and its peer on another host:
over VXLAN, and over VXLAN in IPv6."""

from __future__ import annotations

import stateful_guest
import support
from labkit import api, inventory, ports, qemu

VLANS, VNI = stateful_guest.VLANS, 7001
NETWORK = "10.5"
GUEST_MAC, PEER_MAC = "52:54:00:05:00:01", "52:54:00:05:00:02"
PEER_PROFILE = (
    f"kind: Profile\nname: peer\nvlan:\n  mode: trunk\n  vlans:\n{stateful_guest.TRUNK}"
)


def segments() -> str:
    return "---\n".join(f"kind: Segment\nname: v{n}\nvni: {VNI + n}\n" for n in range(VLANS))


class OverIpv4(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, "---\n".join([segments(), stateful_guest.PROFILE, PEER_PROFILE]))
        guests = [
            ports.start_guest(cls.lab, "trunk", "h1", "10.4.0.1", GUEST_MAC, "guest"),
            ports.start_guest(cls.lab, "peer", "h2", "10.4.0.2", PEER_MAC, "peer"),
        ]
        cls.lab = inventory.load(cls.lab.prefix)
        for side, guest in zip((stateful_guest.GUEST, stateful_guest.PEER), guests):
            qemu.wait_ready(cls.lab, guest)
            cls.in_guest(guest.name, stateful_guest.configure(NETWORK, side))

    @classmethod
    def in_guest(cls, name: str, command: str, timeout: float = 60) -> str:
        return qemu.shell(cls.lab, cls.lab.guest(name), command, timeout)

    def trunk(self, command: str, timeout: float) -> str:
        return self.in_guest("trunk", command, timeout)

    def drops(self, reason: str) -> int:
        guest = self.lab.guest("trunk")
        return api.drops(self.lab, "h1", guest.port_id).get(reason, 0)

    def test_every_vlan_answers_what_the_guest_asks(self) -> None:
        stateful_guest.check_every_vlan_answers(self, self.trunk, NETWORK)
        listed = api.query(self.lab, "conntrack", "list", host="h1")["items"]
        stateful_guest.check_remembered(self, listed, NETWORK)

    def test_nobody_begins_anything_with_the_guest(self) -> None:
        before = self.drops("acl_egress")
        for number in (0, VLANS // 2, VLANS - 1):
            said = self.in_guest("peer", f"ping -c 2 -W 1 {NETWORK}.{number}.1 || true")
            self.assertIn("0 packets received", said)
        self.assertGreaterEqual(self.drops("acl_egress") - before, 6)

    def test_what_the_guest_fetches_comes_at_its_rate(self) -> None:
        size = stateful_guest.FILE_KB
        self.in_guest("peer", f"dd if=/dev/zero of=/tmp/www/file bs=1k count={size}")
        stateful_guest.check_download(self, self.trunk, f"http://{NETWORK}.7.2/file")


class OverIpv6(OverIpv4):
    UNDERLAY = "ipv6"


if __name__ == "__main__":
    support.main()
