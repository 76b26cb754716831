"""kill -9 of an agent: forwarding goes on, and the restarted agent finds everything as it should
be."""

from __future__ import annotations

import signal
import subprocess

import support
from labkit import api, inventory, netns, ports, scenes, services


class AgentRestartTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def test_loses_nothing_and_writes_nothing(self) -> None:
        for host in ("h1", "h2"):
            with self.subTest(host=host):
                seen = scenes.restart_under_probe(self.lab, host, rate=1000)
                self.assertGreater(seen.sent, 2000)
                self.assertEqual(seen.lost, 0)
                self.assertEqual(seen.objects_written, 0)
                self.assertEqual(seen.objects_deleted, 0)
                self.assertEqual(seen.status.get("failures", []), [])

    def test_the_counter_of_written_objects_does_count(self) -> None:
        before = int(api.agent_status(self.lab, "h1")["objects_written"])
        ports.add_light(self.lab, "third", "h1", "10.2.0.3", "52:54:00:02:00:03", "scene")
        self.assertGreater(int(api.agent_status(self.lab, "h1")["objects_written"]), before)
        self.ping("third", scenes.RIGHT_IP)

    def test_a_killed_agent_is_followed_at_once(self) -> None:
        """Nobody waits for its threads, which hold its lock for a moment."""
        for _ in range(3):
            running = inventory.load(self.lab.prefix).processes[services.agent_name("h1")]
            running.signal(signal.SIGKILL)
            services.start_agent(self.lab, "h1")
            services.wait_agent(self.lab, "h1")
        self.ping("left", scenes.RIGHT_IP)

    def test_a_second_agent_is_refused(self) -> None:
        folder = self.lab.host_folder("h1")
        argv = [self.lab.binary("outrider-agent"), "--vtep", self.lab.host("h1").vtep]
        argv += ["--state-dir", str(folder / "agent"), "--socket", str(folder / "other.sock")]
        done = subprocess.run(
            netns.inside(self.lab.netns("h1"), [*argv, "--bpffs", str(folder / "bpf/other")]),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.assertEqual(done.returncode, 1)
        holder = inventory.load(self.lab.prefix).processes[services.agent_name("h1")].pid
        waiting, refused = done.stderr.splitlines()
        self.assertIn(f"locked by another agent (pid {holder}); waiting up to 5000 ms", waiting)
        self.assertIn(f"another agent (pid {holder}) runs on it; stop that one", refused)
        self.assertTrue(api.agent_status(self.lab, "h1")["connected"])

    def test_forwards_while_stopped(self) -> None:
        services.stop(self.lab, services.agent_name("h1"))
        self.ping("left", scenes.RIGHT_IP)
        services.start_agent(self.lab, "h1")
        services.wait_agent(self.lab, "h1")
        self.ping("left", scenes.RIGHT_IP)


if __name__ == "__main__":
    support.main()
