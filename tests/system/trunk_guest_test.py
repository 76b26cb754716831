"""A QEMU guest with a trunk of 64 VLANs, a stateful profile and QoS, whose peer is on another host:
over VXLAN, and over VXLAN in IPv6."""

from __future__ import annotations

import support
from labkit import api, inventory, netns, ports, qemu

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


class OverIpv4(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, "---\n".join([segments(), GUEST_PROFILE, PEER_PROFILE]))
        cls.prepare_peer()
        guest = ports.start_guest(cls.lab, "trunk", "h1", "10.4.0.1", GUEST_MAC, "guest")
        cls.lab = inventory.load(cls.lab.prefix)
        qemu.wait_ready(cls.lab, guest)
        cls.in_guest(
            f"for n in $(seq 0 {VLANS - 1}); do v=$((n + {FIRST_VLAN}));"
            " ip link add link eth0 name v$v type vlan id $v && ip link set v$v up"
            " && ip addr add 10.5.$n.1/24 dev v$v || exit 1; done"
        )

    @classmethod
    def prepare_peer(cls) -> None:
        ports.add_light(cls.lab, "peer", "h2", "10.4.0.2", PEER_MAC, "peer")
        cls.lab = inventory.load(cls.lab.prefix)
        namespace = ports.light_netns(cls.lab, "peer")
        lines = []
        for n in range(VLANS):
            vlan = FIRST_VLAN + n
            lines += [
                f"link add link eth0 name v{vlan} type vlan id {vlan}",
                f"addr add {peer_ip(n)}/24 dev v{vlan}",
                f"link set v{vlan} up",
            ]
        support.run(netns.inside(namespace, ["ip", "-batch", "-"]), stdin="\n".join(lines) + "\n")

    @classmethod
    def in_guest(cls, command: str, timeout: float = 60) -> str:
        status, output = qemu.console(cls.lab, cls.lab.guest("trunk"), command, timeout)
        if status != 0:
            raise AssertionError(f"in the guest, `{command}` ended with {status}: {output}")
        return output

    def drops(self, reason: str) -> int:
        guest = self.lab.guest("trunk")
        return api.drops(self.lab, "h1", guest.port_id).get(reason, 0)

    def test_every_vlan_answers_what_the_guest_asks(self) -> None:
        answered = self.in_guest(
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
            argv = ["sh", "-c", f"busybox ping -c 2 -W 1 {guest_ip(number)} || true"]
            self.assertIn("0 packets received", self.inside("peer", *argv))
        self.assertGreaterEqual(self.drops("acl_egress") - before, 6)

    def test_what_the_guest_fetches_comes_at_its_rate(self) -> None:
        folder = self.lab.folder / "www"
        folder.mkdir()
        (folder / "file").write_bytes(bytes(FILE_KB * 1024))
        server = netns.inside(
            ports.light_netns(self.lab, "peer"),
            ["busybox", "httpd", "-p", f"{peer_ip(7)}:80", "-h", str(folder)],
        )
        support.run(server)
        output = self.in_guest(
            "b=$(cut -d' ' -f1 /proc/uptime);"
            f" wget -q -O /tmp/file http://{peer_ip(7)}/file || exit 1;"
            " e=$(cut -d' ' -f1 /proc/uptime); wc -c </tmp/file; echo $b $e",
            timeout=120,
        ).split()
        self.assertEqual(int(output[0]), FILE_KB * 1024)
        rate = FILE_KB * 1024 * 8 / 1000 / (float(output[2]) - float(output[1]))
        # No faster than the policer and its burst; how much slower is TCP's matter.
        burst_kb = 1049
        self.assertLess(rate, RATE_KBPS * 1.05 + burst_kb / (float(output[2]) - float(output[1])))
        self.assertGreater(rate, RATE_KBPS * 0.5)


class OverIpv6(OverIpv4):
    UNDERLAY = "ipv6"


if __name__ == "__main__":
    support.main()
