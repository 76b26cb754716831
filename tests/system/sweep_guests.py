"""Guests of the offload sweep: namespaces with real stacks behind veths, and behind taps by way of
tap_cable.py, each with a device for every kind of tagging, and a talker (size_talker.py)."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import uuid
from collections.abc import Mapping, Sequence

import support  # noqa: F401 - finds labkit
from labkit import api, netns, services
from labkit.inventory import Lab
from labkit.ports import SEGMENT_MTU
from labkit.shell import run

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = ["/usr/bin/python3", "-B"]
VETH, TAP = "veth", "tap"
IPV4, IPV6 = "ipv4", "ipv6"
# In the order of a guest's devices: no tag, one of the port's trunk (guest_tags.bpf.c), and a
# customer's below that.
PLAIN, TRUNK, STACKED = TAGS = ("plain", "trunk", "stacked")
VNIS = {PLAIN: 6101, TRUNK: 6102, STACKED: 6103}
# A customer's tag counts against the segment's MTU.
MTU = {PLAIN: SEGMENT_MTU, TRUNK: SEGMENT_MTU, STACKED: SEGMENT_MTU - 4}
# Of guest_tags.bpf.c.
TRUNK_VLAN, CUSTOMER_VLAN = 2000, 30


@dataclasses.dataclass(frozen=True)
class Offloads:
    """What guests, and the host's ends of their devices, leave to others."""

    name: str
    checksums: bool
    segments: bool
    gro: bool

    @property
    def of_tap(self) -> str:
        """As tap_cable.py takes them."""
        if not self.checksums:
            return ""
        return "csum tso uso" if self.segments else "csum"

    def of_device(self) -> list[str]:
        """As ethtool -K takes them."""
        wanted = {
            **{feature: self.checksums for feature in ("tx", "rx")},
            **{feature: self.segments for feature in ("gso", "tso", "tx-udp-segmentation")},
            "gro": self.gro,
        }
        return [word for feature, on in wanted.items() for word in (feature, "on" if on else "off")]


def objects() -> str:
    """Segments, and profiles of the same names."""
    documents = [
        f"kind: Segment\nname: {tag}\nvni: {vni}\nmtu: {SEGMENT_MTU}\n"
        for tag, vni in VNIS.items()
    ]
    documents.append(f"kind: Profile\nname: {PLAIN}\nvlan: {{segment: {PLAIN}}}\n")
    for tag in (TRUNK, STACKED):
        vlans = f"[{{vlan: {TRUNK_VLAN}, segment: {tag}}}]"
        documents.append(f"kind: Profile\nname: {tag}\nvlan: {{mode: trunk, vlans: {vlans}}}\n")
    return "---\n".join(documents)


def program(lab: Lab, name: str) -> str:
    """An object file of eBPF of the tests' own."""
    return str(pathlib.Path(lab.build) / "tests" / "system" / f"{name}.bpf.o")


@dataclasses.dataclass
class Guest:
    kind: str
    host: str
    number: int
    namespace: str
    ports: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.host}"

    def address(self, tag: str, family: str) -> str:
        net = TAGS.index(tag)
        return f"10.20.{net}.{self.number}" if family == IPV4 else f"fd20:0:0:{net}::{self.number}"

    def mac(self, tag: str) -> str:
        return f"52:54:00:20:{TAGS.index(tag):02}:{self.number:02}"

    @staticmethod
    def inner(tag: str) -> str:
        return f"eth{TAGS.index(tag)}"

    def outer(self, tag: str) -> str:
        return f"{self.kind}{TAGS.index(tag)}"


