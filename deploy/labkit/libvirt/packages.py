"""Debian's libvirt, unpacked into build/libvirt/. Never installed: no daemon of it ever starts on
this machine but those of a lab."""

from __future__ import annotations

import functools
import pathlib
import shutil

from labkit import debian
from labkit.shell import ROOT

CACHE = ROOT / "build" / "libvirt"
PACKAGES = ("libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients")
# What a host of the lab has of its own; machine.py mounts something there.
OWN = ("etc/libvirt", "var/lib/libvirt", "var/cache/libvirt", "var/log/libvirt")
# A domain needs none of these, and each of them would look for daemons or devices of the machine.
NEEDLESS_DRIVERS = ("interface", "network", "nodedev", "nwfilter", "secret", "storage")


def tree() -> pathlib.Path:
    """The folder whose usr/, etc/ and var/ a host of the lab sees over this machine's. Needs the
    network once."""
    ready = CACHE / "tree"
    with debian.locked(CACHE):
        if not ready.exists():
            unpacked = CACHE / "unpacked"
            shutil.rmtree(unpacked, ignore_errors=True)
            wanted = functools.partial(debian.with_dependencies, PACKAGES)
            debian.unpack("libvirt", wanted, unpacked)
            _arrange(unpacked)
            unpacked.rename(ready)
    return ready


def _arrange(unpacked: pathlib.Path) -> None:
    # A package may still say /lib, which is /usr/lib on every Debian 12.
    for old in ("lib", "bin", "sbin"):
        if (unpacked / old).is_dir():
            merged = unpacked / "usr" / old
            shutil.copytree(unpacked / old, merged, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(unpacked / old)
    # Mount points: this machine's own folders of these names, if it has them, are not to be seen.
    for folder in OWN:
        (unpacked / folder).mkdir(parents=True, exist_ok=True)
    for driver in NEEDLESS_DRIVERS:
        for file in unpacked.glob(f"usr/lib/*/libvirt/connection-driver/*_{driver}.so"):
            file.unlink()
