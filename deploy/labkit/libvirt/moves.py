"""Live migrations by libvirt, and what is to be seen of them. Of Outrider it only asks."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
from collections.abc import Iterator
from typing import Any

from labkit import api, process
from labkit.inventory import Lab
from labkit.libvirt import daemon
from labkit.libvirt.domain import Domain
from labkit.probes.runner import RunningProbe
from labkit.shell import LabError

DONE = ("committed", "aborted")
# What libvirt calls the taps it makes.
TAPS = "vnet*"


@dataclasses.dataclass
class Move:
    """A migration that has ended. Times are microseconds of the machine's clock."""

    source: str
    destination: str
    # Of the controller.
    record: api.Json
    # The first frame the guest sent on a tap of the destination.
    first_frame: dict[str, Any]
    downtime_ms: int

    def first(self, kind: str) -> api.Json:
        """The first event of that kind; empty when there is none."""
        return next((e for e in self.record.get("timeline", []) if e["kind"] == kind), {})

    def first_us(self, kind: str) -> int:
        """When the first event of that kind was; 0 when there is none."""
        times = [int(e["time_us"]) for e in self.record.get("timeline", []) if e["kind"] == kind]
        return min(times, default=0)


def migration_words(lab: Lab, name: str, destination: str, *flags: str) -> list[str]:
    """Arguments of virsh that move a domain, and its definition with it."""
    uri = f"qemu+tcp://{lab.host(destination).name}/system"
    return ["migrate", "--live", "--persistent", "--undefinesource", *flags, name, uri]


def move(lab: Lab, domain: Domain, source: str, destination: str, *flags: str) -> Move:
    """Moves a domain and returns when the controller has closed the books on it."""
    before = names(lab, domain)
    watch = RunningProbe.start(
        *(lab, lab.netns(destination), "sniff", f"taps-{domain.name}"),
        device=TAPS,
        guest=domain.ip,
    )
    try:
        daemon.virsh(lab, source, *migration_words(lab, domain.name, destination, *flags))
        record = wait_done(lab, domain, before)
    finally:
        seen = watch.finish()
    # libvirt's books of a job are of the destination once it is over.
    books = daemon.virsh(lab, destination, "domjobinfo", "--completed", "--rawstats", domain.name)
    stats = dict(line.split(": ", 1) for line in books.splitlines() if ": " in line)
    first = seen["first_from_guest"] or {}
    return Move(source, destination, record, first, int(stats.get("downtime", 0)))


@contextlib.contextmanager
def slow_move(
    lab: Lab, domain: Domain, source: str, destination: str, *flags: str
) -> Iterator[subprocess.Popen[str]]:
    """A migration that copies memory for long, to be interfered with; virsh's process."""
    daemon.virsh(lab, source, "migrate-setspeed", domain.name, "1")
    argv = ["virsh", "--quiet", *migration_words(lab, domain.name, destination, *flags)]
    running = subprocess.Popen(
        daemon.inside(lab, source, argv),
        env=daemon.environment(lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield running
    finally:
        with contextlib.suppress(LabError):  # over already
            daemon.virsh(lab, source, "domjobabort", domain.name)
        running.communicate(timeout=30)
        with contextlib.suppress(LabError):  # it is where it was, unless the move was not slow
            daemon.virsh(lab, source, "migrate-setspeed", domain.name, str(1 << 20))


def names(lab: Lab, domain: Domain) -> set[str]:
    """Of the migrations of the domain's port that the controller knows."""
    found = api.query(lab, "migration", "list")["items"]
    return {m["meta"]["name"] for m in found if domain.port_id in m["port_ids"]}


def wait_new(lab: Lab, domain: Domain, before: set[str], phases: tuple[str, ...]) -> api.Json:
    """The one migration of the domain's port that was not there before, once it is in one of these
    phases."""
    record: api.Json = {}

    def found() -> bool:
        nonlocal record
        new = names(lab, domain) - before
        if len(new) > 1:
            raise LabError(f"domain {domain.name}: one move, and migrations {sorted(new)}")
        record = api.migration(lab, new.pop()) if new else {}
        return api.phase(record) in phases

    if not process.wait_until(found, 30, 0.05):
        raise LabError(f"domain {domain.name}: no migration is {' or '.join(phases)}: {record}")
    return record


def wait_event(lab: Lab, name: str, kind: str) -> api.Json:
    """The first event of that kind in a migration's timeline, once it is there."""
    found: list[api.Json] = []

    def there() -> bool:
        timeline = api.migration(lab, name).get("timeline", [])
        found[:] = [event for event in timeline if event["kind"] == kind]
        return bool(found)

    if not process.wait_until(there, 30, 0.02):
        raise LabError(f"migration {name}: nothing was {kind}: {api.migration(lab, name)}")
    return found[0]


def wait_done(lab: Lab, domain: Domain, before: set[str]) -> api.Json:
    return wait_new(lab, domain, before, DONE)
