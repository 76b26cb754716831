"""What a lab consists of, in one JSON file, so that every shell can work with it and `down` finds
all.

Only this module reads and writes the file. A change is made under a lock and replaces the file
whole. """

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator

from labkit.process import Process
from labkit.shell import LabError

RUN = pathlib.Path("/run/outrider-lab")


@dataclasses.dataclass
class HostRecord:
    """A host: a network namespace with an agent."""

    name: str
    # Tunnel addresses, as outrider-agent's --vtep takes them.
    vtep: str
    gateway: str
    # IPv4, for everything but tunnels.
    address: str


@dataclasses.dataclass
class NicRecord:
    """A network card of a guest, and its port."""

    ip: str
    mac: str
    profile: str
    port_id: str


@dataclasses.dataclass(frozen=True)
class Nic:
    """The same with the device that it has where the guest is now."""

    tap: str
    ip: str
    mac: str
    profile: str
    port_id: str


@dataclasses.dataclass
class GuestRecord:
    """A QEMU guest and the ports it uses. What is said of `the` port is of that of its first
    card."""

    name: str
    host: str
    ip: str
    mac: str
    profile: str
    port_id: str
    role: str
    # Of all ports of the lab: devices are named by it, guests' names may be too long for that.
    number: int = 0
    # Grows with each move: device and socket names of source and destination must differ.
    generation: int = 0
    # Cards after the first one.
    more: list[NicRecord] = dataclasses.field(default_factory=list)

    @property
    def instance(self) -> str:
        return f"{self.name}.{self.generation}"

    @property
    def tap(self) -> str:
        return f"tap{self.number}-{self.generation}"

    @property
    def nics(self) -> list[Nic]:
        """All its cards, in the guest's order."""
        found = [Nic(self.tap, self.ip, self.mac, self.profile, self.port_id)]
        for place, nic in enumerate(self.more, start=1):
            tap = f"tap{self.number}.{place}-{self.generation}"
            found.append(Nic(tap, nic.ip, nic.mac, nic.profile, nic.port_id))
        return found


@dataclasses.dataclass
class LightRecord:
    """A light port: a namespace behind a veth, in place of a guest."""

    name: str
    host: str
    ip: str
    mac: str
    profile: str
    port_id: str
    number: int = 0

    @property
    def device(self) -> str:
        """The host's end of the veth."""
        return f"vm{self.number}"


