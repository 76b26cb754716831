"""Two guests with one identity, on two hosts that claim their port from each other: the port is
frozen. A hypervisor that moves its guest as often is not stopped."""

from __future__ import annotations

import unittest

import support
from faults import plan
from faults.world import World
from labkit import api, lifecycle, process

LIMIT = 5


class DuplicateMacTest(unittest.TestCase):
    world: World
    _number = 0

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(lifecycle.down, support.prefix())
        cls.world = World(support.prefix(), support.build_folder())

    def setUp(self) -> None:
        """The guest runs on h1."""
        type(self)._number += 1
        self.port = f"00000000-0000-4000-8000-{self._number:012x}"
        fault = plan.Fault("none")
        words = (self._number, self.port, "h1", "h2", "h3", "detected", "move", fault)
        self.world.begin(plan.Plan(*words))

    def tearDown(self) -> None:
        for host in plan.HOSTS:
            self.world.guest_stops(host)
        self.world.leave(self.port)

    def shown(self) -> api.Json:
        return api.query(self.world.lab, "port", "show", self.port)

    def moves_to(self, host: str) -> None:
        """`host` attaches the port and its guest is heard there."""
        self.assertTrue(self.world.attach(host, self.port), self.world.refusal)
        self.world.guest_runs(host)

        def moved() -> bool:
            self.world.ping_from_guest(host, "h3", 0.1)
            running = [
                record
                for record in api.query(self.world.lab, "migration", "list")["items"]
                if self.port in record["port_ids"] and api.phase(record) != "committed"
            ]
            return not running and self.shown()["location"]["host"] == host

        self.assertTrue(process.wait_until(moved, 20), self.shown())

    def test_two_guests_fight(self) -> None:
        for number in range(LIMIT):
            self.assertEqual(self.shown()["frozen_us"], "0")
            self.moves_to("h1" if number % 2 else "h2")
        self.assertNotEqual(self.shown()["frozen_us"], "0")
        self.assertFalse(self.world.attach("h1", self.port))
        frozen = f'port "{self.port}" is frozen on host "h2": host "h1" and host "h2" have'
        self.assertIn(frozen, self.world.refusal)
        self.assertIn(f'run "outrider port thaw {self.port}"', self.world.refusal)
        self.assertEqual(self.shown()["location"]["host"], "h2")
        text = api.outrider(self.world.lab, "port", "show", self.port)
        self.assertIn(f"hosts claimed it from each other {LIMIT} times", text)
        log = self.world.lab.log("controller").read_text(encoding="utf-8")
        self.assertIn(f'audit: refused: further claims of port "{self.port}"', log)
        # One of the guests is stopped, and the port let go.
        self.world.guest_stops("h2")
        api.outrider(self.world.lab, "port", "thaw", self.port)
        self.assertEqual(self.shown()["frozen_us"], "0")
        self.moves_to("h1")
        log = self.world.lab.log("controller").read_text(encoding="utf-8")
        self.assertIn(f'audit: granted: claims of port "{self.port}"', log)

    def test_a_hypervisor_moves_it_to_and_fro(self) -> None:
        here, there = "h1", "h2"
        for _ in range(LIMIT + 2):
            self.world.guest_stops(here)
            self.moves_to(there)
            self.assertTrue(self.world.detach(here, self.port))
            here, there = there, here
        shown = self.shown()
        self.assertEqual((shown["frozen_us"], shown["unplanned_moves_us"]), ("0", []))
        self.assertEqual(shown["location"]["host"], here)


if __name__ == "__main__":
    support.main()
