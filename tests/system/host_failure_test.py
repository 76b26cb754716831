"""A host that has failed: its ports are let go of, start on another host, and are not taken back by
the host that returns."""

from __future__ import annotations

import unittest

import support
from faults import plan
from faults.world import ABSENCE_S, World
from labkit import api, lifecycle, process, services


class HostFailureTest(unittest.TestCase):
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
        self.drawn = plan.Plan(
            *(self._number, self.port, "h1", "h2", "h3", "detected", "move", plan.Fault("none"))
        )
        self.world.begin(self.drawn)

    def tearDown(self) -> None:
        self.world.leave(self.port)

    def location(self) -> tuple[str, int]:
        location = api.query(self.world.lab, "port", "show", self.port)["location"]
        return location.get("host", ""), int(location["epoch"])

    def phase(self, host: str) -> str:
        return api.local_port(self.world.lab, host, self.port).get("phase", "none")

    def problem(self, host: str) -> str:
        return api.local_port(self.world.lab, host, self.port).get("problem", "")

    def evacuate(self, host: str, *more: str) -> api.Json:
        return api.query(self.world.lab, "host", "evacuate", host, *more)

    def refused(self, host: str) -> str:
        self.assertIsNone(self.world.call("host", "evacuate", host))
        return self.world.refusal

    def lose(self, host: str) -> None:
        self.world.kill(host)
        self.world.cable(host, False)
        self.world.guest_stops(host)

    def recover(self, host: str) -> None:
        self.world.cable(host, True)
        self.world.start(host)
        services.wait_agent(self.world.lab, host)

    def assert_reached(self, place: str, peers: tuple[str, ...]) -> None:
        """By all of them, in both directions."""
        for peer in peers:
            reached = lambda peer=peer: (  # noqa: E731
                self.world.ping_from_guest(place, peer) and self.world.ping_to_guest(peer)
            )
            self.assertTrue(process.wait_until(reached, 10), f"{peer} and the guest at {place}")

    def test_a_lost_host(self) -> None:
        self.assertIn('host "h1" is connected', self.refused("h1"))
        self.lose("h1")
        connected = lambda: "h1" in api.connected_hosts(self.world.lab)  # noqa: E731
        self.assertTrue(process.wait_until(lambda: not connected(), 30))
        self.assertIn('host "h1" was heard ', self.refused("h1"))
        evacuated = lambda: self.world.call("host", "evacuate", "h1") is not None  # noqa: E731
        self.assertTrue(process.wait_until(evacuated, ABSENCE_S + 5, 0.2))
        self.assertEqual(self.location(), ("", 2))
        # The guest is started on another host.
        self.assertTrue(self.world.attach("h3", self.port))
        self.world.guest_runs("h3")
        self.assertEqual(self.location(), ("h3", 3))
        # The host returns, and its guest with it: a fence that did not hold.
        self.recover("h1")
        self.world.guest_runs("h1")
        self.assertIn('is on host "h3"', self.problem("h1"))
        self.assertNotEqual(self.phase("h1"), "PORT_PHASE_ACTIVE")
        self.assertFalse(self.world.ping_from_guest("h1", "h2"), "its frames end at its port")
        self.world.guest_stops("h1")
        self.world.attach_peer("h1")
        services.wait_converged(self.world.lab)
        self.assertEqual(self.location(), ("h3", 3))
        self.assert_reached("h3", plan.HOSTS)

    def test_by_force_a_host_that_is_there_lets_go(self) -> None:
        answer = self.evacuate("h1", "--force")
        peer = self.world.lab.light("peer-h1").port_id
        self.assertEqual(answer["ports"], sorted([peer, self.port]))
        self.assertEqual(self.location(), ("", 2))
        silent = lambda: not self.world.ping_from_guest("h1", "h2", 0.3)  # noqa: E731
        self.assertTrue(process.wait_until(silent, 10))
        told = lambda: "was taken from host" in self.problem("h1")  # noqa: E731
        self.assertTrue(process.wait_until(told, 10), self.problem("h1"))
        # A restart of its agent, or of the controller, makes its devices no claims.
        self.world.kill("h1")
        self.world.start("h1")
        services.wait_agent(self.world.lab, "h1")
        self.world.restart_controller()
        self.assertEqual(self.location(), ("", 2))
        # Attached once more they are.
        self.assertTrue(self.world.attach("h1", self.port))
        self.world.attach_peer("h1")
        self.assertEqual(self.location(), ("h1", 3))
        self.world.guest_runs("h1")
        self.assert_reached("h1", plan.HOSTS)

    def test_the_source_is_lost_while_its_guest_is_on_its_way(self) -> None:
        """The destination has the device already: it is where the port goes."""
        self.assertTrue(self.world.attach("h2", self.port))
        self.assertEqual(self.phase("h2"), "PORT_PHASE_ARMED")
        self.lose("h1")
        answer = self.evacuate("h1", "--force")
        self.assertEqual(len(answer["migrations"]), 1)
        record = api.migration(self.world.lab, answer["migrations"][0])
        self.assertEqual(record["reason"], 'host "h1" was evacuated')
        claimed = lambda: self.location() == ("h2", 3)  # noqa: E731
        self.assertTrue(process.wait_until(claimed, 10), self.location())
        self.world.guest_runs("h2")
        self.assert_reached("h2", ("h2", "h3"))
        self.recover("h1")
        self.assertEqual(self.location(), ("h2", 3))
        self.world.attach_peer("h1")

    def test_the_destination_is_lost_before_the_guest_came(self) -> None:
        self.assertTrue(self.world.attach("h2", self.port))
        self.lose("h2")
        answer = self.evacuate("h2", "--force")
        self.assertEqual(len(answer["migrations"]), 1)
        self.assertNotIn(self.port, answer["ports"])
        self.assertEqual(self.location(), ("h1", 1))
        self.assert_reached("h1", ("h1", "h3"))
        self.recover("h2")
        self.assertEqual(self.location(), ("h1", 1))
        self.world.attach_peer("h2")


if __name__ == "__main__":
    support.main()
