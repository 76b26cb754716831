"""QEMU guests on the hosts of stages: one fetches a file from the other over HTTP, and counts what
its card received. Tells how much of a stream comes in one piece: each is work for the guest. """

from __future__ import annotations

import dataclasses
import os
import pathlib

from labkit import inventory, ports, qemu
from labkit.bench.loads import RECEIVER_CPU, SENDER_CPU
from labkit.bench.stages import BRIDGE, FULL
from labkit.inventory import Lab
from labkit.rig import bridge

# What deploy/guest/init serves.
FILE_BYTES = 20 << 20
PATIENCE_S = 60


@dataclasses.dataclass(frozen=True)
class Pair:
    """Names of two guests, and the sender's address."""

    stage: str
    sender: str
    receiver: str
    address: str


def start(lab: Lab) -> list[Pair]:
    """A pair on the bridges, a pair that are our ports with a full profile; all ready."""
    pairs = [_start_pair(lab, stage) for stage in (BRIDGE, FULL)]
    lab = inventory.load(lab.prefix)
    for pair in pairs:
        for name, cpu in ((pair.sender, SENDER_CPU), (pair.receiver, RECEIVER_CPU)):
            qemu.wait_ready(lab, lab.guest(name), PATIENCE_S)
            _pin(lab.processes[f"qemu-{lab.guest(name).instance}"].pid, cpu)
    return pairs


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
    return Pair(stage, names[0], names[1], f"10.9.{subnet}.1")


def _pin(pid: int, cpu: int) -> None:
    """All its threads; those that it makes later, too."""
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cpu})


def measure(lab: Lab, pair: Pair, files: int) -> dict[str, float]:
    """Gigabits a second, and packets that the receiver's card had for a million bytes."""
    card = "/sys/class/net/eth0/statistics/rx_packets"
    seen = f"cat {card} /proc/uptime"
    fetch = f"wget -q -O /dev/null http://{pair.address}/big"
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
