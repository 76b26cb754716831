"""What `network` reports and what is asked of it: regimes, stages, figures, names of their rows.
Pure. """

from __future__ import annotations

import dataclasses

from labkit.bench.stages import BARE, BRIDGE, EMPTY, FULL, OVS

VETH, NIC = "veth", "nic"
REGIMES = {VETH: "veth-default", NIC: "NIC-like: super-packets are cut up in front of the wire"}
STAGES = {
    BARE: "B0 bare",
    BRIDGE: "B1 bridge",
    OVS: "B2 OVS",
    EMPTY: "ours, empty",
    FULL: "ours, full",
}
# What ours are compared with.
BASES = (BARE, BRIDGE)
PACKETS = "packets_per_mb"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number that a workload gives: its title in reports."""

    title: str
    unit: str
    less_is_better: bool = False


# By workload and figure, in the order of reports. The first of each workload is the one it is for.
FIGURES: dict[tuple[str, str], Figure] = {
    ("tcp", "gbps"): Figure("TCP, one stream", "Gb/s"),
    ("tcp8", "gbps"): Figure("TCP, eight streams", "Gb/s"),
    ("rr", "per_s"): Figure("TCP requests", "1/s"),
    ("rr", "p50_us"): Figure("requests, p50", "us", True),
    ("rr", "p99_us"): Figure("requests, p99", "us", True),
    ("crr", "per_s"): Figure("TCP connections", "1/s"),
    ("udp64", "kpps"): Figure("UDP, 64 B frames", "k/s"),
    ("guests", "gbps"): Figure("guest to guest", "Gb/s"),
    ("guests", PACKETS): Figure("guest's packets", "1/MB", True),
    ("container", "gbps"): Figure("container to guest", "Gb/s"),
    ("container", PACKETS): Figure("guest's packets", "1/MB", True),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is measured once in a round."""

    workload: str
    figure: str
    stage: str

    def row(self, regime: str) -> str:
        return f"net_{regime}_{self.workload}_{self.figure}_{self.stage}"

    def ratio_row(self, regime: str, base: str) -> str:
        return f"{self.row(regime)}_over_{base}"


@dataclasses.dataclass(frozen=True)
class Demand:
    """Of the median of the ratios of a full profile over a base."""

    workload: str
    figure: str
    base: str
    regimes: tuple[str, ...] = (VETH, NIC)
    at_least: float | None = None
    at_most: float | None = None


DEMANDS = (
    Demand("tcp", "gbps", BRIDGE, at_least=1.15),
    Demand("tcp", "gbps", BARE, (VETH,), at_least=0.75),
    Demand("tcp", "gbps", BARE, (NIC,), at_least=0.70),
    Demand("udp64", "kpps", BRIDGE, at_least=1.5),
    Demand("udp64", "kpps", BARE, at_least=0.55),
    Demand("rr", "per_s", BARE, at_least=0.80),
    Demand("rr", "p99_us", BARE, at_most=1.4),
    Demand("crr", "per_s", BRIDGE, at_least=1.0),
    # Behind a wire like a card's, what guests.py says.
    Demand("guests", PACKETS, BRIDGE, (VETH,), at_most=1.1),
    Demand("container", PACKETS, BRIDGE, at_most=1.1),
)
# Nanoseconds for a packet in all our programs, on both hosts.
PROGRAMS_AT_MOST_NS = 400


def bounds(regime: str, cell: Cell, base: str) -> dict[str, float | None]:
    """Arguments of row()."""
    for demand in DEMANDS:
        wanted = (demand.workload, demand.figure, FULL, demand.base)
        if regime in demand.regimes and wanted == (cell.workload, cell.figure, cell.stage, base):
            return {"at_least": demand.at_least, "at_most": demand.at_most}
    return {}