class Helper:
    """A program that answers lines of its input with lines of JSON."""

    def __init__(self, namespace: str, *argv: str) -> None:
        self._running = subprocess.Popen(
            netns.inside(namespace, [*PYTHON, *argv]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hear()

    def hear(self) -> dict:
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        assert line, f"{self._running.args}: ended"
        return json.loads(line)

    def say(self, line: str) -> None:
        assert self._running.stdin is not None
        self._running.stdin.write(line + "\n")
        self._running.stdin.flush()

    def ask(self, line: str) -> dict:
        self.say(line)
        return self.hear()

    def close(self) -> None:
        assert self._running.stdin is not None and self._running.stdout is not None
        self._running.stdin.close()
        try:
            self._running.wait(5)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._running.stdout.close()


class Guests:
    """One of each kind on both hosts, up. close() ends their programs; the rest is the lab's."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.all = [
            Guest(kind, host, number, lab.netns(f"vm-{kind}-{host}"))
            for number, (kind, host) in enumerate(
                ((kind, host) for kind in (VETH, TAP) for host in ("h1", "h2")), start=1
            )
        ]
        self._talkers: dict[str, Helper] = {}
        self._cables: dict[str, Helper] = {}

    def start(self) -> None:
        for guest in self.all:
            _namespace(guest)
            if guest.kind == TAP:
                self._plug_taps(guest)
            else:
                self._plug_veths(guest)
            self._configure(guest)
            for tag in TAGS:
                self._attach(guest, tag)
            self._talkers[guest.name] = Helper(guest.namespace, str(HERE / "size_talker.py"))
        services.wait_converged(self._lab)

    def close(self) -> None:
        for helper in (*self._talkers.values(), *self._cables.values()):
            helper.close()

    def of(self, kind: str, host: str) -> Guest:
        return next(guest for guest in self.all if (guest.kind, guest.host) == (kind, host))

    def set_offloads(self, by_host: Mapping[str, Offloads]) -> None:
        for guest in self.all:
            offloads = by_host[guest.host]
            if guest.kind == TAP:
                self.carried(guest.host, offloads)
            for tag in TAGS:
                set_features(guest.namespace, guest.inner(tag), offloads.of_device())
                set_features(self._lab.netns(guest.host), guest.outer(tag), offloads.of_device())

    def carried(self, host: str, offloads: Offloads) -> list[dict]:
        """What went over a tap guest's cable since it was asked last, to the guest, by device."""
        told = self._cables[host].ask(offloads.of_tap)
        return [both["to_guest"] for both in told.values()]

    def talk(self, one: Guest, address: str, way: str, sizes: Sequence[int]) -> str:
        """What was wrong; empty: nothing."""
        asked = {"way": way, "to": address, "sizes": list(sizes)}
        return self._talkers[one.name].ask(json.dumps(asked))["wrong"]

    def _plug_veths(self, guest: Guest) -> None:
        for tag in TAGS:
            outer = (self._lab.netns(guest.host), guest.outer(tag))
            netns.veth((guest.namespace, guest.inner(tag)), outer, SEGMENT_MTU)

    def _plug_taps(self, guest: Guest) -> None:
        host = self._lab.netns(guest.host)
        for tag in TAGS:
            netns.tap(host, guest.outer(tag), SEGMENT_MTU)
        pairs = [f"{guest.outer(tag)}={guest.inner(tag)}" for tag in TAGS]
        cable = Helper(host, str(HERE / "tap_cable.py"), guest.namespace, *pairs)
        self._cables[guest.host] = cable

    def _configure(self, guest: Guest) -> None:
        lines = []
        for tag in TAGS:
            device = f"dev {guest.inner(tag)}"
            lines.append(f"link set {device} address {guest.mac(tag)} mtu {MTU[tag]} up")
            lines.append(f"addr add {guest.address(tag, IPV4)}/24 {device}")
            lines.append(f"addr add {guest.address(tag, IPV6)}/64 {device} nodad")
            for other in self.all:
                if other is not guest:
                    entry = f"lladdr {other.mac(tag)} {device} nud permanent"
                    lines.append(f"neigh add {other.address(tag, IPV4)} {entry}")
                    lines.append(f"neigh add {other.address(tag, IPV6)} {entry}")
        run(["ip", "-n", guest.namespace, "-batch", "-"], stdin="\n".join(lines) + "\n")
        for tag in (TRUNK, STACKED):
            self._tag(guest, tag)

    def _tag(self, guest: Guest, tag: str) -> None:
        device = guest.inner(tag)
        steps = [["qdisc", "add", "dev", device, "clsact"]]
        for direction, section in (("egress", "out"), ("ingress", "in")):
            filters = ["filter", "add", "dev", device, direction, "bpf", "da"]
            filters += ["obj", program(self._lab, "guest_tags"), "sec", f"tc/{tag}_{section}"]
            steps.append(filters)
        for words in steps:
            run(netns.inside(guest.namespace, ["tc", *words]))

    def _attach(self, guest: Guest, tag: str) -> None:
        guest.ports[tag] = str(uuid.uuid4())
        words = (guest.host, guest.outer(tag), guest.ports[tag], guest.mac(tag), tag)
        api.attach(self._lab, *words)


def _namespace(guest: Guest) -> None:
    netns.add(guest.namespace)
    # Nothing is sent that nobody asked for.
    for key in ("accept_ra", "router_solicitations", "accept_dad"):
        netns.sysctl(guest.namespace, f"net.ipv6.conf.default.{key}", "0")
    netns.sysctl(guest.namespace, "net.ipv4.ping_group_range", "0 0")


def set_features(namespace: str, device: str, words: Sequence[str]) -> None:
    """As ethtool -K takes them."""
    run(netns.inside(namespace, ["ethtool", "-K", device, *words]))
