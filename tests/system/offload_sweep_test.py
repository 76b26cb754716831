"""Every size of packet from 1 byte to twice the MTU between guests of two hosts, whatever guests
and wire leave to others: checksums, segmentation, receive offload. Every byte arrives; what is on
the wire is right, as tshark sees it; the kernel drops nothing it should not; and all but what has
to goes straight to the wire, past the tunnel device."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import kernel_drops
import path_counters
import size_talker
import support
import sweep_guests
import wire_judge
from labkit import api, fabric, lifecycle, netns
from labkit.ports import SEGMENT_MTU as MTU
from sweep_guests import IPV4, IPV6, PLAIN, STACKED, TAGS, TAP, TRUNK, VETH, Offloads

HOSTS = ("h1", "h2")
EVERY_SIZE = list(range(1, 2 * MTU + 1))
# Where something changes (padding; one packet and two, with headers of 28 to 72 bytes, and tags),
# and here and there in between.
BOUNDARIES = sorted(
    {
        *range(1, 19),
        *range(MTU - 80, MTU + 3),
        *range(2 * MTU - 160, 2 * MTU + 1, 7),
        *range(20, 2 * MTU, 97),
    }
)
# Of streams that do not wait for answers.
BULKS = [1 << 18, size_talker.BULK]
# Of datagrams that are sent many at once. The last is what IPv6 has room for below a customer's
# tag.
SEGMENTS = [1, 2, 100, 536, 1000, MTU - 4 - 48]

ALL = Offloads("all", checksums=True, segments=True, gro=True)
NONE = Offloads("none", checksums=False, segments=False, gro=False)
# Of the guests of each host.
CROSS = [
    (ALL, ALL),
    (Offloads("no checksums", checksums=False, segments=True, gro=True),) * 2,
    (Offloads("no segments", checksums=True, segments=False, gro=False),) * 2,
    (NONE, NONE),
]
SPLIT = [
    (Offloads("GRO, not GSO", checksums=True, segments=False, gro=True),) * 2,
    (Offloads("GSO, not GRO", checksums=True, segments=True, gro=False),) * 2,
    (ALL, NONE),
    (NONE, ALL),
]
ALIKE = [(VETH, VETH), (TAP, TAP)]
MIXED = [(VETH, TAP), (TAP, VETH)]

Pair = tuple[Offloads, Offloads]
TUNNELS = ("tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation")


@dataclasses.dataclass(frozen=True)
class Wire:
    """What the hosts' devices of the underlay do."""

    name: str
    sums: bool
    tunnels: bool
    gro: bool

    def features(self) -> list[str]:
        wanted = {"tx": self.sums, "gro": self.gro} | {name: self.tunnels for name in TUNNELS}
        return [word for name, on in wanted.items() for word in (name, "on" if on else "off")]


# As veths are: super-packets, and sums to be filled in, cross it as they are.
WHOLE = Wire("whole", sums=True, tunnels=True, gro=False)
# As a card that knows no tunnels: cut up here, put together there.
CUT = Wire("cut", sums=True, tunnels=False, gro=True)
# The same without a card that sums: on the wire all is as it is on a cable.
SUMMED = Wire("summed", sums=False, tunnels=False, gro=True)
LONGEST_FRAME = fabric.MTU["ipv4"] + 14

# Reasons of the kernel that are nobody's loss, where the function says so (empty: anywhere).
EXPECTED_DROPS = {
    # Reports of IPv6 listeners, for routers that are not there.
    ("NOT_SPECIFIED", "ip6_mc_input"),
    # The rest of a packet that GRO has put together, after it was read.
    ("NOT_SPECIFIED", "skb_release_data"),
    # What TCP has sent twice on a busy machine. A packet that got lost has a reason of its own.
    ("TCP_OLD_DATA", ""),
    ("TCP_OLD_SEQUENCE", ""),
    ("TCP_TOO_OLD_ACK", ""),
    # The ends of streams.
    ("NOT_SPECIFIED", "tcp_rcv_state_process"),
    ("QUEUE_PURGE", "sk_stream_kill_queues"),
}
# Packets of the tunnel device that are not of the traffic it is looked at for: copies of such
# reports, late ends of streams with tags.
STRAY = 40
# So many are told of a set of offloads; each may have cost the time to wait for what is lost.
MISTAKES = 4


