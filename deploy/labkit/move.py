"""Live migration of a guest between two hosts of a lab: QEMU by QMP, the port by Outrider.

The order is libvirt's: the destination's port is prepared and attached first, then memory is
copied, and the source's STOP is the moment the port moves. """

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable

from labkit import api, inventory, netns, ports, process, qemu
from labkit.inventory import GuestRecord, Lab
from labkit.qmp import Event, QmpClient, event_time_us
from labkit.shell import LabError, undo

# Inside a host's namespace, so fixed: each destination is asked for one move at a time.
PORT = 4444
DONE = ("committed", "aborted")


@dataclasses.dataclass
class MoveReport:
    """What a move took. Times are microseconds of the machine's clock."""

    migration_id: str
    source: str
    destination: str
    paused_us: int
    # From here to there QEMU waited for the port's move: blackout that is the move's, not QEMU's.
    held_us: int
    continued_us: int
    resumed_us: int
    qemu_total_ms: int
    qemu_downtime_ms: int
    record: api.Json

    @property
    def blackout_ms(self) -> float:
        """From the source's STOP to the destination's RESUME."""
        return (self.resumed_us - self.paused_us) / 1000

    @property
    def phase(self) -> str:
        return api.phase(self.record)

    @property
    def held_ms(self) -> float:
        """The part of the blackout in which QEMU waited for the port's move."""
        return (self.continued_us - self.held_us) / 1000


def migrate(
    lab: Lab,
    name: str,
    destination: str,
    on_tap: Callable[[str, str], None] = lambda namespace, device: None,
) -> MoveReport:
    """Moves guest `name` to host `destination`. on_tap(namespace, device) is called when the new
    tap exists and nothing is attached to it yet."""
    source = lab.guest(name)
    lab.host(destination)
    if source.host == destination:
        raise LabError(f"guest {name}: is on {destination} already")
    target = copy.copy(source)
    target.host, target.generation = destination, source.generation + 1
    migration_id = api.prepare_migration(lab, source.port_id, destination)["meta"]["name"]
    try:
        _start_target(lab, target, on_tap)
        report = _copy_and_switch(lab, source, target, migration_id)
    except BaseException:
        _take_back(lab, source, target, migration_id)
        raise
    with inventory.edit(lab.prefix) as stored:
        stored.guests[name] = target
    report.record = _wait_done(lab, migration_id)
    qemu.quit_guest(lab, source)
    api.detach(lab, source.host, source.port_id)
    netns.remove_link(lab.netns(source.host), source.tap)
    return report


def _start_target(lab: Lab, target: GuestRecord, on_tap: Callable[[str, str], None]) -> None:
    """A QEMU that waits for the guest's memory, its tap a port of the destination."""
    namespace = lab.netns(target.host)
    netns.tap(namespace, target.tap, ports.SEGMENT_MTU)
    on_tap(namespace, target.tap)
    uri = f"tcp:{lab.host(target.host).address}:{PORT}"
    running = qemu.start(lab, target, namespace, ports.SEGMENT_MTU, incoming=uri)
    with inventory.edit(lab.prefix) as stored:
        lab.processes[running.name] = stored.processes[running.name]
    api.attach(
        *(lab, target.host, target.tap, target.port_id, target.mac, target.profile, target.ip),
        vm=target.name,
    )


def _copy_and_switch(
    lab: Lab, source: GuestRecord, target: GuestRecord, migration_id: str
) -> MoveReport:
    uri = f"tcp:{lab.host(target.host).address}:{PORT}"
    switchover = api.PendingSwitchover(lab, migration_id)
    try:
        with (
            QmpClient.connect(qemu.qmp_socket(lab, source)) as old,
            QmpClient.connect(qemu.qmp_socket(lab, target)) as new,
        ):
            # QEMU pauses the guest and waits for us: the port has moved before the destination may
            # run, so that frames wait in its tap instead of reaching a host the guest has left.
            wanted = ("events", "pause-before-switchover")
            old.command(
                "migrate-set-capabilities",
                capabilities=[{"capability": name, "state": True} for name in wanted],
            )
            old.command("migrate-set-parameters", max_bandwidth=1 << 30, downtime_limit=100)
            old.command("migrate", uri=uri)
            stopped = old.wait_event("STOP", 60)
            switchover.now()
            held = _wait_held(old)
            switchover.wait_moved()
            continued_us = time.time_ns() // 1000
            old.command("migrate-continue", state="pre-switchover")
            resumed = new.wait_event("RESUME", 30)
            info = _wait_completed(old)
    finally:
        switchover.close()
    return MoveReport(
        *(migration_id, source.host, target.host, event_time_us(stopped)),
        *(event_time_us(held), continued_us, event_time_us(resumed)),
        *(info.get("total-time", 0), info.get("downtime", 0), {}),
    )


def _wait_held(monitor: QmpClient) -> Event:
    """The event that says that QEMU, the guest paused, waits for `migrate-continue`."""
    while True:
        event = monitor.wait_event("MIGRATION", 10)
        if event["data"]["status"] == "pre-switchover":
            return event


def _wait_completed(monitor: QmpClient) -> dict:
    """query-migrate of a source whose destination runs already; its books close a moment later."""
    deadline = time.monotonic() + 5
    while True:
        info = monitor.command("query-migrate")
        if info.get("status") == "completed" or time.monotonic() > deadline:
            return info
        time.sleep(0.01)


def _wait_done(lab: Lab, migration_id: str) -> api.Json:
    """The migration's record once nothing more happens to it."""
    record: api.Json = {}

    def done() -> bool:
        nonlocal record
        record = api.migration(lab, migration_id)
        return api.phase(record) in DONE

    if not process.wait_until(done, 30, 0.05):
        raise LabError(
            f"migration {migration_id}: {api.phase(record)} after 30 s; "
            "see `outrider migration show`"
        )
    return record


def _take_back(lab: Lab, source: GuestRecord, target: GuestRecord, migration_id: str) -> None:
    """After a failure: no destination, and the guest goes on where it was."""
    undo(
        lambda: qemu.quit_guest(lab, target),
        lambda: api.abort_migration(lab, migration_id, "the guest's migration failed"),
        lambda: api.detach(lab, target.host, target.port_id),
        lambda: netns.remove_link(lab.netns(target.host), target.tap),
        lambda: _resume(lab, source),
    )


def _resume(lab: Lab, source: GuestRecord) -> None:
    with QmpClient.connect(qemu.qmp_socket(lab, source), timeout=2) as monitor:
        monitor.command("migrate_cancel")
        if monitor.command("query-status")["status"] != "running":
            monitor.command("cont")
