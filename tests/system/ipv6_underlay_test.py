"""Tunnels over IPv6, and hosts of both families together, judged by tshark."""

from __future__ import annotations

import pathlib
import subprocess

import support
from labkit import api, inventory, netns, ports, process, scenes, services


# Of the five requests of ping(), with outer headers.
LEAST_BYTES = 5 * (98 + 70)


def capture(case: support.LabCase, pcap: str) -> process.Process:
    """Tunnelled frames at the router's side of h1."""
    argv = ["tcpdump", "-U", "--immediate-mode", "-i", "h1", "-w", pcap, "-Z", "root"]
    argv += ["udp", "port", "4789"]
    log = case.lab.log("tcpdump")
    started = process.start("tcpdump", netns.inside(case.lab.netns("router"), argv), log)
    inventory.remember(case.lab.prefix, started)
    case.assertTrue(process.wait_until(lambda: "listening on" in log.read_text(), 10))
    return started


def fields(pcap: str, *names: str) -> list[list[str]]:
    argv = ["tshark", "-r", pcap, "-T", "fields"]
    argv += ["-E", "occurrence=f"] + [word for name in names for word in ("-e", name)]
    said = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout
    return [line.split("\t") for line in said.splitlines()]


class Ipv6UnderlayTest(support.LabCase):
    UNDERLAY = "ipv6"

    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def test_full_size_packets_pass(self) -> None:
        # RFC 6935; inner packets have their own.
        self.assertEqual(self.checksums(), {"0x0000"})

    def test_with_a_checksum_where_that_is_asked_for(self) -> None:
        for host in ("h1", "h2"):
            services.kill(self.lab, services.agent_name(host))
            services.start_agent(self.lab, host, options=["--underlay-checksums", "ipv6"])
        services.wait_connected(self.lab)
        # The veth of the lab leaves the sum itself to a card.
        self.assertNotIn("0x0000", self.checksums())

    def checksums(self) -> set[str]:
        """Of tunnelled packets, the largest among them, that are right otherwise."""
        pcap = str(self.lab.folder / "router.pcap")
        running = capture(self, pcap)
        self.ping("left", scenes.RIGHT_IP)
        # 1450 bytes of layer 3: 8 of ICMP and 20 of IPv4 with them.
        size = str(ports.SEGMENT_MTU - 28)
        argv = ["busybox", "ping", "-c", "2", "-s", size, scenes.RIGHT_IP]
        self.assertIn("2 packets received", self.inside("left", *argv))
        names = ("ipv6.src", "udp.checksum", "vxlan.vni", "_ws.malformed")
        # Three requests and two large ones, each answered.
        self.assertTrue(process.wait_until(lambda: len(fields(pcap, *names)) >= 10, 10))
        running.stop()
        rows = fields(pcap, *names)
        for source, _, vni, malformed in rows:
            self.assertIn(source, ("fd77:0:0:1::1", "fd77:0:0:2::1"))
            self.assertEqual((vni, malformed), (str(scenes.VNI), ""))
        return {checksum for _, checksum, _, _ in rows}

    def test_the_segment_must_leave_seventy_bytes(self) -> None:
        said = self.refused("segment", "set", scenes.SEGMENT, "--mtu", "1451")
        self.assertIn("needs an underlay MTU of 1521", said)


class BothFamiliesTest(support.LabCase):
    """Both hosts have IPv4 and IPv6."""

    UNDERLAY = "both"

    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def test_hosts_with_both_use_ipv4(self) -> None:
        pcap = str(self.lab.folder / "router.pcap")
        running = capture(self, pcap)
        self.ping("left", scenes.RIGHT_IP)
        self.assertTrue(
            process.wait_until(lambda: pathlib.Path(pcap).stat().st_size > LEAST_BYTES, 10)
        )
        running.stop()
        for (source,) in fields(pcap, "ip.src"):
            self.assertIn(source, ("10.77.1.1", "10.77.2.1"))
        hosts = {host["meta"]["name"]: host["vteps"] for host in api.hosts(self.lab)}
        self.assertEqual(hosts["h1"], ["10.77.1.1", "fd77:0:0:1::1"])


if __name__ == "__main__":
    support.main()
