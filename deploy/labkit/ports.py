"""Light ports (a namespace behind a veth) and guests as ports: start, stop. Moves are in
move.py."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Sequence

from labkit import api, inventory, netns, qemu, services
from labkit.inventory import GuestRecord, Lab, LightRecord, NicRecord
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
    lab: Lab,
    name: str,
    host: str,
    ip: str,
    mac: str,
    profile: str,
    role: str = "server",
    more: Sequence[NicRecord] = (),
) -> GuestRecord:
    """Starts a QEMU guest with its taps attached as ports; it is still booting on return. On
    failure nothing of it stays."""
    lab.host(host)
    guest = GuestRecord(name, host, ip, mac, profile, str(uuid.uuid4()), role, more=list(more))
    inventory.add_port(lab.prefix, guest)
    try:
        boot_guest(lab, guest)
    except BaseException:
        undo(
            *unplug_steps(inventory.load(lab.prefix), guest),
            lambda: inventory.forget_port(lab.prefix, name),
        )
        raise
    return guest


def boot_guest(lab: Lab, guest: GuestRecord) -> None:
    """The same for a guest that the lab knows, and that runs nowhere."""
    make_taps(lab, guest)
    qemu.start(lab, guest, lab.netns(guest.host), SEGMENT_MTU)
    attach_guest(lab, guest)
    services.wait_converged(lab)


def make_taps(lab: Lab, guest: GuestRecord) -> None:
    for nic in guest.nics:
        netns.tap(lab.netns(guest.host), nic.tap, SEGMENT_MTU)


def attach_guest(lab: Lab, guest: GuestRecord) -> None:
    """Makes the guest's taps ports; its QEMU runs."""
    for nic in guest.nics:
        words = (lab, guest.host, nic.tap, nic.port_id, nic.mac, nic.profile, nic.ip)
        api.attach(*words, vm=guest.name, qmp=qemu.agent_socket(lab, guest))


def unplug_steps(lab: Lab, guest: GuestRecord) -> list[Callable[[], object]]:
    """Ends its QEMU, then its ports, then its devices."""
    steps: list[Callable[[], object]] = [lambda: qemu.quit_guest(lab, guest)]
    for nic in guest.nics:
        steps.append(functools.partial(api.detach, lab, guest.host, nic.port_id))
        steps.append(functools.partial(netns.remove_link, lab.netns(guest.host), nic.tap))
    return steps


def unplug_guest(lab: Lab, guest: GuestRecord) -> None:
    """Its host has nothing of it any more."""
    for step in unplug_steps(lab, guest):
        step()


def stop_guest(lab: Lab, name: str) -> None:
    unplug_guest(lab, lab.guest(name))
    inventory.forget_port(lab.prefix, name)
