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
        argv = [str(support.ROOT / "deploy" / "lab"), *words, "--prefix", self.name]
        argv += ["--", *command] if command else []
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_a_guest_moves_between_hosts(self) -> None:
        self.deploy_lab("up", "--hosts", "2", "--build", support.build_folder())
        self.deploy_lab("exec", "h1", command=SEGMENT)
        profile = inventory.RUN / self.name / "open.yaml"
        profile.write_text("kind: Profile\nname: open\nvlan: {segment: blue}\n", encoding="utf-8")
        self.deploy_lab("exec", "h1", command=("outrider", "profile", "apply", "-f", str(profile)))
        where = ("--profile", "open", "--host")
        self.deploy_lab(
            "port", "add", "probe", "--ip", "10.1.0.9", "--mac", "52:54:00:00:00:09", *where, "h2"
        )
        self.deploy_lab(
            "guest", "start", "vm", "--ip", "10.1.0.2", "--mac", "52:54:00:00:00:02", *where, "h1"
        )
        ping = ("busybox", "ping", "-c", "2", "10.1.0.2")
        self.assertIn("2 packets received", self.deploy_lab("exec", "probe", command=ping))
        self.assertIn("COMMITTED", self.deploy_lab("guest", "migrate", "vm", "--to", "h2"))
        self.assertIn("2 packets received", self.deploy_lab("exec", "probe", command=ping))
        self.assertIn("vm", self.deploy_lab("guest", "exec", "vm", command=("hostname",)))
        status = json.loads(self.deploy_lab("status", "--json"))
        self.assertEqual(status["guests"]["vm"]["host"], "h2")
        self.assertIn("pid", status["hosts"]["h1"]["agent"])
        self.deploy_lab("guest", "stop", "vm")
        self.assertIn(
            "[]",
            self.deploy_lab(
                "exec",
                "h2",
                command=(
                    "sh",
                    "-c",
                    "outrider port list --host h2 --json | grep -c 52:54:00:00:00:02 | sed s/0/[]/",
                ),
            ),
        )
        self.deploy_lab("down")
        self.assertEqual(support.leftovers(self.name), [])


if __name__ == "__main__":
    support.main()
