"""A lab as a whole: up, status, down."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence

from labkit import builder, fabric, interrupts, inventory, netns, physical, services
from labkit.inventory import Lab
from labkit.libvirt import daemon, packages
from labkit.shell import LabError, attempt, check_root

BINARIES = ("outrider-controller", "outrider-agent", "outrider")
LIBVIRT_BINARIES = ("ovs/ovs-vsctl",)
# These end first: an agent that goes while its guests run would be a different lab from a real
# stop.
GUESTS = ("qemu", "machine")


def default_prefix() -> str:
    return f"or{os.getpid()}"


def default_build() -> str:
    return os.environ.get("OUTRIDER_BUILD", str(builder.RELEASE))


def up(
    prefix: str,
    hosts: int,
    build: str,
    underlay: str = "ipv4",
    provider: bool = False,
    libvirt: bool = False,
    wired: bool = False,
) -> Lab:
    """Makes the fabric and starts all daemons. On failure everything made so far is removed."""
    _check(prefix, hosts, build, BINARIES + (LIBVIRT_BINARIES if libvirt else ()))
    if libvirt:
        packages.tree()  # what may take long or fail comes before anything is made
    records = fabric.host_records(hosts, underlay, wired)
    folder = str(pathlib.Path(build).resolve())
    features = {"provider": provider, "libvirt": libvirt, "wired": wired}
    lab = Lab(prefix, folder, records, underlay=underlay, **features)
    inventory.create(lab)
    try:
        fabric.build(lab)
        if provider:
            physical.build(lab)
        services.start_controller(lab)
        for host in lab.hosts:
            services.start_agent(lab, host)
        services.wait_connected(lab)
        if libvirt:
            for host in lab.hosts:
                daemon.start(lab, host)
    except BaseException:
        down(prefix)
        raise
    return inventory.load(prefix)


@contextlib.contextmanager
def temporary(
    prefix: str, hosts: int, build: str, keep: bool = False, wired: bool = False
) -> Iterator[Lab]:
    """A lab that is up for the time of a block; with `keep`, also after it."""
    lab = up(prefix, hosts, build, wired=wired)
    try:
        yield lab
    finally:
        if not keep:
            down(prefix)


def _check(prefix: str, hosts: int, build: str, binaries: Sequence[str]) -> None:
    check_root("the lab")
    inventory.check_prefix(prefix)
    if not 1 <= hosts <= fabric.MAX_HOSTS:
        raise LabError(f"--hosts {hosts}: 1 to {fabric.MAX_HOSTS} are possible")
    for name in binaries:
        if not (pathlib.Path(build) / "bin" / name).exists():
            raise LabError(f"{build}/bin/{name}: not there; `cmake --build {build}` makes it")


def down(prefix: str) -> None:
    """Removes everything of a lab: processes, namespaces, mounts, files. Any part may be missing.
    Ctrl-C waits until that is done. Main thread only."""
    inventory.check_prefix(prefix)
    with interrupts.held():
        _remove(prefix)


def _remove(prefix: str) -> None:
    folder = inventory.RUN / prefix
    try:
        recorded = inventory.load(prefix).processes
    except LabError:
        recorded = {}
    for process in sorted(recorded.values(), key=lambda p: not p.name.startswith(GUESTS)):
        process.stop(patience=3)
    for namespace in netns.with_prefix(f"{prefix}-"):
        netns.remove(namespace)
    for mount in _mounts_below(folder):
        attempt(["umount", mount])
    shutil.rmtree(folder, ignore_errors=True)


def _mounts_below(folder: pathlib.Path) -> list[str]:
    lines = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4] for line in lines]
    return sorted((p for p in points if p.startswith(f"{folder}/")), reverse=True)


def describe(lab: Lab) -> dict:
    """What runs where, for people and programs."""
    return {
        "prefix": lab.prefix,
        "folder": str(lab.folder),
        "hosts": {
            h.name: {"vtep": h.vtep, "agent": _alive(lab, services.agent_name(h.name))}
            | _libvirt_of(lab, h.name)
            for h in lab.hosts.values()
        },
        "controller": _alive(lab, services.CONTROLLER),
        "guests": {
            g.name: {
                "host": g.host,
                "ip": g.ip,
                "mac": g.mac,
                "profile": g.profile,
                "port": g.port_id,
                "qemu": _alive(lab, f"qemu-{g.instance}"),
            }
            for g in lab.guests.values()
        },
        "ports": {
            p.name: {
                "host": p.host,
                "ip": p.ip,
                "mac": p.mac,
                "profile": p.profile,
                "port": p.port_id,
            }
            for p in lab.lights.values()
        },
    }


def _libvirt_of(lab: Lab, host: str) -> dict:
    """A host's libvirtd, and its domains as it lists them itself."""
    if not lab.libvirt:
        return {}
    described: dict = {"libvirtd": _alive(lab, daemon.daemon_name(host))}
    with contextlib.suppress(LabError):
        described["domains"] = daemon.virsh(lab, host, "list", "--name").split()
    return described


def _alive(lab: Lab, name: str) -> str:
    process = lab.processes.get(name)
    return f"pid {process.pid}" if process and process.alive() else "not running"
