"""deploy/lab as a user drives it: up, exec, port, guest start, migrate and stop, status, down."""

from __future__ import annotations

import json
import subprocess
import unittest

import support
from labkit import inventory, lifecycle

SEGMENT = ("outrider", "segment", "create", "blue", "--vni", "5001")


class LabTest(unittest.TestCase):
    def setUp(self) -> None:
        self.name = support.prefix()
        self.addCleanup(lifecycle.down, self.name)

    def deploy_lab(self, *words: str, command: tuple[str, ...] = ()) -> str:
        done = self.run_lab(*words, "--prefix", self.name, command=command)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def run_lab(
        self, *words: str, command: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        argv = [str(support.ROOT / "deploy" / "lab"), *words]
        argv += ["--", *command] if command else []
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)

    def refused(self, *words: str) -> str:
        """Runs deploy/lab, which must fail; returns what it said."""
        done = self.run_lab(*words)
        self.assertEqual(done.returncode, 1, f"{words}: {done.stdout}{done.stderr}")
        return done.stderr

    def fails_as_a_whole(self) -> None:
        """A port or guest that cannot be attached leaves nothing in its name's way."""
        words = ("--prefix", self.name, "--host", "h2", "--profile", "none", "--ip", "10.1.0.9")
        devices = self.deploy_lab("exec", "h2", command=("ip", "-br", "link"))
        for kind in (("port", "add", "probe"), ("guest", "start", "vm")):
            self.assertIn("none", self.refused(*kind, *words, "--mac", "52:54:00:00:00:08"))
        self.assertEqual(self.deploy_lab("exec", "h2", command=("ip", "-br", "link")), devices)
        status = json.loads(self.deploy_lab("status", "--json"))
        self.assertEqual((status["guests"], status["ports"]), ({}, {}))

    def test_a_prefix_is_no_path(self) -> None:
        for prefix in ("..", "", "a/b", "a" * 17):
            with self.subTest(prefix=prefix):
                said = self.refused("down", "--prefix", prefix)
                self.assertIn("1 to 16 letters and digits", said)

    def macs(self, host: str) -> set[str]:
        """Of the ports that the controller sees on a host."""
        command = ("outrider", "port", "list", "--host", host, "--json")
        listed = json.loads(self.deploy_lab("exec", host, command=command))
        return {port["mac"] for port in listed["items"]}

    def test_a_guest_moves_between_hosts(self) -> None:
        self.deploy_lab("up", "--hosts", "2", "--build", support.build_folder())
        self.deploy_lab("exec", "h1", command=SEGMENT)
        profile = inventory.RUN / self.name / "open.yaml"
        profile.write_text("kind: Profile\nname: open\nvlan: {segment: blue}\n", encoding="utf-8")
        self.deploy_lab("exec", "h1", command=("outrider", "profile", "apply", "-f", str(profile)))
        self.fails_as_a_whole()
        said = self.refused("virsh", "--prefix", self.name, "h1", "list")
        self.assertIn("has no libvirt; `deploy/lab up --libvirt`", said)
        where = ("--profile", "open", "--host")
        self.deploy_lab(
            "port", "add", "probe", "--ip", "10.1.0.9", "--mac", "52:54:00:00:00:09", *where, "h2"
        )
        self.deploy_lab(
            "guest", "start", "vm", "--ip", "10.1.0.2", "--mac", "52:54:00:00:00:02", *where, "h1"
        )
        ping = ("busybox", "ping", "-c", "2", "10.1.0.2")
        self.assertIn("2 packets received", self.deploy_lab("exec", "probe", command=ping))
        self.assertIn("committed", self.deploy_lab("guest", "migrate", "vm", "--to", "h2"))
        self.assertIn("2 packets received", self.deploy_lab("exec", "probe", command=ping))
        self.assertIn("vm", self.deploy_lab("guest", "exec", "vm", command=("hostname",)))
        status = json.loads(self.deploy_lab("status", "--json"))
        self.assertEqual(status["guests"]["vm"]["host"], "h2")
        self.assertIn("pid", status["hosts"]["h1"]["agent"])
        self.assertEqual(self.macs("h2"), {"52:54:00:00:00:02", "52:54:00:00:00:09"})
        self.deploy_lab("guest", "stop", "vm")
        self.assertEqual(self.macs("h2"), {"52:54:00:00:00:09"})
        self.deploy_lab("down")
        self.assertEqual(support.leftovers(self.name), [])


if __name__ == "__main__":
    support.main()
