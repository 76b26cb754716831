"""Live migration of a guest between two hosts of a lab: QEMU by QMP, its ports by Outrider.

The order is libvirt's: the destination's ports are prepared and attached first, then memory is
copied. What moves the ports then is what the agents hear of QEMU; where QEMU holds the guest for it
(How.holds), it is a switchover that was asked for, and that is done before the guest may run. """

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator

from labkit import api, hypervisor, inventory, ports, process, qemu
from labkit.hypervisor import How, Times
from labkit.inventory import GuestRecord, Lab
from labkit.shell import LabError, undo

DONE = ("committed", "aborted")
HELD = How(holds=True)


@dataclasses.dataclass
class MoveReport:
    """What a move took."""

    migration_id: str
    source: str
    destination: str
    times: Times
    record: api.Json

    @property
    def blackout_ms(self) -> float:
        """From the source's STOP to the destination's RESUME."""
        return (self.times.resumed_us - self.times.paused_us) / 1000

    @property
    def phase(self) -> str:
        return api.phase(self.record)

    @property
    def held_ms(self) -> float:
        """The part of the blackout in which QEMU waited for the port's move, and not for itself."""
        return (self.times.continued_us - self.times.held_us) / 1000


@dataclasses.dataclass(frozen=True)
class Steps:
    """What a caller does at the steps of a move."""

    # (namespace, device): a new tap is there, and nothing is attached to it yet.
    on_tap: Callable[[str, str], None] = lambda namespace, device: None
    # The destination is armed and waits for memory.
    on_armed: Callable[[], None] = lambda: None
    # The guest runs at the destination.
    on_resumed: Callable[[], None] = lambda: None


@dataclasses.dataclass
class Prepared:
    """A guest with a place at the destination that waits for it."""

    source: GuestRecord
    target: GuestRecord
    migration_id: str


def migrate(
    lab: Lab, name: str, destination: str, how: How = HELD, steps: Steps = Steps(), probe: str = ""
) -> MoveReport:
    """Moves guest `name` to host `destination`, and returns when nothing more happens to the
    migration and nothing is left at the source. probe: a port in whose name it is probed."""
    with prepared(lab, name, destination, steps.on_tap, probe) as moving:
        steps.on_armed()
        times = _copy_and_switch(lab, moving, how)
        steps.on_resumed()
    with inventory.edit(lab.prefix) as stored:
        stored.guests[name] = moving.target
    record = wait_done(lab, moving.migration_id)
    ports.unplug_guest(lab, moving.source)
    return MoveReport(moving.migration_id, moving.source.host, destination, times, record)


@contextlib.contextmanager
def prepared(
    lab: Lab,
    name: str,
    destination: str,
    on_tap: Callable[[str, str], None] = lambda namespace, device: None,
    probe: str = "",
) -> Iterator[Prepared]:
    """An armed migration, a QEMU that waits for the guest's memory, and its taps, which are ports.
    When the block fails there is none of them, and the guest goes on where it was."""
    source = lab.guest(name)
    lab.host(destination)
    if source.host == destination:
        raise LabError(f"guest {name}: is on {destination} already")
    target = copy.copy(source)
    target.host, target.generation = destination, source.generation + 1
    migration_id = api.prepare_migration(lab, source.port_id, destination, probe)["meta"]["name"]
    moving = Prepared(source, target, migration_id)
    try:
        _start_target(lab, target, on_tap)
        yield moving
    except BaseException:
        take_back(lab, moving, "the guest's migration failed")
        raise


def take_back(lab: Lab, moving: Prepared, reason: str) -> None:
    """Ends a move that has not come to its end: there is no destination, and the guest goes on
    where it was."""
    undo(
        lambda: qemu.quit_guest(lab, moving.target),
        lambda: api.abort_migration(lab, moving.migration_id, reason),
        *ports.unplug_steps(lab, moving.target),
        lambda: hypervisor.resume(lab, moving.source),
    )


def _start_target(lab: Lab, target: GuestRecord, on_tap: Callable[[str, str], None]) -> None:
    ports.make_taps(lab, target)
    for nic in target.nics:
        on_tap(lab.netns(target.host), nic.tap)
    start_incoming(lab, target)
    ports.attach_guest(lab, target)


def start_incoming(lab: Lab, target: GuestRecord) -> None:
    """A QEMU that waits for the guest's memory; its taps are there."""
    namespace, uri = lab.netns(target.host), hypervisor.uri(lab, target.host)
    running = qemu.start(lab, target, namespace, ports.SEGMENT_MTU, incoming=uri)
    lab.processes[running.name] = running


def _copy_and_switch(lab: Lab, moving: Prepared, how: How) -> Times:
    uri = hypervisor.uri(lab, moving.target.host)
    with contextlib.ExitStack() as stack:
        copying = stack.enter_context(
            hypervisor.connected(lab, moving.source, moving.target, how)
        )
        if not how.holds:
            return hypervisor.run(copying, uri, how, lambda: None, lambda: None)
        switchover = api.PendingSwitchover(lab, moving.migration_id)
        stack.callback(switchover.close)
        # The ports have moved before the guest may run at the destination.
        return hypervisor.run(copying, uri, how, switchover.now, switchover.wait_moved)


def wait_done(lab: Lab, migration_id: str) -> api.Json:
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
