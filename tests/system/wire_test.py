"""What goes over the underlay, captured in the router and judged by tshark and scapy, not by us."""

from __future__ import annotations

import pathlib
import subprocess

import support
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.utils import rdpcap
from labkit import netns, process, scenes
from labkit.inventory import remember


# Five requests and five answers, two of each with 1400 bytes, without any header of the capture's
# own.
LEAST_BYTES = 2 * (3 * 148 + 2 * 1492)


class WireTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def setUp(self) -> None:
        self.pcap = str(self.lab.folder / "router.pcap")
        argv = [
            "tcpdump",
            "-U",
            "--immediate-mode",
            "-i",
            "h1",
            "-w",
            self.pcap,
            "-Z",
            "root",
            "udp",
            "port",
            "4789",
        ]
        log = self.lab.log("tcpdump")
        capture = process.start("tcpdump", netns.inside(self.lab.netns("router"), argv), log)
        remember(self.lab.prefix, capture)
        self.assertTrue(process.wait_until(lambda: "listening on" in log.read_text(), 10))
        self.ping("left", scenes.RIGHT_IP)
        self.inside("left", "busybox", "ping", "-c", "2", "-s", "1400", scenes.RIGHT_IP)
        size = lambda: pathlib.Path(self.pcap).stat().st_size  # noqa: E731
        self.assertTrue(process.wait_until(lambda: size() > LEAST_BYTES, 10), size())
        capture.stop()

    def test_scapy_agrees(self) -> None:
        requests = replies = 0
        for frame in rdpcap(self.pcap):
            outer, udp, vxlan = frame[IP], frame[UDP], frame[VXLAN]
            self.assertEqual({outer.src, outer.dst}, {"10.77.1.1", "10.77.2.1"})
            self.assertEqual(udp.dport, 4789)
            self.assertGreaterEqual(udp.sport, 1024)
            self.assertEqual(udp.len, len(bytes(udp)))
            self.assertEqual(outer.len, len(bytes(outer)))
            self.assertEqual(vxlan.vni, scenes.VNI)
            self.assertEqual(int(vxlan.flags), 0x08)
            self.assertEqual((vxlan.reserved1, vxlan.reserved2), (0, 0))
            inner = vxlan[Ether]
            if ICMP not in inner:
                continue
            self.assertEqual({inner[IP].src, inner[IP].dst}, {scenes.LEFT_IP, scenes.RIGHT_IP})
            request = inner[ICMP].type == 8
            requests, replies = requests + request, replies + (not request)
            expected = ("52:54:00:02:00:01", "52:54:00:02:00:02")
            self.assertEqual((inner.src, inner.dst), expected if request else expected[::-1])
        self.assertGreaterEqual(requests, 5)
        self.assertGreaterEqual(replies, 5)

    def test_tshark_finds_no_fault(self) -> None:
        fields = ["ip.checksum.status", "udp.checksum.status", "vxlan.vni", "_ws.malformed"]
        argv = [
            "tshark",
            "-r",
            self.pcap,
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
        ]
        argv += ["-T", "fields", "-E", "occurrence=f"] + [w for f in fields for w in ("-e", f)]
        said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
        rows = [line.split("\t") for line in said.splitlines()]
        self.assertGreaterEqual(len(rows), 10)
        for ip_status, udp_status, vni, malformed in rows:
            # 1: good; UDP also 3: none, which VXLAN over IPv4 may have (RFC 7348 4.1).
            self.assertEqual(ip_status, "1")
            self.assertIn(udp_status, ("1", "3"))
            self.assertEqual(vni, str(scenes.VNI))
            self.assertEqual(malformed, "")


if __name__ == "__main__":
    support.main()
