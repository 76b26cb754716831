"""Files of a lab host's libvirt. Pure, apart from writing them."""

from __future__ import annotations

import pathlib
import shutil
import uuid

from labkit.inventory import Lab
from labkit.shell import DEPLOY

# libvirtd resolves it at its start, also when no QEMU is to run as that user.
USER = "libvirt-qemu"
USER_ID = 64055

# Inside a lab anybody may: it is reached from its own namespaces only.
LIBVIRTD = """\
host_uuid = "{host_uuid}"
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"""

# Nothing that would reach beyond the lab: control groups, security labels, huge pages, virtlogd.
QEMU = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
hugetlbfs_mount = []
stdio_handler = "file"
migration_host = "{address}"
migration_address = "{address}"
"""


def host_uuid(lab: Lab, host: str) -> str:
    """Of its own for every host: libvirt refuses to migrate from a host to itself."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"outrider-lab:{lab.prefix}:{host}"))


def write(lab: Lab, host: str, folder: pathlib.Path) -> None:
    """Makes `folder` what machine.py expects."""
    for name in ("etc/hooks/qemu.d", "lib", "cache", "log", "run/domains"):
        (folder / name).mkdir(parents=True)
    shutil.copy(DEPLOY / "libvirt" / "qemu", folder / "etc" / "hooks" / "qemu.d" / "outrider")
    values = {"host_uuid": host_uuid(lab, host), "address": lab.host(host).address}
    _text(folder / "etc" / "libvirtd.conf", LIBVIRTD.format(**values))
    _text(folder / "etc" / "qemu.conf", QEMU.format(**values))
    user = f"{USER}:x:{USER_ID}:{USER_ID}::/var/lib/libvirt:/usr/sbin/nologin\n"
    _text(folder / "passwd", _with("/etc/passwd", user))
    _text(folder / "group", _with("/etc/group", f"{USER}:x:{USER_ID}:\n"))
    names = "".join(f"{record.address} {record.name}\n" for record in lab.hosts.values())
    _text(folder / "hosts", f"127.0.0.1 localhost\n{names}")
    # Open vSwitch's clients look here when nothing tells them otherwise.
    (folder / "run" / "openvswitch").symlink_to(lab.ovs_rundir(host))


def _with(path: str, line: str) -> str:
    """A file's text with the user or group of `line`, unless it has it."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    return text if f"\n{USER}:" in text else text.rstrip("\n") + f"\n{line}"


def _text(path: pathlib.Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
