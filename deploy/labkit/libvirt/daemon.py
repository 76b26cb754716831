"""A lab host's machine and its libvirtd: start, restart, end, and virsh.

The machine is a process with mount, PID and UTS namespaces of its own (machine.py): whatever
libvirtd starts is in it, and ends with it. """

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Sequence

from labkit import inventory, netns, process
from labkit.inventory import Lab, remember
from labkit.libvirt import config, packages
from labkit.shell import LabError, run

BRIDGE = "br0"
MACHINE = pathlib.Path(__file__).with_name("machine.py")
SOCKET = "run/libvirt/libvirt-sock"


def machine_name(host: str) -> str:
    return f"machine-{host}"


def daemon_name(host: str) -> str:
    return f"libvirtd-{host}"


def machine_folder(lab: Lab, host: str) -> pathlib.Path:
    return lab.host_folder(host) / "machine"


def uri(lab: Lab, host: str) -> str:
    """Of the host's libvirtd, for who is outside its machine."""
    return f"qemu+unix:///system?socket={machine_folder(lab, host) / SOCKET}"


def environment(lab: Lab) -> dict[str, str]:
    """libvirt finds Outrider's `ovs-vsctl`, and that finds the host's agent."""
    env = dict(os.environ)
    env["PATH"] = f"{lab.build}/bin/ovs:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
    env["OVS_RUNDIR"] = "/run/openvswitch"
    env["LIBVIRT_DEFAULT_URI"] = "qemu:///system"
    env["LC_ALL"] = "C.UTF-8"
    return env


def start(lab: Lab, host: str) -> None:
    """Makes the machine of a host whose agent runs, and starts its libvirtd."""
    config.write(lab, host, machine_folder(lab, host))
    name = machine_name(host)
    alone = ["unshare", "--mount", "--propagation", "private", "--pid", "--uts", "--fork"]
    command = ["/usr/bin/python3", "-B", str(MACHINE), str(machine_folder(lab, host))]
    argv = [*alone, "--", *command, str(packages.tree()), host]
    log = lab.log(name)
    started = process.start_within(name, netns.inside(lab.netns(host), argv), log)
    remember(lab.prefix, started)
    process.wait_until(lambda: not started.alive() or "ready\n" in log.read_text(), 20)
    if not started.alive():
        raise LabError(f"{name}: ended; {log} says:\n{log.read_text(errors='replace')}")
    in_machine(lab, host, ["ovs-vsctl", "--timeout=10", "--may-exist", "add-br", BRIDGE])
    start_daemon(lab, host)


def start_daemon(lab: Lab, host: str) -> None:
    """Starts libvirtd and returns when it answers. Domains that run already go on running."""
    name = daemon_name(host)
    argv = inside(lab, host, ["libvirtd", "--listen"])
    daemon = process.start_within(name, argv, lab.log(name), environment(lab))
    remember(lab.prefix, daemon)

    def answers() -> bool:
        return subprocess.run(
            inside(lab, host, ["virsh", "--quiet", "version"]),
            env=environment(lab),
            capture_output=True,
            check=False,
            timeout=60,
        ).returncode == 0

    if not process.wait_until(lambda: not daemon.alive() or answers(), 30, 0.05):
        raise LabError(f"{name}: does not answer, see {lab.log(name)}")
    if not daemon.alive():
        tail = "\n".join(lab.log(name).read_text(errors="replace").splitlines()[-5:])
        raise LabError(f"{name}: ended; end of {lab.log(name)}:\n{tail}")


def restart_daemon(lab: Lab, host: str) -> None:
    """As an update of its package would."""
    inventory.load(lab.prefix).processes[daemon_name(host)].stop()
    start_daemon(lab, host)


def inside(lab: Lab, host: str, argv: Sequence[str]) -> list[str]:
    """argv that runs `argv` in the machine of `host`, in the current folder."""
    if not lab.libvirt:
        raise LabError(f"lab {lab.prefix}: has no libvirt; `deploy/lab up --libvirt` makes one")
    lab.host(host)
    running = inventory.load(lab.prefix).processes.get(machine_name(host))
    if running is None or not running.alive():
        raise LabError(f"{machine_name(host)}: not running, see {lab.log(machine_name(host))}")
    which = ["--mount", "--net", "--uts", "--pid"]
    # nsenter leaves it at the root of the mount namespace.
    where = ["env", "-C", os.getcwd()]
    return ["nsenter", "--target", str(running.pid), *which, "--", *where, *argv]


def in_machine(lab: Lab, host: str, argv: Sequence[str], timeout: float = 60) -> str:
    """Runs argv in the machine of `host`, with libvirtd's environment; returns its output."""
    return run(inside(lab, host, argv), env=environment(lab), timeout=timeout)


def virsh(lab: Lab, host: str, *words: str, timeout: float = 60) -> str:
    """`virsh WORDS` on a host; returns its output. LabError when it fails."""
    return in_machine(lab, host, ["virsh", "--quiet", *words], timeout)


def ovs_vsctl(lab: Lab, host: str, *words: str) -> str:
    """The `ovs-vsctl` that libvirt of that host uses, against that host's agent."""
    return in_machine(lab, host, ["ovs-vsctl", "--timeout=10", *words])
