"""Starts QEMU guests, and talks to their consoles. Knows nothing of ports or migrations."""

from __future__ import annotations

import pathlib
import re
import socket
import tempfile
import time
import uuid

from labkit import guest_image, netns, process
from labkit.inventory import GuestRecord, Lab, remember
from labkit.qmp import QmpClient
from labkit.shell import LabError

MEMORY_MB = 96
# No multiple of 256 KiB: memory of such a size QEMU 7.2 on TCG copies 64 pages at a time (include/
# exec/ram_addr.h: cpu_physical_memory_sync_dirty_bitmap), and loses writes of a guest that runs
# meanwhile: under a TCP stream guests died of it after some 2 to 40 moves. Of other sizes it goes
# through the pages one by one, which loses none.
MEMORY_KB = MEMORY_MB * 1024 + 8
READY = b"OUTRIDER-GUEST-READY"
BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


def qmp_socket(lab: Lab, guest: GuestRecord) -> pathlib.Path:
    return lab.folder / f"{guest.instance}.qmp"


def agent_socket(lab: Lab, guest: GuestRecord) -> pathlib.Path:
    """A QMP socket that is the host's agent's alone: QEMU serves one client on each."""
    return lab.folder / f"{guest.instance}.agent.qmp"


def console_socket(lab: Lab, guest: GuestRecord) -> pathlib.Path:
    return lab.folder / f"{guest.instance}.console"


def console_log(lab: Lab, guest: GuestRecord) -> pathlib.Path:
    return lab.folder / f"{guest.instance}.console.log"


def _base(image: guest_image.GuestImage, accelerator: str, append: str) -> list[str]:
    return [
        *("qemu-system-x86_64", "-M", "q35,usb=off", "-accel", accelerator, "-m", f"{MEMORY_KB}K"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initramfs)),
        *("-append", f"console=ttyS0 quiet loglevel=1 {append}"),
    ]


def accelerator() -> str:
    """`kvm` when a guest really boots with it (a /dev/kvm that opens proves nothing), else `tcg`.

    The answer is kept until the machine reboots.
    """
    image = guest_image.build()
    answer = guest_image.CACHE / "accelerator"
    boot = BOOT_ID.read_text(encoding="ascii").strip()
    if answer.exists():
        known_boot, _, name = answer.read_text(encoding="ascii").strip().partition(" ")
        if known_boot == boot:
            return name
    name = "kvm" if pathlib.Path("/dev/kvm").exists() and _boots(image, "kvm") else "tcg"
    answer.write_text(f"{boot} {name}\n", encoding="ascii")
    return name


def _boots(image: guest_image.GuestImage, candidate: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        console = pathlib.Path(folder) / "console"
        argv = _base(image, candidate, "or.role=probe") + ["-serial", f"file:{console}"]
        guest = process.start("probe", argv, pathlib.Path(folder) / "log")
        try:
            process.wait_until(
                lambda: not guest.alive() or (console.exists() and READY in console.read_bytes()), 6
            )
            return console.exists() and READY in console.read_bytes()
        finally:
            guest.stop(kill=True)


def start(
    lab: Lab, guest: GuestRecord, namespace: str, mtu: int, incoming: str | None = None
) -> process.Process:
    """Starts the guest's QEMU in `namespace` on its taps; `incoming`: migration URI to wait on."""
    image = guest_image.build()
    words = f"or.name={guest.name} or.ip={guest.ip}/24 or.mtu={mtu} or.role={guest.role}"
    argv = _base(image, accelerator(), words) + [
        *("-name", guest.instance),
        *("-qmp", f"unix:{qmp_socket(lab, guest)},server=on,wait=off"),
        *("-qmp", f"unix:{agent_socket(lab, guest)},server=on,wait=off"),
        "-chardev",
        f"socket,id=con,path={console_socket(lab, guest)},server=on,wait=off,"
        f"logfile={console_log(lab, guest)}",
        *("-serial", "chardev:con"),
    ]
    for place, nic in enumerate(guest.nics):
        tap = f"tap,id=net{place},ifname={nic.tap},script=no,downscript=no,vhost=off"
        # The card's VLAN filter would forget its VLANs in a migration (QEMU 7.2: they are loaded,
        # and then reset with the features), and the guest would be deaf to them.
        card = f"virtio-net-pci,netdev=net{place},mac={nic.mac},romfile=,ctrl_vlan=off"
        argv += ["-netdev", tap, "-device", card]
    if incoming:
        argv += ["-incoming", incoming]
    name = f"qemu-{guest.instance}"
    started = process.start(name, netns.inside(namespace, argv), lab.log(name))
    return remember(lab.prefix, started)


def wait_ready(lab: Lab, guest: GuestRecord, timeout: float = 60) -> None:
    """Returns when the guest has its address and serves HTTP."""
    wait_log(guest.name, console_log(lab, guest), timeout)


def wait_log(name: str, log: pathlib.Path, timeout: float) -> None:
    """The same for guest `name` with this console log."""
    if not process.wait_until(lambda: log.exists() and READY in log.read_bytes(), timeout, 0.05):
        raise LabError(f"guest {name}: did not boot in {timeout:g} s, see {log}")


def quit_guest(lab: Lab, guest: GuestRecord) -> None:
    """Ends the guest's QEMU at once, as pulling the plug would."""
    running = lab.processes.get(f"qemu-{guest.instance}")
    if running is None or not running.alive():
        return
    try:
        with QmpClient.connect(qmp_socket(lab, guest), timeout=2) as monitor:
            monitor.command("quit", timeout=2)
    except LabError:
        pass  # a QEMU that no longer answers is ended by signal below
    running.stop()


def console(lab: Lab, guest: GuestRecord, command: str, timeout: float = 30) -> tuple[int, str]:
    """Runs a shell command in the guest over its console; returns exit status and output."""
    return converse(guest.name, console_socket(lab, guest), command, timeout)


def converse(name: str, path: pathlib.Path, command: str, timeout: float) -> tuple[int, str]:
    """The same for guest `name` with the console at this socket."""
    nonce = uuid.uuid4().hex[:8]
    mark = (
        f"end-{nonce}"  # the quotes in the command sent keep an echo of it from looking like this
    )
    line = f"{{ {command}\n}} 2>&1 </dev/null; s=$?; echo; echo end-''{nonce} $s\n"
    deadline = time.monotonic() + timeout
    text = ""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError as error:
            raise LabError(f"guest {name}: console {path}: {error.strerror or error}") from error
        connection.settimeout(0.2)
        connection.sendall(line.encode())
        while not (end := re.search(rf"{mark} (\d+)\n", text)):
            if time.monotonic() > deadline:
                raise LabError(f"guest {name}: `{command}` gave no end: {text!r}")
            try:
                data = connection.recv(65536)
            except TimeoutError:
                # QEMU's serial port can sit on the last bytes until more arrive: an empty line.
                connection.sendall(b"\n")
                continue
            if not data:
                raise LabError(f"guest {name}: its console closed during `{command}`")
            text += data.decode(errors="replace").replace("\r", "")
    return int(end[1]), text[: end.start()].strip("\n")


def shell(lab: Lab, guest: GuestRecord, command: str, timeout: float = 30) -> str:
    """The same for a command that must succeed; returns its output."""
    return succeeded(guest.name, command, *console(lab, guest, command, timeout))


def succeeded(name: str, command: str, status: int, output: str) -> str:
    """The output of a command in guest `name` that must have succeeded."""
    if status != 0:
        raise LabError(f"guest {name}: `{command}` ended with {status}: {output}")
    return output
