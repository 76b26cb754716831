"""Runs seeds in worlds that are made once, and says of each that fails what happened in it."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
import traceback
from collections.abc import Sequence

from faults import invariants
from faults.injection import Injection
from faults.mover import Mover
from faults.plan import Plan, plan_of
from faults.world import ABSENCE_S, CONTROLLER, GRACE_S, LEASE_S, World
from faults import plan as plans
from labkit import api, process, services
from labkit.shell import LabError

# A migration ends within its lease, a destination that stays away is waited for once more; what is
# left is for connections to come back.
SETTLE_S = LEASE_S + ABSENCE_S + GRACE_S + 10
LOG_LINES = 40


@dataclasses.dataclass
class Result:
    """Of one seed. `broken`: empty when all holds."""

    seed: int
    seconds: float = 0
    settled_s: float = 0
    broken: list[str] = dataclasses.field(default_factory=list)
    story: list[str] = dataclasses.field(default_factory=list)


class Runner:
    """The seeds given, each once, in whichever world is free, until they or the seconds are
    over."""

    def __init__(self, worlds: Sequence[World], seeds: Sequence[int], budget_s: float,
                 verbose: bool = False) -> None:
        self._worlds = worlds
        self._seeds: queue.SimpleQueue[int] = queue.SimpleQueue()
        for seed in seeds:
            self._seeds.put(seed)
        self._deadline = time.monotonic() + budget_s
        self._verbose = verbose
        self._lock = threading.Lock()
        self.results: list[Result] = []

    def run(self) -> list[Result]:
        threads = [
            threading.Thread(target=self._work, args=(world,), daemon=True)
            for world in self._worlds
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(self.results, key=lambda result: result.seed)

    def _work(self, world: World) -> None:
        while time.monotonic() < self._deadline:
            try:
                seed = self._seeds.get_nowait()
            except queue.Empty:
                return
            result = self._one(world, plan_of(seed))
            with self._lock:
                self.results.append(result)
                print(_line(result), flush=True)
                if self._verbose or result.broken:
                    print("\n".join(f"    {line}" for line in result.story), flush=True)
            if result.broken:
                world.reset(plan_of(seed).port_id)

    def _one(self, world: World, plan: Plan) -> Result:
        result = Result(plan.seed)
        began = time.monotonic()

        def say(text: str) -> None:
            result.story.append(f"{(time.monotonic() - began) * 1000:7.0f} ms  {text}")

        world.say = say
        say(str(plan))
        try:
            self._play(world, plan, result)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other seeds go on
            result.broken.append(f"{type(error).__name__}: {error}")
            result.story += traceback.format_exc().splitlines()
        if result.broken:
            result.story += [f"broken: {line}" for line in result.broken] + _evidence(world, plan)
        result.seconds = time.monotonic() - began
        return result

    def _play(self, world: World, plan: Plan, result: Result) -> None:
        before = {victim: world.running(victim) for victim in (CONTROLLER, *plans.HOSTS)}
        injection = Injection(world, plan)
        mover = Mover(world, plan, injection)
        try:
            world.begin(plan)
            injection.arm()
            place = mover.run()
            died = place is None
            if place is None:
                place = mover.revive()
        finally:
            injection.mend()
        if died:
            services.wait_agent(world.lab, plan.destination)
            world.attach_peer(plan.destination)
        mended = time.monotonic()
        self._settle(world, plan, mover, place, result, before, injection.touched)
        result.settled_s = time.monotonic() - mended
        if not result.broken:
            world.leave(plan.port_id)

    def _settle(self, world: World, plan: Plan, mover: Mover, place: str, result: Result,
                before: dict[str, process.Process], touched: set[str]) -> None:
        world.say("all is mended; the hypervisor cleans up")
        mover.clean_up()

        def holds() -> bool:
            result.broken = invariants.broken(world, plan, place, before, touched)
            return not result.broken

        process.wait_until(holds, SETTLE_S, 0.05)
        world.say("settled" if not result.broken else f"not settled after {SETTLE_S} s")


def _line(result: Result) -> str:
    verdict = "ok" if not result.broken else "FAILED: " + "; ".join(result.broken)
    seconds = f"{result.seconds:.1f} s, settled after {result.settled_s:.1f} s"
    return f"{plan_of(result.seed)}: {seconds}: {verdict}"


def _evidence(world: World, plan: Plan) -> list[str]:
    """What the controller, the hosts and their logs say."""
    lines: list[str] = []
    try:
        for record in api.query(world.lab, "migration", "list")["items"]:
            if plan.port_id in record["port_ids"]:
                shown = api.outrider(world.lab, "migration", "show", record["meta"]["name"])
                lines += shown.splitlines()
        lines += api.outrider(world.lab, "port", "show", plan.port_id).splitlines()
        for host in plans.HOSTS:
            lines.append(f"{host}: {api.local_port(world.lab, host, plan.port_id)}")
    except LabError as error:
        lines.append(str(error))
    for victim in (CONTROLLER, *plans.HOSTS):
        log = world.lab.log(world.name_of(victim))
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        lines += [f"log of {victim}:", *tail]
    return lines
