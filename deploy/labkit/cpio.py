"""Writes initramfs archives: `newc` cpio, compressed (kernel's
Documentation/driver-api/early-userspace/buffer-format.rst).

Written here because device nodes can then be in one without being made on this machine.
"""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import stat


class CpioWriter:
    """Files in the order they are added; a folder comes before what is in it."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._inode = 0

    def folder(self, name: str) -> None:
        self._add(name, stat.S_IFDIR | 0o755)

    def file(self, name: str, data: bytes, executable: bool = False) -> None:
        self._add(name, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def link(self, name: str, target: str) -> None:
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name: str, major: int, minor: int) -> None:
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def write(self, target: pathlib.Path) -> None:
        """Ends the archive and puts it in place of `target` at once."""
        self._add("TRAILER!!!", 0)
        partial = target.with_suffix(".partial")
        partial.write_bytes(gzip.compress(self._out.getvalue(), compresslevel=6))
        os.replace(partial, target)

    def _add(
        self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
    ) -> None:
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._pad(header + name.encode() + b"\0")
        self._pad(data)

    def _pad(self, data: bytes) -> None:
        self._out.write(data + b"\0" * (-len(data) % 4))
