"""First process of a lab host's own machine: its mounts, and the parent of whatever is left alone.

machine.py FOLDER TREE HOSTNAME, in new mount, PID and UTS namespaces and in the host's network
namespace. FOLDER has what the host has of its own, TREE is libvirt (packages.py). Nothing that is
mounted here is seen outside. Prints `ready`; when it ends, the kernel ends all in its PID
namespace. """

from __future__ import annotations

import pathlib
import signal
import socket
import subprocess
import sys

# Of FOLDER, each in place of one of the machine's.
FILES = {"passwd": "/etc/passwd", "group": "/etc/group", "hosts": "/etc/hosts"}
FOLDERS = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}
# With TREE's on top, and read-only: what is not the host's own cannot be changed by it.
SHARED = ("usr", "etc", "var/lib", "var/cache", "var/log")
# Sockets and logs of every host are found at one path from everywhere.
LABS = "run/outrider-lab"


def main(folder: pathlib.Path, tree: pathlib.Path, hostname: str) -> None:
    socket.sethostname(hostname)
    _mount("-t", "proc", "proc", "/proc")
    # Shows the devices of this network namespace, and hides the control groups.
    _mount("-t", "sysfs", "sysfs", "/sys")
    for shared in SHARED:
        lower = f"{tree}/{shared}:/{shared}"
        _mount("-t", "overlay", "overlay", "-o", f"ro,lowerdir={lower}", f"/{shared}")
    for name, target in (FOLDERS | FILES).items():
        _mount("--bind", str(folder / name), target)
    (folder / LABS).mkdir(parents=True, exist_ok=True)
    _mount("--rbind", f"/{LABS}", str(folder / LABS))
    _mount("--rbind", str(folder / "run"), "/run")
    # The kernel reaps for who ignores it: libvirt waits until a QEMU is gone, not only dead.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)
    while True:
        signal.pause()


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3])
