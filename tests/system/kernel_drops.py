"""What the kernel drops of a test's own network namespaces, by reason: the tracepoint
skb:kfree_skb, counted by kernel_drops.bpf.c, as events of the whole machine would be of no use
beside other tests."""

from __future__ import annotations

import bisect
import collections
import contextlib
import ctypes
import os
import pathlib
import platform
import re
import struct
from collections.abc import Iterator, Sequence

import path_counters
from labkit import netns
from labkit.shell import LabError, run

BTF = "/sys/kernel/btf/vmlinux"
SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_OBJ_GET, BPF_RAW_TRACEPOINT_OPEN = 7, 17
# By network namespace, reason and function.
Drops = collections.Counter[tuple[str, str, str]]


def _bpf(command: int, attributes: bytes) -> int:
    """The system call; returns a file descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(attributes.ljust(128, b"\0"))
    fd = libc.syscall(SYS_BPF[platform.machine()], command, held, 128)
    if fd < 0:
        raise LabError(f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return fd


def _attach(pin: pathlib.Path, tracepoint: str) -> int:
    path, name = (ctypes.create_string_buffer(word.encode()) for word in (str(pin), tracepoint))
    program = _bpf(BPF_OBJ_GET, struct.pack("=Q", ctypes.addressof(path)))
    try:
        return _bpf(BPF_RAW_TRACEPOINT_OPEN, struct.pack("=QI", ctypes.addressof(name), program))
    finally:
        os.close(program)


def _reasons() -> dict[int, str]:
    """What this kernel calls them."""
    lines = iter(run(["bpftool", "btf", "dump", "file", BTF, "format", "raw"]).splitlines())
    found: dict[int, str] = {}
    for line in lines:
        if " ENUM 'skb_drop_reason' " in line:
            break
    for line in lines:
        value = re.match(r"\s+'(?:SKB_DROP_REASON_)?(\w+)' val=(\d+)", line)
        if not value:
            break
        found[int(value[2])] = value[1]
    return found


def _functions() -> list[tuple[int, str]]:
    words = (line.split() for line in pathlib.Path("/proc/kallsyms").read_text().splitlines())
    return sorted((int(word[0], 16), word[2]) for word in words if word[1] in "tT")


class KernelDrops:
    """Counts from its creation on."""

    def __init__(self, map_pin: pathlib.Path, namespaces: Sequence[str]) -> None:
        self._map = map_pin
        self._names = {(netns.RUN_NETNS / name).stat().st_ino: name for name in namespaces}
        self._reasons = _reasons()
        self._functions = _functions()

    def read(self) -> Drops:
        found: Drops = collections.Counter()
        for row in path_counters.dump(self._map):
            key = row["key"]
            if key["netns"] in self._names:
                reason = self._reasons.get(key["reason"], str(key["reason"]))
                where = self._function(key["location"])
                found[self._names[key["netns"]], reason, where] += row["value"]
        return found

    def _function(self, address: int) -> str:
        at = bisect.bisect_right(self._functions, (address, "\xff")) - 1
        return self._functions[at][1] if at >= 0 else hex(address)


@contextlib.contextmanager
def counted(program: str, folder: pathlib.Path, namespaces: Sequence[str]) -> Iterator[KernelDrops]:
    """program: kernel_drops.bpf.o. folder: in a bpffs, to be made."""
    run(["bpftool", "prog", "loadall", program, str(folder), "pinmaps", str(folder)])
    link = _attach(folder / "count_drop", "kfree_skb")
    try:
        yield KernelDrops(folder / "drops", namespaces)
    finally:
        os.close(link)
        # Of a lab that is down already they are gone.
        for pin in list(folder.glob("*")):
            pin.unlink()
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()
