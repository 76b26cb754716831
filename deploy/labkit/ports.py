"""Light ports (a namespace behind a veth) and guests as ports: start, stop. Moves are in
move.py."""

from __future__ import annotations

import uuid

from labkit import api, inventory, netns, qemu, services
from labkit.inventory import GuestRecord, Lab, LightRecord
from labkit.shell import undo

SEGMENT_MTU = 1450


def add_light(lab: Lab, name: str, host: str, ip: str, mac: str, profile: str) -> LightRecord:
    """A port without a VM: namespace PREFIX-vm-NAME, its eth0 behind a veth that is the port. On
    failure nothing of it stays."""
    lab.host(host)
    light = LightRecord(name, host, ip, mac, profile, str(uuid.uuid4()))
    inventory.add_port(lab.prefix, light)
    try:
        namespace = light_netns(lab, name)
        netns.add(namespace)
        netns.veth((namespace, "eth0"), (lab.netns(host), light.device), SEGMENT_MTU)
        netns.set_mac(namespace, "eth0", mac)
        netns.address(namespace, "eth0", f"{ip}/24")
        api.attach(lab, host, light.device, light.port_id, mac, profile, ip)
        services.wait_converged(lab)  # in force here says nothing of the other hosts
    except BaseException:
        undo(
            lambda: api.detach(lab, host, light.port_id),
            lambda: netns.remove(light_netns(lab, name)),
            lambda: inventory.forget_port(lab.prefix, name),
        )
        raise
    return light


def light_netns(lab: Lab, name: str) -> str:
    return lab.netns(f"vm-{name}")


def remove_light(lab: Lab, name: str) -> None:
    light = lab.light(name)
    api.detach(lab, light.host, light.port_id)
    netns.remove(light_netns(lab, name))
    inventory.forget_port(lab.prefix, name)


def start_guest(
    lab: Lab, name: str, host: str, ip: str, mac: str, profile: str, role: str = "server"
) -> GuestRecord:
    """Starts a QEMU guest with its tap attached as a port; it is still booting on return. On
    failure nothing of it stays."""
    lab.host(host)
    guest = GuestRecord(name, host, ip, mac, profile, str(uuid.uuid4()), role)
    inventory.add_port(lab.prefix, guest)
    try:
        netns.tap(lab.netns(host), guest.tap, SEGMENT_MTU)
        qemu.start(lab, guest, lab.netns(host), SEGMENT_MTU)
        api.attach(lab, host, guest.tap, guest.port_id, mac, profile, ip, vm=name)
        services.wait_converged(lab)
    except BaseException:
        undo(
            lambda: qemu.quit_guest(inventory.load(lab.prefix), guest),
            lambda: api.detach(lab, host, guest.port_id),
            lambda: netns.remove_link(lab.netns(host), guest.tap),
            lambda: inventory.forget_port(lab.prefix, name),
        )
        raise
    return guest


def stop_guest(lab: Lab, name: str) -> None:
    guest = lab.guest(name)
    qemu.quit_guest(lab, guest)
    api.detach(lab, guest.host, guest.port_id)
    netns.remove_link(lab.netns(guest.host), guest.tap)
    inventory.forget_port(lab.prefix, name)
