"""Domains: the lab's guest as libvirt has it, and its console."""

from __future__ import annotations

import dataclasses
import pathlib
import uuid
from xml.sax.saxutils import escape, quoteattr

from labkit import guest_image, ports, qemu
from labkit.inventory import Lab
from labkit.libvirt import daemon

# What its machine's /run/domains is, so that source and destination of a move have each their own.
CONSOLES = "run/domains"


@dataclasses.dataclass(frozen=True)
class Domain:
    """A guest of libvirt's. Where it is only libvirt knows."""

    name: str
    ip: str
    mac: str
    # Empty: none.
    profile: str
    # The port's: `interfaceid`, and Open vSwitch's iface-id.
    port_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))


def xml(domain: Domain, extra: str = "") -> str:
    """Its definition; `extra` stands in its <interface>."""
    image = guest_image.build()
    words = f"or.name={domain.name} or.ip={domain.ip}/24 or.mtu={ports.SEGMENT_MTU} or.role=server"
    kind = "kvm" if qemu.accelerator() == "kvm" else "qemu"
    return f"""\
<domain type='{kind}'>
  <name>{escape(domain.name)}</name>
  <memory unit='MiB'>{qemu.MEMORY_MB}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{escape(str(image.kernel))}</kernel>
    <initrd>{escape(str(image.initramfs))}</initrd>
    <cmdline>console=ttyS0 quiet loglevel=1 {escape(words)}</cmdline>
  </os>
  <features><acpi/></features>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    {interface(domain, extra)}
    <serial type='unix'>
      <source mode='bind' path={quoteattr(f"/{CONSOLES}/{domain.name}.console")}/>
      <log file={quoteattr(f"/{CONSOLES}/{domain.name}.console.log")} append='off'/>
    </serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def interface(domain: Domain, extra: str = "") -> str:
    """Its <interface>, also for `virsh update-device`."""
    profile = f" profileid={quoteattr(domain.profile)}" if domain.profile else ""
    return f"""\
<interface type='bridge'>
      <mac address={quoteattr(domain.mac)}/>
      <source bridge='{daemon.BRIDGE}'/>
      <virtualport type='openvswitch'>
        <parameters interfaceid='{domain.port_id}'{profile}/>
      </virtualport>
      <model type='virtio'/>
      <driver name='qemu'/>
      <rom enabled='no'/>
      {extra}
    </interface>"""


def define(lab: Lab, host: str, domain: Domain, extra: str = "") -> None:
    file = lab.host_folder(host) / f"{domain.name}.xml"
    file.write_text(xml(domain, extra), encoding="utf-8")
    daemon.virsh(lab, host, "define", str(file))


def consoles(lab: Lab, host: str) -> pathlib.Path:
    return daemon.machine_folder(lab, host) / CONSOLES


def wait_ready(lab: Lab, host: str, name: str, timeout: float = 60) -> None:
    """Returns when the domain, started on `host`, has its address and serves HTTP."""
    qemu.wait_log(name, consoles(lab, host) / f"{name}.console.log", timeout)


def shell(lab: Lab, host: str, name: str, command: str, timeout: float = 30) -> str:
    """Runs a shell command in a domain, which must succeed; returns its output."""
    return qemu.succeeded(name, command, *console(lab, host, name, command, timeout))


def console(
    lab: Lab, host: str, name: str, command: str, timeout: float = 30
) -> tuple[int, str]:
    """Runs a shell command in a domain on `host`; returns exit status and output."""
    return qemu.converse(name, consoles(lab, host) / f"{name}.console", command, timeout)
