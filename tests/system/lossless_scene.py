"""The stage of the lossless moves: two guests that move between h1 and h2, and peers on h3.

`mover` has one card, under a stateful profile that drops by default. `pair` has two: the same, and
a trunk of 64 VLANs under such a profile, too. """

from __future__ import annotations

import dataclasses
import functools
import uuid

import stateful_guest
import support  # noqa: F401 - finds labkit
from labkit import api, inventory, move, netns, ports, qemu, services
from labkit.inventory import Lab
from labkit.rig import measured, scene
from labkit.rig.flows import FIRST_PORT, End
from labkit.shell import undo

VNI = 6700
# Of the trunk: numbers of the VLANs that are looked at, 10.7.NUMBER.1 is the guest.
LOOKED_AT = (0, 31, 63)
NETWORK = "10.7"
PAIR_IP = "10.6.0.2"
TRUNK_MAC = "52:54:00:07:00:02"
SEGMENTS = "---\n".join(
    f"kind: Segment\nname: v{n}\nvni: {VNI + n}\n" for n in range(stateful_guest.VLANS)
)
TRUNK = f"""\
kind: Profile
name: trunk
vlan:
  mode: trunk
  vlans:
{stateful_guest.TRUNK}acl:
  ingress:
    - {{action: allow_related}}
  egress:
    - priority: 10
      match: {{protocol: udp, dst_port: {FIRST_PORT}-{FIRST_PORT + 9}}}
      action: allow_related
  default_action: drop
"""
ACCESS = "---\n".join(
    f"kind: Profile\nname: in-v{n}\nvlan: {{segment: v{n}}}\n" for n in LOOKED_AT
)


def prepare(lab: Lab) -> None:
    api.apply(lab, "---\n".join([SEGMENTS, TRUNK, ACCESS, scene.PROFILES]))
    trunk = inventory.NicRecord("", TRUNK_MAC, "trunk", str(uuid.uuid4()))
    words = (PAIR_IP, "52:54:00:06:00:02", "guarded")
    ports.start_guest(lab, "pair", "h1", *words, more=[trunk])
    for n in LOOKED_AT:
        words = (f"{NETWORK}.{n}.9", f"52:54:00:07:09:{n:02x}", f"in-v{n}")
        ports.add_light(lab, f"peer-v{n}", "h3", *words)
    lab = scene.stage(lab)
    qemu.wait_ready(lab, lab.guest("pair"))
    configure_trunk(lab)


def configure_trunk(lab: Lab) -> None:
    configure = stateful_guest.configure(NETWORK, stateful_guest.GUEST, "eth1")
    pair = inventory.load(lab.prefix).guest("pair")
    qemu.shell(lab, pair, f"ip link set eth1 up && {configure}", 60)


def start_over(lab: Lab) -> None:
    """Whatever has become of the guests: both run on h1, and nothing moves."""
    for process in lab.processes.values():
        if process.name.startswith("qemu-"):
            process.stop(kill=True)
    services.wait_connected(lab)
    for record in api.query(lab, "migration", "list")["items"]:
        if api.phase(record) not in move.DONE:
            api.abort_migration(lab, record["meta"]["name"], "the test failed")
    for guest in lab.guests.values():
        _start_again(lab, guest)


def _start_again(lab: Lab, guest: inventory.GuestRecord) -> None:
    for host in ("h1", "h2"):
        for nic in guest.nics:
            undo(functools.partial(api.detach, lab, host, nic.port_id))
        for generation in range(guest.generation + 2):
            for nic in dataclasses.replace(guest, generation=generation).nics:
                netns.remove_link(lab.netns(host), nic.tap)
    again = dataclasses.replace(guest, host="h1", generation=guest.generation + 2)
    with inventory.edit(lab.prefix) as stored:
        stored.guests[guest.name] = again
    ports.boot_guest(lab, again)
    qemu.wait_ready(lab, again)
    if again.more:
        configure_trunk(lab)


def guest_in(vlan: int) -> End:
    """`pair`, in the trunk's VLAN of that number."""
    return End(f"{NETWORK}.{vlan}.1", guest="pair")


def peer_in(lab: Lab, vlan: int) -> End:
    namespace = ports.light_netns(lab, f"peer-v{vlan}")
    return End(f"{NETWORK}.{vlan}.9", namespace=namespace)


def pair_end() -> End:
    return End(PAIR_IP, guest="pair")


def peer_end(lab: Lab) -> End:
    return measured.peer_end(lab)
