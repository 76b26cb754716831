"""kill -9 of the controller: what it acknowledged is there again, and agents resume without a
resend."""

from __future__ import annotations

import json
import subprocess
import threading

import support
from labkit import api, process, scenes, services

KINDS = ("segment", "profile", "port", "gateway")
NO_PING = """\
acl:
  egress: [{match: {protocol: icmp}, action: drop}]
  default_action: allow
"""


class ControllerRestartTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def objects(self) -> dict[str, list]:
        """All objects as the API shows them; what hosts report by themselves is left out."""
        found = {kind: api.query(self.lab, kind, "list")["items"] for kind in KINDS}
        for port in found["port"]:
            port.pop("receipt", None)
            port.pop("meta", None)
        return found

    def restart(self) -> None:
        services.kill(self.lab, services.CONTROLLER)
        services.start_controller(self.lab)
        services.wait_connected(self.lab)

    def test_objects_survive_and_agents_resume(self) -> None:
        before = self.objects()
        self.assertGreater(len(before["port"]), 0)
        sessions = {h: api.agent_status(self.lab, h) for h in self.lab.hosts}
        self.restart()
        self.assertEqual(self.objects(), before)
        for host, old in sessions.items():
            process.wait_until(
                lambda h=host, o=old: int(api.agent_status(self.lab, h).get("sessions_resumed", 0))
                > int(o["sessions_resumed"]),
                20,
            )
            new = api.agent_status(self.lab, host)
            self.assertGreater(int(new["sessions_resumed"]), int(old["sessions_resumed"]))
            self.assertEqual(new["sessions_snapshot"], old["sessions_snapshot"])
        self.assertEqual(int(api.controller_status(self.lab)["sessions_snapshot"]), 0)
        self.ping("left", scenes.RIGHT_IP)

    def test_hosts_forward_without_a_controller(self) -> None:
        services.kill(self.lab, services.CONTROLLER)
        self.ping("left", scenes.RIGHT_IP)
        services.start_controller(self.lab)
        services.wait_connected(self.lab)
        # And what changes afterwards is in force with them.
        api.apply(self.lab, scenes.PROFILE + NO_PING)
        self.wait_answered(False)
        drops = api.drops(self.lab, "h2", self.lab.light("right").port_id)
        self.assertGreater(drops.get("acl_egress", 0), 0)
        api.apply(self.lab, scenes.PROFILE)
        self.wait_answered(True)

    def wait_answered(self, wanted: bool) -> None:
        """Returns when requests of `left` to `right` are answered, or no longer are."""
        ping = f"busybox ping -c 1 -W 1 {scenes.RIGHT_IP} >/dev/null && echo yes || echo no"
        answered = lambda: self.inside("left", "sh", "-c", ping) == "yes\n"  # noqa: E731
        self.assertTrue(process.wait_until(lambda: answered() == wanted, 20))

    def test_killed_in_the_middle_of_writes(self) -> None:
        acknowledged: list[str] = []
        stop = threading.Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                name = f"burst-{number}"
                argv = [
                    self.lab.binary("outrider"),
                    "segment",
                    "create",
                    name,
                    "--vni",
                    str(9000 + number),
                ]
                done = subprocess.run(
                    argv,
                    env=api.environment(self.lab),
                    capture_output=True,
                    check=False,
                    timeout=60,
                )
                if done.returncode != 0:
                    return
                acknowledged.append(name)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        self.assertTrue(process.wait_until(lambda: len(acknowledged) >= 5, 30))
        services.kill(self.lab, services.CONTROLLER)
        stop.set()
        writer.join()
        services.start_controller(self.lab)
        present = {s["meta"]["name"] for s in api.query(self.lab, "segment", "list")["items"]}
        self.assertLessEqual(set(acknowledged), present, json.dumps(sorted(present)))


if __name__ == "__main__":
    support.main()