class OffloadSweep(support.LabCase):
    guests: sweep_guests.Guests
    kernel: kernel_drops.KernelDrops
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(lifecycle.down, support.prefix())
        cls.lab = lifecycle.up(support.prefix(), 2, support.build_folder(), wired=True)
        api.apply(cls.lab, sweep_guests.objects())
        cls.guests = sweep_guests.Guests(cls.lab)
        cls.addClassCleanup(cls.guests.close)
        cls.guests.start()
        counted = kernel_drops.counted(
            sweep_guests.program(cls.lab, "kernel_drops"),
            cls.lab.host_folder("h1") / "bpf" / "sweep",
            netns.with_prefix(f"{cls.lab.prefix}-"),
        )
        cls.kernel = cls.enterClassContext(counted)

    def test_every_size_arrives(self) -> None:
        for offloads in CROSS:
            with self.mode(WHOLE, offloads):
                self.sweep(offloads, ALIKE, EVERY_SIZE, BULKS)
                self.sweep(offloads, MIXED, BOUNDARIES)

    def test_boundaries_arrive_over_wires_that_cut(self) -> None:
        for wire, offloads in [(WHOLE, o) for o in SPLIT] + [(CUT, o) for o in CROSS + SPLIT]:
            with self.mode(wire, offloads):
                self.sweep(offloads, ALIKE + MIXED, BOUNDARIES)

    def test_all_is_right_on_the_wire(self) -> None:
        # A guest that leaves nothing to others needs no such wire.
        for wire, offloads in [(SUMMED, o) for o in CROSS + SPLIT] + [(WHOLE, (NONE, NONE))]:
            with self.mode(wire, offloads), self.captured():
                self.sweep(offloads, ALIKE, BOUNDARIES)

    def test_super_packets_reach_a_tap_whole(self) -> None:
        with self.mode(WHOLE, (ALL, ALL)):
            one, other = self.guests.of(TAP, "h1"), self.guests.of(TAP, "h2")
            for tag in (PLAIN, TRUNK):
                self.guests.carried("h2", ALL)
                for family in (IPV4, IPV6):
                    self.note(self.guests.talk(one, other.address(tag, family), "bulk", BULKS))
                carried = self.guests.carried("h2", ALL)[TAGS.index(tag)]
                if carried["frames"] > carried["bytes"] / (4 * MTU):
                    self.note(f"{tag}: {carried}")

    @contextlib.contextmanager
    def mode(self, wire: Wire, offloads: Pair) -> Iterator[None]:
        """A block of traffic; tells what was wrong with it."""
        with self.subTest(wire=wire.name, offloads=[one.name for one in offloads]):
            for host in HOSTS:
                sweep_guests.set_features(self.lab.netns(host), fabric.WIRE, wire.features())
            self.guests.set_offloads(dict(zip(HOSTS, offloads)))
            self.mistakes: list[str] = []
            dropped = self.kernel.read()
            counted = {host: path_counters.read(self.lab, host) for host in HOSTS}
            yield
            for key, count in (self.kernel.read() - dropped).items():
                if not {key[1:], (key[1], "")} & EXPECTED_DROPS:
                    self.mistakes.append(f"kernel: {' '.join(key)}: {count} packets")
            for host in HOSTS:
                more = path_counters.read(self.lab, host) - counted[host]
                self.mistakes += [
                    f"{host}: {what}: {count}"
                    for what, count in more.items()
                    if what not in path_counters.TUNNEL + (path_counters.detour("tagged"),)
                ]
            self.assertEqual("\n".join(self.mistakes), "")

    def note(self, mistake: str) -> None:
        if mistake:
            self.mistakes.append(mistake)

    def sweep(
        self,
        offloads: Pair,
        pairs: Sequence[tuple[str, str]],
        sizes: Sequence[int],
        bulks: Sequence[int] = BULKS[:1],
    ) -> None:
        for kinds in pairs:
            for tag in TAGS:
                with self.straight(kinds, tag):
                    self.talk(offloads, kinds, tag, sizes, bulks)
            if len(self.mistakes) < MISTAKES:
                self.check_what_taps_got(kinds, offloads)

    def talk(
        self,
        offloads: Pair,
        kinds: tuple[str, str],
        tag: str,
        sizes: Sequence[int],
        bulks: Sequence[int],
    ) -> None:
        ways = {name: sizes for name in ("udp", "icmp", "tcp")}
        ways["bulk"] = bulks
        # Linux cannot both cut and sum datagrams with a tag among their bytes.
        if tag != STACKED or offloads[0].checksums:
            ways["udp_segments"] = SEGMENTS
        one, other = (self.guests.of(kind, host) for kind, host in zip(kinds, HOSTS))
        for family in (IPV4, IPV6):
            for way, chosen in ways.items():
                if len(self.mistakes) < MISTAKES:
                    wrong = self.guests.talk(one, other.address(tag, family), way, chosen)
                    self.note(wrong and f"{'-'.join(kinds)} {tag} {family} {way}: {wrong}")

    @contextlib.contextmanager
    def straight(self, kinds: tuple[str, str], tag: str) -> Iterator[None]:
        """What is exchanged in the block goes past the tunnel devices, unless it has a customer's
        tag; that a tap gets may come in by them."""
        before = [path_counters.tunnel(self.lab, host) for host in HOSTS]
        yield
        if tag == STACKED:
            return
        for host, then in zip(HOSTS, before):
            more = path_counters.tunnel(self.lab, host) - then
            received = more[path_counters.RECEIVED] if TAP not in kinds else 0
            if max(more[path_counters.SENT], received) > STRAY:
                self.mistakes.append(f"{'-'.join(kinds)} {tag}: {host}: {dict(more)}")

    def check_what_taps_got(self, kinds: tuple[str, str], offloads: Pair) -> None:
        """Nothing that the guest left to itself."""
        for kind, host, own in zip(kinds, HOSTS, offloads):
            for carried in self.guests.carried(host, own) if kind == TAP else []:
                wrong = carried["refused"] or not carried["frames"]
                wrong = wrong or (carried["super_packets"] and not own.segments)
                wrong = wrong or (carried["unsummed"] and not own.checksums)
                self.note(f"{'-'.join(kinds)}: {host}: {carried}" if wrong else "")

    @contextlib.contextmanager
    def captured(self) -> Iterator[None]:
        """A block whose packets on the wire tshark finds no fault with, and finds."""
        pcaps = [self.lab.folder / f"{host}.pcap" for host in HOSTS]
        with contextlib.ExitStack() as captures:
            for host, pcap in zip(HOSTS, pcaps):
                words = (self.lab, host, fabric.WIRE, pcap)
                captures.enter_context(wire_judge.captured(*words))
            yield
        judged = wire_judge.judge_all(pcaps, size_talker.PORT)
        for verdict in judged:
            self.mistakes += verdict.faults[:MISTAKES]
            if verdict.longest > LONGEST_FRAME:
                self.note(f"a frame of {verdict.longest} bytes on the wire")
            for tag, family in ((tag, family) for tag in TAGS for family in (IPV4, IPV6)):
                icmp = "icmp" if family == IPV4 else "icmpv6"
                tags = (sweep_guests.CUSTOMER_VLAN,) if tag == STACKED else ()
                for protocol in ("tcp", "udp", icmp):
                    key = wire_judge.Packets(sweep_guests.VNIS[tag], tags, family, protocol)
                    at_least = len(BOUNDARIES) * len(ALIKE)
                    if verdict.judged[key] < at_least:
                        self.note(f"{key}: {verdict.judged[key]} captured, of {at_least}")


if __name__ == "__main__":
    support.main()
