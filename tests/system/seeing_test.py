"""outrider trace and outrider capture, by the real daemons: what a trace says is what the counters
say afterwards; a capture is read by tshark, and leaves nothing behind when its reader is killed."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import tempfile

import support
from labkit import api, netns, process, scenes, services

PROFILE = """\
kind: Profile
name: scene
vlan: {segment: scene}
acl:
  ingress:
    - {priority: 30, match: {protocol: icmp}, action: allow}
    - {priority: 20, match: {protocol: udp, dst_port: 7}, action: drop}
  default_action: allow
"""


class SeeingTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)
        api.apply(cls.lab, PROFILE)

    def port(self, name: str) -> str:
        return self.lab.light(name).port_id

    def echo_udp(self, port: int) -> None:
        self.inside(
            "left",
            "python3",
            "-c",
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            f"s.sendto(b'x' * 100, ('{scenes.RIGHT_IP}', {port}))",
        )

    def test_trace_says_what_the_counters_say(self) -> None:
        left = self.port("left")
        before = api.drops(self.lab, "h1", left).get("acl_ingress", 0)
        words = ("--ip-dst", scenes.RIGHT_IP, "--proto", "udp", "--dst-port", "7")
        trace = api.trace(self.lab, "h1", left, *words)
        self.assertEqual((trace["verdict"], trace["drop_reason"]), ("dropped", "acl_ingress"))
        acl = next(s for s in trace["steps"] if s["stage"] == "acl-ingress")
        self.assertIn("drop udp to port 7", acl["text"])
        self.assertEqual(api.drops(self.lab, "h1", left).get("acl_ingress", 0), before)
        self.ping("left", scenes.RIGHT_IP)
        self.echo_udp(7)
        counted = lambda: api.drops(self.lab, "h1", left).get("acl_ingress", 0) > before  # noqa: E731
        self.assertTrue(process.wait_until(counted, 5))

    def test_trace_follows_a_frame_to_the_other_host(self) -> None:
        words = ("--ip-dst", scenes.RIGHT_IP, "--proto", "icmp")
        sent = api.trace(self.lab, "h1", self.port("left"), *words)
        self.assertEqual(sent["verdict"], "encapsulated")
        here = api.trace(
            *(self.lab, "h2", self.port("right"), "--to", "--ip-src", scenes.LEFT_IP),
            *("--proto", "icmp"),
        )
        self.assertEqual(here["verdict"], "delivered")
        self.assertEqual(here["steps"][0]["stage"], "tunnel")

    def capture(self, target: pathlib.Path, *words: str) -> subprocess.Popen:
        argv = [self.lab.binary("outrider"), "capture", self.port("left"), "-w", str(target), *words]
        running = subprocess.Popen(
            netns.inside(self.lab.netns("h1"), argv),
            env=api.environment(self.lab, "h1"),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(support.end_program, running)
        self.assertTrue(process.wait_until(self.is_capturing, 10), "the capture did not begin")
        return running

    def is_capturing(self) -> bool:
        return self.announced() != 0

    def announced(self) -> int:
        """Until when the programs of h1 copy frames, as their map says; 0: they do not."""
        pins = self.lab.host_folder("h1") / "bpf" / "outrider"
        (pin,) = pins.glob("v*/maps/or_capture")
        row = subprocess.run(
            ["bpftool", "-j", "map", "lookup", "pinned", str(pin), "key", "0", "0", "0", "0"],
            capture_output=True,
            text=True,
            check=True,
        )
        value = json.loads(row.stdout)["value"]
        return int.from_bytes(bytes(int(byte, 16) for byte in value[:8]), "little")

    def test_capture_is_read_by_tshark(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "left.pcapng"
            running = self.capture(target, "--seconds", "6")
            self.ping("left", scenes.RIGHT_IP)
            self.echo_udp(7)
            _, said = running.communicate(timeout=30)
            self.assertEqual(running.returncode, 0, said)
            self.assertIn("frames in", said)
            fields = ["frame.interface_name", "frame.comment", "_ws.col.Protocol", "udp.dstport"]
            words = [word for field in fields for word in ("-e", field)]
            read = subprocess.run(
                ["tshark", "-r", str(target), "-T", "fields", "-E", "separator=;", *words],
                capture_output=True,
                text=True,
                check=True,
            )
        rows = [line.split(";") for line in read.stdout.splitlines()]
        dropped = [row for row in rows if row[3] == "7"]
        self.assertEqual([row[0] for row in dropped], ["from-guest"])
        self.assertIn("dropped: acl_ingress", dropped[0][1])
        pings = [row[0] for row in rows if row[2] == "ICMP"]
        for point in ("from-guest", "from-guest-out", "to-guest", "to-guest-out"):
            self.assertEqual(pings.count(point), 3, point)

    def test_a_killed_reader_leaves_no_capture(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            running = self.capture(pathlib.Path(folder) / "left.pcapng")
            running.send_signal(signal.SIGKILL)
            running.wait()
            over = lambda: not self.is_capturing()  # noqa: E731
            self.assertTrue(process.wait_until(over, 5), "the programs still copy frames")

    def test_a_killed_agent_leaves_no_capture(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.capture(pathlib.Path(folder) / "left.pcapng")
            services.kill(self.lab, services.agent_name("h1"))
            services.start_agent(self.lab, "h1")
            services.wait_agent(self.lab, "h1")
            self.assertFalse(self.is_capturing())
            self.ping("left", scenes.RIGHT_IP)

    def test_says_what_is_wrong(self) -> None:
        self.assertIn('"tap77" is no port', self.refused("trace", "tap77", host="h1"))
        self.assertIn("--ip-dst", self.refused("trace", self.port("left"), host="h1"))
        self.assertIn("no port", self.refused("capture", "tap77", "-w", "-", host="h1"))


if __name__ == "__main__":
    support.main()
