"""Which way frames took in a host's datapath, and what it dropped: read from its pinned maps and
its tunnel device, past the agent."""

from __future__ import annotations

import collections
import json
import pathlib

import support  # noqa: F401 - finds labkit
from labkit import netns
from labkit.inventory import Lab
from labkit.shell import run

# enum or_detour: why a frame went by the tunnel device.
DETOURS = ("no_path", "stale", "not_ip", "tagged", "refused", "checksum")
SENT, RECEIVED = TUNNEL = ("tunnel device: sent", "tunnel device: received")
Counts = collections.Counter[str]


def dump(pin: pathlib.Path) -> list[dict]:
    """Rows of a map that is described by BTF."""
    rows = json.loads(run(["bpftool", "-j", "map", "dump", "pinned", str(pin)]))
    return [row["formatted"] for row in rows]


def detour(why: str) -> str:
    return f"detour: {why}"


def tunnel(lab: Lab, host: str) -> Counts:
    """Packets of the tunnel device."""
    words = ["ip", "-j", "-s", "link", "show", "type", "vxlan"]
    (device,) = json.loads(run(netns.inside(lab.netns(host), words)))
    sent, received = (device["stats64"][way]["packets"] for way in ("tx", "rx"))
    return collections.Counter({SENT: sent, RECEIVED: received})


def read(lab: Lab, host: str) -> Counts:
    (maps,) = (lab.host_folder(host) / "bpf" / "outrider").glob("v*/maps")
    found: Counts = collections.Counter()
    for row in dump(maps / "or_detours"):
        found[detour(DETOURS[row["key"]])] += sum(cpu["value"] for cpu in row["values"])
    for row in dump(maps / "or_drops"):
        name = f"drop: port {row['key']['port']}, reason {row['key']['reason']} of or_drop.h"
        found[name] += sum(cpu["value"]["packets"] for cpu in row["values"])
    return found + tunnel(lab, host)
