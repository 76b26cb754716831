"""The hypervisor of fault runs: attaches at the destination, pauses the guest, lets it go on there
or where it was, and takes the other device out. It waits for nobody longer than a real one."""

from __future__ import annotations

import json

from faults.injection import Injection
from faults.plan import STEPS, Plan
from faults.world import PATIENT_S, World
from labkit import process


class Mover:
    """One run of a plan; returns where the guest runs, or that it died with its host."""

    def __init__(self, world: World, plan: Plan, injection: Injection) -> None:
        self._world = world
        self._plan = plan
        self._injection = injection
        # Hosts that still have a device of a guest that is not there.
        self.stale: set[str] = set()

    def run(self) -> str | None:
        """The guest's host; None: it was at the destination when that lost its power."""
        plan, world = self._plan, self._world
        self._begin("attach")
        self.stale.add(plan.destination)
        arrives = self._prepare() and world.attach(plan.destination, plan.port_id)
        if not arrives or plan.course == "give-up" or self._injection.destination_gone:
            world.say(f"the hypervisor gives up; the guest runs on at {plan.source}")
            return self._finish(plan.source)
        self._begin("pause")
        world.guest_stops(plan.source)
        world.say(f"the guest pauses at {plan.source}")
        self._switchover()
        if plan.course == "rollback" or self._injection.destination_gone:
            self._begin("resume")
            return self._finish(self._runs(plan.source))
        self._begin("resume")
        if self._injection.destination_gone:
            # Its QEMU cannot have said that the guest runs: the source's goes on.
            return self._finish(self._runs(plan.source))
        self._runs(plan.destination)
        self.stale = {plan.source}
        return self._finish(plan.destination)

    def clean_up(self) -> None:
        """What a hypervisor does in the end, however often it takes."""
        process.wait_until(self._detach_stale, 20, 0.1)
        if self.stale:
            raise AssertionError(f"the port cannot be detached on {sorted(self.stale)}")

    def revive(self) -> str:
        """Whoever runs the hosts lets go of the one that failed, and starts the guest elsewhere."""
        plan, world = self._plan, self._world
        if world.call("host", "evacuate", plan.destination, "--force", seconds=PATIENT_S) is None:
            raise AssertionError(f"host {plan.destination} cannot be evacuated")
        if not world.attach(plan.third, plan.port_id, wait_s=PATIENT_S):
            raise AssertionError(f"host {plan.third} cannot have the port of a host that failed")
        self.stale = {plan.source, plan.destination}
        return self._runs(plan.third)

    def _begin(self, step: str) -> None:
        self._world.say(f"step {step}")
        self._injection.step(STEPS.index(step))

    def _prepare(self) -> bool:
        """With an operator that orchestrates; a detected migration begins with the device."""
        if self._plan.mode != "prepared":
            return True
        words = ["migration", "prepare", "--port", self._plan.port_id]
        words += ["--to", self._plan.destination, "--json"]
        said = self._world.call(*words)
        self._migration = json.loads(said)["meta"]["name"] if said else ""
        return bool(said)

    def _switchover(self) -> None:
        if self._plan.mode == "prepared":
            self._world.call("migration", "switchover", self._migration)

    def _runs(self, host: str) -> str:
        self._world.guest_runs(host)
        self._world.say(f"the guest runs at {host}")
        return host

    def _finish(self, place: str) -> str | None:
        self._begin("quit")
        if self._injection.destination_gone and place == self._plan.destination:
            self._world.say(f"the guest has died with {place}")
            return None
        self._detach_stale()
        self._begin("end")
        return place

    def _detach_stale(self) -> bool:
        for host in sorted(self.stale):
            if self._world.detach(host, self._plan.port_id):
                self.stale.discard(host)
        return not self.stale
