"""Builds what a lab guest boots: Debian's cloud kernel, and an initramfs of busybox, one script and
the program `numbered`, which hosts run, too.

What this machine has not is downloaded and unpacked into build/guest/, never installed.
"""

from __future__ import annotations

import dataclasses
import functools
import lzma
import pathlib
import re
from collections.abc import Sequence

from labkit import debian
from labkit.cpio import CpioWriter
from labkit.shell import DEPLOY, ROOT, LabError, attempt, run

CACHE = ROOT / "build" / "guest"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
# What a virtio network card on PCI needs, and VLANs on it; the kernel has all else built in.
WANTED_MODULES = ("virtio_pci", "virtio_net", "8021q")


@dataclasses.dataclass(frozen=True)
class GuestImage:
    """Paths of the two files QEMU loads."""

    kernel: pathlib.Path
    initramfs: pathlib.Path


def numbered() -> pathlib.Path:
    """The program deploy/guest/numbered.c, linked statically; compiled when it is out of date."""
    with debian.locked(CACHE):
        return _numbered()


def build() -> GuestImage:
    """Returns the image, building what is missing or older than its sources. Needs the network
    once."""
    with debian.locked(CACHE):
        image = GuestImage(_kernel(), CACHE / "initramfs.gz")
        sources = [
            DEPLOY / "guest" / "init",
            DEPLOY / "guest" / "stream.cgi",
            _numbered(),
            DEPLOY / "labkit" / "cpio.py",
            pathlib.Path(__file__),
        ]
        newest = max(path.stat().st_mtime for path in (*sources, _busybox(), image.kernel))
        if not image.initramfs.exists() or image.initramfs.stat().st_mtime < newest:
            _write_initramfs(image.initramfs)
        return image


def main(arguments: list[str]) -> int:
    """deploy/guest/build."""
    if arguments:
        print("usage: deploy/guest/build\n\n" + __doc__)
        return 0 if arguments[0] in ("-h", "--help") else 2
    image = build()
    print(image.kernel)
    print(image.initramfs)
    return 0


@functools.cache
def _kernel() -> pathlib.Path:
    """Its package's; without a mirror, Debian 12's if that is installed on this machine."""
    tree = CACHE / "kernel"
    if not tree.exists():
        try:
            debian.unpack("guest", _cloud_kernel, tree)
        except LabError:
            installed = sorted(pathlib.Path("/boot").glob("vmlinuz-6.1.*"))
            if not installed or not _modules(installed[-1]).exists():
                raise
            return installed[-1]
    return next((tree / "boot").glob("vmlinuz-*"))


def _modules(kernel: pathlib.Path) -> pathlib.Path:
    version = kernel.name.removeprefix("vmlinuz-")
    return kernel.parent.parent / "lib" / "modules" / version


@functools.cache
def _busybox() -> pathlib.Path:
    """One that is linked statically: this machine's, or its package's."""
    own = pathlib.Path("/bin/busybox")
    # Of a static program ldd knows nothing.
    if own.exists() and not attempt(["ldd", str(own)]):
        return own
    tree = CACHE / "busybox"
    if not tree.exists():
        debian.unpack("guest", lambda: ["busybox-static"], tree)
    return tree / "bin" / "busybox"


def _numbered() -> pathlib.Path:
    source, program = DEPLOY / "guest" / "numbered.c", CACHE / "numbered"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        partial = program.with_suffix(".partial")
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static"]
        run(["gcc", *flags, "-o", str(partial), str(source)])
        partial.replace(program)
    return program


def _cloud_kernel() -> list[str]:
    """KERNEL_PACKAGE is empty and depends on the kernel of the day: that one."""
    depends = run(["apt-cache", "depends", KERNEL_PACKAGE])
    found = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", depends)
    if not found:
        raise LabError(f"apt-cache knows no {KERNEL_PACKAGE}")
    return [found[1]]


def _load_order(modules: pathlib.Path, wanted: Sequence[str]) -> list[pathlib.Path]:
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

    for name in wanted:
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


def add_system(archive: CpioWriter, init: pathlib.Path, modules: Sequence[str]) -> None:
    """Adds busybox, the script `init` to start with, and the kernel modules named with all they
    need: /modules/order lists them as they have to be inserted."""
    for folder in ("bin", "dev", "modules", "proc", "sys", "tmp"):
        archive.folder(folder)
    archive.character_device("dev/console", 5, 1)
    archive.file("bin/busybox", _busybox().read_bytes(), executable=True)
    archive.link("bin/sh", "busybox")
    archive.file("init", init.read_bytes(), executable=True)
    order = _load_order(_modules(_kernel()), modules)
    names = [path.name.split(".ko")[0] + ".ko" for path in order]
    for name, path in zip(names, order, strict=True):
        archive.file(f"modules/{name}", _module_bytes(path))
    archive.file("modules/order", "".join(n + "\n" for n in names).encode())


def _write_initramfs(target: pathlib.Path) -> None:
    archive = CpioWriter()
    add_system(archive, DEPLOY / "guest" / "init", WANTED_MODULES)
    archive.file("stream.cgi", (DEPLOY / "guest" / "stream.cgi").read_bytes(), executable=True)
    archive.file("bin/numbered", _numbered().read_bytes(), executable=True)
    archive.write(target)
