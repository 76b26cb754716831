"""What QEMU is asked to do in a live migration, by QMP. Knows nothing of ports or of who moves
them."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

from labkit import qemu
from labkit.inventory import GuestRecord, Lab
from labkit.qmp import Event, QmpClient, event_time_us
from labkit.shell import LabError

# Inside a host's namespace, so fixed: each destination is asked for one move at a time.
PORT = 4444


@dataclasses.dataclass(frozen=True)
class How:
    """What is asked of QEMU beyond an ordinary migration."""

    # It pauses the guest and waits (pause-before-switchover) until it is told to go on.
    holds: bool = False
    # The destination runs while most of the memory is still at the source.
    postcopy: bool = False
    # No RARP, nor word to the guest's card to say where it is.
    silent: bool = False


@dataclasses.dataclass(frozen=True)
class Times:
    """Microseconds of the machine's clock. Held and continued: while the source waited for our
    word; both 0, if it did not."""

    paused_us: int
    held_us: int
    continued_us: int
    resumed_us: int
    total_ms: int
    downtime_ms: int


class Copy:
    """One migration of a guest's memory between two QEMUs that run; one thread uses it."""

    def __init__(self, old: QmpClient, new: QmpClient, how: How) -> None:
        self._old, self._new, self._how = old, new, how

    def begin(self, uri: str) -> None:
        # All of them: a QEMU remembers what it was asked for the last time.
        wanted = {
            "events": True,
            "pause-before-switchover": self._how.holds,
            "postcopy-ram": self._how.postcopy,
        }
        capabilities = [{"capability": name, "state": on} for name, on in wanted.items()]
        self._old.command("migrate-set-capabilities", capabilities=capabilities)
        if self._how.postcopy:
            self._new.command("migrate-set-capabilities", capabilities=capabilities)
        if self._how.silent:
            self._new.command("migrate-set-parameters", announce_rounds=0)
        # After post-copy has been asked for, memory would be all there at once.
        bandwidth = 1 << 23 if self._how.postcopy else 1 << 30
        self._old.command("migrate-set-parameters", max_bandwidth=bandwidth, downtime_limit=100)
        self._old.command("migrate", uri=uri)
        if self._how.postcopy:
            self._wait_status("active")
            self._old.command("migrate-start-postcopy")
            self._wait_status("postcopy-active")  # comes before STOP

    def wait_paused(self) -> int:
        """Waits for the guest's pause at the source; returns when it was. On a busy machine a guest
        may write faster than its memory is copied: then it may stand still longer, as with any tool
        that drives QEMU."""
        for limit_ms in (300, 1000):
            try:
                return event_time_us(self._old.wait_event("STOP", 15))
            except LabError:
                self._old.command("migrate-set-parameters", downtime_limit=limit_ms)
        return event_time_us(self._old.wait_event("STOP", 30))

    def wait_held(self) -> int:
        """The same for its waiting for go_on()."""
        return event_time_us(self._wait_status("pre-switchover"))

    def go_on(self) -> int:
        now_us = time.time_ns() // 1000
        self._old.command("migrate-continue", state="pre-switchover")
        return now_us

    def cancel(self) -> None:
        """The guest goes on where it was."""
        self._old.command("migrate_cancel")

    def wait_resumed(self) -> int:
        """Waits until the guest runs at the destination."""
        return event_time_us(self._new.wait_event("RESUME", 30))

    def wait_returned(self) -> int:
        """Waits until the guest runs at the source again."""
        return event_time_us(self._old.wait_event("RESUME", 30))

    def wait_completed(self) -> dict:
        """query-migrate of a source whose destination runs already; its books close a moment
        later, after post-copy when all memory has been fetched."""
        deadline = time.monotonic() + (30 if self._how.postcopy else 5)
        while True:
            info = self._old.command("query-migrate")
            if info.get("status") == "completed" or time.monotonic() > deadline:
                return info
            time.sleep(0.01)

    def _wait_status(self, status: str) -> Event:
        while True:
            event = self._old.wait_event("MIGRATION", 10)
            if event["data"]["status"] == status:
                return event


def uri(lab: Lab, host: str) -> str:
    """Where a destination waits for memory."""
    return f"tcp:{lab.host(host).address}:{PORT}"


@contextlib.contextmanager
def connected(lab: Lab, source: GuestRecord, target: GuestRecord, how: How) -> Iterator[Copy]:
    """A copy from one running QEMU of a guest to another; not begun."""
    with (
        QmpClient.connect(qemu.qmp_socket(lab, source)) as old,
        QmpClient.connect(qemu.qmp_socket(lab, target)) as new,
    ):
        yield Copy(old, new, how)


def run(
    copy: Copy, to: str, how: How, paused: Callable[[], None], held: Callable[[], None]
) -> Times:
    """All of it. paused() is called when the source's guest has stopped, held() while QEMU
    waits."""
    copy.begin(to)
    paused_us = copy.wait_paused()
    paused()
    held_us = continued_us = 0
    if how.holds:
        held_us = copy.wait_held()
        held()
        continued_us = copy.go_on()
    resumed_us = copy.wait_resumed()
    info = copy.wait_completed()
    times = info.get("total-time", 0), info.get("downtime", 0)
    return Times(paused_us, held_us, continued_us, resumed_us, *times)


def resume(lab: Lab, guest: GuestRecord) -> None:
    """A guest whose migration failed runs again, whatever has become of that."""
    with QmpClient.connect(qemu.qmp_socket(lab, guest), timeout=2) as monitor:
        monitor.command("migrate_cancel")
        if monitor.command("query-status")["status"] != "running":
            monitor.command("cont")
