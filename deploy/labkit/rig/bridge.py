"""The same hosts with what Linux has of its own: on each a bridge that learns, and VXLAN that
floods to the other hosts (head-end replication, a fixed list). QEMU's RARP moves a guest. No
Outrider. """

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator

from labkit import fabric, hypervisor, inventory, lifecycle, move, netns, ports, qemu
from labkit.hypervisor import How
from labkit.inventory import GuestRecord, Lab, LightRecord
from labkit.rig import measured
from labkit.shell import run

BRIDGE, TUNNEL, VNI = "br0", "vx0", 42


@contextlib.contextmanager
def running(prefix: str, hosts: int, build: str) -> Iterator[Lab]:
    """A lab of such hosts, for the time of a block."""
    lab = Lab(prefix, build, fabric.host_records(hosts, "ipv4"))
    inventory.create(lab)
    try:
        fabric.build(lab)
        for host in lab.hosts:
            _build_host(lab, host)
        yield lab
    finally:
        lifecycle.down(prefix)


def _build_host(lab: Lab, host: str) -> None:
    namespace, own = lab.netns(host), lab.host(host).address
    netns.sysctl(namespace, "net.ipv6.conf.default.disable_ipv6", "1")
    run(["ip", "-n", namespace, "link", "add", BRIDGE, "up", "type", "bridge"])
    tunnel = ["type", "vxlan", "id", str(VNI), "local", own, "dstport", "4789"]
    run(["ip", "-n", namespace, "link", "add", TUNNEL, *tunnel])
    run(["ip", "-n", namespace, "link", "set", TUNNEL, "mtu", str(ports.SEGMENT_MTU), "up"])
    _plug(lab, host, TUNNEL)
    for other in lab.hosts.values():
        if other.address != own:
            entry = ["00:00:00:00:00:00", "dev", TUNNEL, "dst", other.address]
            run(netns.inside(namespace, ["bridge", "fdb", "append", *entry]))


def _plug(lab: Lab, host: str, device: str) -> None:
    run(["ip", "-n", lab.netns(host), "link", "set", device, "master", BRIDGE])


def add_light(lab: Lab, name: str, host: str, ip: str, mac: str) -> LightRecord:
    light = LightRecord(name, host, ip, mac, profile="", port_id=name)
    inventory.add_port(lab.prefix, light)
    namespace = ports.light_netns(lab, name)
    netns.add(namespace)
    netns.veth((namespace, "eth0"), (lab.netns(host), light.device), ports.SEGMENT_MTU)
    netns.set_mac(namespace, "eth0", mac)
    netns.address(namespace, "eth0", f"{ip}/24")
    _plug(lab, host, light.device)
    return light


def start_guest(lab: Lab, name: str, host: str, ip: str, mac: str) -> GuestRecord:
    """It is still booting on return."""
    guest = GuestRecord(name, host, ip, mac, profile="", port_id=name, role="server")
    inventory.add_port(lab.prefix, guest)
    _plug_taps(lab, guest)
    qemu.start(lab, guest, lab.netns(host), ports.SEGMENT_MTU)
    return guest


def _plug_taps(lab: Lab, guest: GuestRecord) -> None:
    ports.make_taps(lab, guest)
    for nic in guest.nics:
        _plug(lab, guest.host, nic.tap)


def stage(lab: Lab) -> None:
    """scene.py's, here."""
    start_guest(lab, measured.GUEST, "h1", measured.GUEST_IP, measured.GUEST_MAC)
    add_light(lab, measured.PEER, "h3", measured.PEER_IP, measured.PEER_MAC)
    lab = inventory.load(lab.prefix)
    qemu.wait_ready(lab, lab.guest(measured.GUEST))


def migrate(lab: Lab, name: str, destination: str, steps: move.Steps) -> move.MoveReport:
    """As labkit.move's, with nobody to tell. A failure leaves what there is to the lab's end."""
    source = lab.guest(name)
    target = copy.copy(source)
    target.host, target.generation = destination, source.generation + 1
    how, uri = How(), hypervisor.uri(lab, destination)
    _plug_taps(lab, target)
    for nic in target.nics:
        steps.on_tap(lab.netns(destination), nic.tap)
    move.start_incoming(lab, target)
    with hypervisor.connected(lab, source, target, how) as copying:
        steps.on_armed()
        times = hypervisor.run(copying, uri, how, lambda: None, lambda: None)
        steps.on_resumed()
    with inventory.edit(lab.prefix) as stored:
        stored.guests[name] = target
    qemu.quit_guest(lab, source)
    for nic in source.nics:
        netns.remove_link(lab.netns(source.host), nic.tap)
    return move.MoveReport("", source.host, destination, times, {})
