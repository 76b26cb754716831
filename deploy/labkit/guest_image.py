"""Builds what a lab guest boots: Debian's cloud kernel, and an initramfs of busybox and one script.

The kernel package is downloaded and unpacked into build/guest/, never installed.
"""

from __future__ import annotations

import dataclasses
import fcntl
import gzip
import io
import lzma
import os
import pathlib
import re
import stat
import tempfile

from labkit.shell import DEPLOY, ROOT, LabError, run

CACHE = ROOT / "build" / "guest"
BUSYBOX = pathlib.Path("/bin/busybox")
# What a virtio network card on PCI needs; the kernel has all else built in.
WANTED_MODULES = ("virtio_pci", "virtio_net")


@dataclasses.dataclass(frozen=True)
class GuestImage:
    """Paths of the two files QEMU loads."""

    kernel: pathlib.Path
    initramfs: pathlib.Path


def build() -> GuestImage:
    """Returns the image, building what is missing or older than its sources. Needs the network
    once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tree = _kernel_tree()
        image = GuestImage(next((tree / "boot").glob("vmlinuz-*")), CACHE / "initramfs.gz")
        sources = [
            DEPLOY / "guest" / "init",
            DEPLOY / "guest" / "stream.cgi",
            pathlib.Path(__file__),
        ]
        newest = max(path.stat().st_mtime for path in (*sources, BUSYBOX, image.kernel))
        if not image.initramfs.exists() or image.initramfs.stat().st_mtime < newest:
            _write_initramfs(tree, image.initramfs)
        return image


def _kernel_tree() -> pathlib.Path:
    """The unpacked kernel package; downloads it when none is there."""
    tree = CACHE / "kernel"
    if tree.exists():
        return tree
    depends = run(["apt-cache", "depends", "linux-image-cloud-amd64"])
    found = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", depends)
    if not found:
        raise LabError(
            "apt-cache knows no linux-image-cloud-amd64: run deploy/deps (apt-get update)"
        )
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        # apt-get writes to the current folder; env(1) changes it for this one command.
        run(["env", "-C", temporary, "apt-get", "download", "-q", found[1]], timeout=300)
        package = next(pathlib.Path(temporary).glob("*.deb"))
        unpacked = pathlib.Path(temporary) / "tree"
        run(["dpkg", "-x", str(package), str(unpacked)], timeout=120)
        unpacked.rename(tree)
    return tree


def _load_order(modules: pathlib.Path) -> list[pathlib.Path]:
    """Module files in the order to insert them: what a module depends on comes before it."""
    files: dict[str, pathlib.Path] = {}
    for path in modules.rglob("*.ko*"):
        files[path.name.split(".ko")[0].replace("-", "_")] = path
    order: list[pathlib.Path] = []

    def add(name: str) -> None:
        path = files.get(name)
        if path is None:
            raise LabError(f"kernel package has no module {name}: {modules}")
        for needed in _depends(path):
            add(needed)
        if path not in order:
            order.append(path)

    for name in WANTED_MODULES:
        add(name)
    return order


def _module_bytes(path: pathlib.Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def _depends(path: pathlib.Path) -> list[str]:
    """Names in the module's `depends=` line, as depmod would read them from .modinfo."""
    found = re.search(rb"\0depends=([^\0]*)\0", _module_bytes(path))
    names = found[1].decode("ascii") if found else ""
    return [name.replace("-", "_") for name in names.split(",") if name]


class _CpioWriter:
    """A `newc` cpio archive (kernel's Documentation/driver-api/early-userspace/buffer-format.rst).

    Written here because device nodes can then be in it without being made on this machine.
    """

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._inode = 0

    def add(
        self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
    ) -> None:
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._pad(header + name.encode() + b"\0")
        self._pad(data)

    def finish(self) -> bytes:
        self.add("TRAILER!!!", 0)
        return self._out.getvalue()

    def _pad(self, data: bytes) -> None:
        self._out.write(data + b"\0" * (-len(data) % 4))


def _write_initramfs(tree: pathlib.Path, target: pathlib.Path) -> None:
    archive = _CpioWriter()
    for folder in ("bin", "dev", "modules", "proc", "sys", "tmp"):
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, BUSYBOX.read_bytes())
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    archive.add("init", stat.S_IFREG | 0o755, (DEPLOY / "guest" / "init").read_bytes())
    archive.add("stream.cgi", stat.S_IFREG | 0o755, (DEPLOY / "guest" / "stream.cgi").read_bytes())
    order = _load_order(tree / "lib" / "modules")
    names = [path.name.split(".ko")[0] + ".ko" for path in order]
    for name, path in zip(names, order, strict=True):
        archive.add(f"modules/{name}", stat.S_IFREG | 0o644, _module_bytes(path))
    archive.add("modules/order", stat.S_IFREG | 0o644, "".join(n + "\n" for n in names).encode())
    partial = target.with_suffix(".partial")
    partial.write_bytes(gzip.compress(archive.finish(), compresslevel=6))
    os.replace(partial, target)
