"""Light ports (a namespace behind a veth) and guests as ports: start, stop. Moves are in
move.py."""

from __future__ import annotations

import uuid

from labkit import api, inventory, netns, qemu, services
from labkit.inventory import GuestRecord, Lab, LightRecord
from labkit.shell import LabError

SEGMENT_MTU = 1450


def add_light(lab: Lab, name: str, host: str, ip: str, mac: str, profile: str) -> LightRecord:
    """A port without a VM: namespace PREFIX-vm-NAME, its eth0 behind a veth that is the port."""
    lab.host(host)
    light = LightRecord(name, host, ip, mac, profile, str(uuid.uuid4()))
    with inventory.edit(lab.prefix) as stored:
        if name in stored.lights or name in stored.guests:
            raise LabError(f"port {name}: exists in this lab; choose another name")
        stored.lights[name] = light
    namespace = light_netns(lab, name)
    netns.add(namespace)
    device = light_device(name)
    netns.veth((namespace, "eth0"), (lab.netns(host), device), SEGMENT_MTU)
    netns.set_mac(namespace, "eth0", mac)
    netns.address(namespace, "eth0", f"{ip}/24")
    api.attach(lab, host, device, light.port_id, mac, profile, ip)
    services.wait_converged(lab)  # in force here says nothing of the other hosts
    return light


def light_netns(lab: Lab, name: str) -> str:
    return lab.netns(f"vm-{name}")


def light_device(name: str) -> str:
    return f"vm-{name}"[:15]


def remove_light(lab: Lab, name: str) -> None:
    light = lab.light(name)
    api.detach(lab, light.host, light.port_id)
    netns.remove(light_netns(lab, name))
    with inventory.edit(lab.prefix) as stored:
        del stored.lights[name]


def start_guest(
    lab: Lab, name: str, host: str, ip: str, mac: str, profile: str, role: str = "server"
) -> GuestRecord:
    """Starts a QEMU guest with its tap attached as a port; it is still booting on return."""
    lab.host(host)
    guest = GuestRecord(name, host, ip, mac, profile, str(uuid.uuid4()), role)
    with inventory.edit(lab.prefix) as stored:
        if name in stored.lights or name in stored.guests:
            raise LabError(f"guest {name}: exists in this lab; choose another name")
        stored.guests[name] = guest
    netns.tap(lab.netns(host), guest.tap, SEGMENT_MTU)
    qemu.start(lab, guest, lab.netns(host), SEGMENT_MTU)
    api.attach(lab, host, guest.tap, guest.port_id, mac, profile, ip, vm=name)
    services.wait_converged(lab)
    return guest


def stop_guest(lab: Lab, name: str) -> None:
    guest = lab.guest(name)
    qemu.quit_guest(lab, guest)
    api.detach(lab, guest.host, guest.port_id)
    netns.remove_link(lab.netns(guest.host), guest.tap)
    with inventory.edit(lab.prefix) as stored:
        del stored.guests[name]
