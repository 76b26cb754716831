"""QEMU guests on the hosts of stages: one fetches a file over HTTP, and counts what its card
received. Tells how much of a stream comes in one piece: each is work for the guest.

It fetches from another such guest, and from a container, the stage's namespace: of super-packets
that a tap has given, the last segment has the tap's socket for owner. A network card lets go of it,
veth does not, and GRO puts nothing together that has several owners. (A bridge takes the owner
away.) So only a container's stream says what GRO behind a wire like a card's does. """

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from labkit import inventory, netns, ports, qemu
from labkit.bench.loads import RECEIVER_CPU, SENDER_CPU
from labkit.bench.stages import BRIDGE, FULL, Stage
from labkit.inventory import Lab
from labkit.rig import bridge

# What deploy/guest/init serves.
FILE, FILE_BYTES = "big", 20 << 20
PORT = 80
PATIENCE_S = 60
GUEST, CONTAINER = "guests", "container"


@dataclasses.dataclass(frozen=True)
class Pair:
    """Names of two guests, and the addresses of who sends: the one, or a container."""

    stage: str
    sender: str
    receiver: str
    addresses: dict[str, str]


@contextlib.contextmanager
def running(lab: Lab, built: dict[str, Stage]) -> Iterator[list[Pair]]:
    """A pair on the bridges, a pair that are our ports with a full profile; all ready. Guests end
    with the lab."""
    pairs = [_start_pair(lab, stage) for stage in (BRIDGE, FULL)]
    lab = inventory.load(lab.prefix)
    for pair in pairs:
        for name, cpu in ((pair.sender, SENDER_CPU), (pair.receiver, RECEIVER_CPU)):
            qemu.wait_ready(lab, lab.guest(name), PATIENCE_S)
            _pin(lab.processes[f"qemu-{lab.guest(name).instance}"].pid, cpu)
    with contextlib.ExitStack() as stack:
        for pair in pairs:
            stack.enter_context(_serving(built[pair.stage].sender, pair.addresses[CONTAINER]))
        yield pairs


@contextlib.contextmanager
def _serving(namespace: str, address: str) -> Iterator[None]:
    """What a guest serves, at one more address of a container."""
    netns.address(namespace, "eth0", f"{address}/24")
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / FILE).write_bytes(bytes(FILE_BYTES))
        serve = ["-m", "http.server", "--bind", address, "--directory", folder, str(PORT)]
        pinned = ["taskset", "-c", str(SENDER_CPU), sys.executable, *serve]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(netns.inside(namespace, pinned), stdout=quiet, stderr=quiet) as server:
            try:
                yield
            finally:
                server.terminate()


def _start_pair(lab: Lab, stage: str) -> Pair:
    subnet = {BRIDGE: 2, FULL: 3}[stage]
    names = []
    for number in (1, 2):
        name = f"{stage}-guest{number}"
        ip, mac = f"10.9.{subnet}.{number}", f"52:54:00:09:0{subnet}:0{number}"
        if stage == FULL:
            ports.start_guest(lab, name, f"h{number}", ip, mac, stage)
        else:
            bridge.start_guest(lab, name, f"b{number}", ip, mac)
        names.append(name)
    addresses = {GUEST: f"10.9.{subnet}.1", CONTAINER: f"10.9.{subnet}.3"}
    return Pair(stage, names[0], names[1], addresses)


def _pin(pid: int, cpu: int) -> None:
    """All its threads; those that it makes later, too."""
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cpu})


def measure(lab: Lab, pair: Pair, sender: str, files: int) -> dict[str, float]:
    """Gigabits a second, and packets that the receiver's card had for a million bytes."""
    card = "/sys/class/net/eth0/statistics/rx_packets"
    seen = f"cat {card} /proc/uptime"
    fetch = f"wget -q -O /dev/null http://{pair.addresses[sender]}/{FILE}"
    command = f"{seen}; for _ in $(seq {files}); do {fetch} || exit 1; done; {seen}"
    # The shell that an `exit` ends is not that of the console.
    said = qemu.shell(lab, lab.guest(pair.receiver), f"( {command} )", PATIENCE_S)
    # A console that has just begun to read may have echoed what it was told, too.
    lines = [line.split()[0] for line in said.splitlines()[-4:]]
    packets, up, packets_then, up_then = (float(word) for word in lines)
    count = files * FILE_BYTES
    return {
        "gbps": count * 8e-9 / max(up_then - up, 0.01),
        "packets_per_mb": (packets_then - packets) / (count * 1e-6),
    }