@dataclasses.dataclass
class Lab:
    """All of one lab. `prefix` begins every namespace name."""

    prefix: str
    build: str
    hosts: dict[str, HostRecord] = dataclasses.field(default_factory=dict)
    guests: dict[str, GuestRecord] = dataclasses.field(default_factory=dict)
    lights: dict[str, LightRecord] = dataclasses.field(default_factory=dict)
    processes: dict[str, Process] = dataclasses.field(default_factory=dict)
    ports_made: int = 0
    # Key of fabric.MTU.
    underlay: str = "ipv4"
    # With a physical network (physical.py).
    provider: bool = False
    # Two hosts, with a link between them for tunnels.
    wired: bool = False
    # With a libvirtd on every host (labkit/libvirt).
    libvirt: bool = False

    @property
    def folder(self) -> pathlib.Path:
        return RUN / self.prefix

    @property
    def controller_socket(self) -> pathlib.Path:
        return self.folder / "controller.sock"

    def binary(self, name: str) -> str:
        return str(pathlib.Path(self.build) / "bin" / name)

    def host(self, name: str) -> HostRecord:
        return _named(self.hosts, "host", name)

    def guest(self, name: str) -> GuestRecord:
        return _named(self.guests, "guest", name)

    def light(self, name: str) -> LightRecord:
        return _named(self.lights, "light port", name)

    def host_folder(self, host: str) -> pathlib.Path:
        return self.folder / host

    def agent_socket(self, host: str) -> pathlib.Path:
        return self.host_folder(host) / "agent.sock"

    def ovs_rundir(self, host: str) -> pathlib.Path:
        """Where Open vSwitch's clients find the agent of `host`: db.sock and the others."""
        return self.host_folder(host) / "ovs"

    def netns(self, name: str) -> str:
        """Namespace of a host, of the router (`router`), the controller (`ctl`) or a light port."""
        return f"{self.prefix}-{name}"

    def log(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.log"


def _named(records: dict, kind: str, name: str):
    if name not in records:
        raise LabError(f"{kind} {name}: not in this lab; there are: {', '.join(records) or 'none'}")
    return records[name]


def names() -> list[str]:
    """Prefixes of the labs on this machine."""
    return sorted(path.parent.name for path in RUN.glob("*/lab.json"))


def check_prefix(prefix: str) -> None:
    """It becomes part of paths that are removed: nothing but letters and digits."""
    if not (prefix.isascii() and prefix.isalnum() and len(prefix) <= 16):
        raise LabError(f"--prefix {prefix}: 1 to 16 letters and digits, please")


def choose(prefix: str | None) -> str:
    """The lab meant when none, or one, is named."""
    present = names()
    if prefix is not None:
        check_prefix(prefix)
        return prefix
    if len(present) == 1:
        return present[0]
    if not present:
        raise LabError("no lab is up: start one with `deploy/lab up --hosts 3`")
    raise LabError(f"several labs are up ({', '.join(present)}): say which with --prefix")


def create(lab: Lab) -> None:
    """Makes the lab's folder and first record. LabError when the prefix is in use."""
    RUN.mkdir(mode=0o755, exist_ok=True)
    try:
        lab.folder.mkdir(mode=0o700)
    except FileExistsError as error:
        raise LabError(
            f"lab {lab.prefix}: exists; `deploy/lab down --prefix {lab.prefix}`"
        ) from error
    _write(lab)


def load(prefix: str) -> Lab:
    try:
        data = json.loads((RUN / prefix / "lab.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LabError(f"lab {prefix}: not up") from error
    return Lab(
        prefix=data["prefix"],
        build=data["build"],
        hosts={k: HostRecord(**v) for k, v in data["hosts"].items()},
        guests={k: _guest(v) for k, v in data["guests"].items()},
        lights={k: LightRecord(**v) for k, v in data["lights"].items()},
        processes={k: Process(**v) for k, v in data["processes"].items()},
        ports_made=data.get("ports_made", 0),
        underlay=data["underlay"],
        provider=data.get("provider", False),
        wired=data.get("wired", False),
        libvirt=data.get("libvirt", False),
    )


def _guest(fields: dict) -> GuestRecord:
    return GuestRecord(**fields | {"more": [NicRecord(**nic) for nic in fields["more"]]})


@contextlib.contextmanager
def edit(prefix: str) -> Iterator[Lab]:
    """The lab as it is now, to be changed; written back at the end of the block."""
    with open(RUN / prefix / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lab = load(prefix)
        yield lab
        _write(lab)


def add_port(prefix: str, record: GuestRecord | LightRecord) -> None:
    """Records a new guest or light port and gives it its number. LabError when the name is
    taken."""
    with edit(prefix) as lab:
        if record.name in lab.lights or record.name in lab.guests:
            raise LabError(f"port {record.name}: exists in this lab; choose another name")
        lab.ports_made += 1
        record.number = lab.ports_made
        kind = lab.guests if isinstance(record, GuestRecord) else lab.lights
        kind[record.name] = record


def forget_port(prefix: str, name: str) -> None:
    with edit(prefix) as lab:
        lab.guests.pop(name, None)
        lab.lights.pop(name, None)


def remember(prefix: str, process: Process) -> Process:
    """Records a process, so that `down` ends it whatever happens."""
    with edit(prefix) as lab:
        lab.processes[process.name] = process
    return process


def _write(lab: Lab) -> None:
    partial = lab.folder / "lab.json.partial"
    partial.write_text(json.dumps(dataclasses.asdict(lab), indent=1), encoding="utf-8")
    os.replace(partial, lab.folder / "lab.json")
