"""The stage of the tests of libvirt: two hosts with a libvirtd each, a domain on one of them, and a
peer on the other."""

from __future__ import annotations

import support
from labkit import api, ports, scenes
from labkit.libvirt import daemon, domain
from labkit.probes.runner import RunningProbe
from labkit.shell import LabError

PROBE_RATE = 100
VM = domain.Domain("vm", "10.1.0.2", "52:54:00:00:00:02", "web")


class OnLibvirt(support.LabCase):
    """Hosts h1 and h2 with libvirt, and `vm` on one of them; light port `probe` on h2."""

    LIBVIRT = True

    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, scenes.WEB_AND_OPEN)
        domain.define(cls.lab, "h1", VM)
        daemon.virsh(cls.lab, "h1", "start", VM.name)
        ports.add_light(cls.lab, "probe", "h2", "10.1.0.9", "52:54:00:00:00:09", "open")
        domain.wait_ready(cls.lab, "h1", VM.name)

    def places(self) -> tuple[str, str]:
        """The host where `vm` runs, and the other one."""
        for host, other in (("h1", "h2"), ("h2", "h1")):
            if VM.name in daemon.virsh(self.lab, host, "list", "--name").split():
                return host, other
        raise LabError("domain vm: runs nowhere")

    def tap(self, host: str, name: str) -> str:
        return daemon.virsh(self.lab, host, "domiflist", name).split()[0]

    def probing(self, rate: float = PROBE_RATE, payload: int = 56) -> RunningProbe:
        """Numbered requests to `vm`."""
        vantage = ports.light_netns(self.lab, "probe")
        options = {"destination": VM.ip, "rate": rate, "payload": payload}
        return RunningProbe.start(self.lab, vantage, "icmp", "icmp", **options)

    def bridge_ports(self, host: str) -> list[str]:
        """Of libvirt's making, as Open vSwitch's clients are told."""
        listed = daemon.ovs_vsctl(self.lab, host, "list-ports", daemon.BRIDGE).split()
        return [name for name in listed if name.startswith("vnet")]
