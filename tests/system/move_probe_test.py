"""What the port of a third host sees of a real guest's live migration by the echoes it asks for:
the result is in the migration's record, and it can be bad."""

from __future__ import annotations

import json

import support
from labkit import api, inventory, move, netns, process, qemu, services
from labkit.hypervisor import How
from labkit.rig import measured, scene
from labkit.shell import run

# The probe ends five seconds after the move; its last answers have two more.
SAID_WITHIN_S = 20
# Answers before and after a move, at 200 a second: that many seconds are seen of it at least.
SEEN_S = 2
# What QEMU takes for itself between an answer and the guest's pause, and to answer again.
SLOW_MS = 1000


class MoveProbeTest(support.LabCase):
    HOSTS = 3

    @classmethod
    def prepare(cls) -> None:
        scene.prepare(cls.lab)

    def setUp(self) -> None:
        self.lab = inventory.load(self.lab.prefix)
        self.guest = self.lab.guest(measured.GUEST)
        self.peer = self.lab.light(measured.PEER)

    def result(self, migration: str) -> api.Json:
        """What the probe saw, once its host has said so."""
        record: api.Json = {}

        def said() -> bool:
            nonlocal record
            record = api.migration(self.lab, migration).get("probes", {}).get(self.guest.port_id)
            return record is not None and "has not said" not in record["failure"]

        self.assertTrue(process.wait_until(said, SAID_WITHIN_S), record)
        print(record, flush=True)
        return record

    def wait_answered(self, requests: int) -> None:
        """Until the peer's device has got so many frames more: answers, and little else."""
        show = ["ip", "-json", "-statistics", "link", "show", "dev", self.peer.device]

        def got() -> int:
            said = run(netns.inside(self.lab.netns("h3"), show))
            return int(json.loads(said)[0]["stats64"]["tx"]["packets"])

        before = got()
        self.assertTrue(process.wait_until(lambda: got() >= before + requests, 30))

    def test_a_move_costs_its_blackout_and_no_answer(self) -> None:
        place = measured.other_place(self.lab)
        steps = move.Steps(
            on_armed=lambda: self.wait_answered(200), on_resumed=lambda: self.wait_answered(200)
        )
        report = move.migrate(
            self.lab, measured.GUEST, place, How(), steps, probe=self.peer.port_id
        )
        self.assertEqual(report.phase, "committed", report.record)
        self.assertEqual(report.record["probe_host"], "h3")
        seen = self.result(report.migration_id)
        self.assertEqual(seen["failure"], "")
        self.assertEqual(seen["host"], "h3")
        self.assertEqual(seen["from_port_id"], self.peer.port_id)
        self.assertGreater(int(seen["sent"]), SEEN_S * 200)
        self.assertEqual(int(seen["answered"]) + int(seen["lost"]), int(seen["sent"]))
        losses = [int(seen[kind]) for kind in ("lost", "duplicated", "reordered")]
        self.assertEqual(losses, [0, 0, 0])
        gap_ms, usual_ms = (int(seen[f"{name}_gap_us"]) / 1000 for name in ("longest", "usual"))
        self.assertGreater(gap_ms, report.blackout_ms * 0.8)
        self.assertLess(gap_ms, report.blackout_ms + SLOW_MS)
        self.assertLess(usual_ms, 20)
        said = api.outrider(self.lab, "migration", "show", report.migration_id)
        line = f"probe from port {self.peer.port_id} on h3: {seen['sent']} sent, "
        self.assertIn(line, said)

    def test_a_guest_that_does_not_answer_is_loss(self) -> None:
        place = measured.other_place(self.lab)
        qemu.shell(self.lab, self.guest, "ip link set eth0 down")
        try:
            with move.prepared(
                self.lab, measured.GUEST, place, probe=self.peer.port_id
            ) as moving:
                move.take_back(self.lab, moving, "only the probe was wanted")
        finally:
            qemu.shell(self.lab, self.guest, "ip link set eth0 up")
        seen = self.result(moving.migration_id)
        self.assertEqual(seen["failure"], "")
        self.assertGreater(int(seen["lost"]), 0)
        self.assertEqual(int(seen["answered"]) + int(seen["lost"]), int(seen["sent"]))
        said = api.outrider(self.lab, "migration", "show", moving.migration_id)
        self.assertIn(f"{seen['lost']} lost, ", said)

    def test_an_agent_that_dies_says_so(self) -> None:
        place = measured.other_place(self.lab)
        with move.prepared(self.lab, measured.GUEST, place, probe=self.peer.port_id) as moving:
            self.wait_answered(20)
            services.kill(self.lab, services.agent_name("h3"))
            services.start_agent(self.lab, "h3")
            services.wait_connected(self.lab)
            move.take_back(self.lab, moving, "only the probe was wanted")
        failure = self.result(moving.migration_id)["failure"]
        self.assertEqual(failure, "the agent of this host was restarted meanwhile")

    def test_a_port_that_sees_nothing_is_refused(self) -> None:
        port, place = self.guest.port_id, measured.other_place(self.lab)
        words = ["migration", "prepare", "--port", port, "--to", place, "--probe"]
        said = self.refused(*words, port)
        self.assertIn("it moves itself; name a port of a third host", said)
        said = self.refused(*words, "00000000-0000-4000-8000-00000000dead")
        self.assertIn("it does not exist; see: outrider port list", said)


if __name__ == "__main__":
    support.main()
