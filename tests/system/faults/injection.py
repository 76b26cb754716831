"""Makes the fault of a plan happen, and mends it."""

from __future__ import annotations

import signal
import threading
import time

from faults.plan import STEPS, Fault, Plan
from faults.world import CONTROLLER, World
from labkit import process


class Injection:
    """One fault in one world. `arm` before the run, `step` at the begin of each step, `mend` in the
    end."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._fault: Fault = plan.fault
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._begun = self._mended = False
        # Daemons that may be others than before, or have ended.
        self.touched: set[str] = set()

    def arm(self) -> None:
        """A failpoint is armed at its process's start, so that this is a restart."""
        if self._fault.kind != "failpoint":
            return
        victim = self._victims()[0]
        self.touched.add(victim)
        self._begun = True
        self._world.say(f"{victim} restarts with {self._fault.order}")
        self._world.kill(victim)
        self._world.start(victim, self._fault.order)
        # It may have come to its place already.
        process.wait_until(
            lambda: not self._world.running(victim).alive() or self._world.all_connected(), 10
        )

    def step(self, index: int) -> None:
        """The hypervisor begins STEPS[index]."""
        if index >= self._fault.until:
            self.mend()
        if self._fault.kind in ("none", "failpoint") or index != self._fault.at:
            return
        self._begun = True
        if self._fault.delay_ms == 0:
            return self._happen()
        self._thread = threading.Thread(target=self._happen_later)
        self._thread.start()

    @property
    def destination_gone(self) -> bool:
        """Whether the destination has lost its power. Only the step it happens in has to ask."""
        if self._fault.kind != "gone":
            return False
        if self._thread is not None:
            self._thread.join()
        return self._begun and not self._mended

    def mend(self) -> None:
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if not self._begun or self._mended:
            return
        self._mended = True
        time.sleep(self._fault.hold_ms / 1000)
        self._world.say(f"mended: {self._fault.kind} {'-'.join(self._victims())}")
        victims = self._victims()
        match self._fault.kind:
            case "kill":
                self._world.start(victims[0])
            case "stop":
                self._world.signal(victims[0], signal.SIGCONT)
            case "failpoint":
                self._world.kill(victims[0])
                self._world.start(victims[0])
            case "partition":
                self._world.partition(victims, False)
            case "gone":
                self._world.cable(victims[0], True)
                self._world.start(victims[0])

    def _victims(self) -> tuple[str, ...]:
        return tuple(self._plan.place(victim) for victim in self._fault.victims)

    def _happen_later(self) -> None:
        time.sleep(self._fault.delay_ms / 1000)
        try:
            self._happen()
        except Exception as error:  # noqa: BLE001 - raised again by mend()
            self._error = error

    def _happen(self) -> None:
        victims = self._victims()
        self._world.say(f"fault: {self._fault.kind} {'-'.join(victims)}")
        match self._fault.kind:
            case "kill":
                self.touched.add(victims[0])
                self._world.kill(victims[0])
            case "stop":
                self._world.signal(victims[0], signal.SIGSTOP)
            case "partition":
                self._world.partition(victims, True)
            case "gone":
                self.touched.add(victims[0])
                self._world.cable(victims[0], False)
                self._world.kill(victims[0])
                self._world.guest_stops(victims[0])


__all__ = ["CONTROLLER", "STEPS", "Injection"]
