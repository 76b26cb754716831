"""Network namespaces, veth pairs and taps. Every name is given by the caller; nothing is global.

Commands run in a namespace by nsenter, not by `ip netns exec`: that one mounts a /sys of its own,
in which the bpffs mounts of the agents cannot be seen. """

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Sequence

from labkit.shell import attempt, run

RUN_NETNS = pathlib.Path("/run/netns")


def inside(namespace: str, argv: Sequence[str]) -> list[str]:
    """argv that runs `argv` with the network of `namespace`."""
    return ["nsenter", f"--net={RUN_NETNS / namespace}", "--", *argv]


def add(namespace: str) -> None:
    run(["ip", "netns", "add", namespace])
    run(["ip", "-n", namespace, "link", "set", "lo", "up"])


def remove(namespace: str) -> None:
    """Ends what still runs in the namespace (it is ours alone), then removes it."""
    for pid in _pids(namespace):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    attempt(["ip", "netns", "del", namespace])


def _pids(namespace: str) -> list[int]:
    try:
        return [int(word) for word in run(["ip", "netns", "pids", namespace]).split()]
    except Exception:  # noqa: BLE001 - a namespace that is half made has no processes
        return []


def with_prefix(prefix: str) -> list[str]:
    """Names of the namespaces that begin with `prefix`."""
    return sorted(path.name for path in RUN_NETNS.glob(f"{prefix}*")) if RUN_NETNS.exists() else []


def sysctl(namespace: str, key: str, value: str) -> None:
    path = "/proc/sys/" + key.replace(".", "/")
    run(inside(namespace, ["tee", path]), stdin=value)


def veth(left: tuple[str, str], right: tuple[str, str], mtu: int) -> None:
    """A veth pair between two (namespace, device), both up."""
    run(
        ["ip", "link", "add", left[1], "netns", left[0], "mtu", str(mtu), "type", "veth"]
        + ["peer", "name", right[1], "netns", right[0], "mtu", str(mtu)]
    )
    for namespace, device in (left, right):
        run(["ip", "-n", namespace, "link", "set", device, "up"])


def address(namespace: str, device: str, with_length: str, *flags: str) -> None:
    run(["ip", "-n", namespace, "addr", "add", with_length, "dev", device, *flags])


def tap(namespace: str, device: str, mtu: int) -> None:
    """A persistent tap with vnet_hdr, up; a QEMU of this namespace opens it by name."""
    run(["ip", "-n", namespace, "tuntap", "add", "dev", device, "mode", "tap", "vnet_hdr"])
    run(["ip", "-n", namespace, "link", "set", device, "mtu", str(mtu), "up"])


def taps(namespace: str, devices: Sequence[str]) -> None:
    """Many at once, up."""
    lines = [f"tuntap add dev {device} mode tap\nlink set {device} up\n" for device in devices]
    run(["ip", "-n", namespace, "-batch", "-"], stdin="".join(lines))


def remove_link(namespace: str, device: str) -> None:
    attempt(["ip", "-n", namespace, "link", "del", device])


def set_mac(namespace: str, device: str, mac: str) -> None:
    run(["ip", "-n", namespace, "link", "set", device, "address", mac])
