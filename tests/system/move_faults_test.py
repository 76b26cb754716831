"""Moves under faults: kill -9, SIGSTOP, failpoints, partitions and lost hosts at every step of a
migration, drawn from seeds. Afterwards one host has the port, the guest's, and it can be reached.

    move_faults_test.py                      the seeds of the test, as many as its time allows
    move_faults_test.py --seeds 1-2000       these, all of them
    move_faults_test.py --seed 17 -v         one again, with what happened in it
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import unittest
from collections.abc import Iterator

import support
from faults import invariants, plan
from faults.runner import Runner
from faults.world import CONTROLLER, PATIENT_S, World
from labkit import interrupts, lifecycle, process

SEEDS = range(1, 201)
# Of the time limit, what is not for runs: labs up and down, and the last seeds' ends.
RESERVE_S = 90
# Fewer mean that something takes far too long.
LEAST_SEEDS = 40
WORLDS = 2


@contextlib.contextmanager
def some_worlds(count: int) -> Iterator[list[World]]:
    names = [support.prefix(chr(ord("a") + number)) for number in range(count)]
    try:
        yield [World(name, support.build_folder()) for name in names]
    finally:
        for name in names:
            lifecycle.down(name)


class PlanTest(unittest.TestCase):
    def test_a_seed_is_its_plan(self) -> None:
        for seed in (1, 17, 4711):
            self.assertEqual(plan.plan_of(seed), plan.plan_of(seed))
        self.assertNotEqual(plan.plan_of(1), plan.plan_of(2))

    def test_the_seeds_draw_every_fault_of_everybody_at_every_step(self) -> None:
        drawn = [plan.plan_of(seed) for seed in range(1, 2001)]
        faults = {(p.fault.kind, p.fault.victims, p.fault.at) for p in drawn}
        for kind in ("kill", "stop"):
            for victim in ("source", "destination", "controller"):
                for step in range(len(plan.STEPS)):
                    self.assertIn((kind, (victim,), step), faults)
        places = {p.fault.order.partition("=")[0] for p in drawn}
        self.assertLessEqual({*plan.AGENT_PLACES, *plan.CONTROLLER_PLACES}, places)


class MoveFaultsTest(unittest.TestCase):
    worlds: list[World]

    @classmethod
    def setUpClass(cls) -> None:
        cls.worlds = cls.enterClassContext(some_worlds(WORLDS))

    def test_a_guest_in_the_wrong_place_is_seen(self) -> None:
        """The runs can fail."""
        world, drawn = self.worlds[0], plan.plan_of(0)
        daemons = {victim: world.running(victim) for victim in (CONTROLLER, *plan.HOSTS)}
        world.begin(drawn)
        holds = lambda: invariants.broken(  # noqa: E731
            world, drawn, drawn.source, daemons, set()
        )
        process.wait_until(lambda: not holds(), PATIENT_S, 0.05)
        self.assertEqual(holds(), [])
        found = invariants.broken(world, drawn, drawn.third, daemons, set())
        self.assertIn(f"the port is on {drawn.source}, the guest on {drawn.third}", found)
        self.assertIn(f"{drawn.source} has no guest, and the port is PORT_PHASE_ACTIVE", found)
        self.assertIn(f"the guest at {drawn.third} does not reach h1", found)
        self.assertTrue(world.attach(drawn.third, drawn.port_id, wait_s=PATIENT_S))

        def armed() -> list[str]:
            found = invariants.broken(world, drawn, drawn.source, daemons, set())
            return [line for line in found if line.endswith(" is armed")]

        process.wait_until(armed, PATIENT_S, 0.05)
        self.assertEqual(len(armed()), 1)
        world.leave(drawn.port_id)

    def test_every_seed_ends_with_one_owner(self) -> None:
        limit_s = int(os.environ.get("OUTRIDER_TIMEOUT", "600"))
        results = Runner(self.worlds, SEEDS, limit_s - RESERVE_S).run()
        longest = max(result.settled_s for result in results)
        print(f"{len(results)} of {len(SEEDS)} seeds; settled after {longest:.1f} s at most")
        self.assertEqual([result.seed for result in results if result.broken], [])
        self.assertGreaterEqual(len(results), LEAST_SEEDS)


def by_hand(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--seeds", metavar="A-B", help="all seeds from A to B")
    chosen.add_argument("--seed", type=int, metavar="N", help="one seed")
    parser.add_argument("--budget", type=float, default=86400, metavar="S",
                        help="begin no seed after so many seconds")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell every seed's story")
    options = parser.parse_args(argv)
    if options.seeds:
        first, _, last = options.seeds.partition("-")
        seeds = list(range(int(first), int(last or first) + 1))
    else:
        seeds = [options.seed]
    interrupts.raise_once()
    with some_worlds(min(WORLDS, len(seeds))) as worlds:
        results = Runner(worlds, seeds, options.budget, options.verbose).run()
    failed = [result.seed for result in results if result.broken]
    print(f"{len(results)} of {len(seeds)} seeds, {len(failed)} failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--seed"):
        sys.exit(by_hand(sys.argv[1:]))
    support.main()
