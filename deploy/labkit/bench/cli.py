"""`cli`: whole processes of ovs-vsctl, one after the other, in the calls of a migration: Debian's on a
real Open vSwitch, ours on the same one, and ours on Outrider."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import pathlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from labkit import lifecycle, netns, open_vswitch
from labkit.bench.rows import row
from labkit.shell import LabError

# What is asked of ours: milliseconds of the median, and how many times faster than the real one.
AT_MOST_MS = 5
AT_LEAST = 2
PORTS_AT_MOST_MS = 1000
PORTS = 1000

# Name -> arguments of the n-th call, never the same twice, and whether something is asked of it. One
# round makes all of them in this order, so that the switch has as many ports in the last round as in
# the first.
CALLS: dict[str, tuple[Callable[[int], list[str]], bool]] = {
    "set_portdata": (
        lambda n: ["--timeout=5", "set", "Interface", "vnet0", f"external_ids:PortData=m{n}"],
        True,
    ),
    "get_portdata": (
        lambda _: ["--timeout=5", "--if-exists", "get", "Interface", "vnet0"]
        + ["external_ids:PortData"],
        True,
    ),
    "add_port": (
        lambda n: ["--timeout=5", "--", "--may-exist", "add-port", "br0", f"tap{n}"]
        + ["--", "set", "Interface", f"tap{n}", f'external-ids:iface-id="{n}"']
        + ["--", "set", "Interface", f"tap{n}", "external-ids:iface-status=active"],
        True,
    ),
    "del_port": (lambda n: ["--timeout=5", "--", "--if-exists", "del-port", f"tap{n}"], False),
    "list_ports": (lambda _: ["list-ports", "br0"], False),
}


HOST = "h1"


@dataclasses.dataclass(frozen=True)
class Place:
    """A tool and the switch it speaks to."""

    name: str
    client: open_vswitch.Client
    rundir: pathlib.Path

    def call(self, arguments: list[str]) -> float:
        """Milliseconds of a call that succeeds."""
        began = time.perf_counter()
        done = self.client.run(self.rundir, "ovs-vsctl", arguments)
        took = (time.perf_counter() - began) * 1000
        if done.returncode != 0:
            raise LabError(
                f"ovs-vsctl {' '.join(arguments[:8])} ({self.name}): "
                f"{done.stderr.decode().strip()}"
            )
        return took


MakeTaps = Callable[[Sequence[str]], None]


@contextlib.contextmanager
def _places(prefix: str, build: str, rounds: int) -> Iterator[tuple[list[Place], MakeTaps]]:
    """Real on real, ours on real, ours on Outrider. A real Open vSwitch makes do with dummies; on an
    Outrider host the ports are taps, here those of the calls."""
    ours = open_vswitch.our_client(build)
    with open_vswitch.running() as real, lifecycle.temporary(prefix, 1, build) as lab:
        places = [
            Place("real", open_vswitch.real_client(), real.rundir),
            Place("ours_on_ovs", ours, real.rundir),
            Place("ours", ours, lab.ovs_rundir(HOST)),
        ]
        names = [f"tap{n}" for n in range(2, len(places) * rounds, len(places))]
        netns.taps(lab.netns(HOST), ["vnet0", *names])
        yield places, functools.partial(netns.taps, lab.netns(HOST))


def run(prefix: str, build: str, quick: bool) -> list[dict[str, Any]]:
    rounds = 15 if quick else 100
    rows: list[dict[str, Any]] = []
    with _places(prefix, build, rounds) as (places, make_taps):
        for place in places:
            place.call(["--may-exist", "add-br", "br0"])
            place.call(["--may-exist", "add-port", "br0", "vnet0"])
        samples: dict[str, list[list[float]]] = {name: [[], [], []] for name in CALLS}
        for n in range(rounds):
            # In turns, so that what else the machine does hits all.
            for name, (arguments, _) in CALLS.items():
                for which, place in enumerate(places):
                    took = place.call(arguments(len(places) * n + which))
                    samples[name][which].append(took)
        for name, (_, asked) in CALLS.items():
            rows += _rows(name, places, samples[name], asked)
        make_taps([f"many{n}" for n in range(PORTS)])
        for place in places[1:]:
            rows.append(_thousand_ports(place, 1 if quick else 5))
    return rows


def _rows(
    name: str, places: list[Place], samples: list[list[float]], asked: bool
) -> list[dict[str, Any]]:
    real = samples[0]
    rows = [row(f"cli_{name}_{places[0].name}", real, "ms")]
    for place, own in zip(places[1:], samples[1:], strict=True):
        ratios = [theirs / mine for theirs, mine in zip(real, own, strict=True)]
        found = row(f"cli_{name}_{place.name}", own, "ms")
        ratio = row(f"cli_{name}_{place.name}_ratio", ratios, "times faster")
        # Judged by medians: single calls wait for a busy machine.
        ratio["value"] = statistics.median(real) / statistics.median(own)
        if asked:
            found |= {"must": f"<= {AT_MOST_MS}", "met": found["value"] <= AT_MOST_MS}
            ratio |= {"must": f">= {AT_LEAST}", "met": ratio["value"] >= AT_LEAST}
        rows += [found, ratio]
    return rows


def _thousand_ports(place: Place, rounds: int) -> dict[str, Any]:
    """One transaction that adds them, committed; how long the switch then takes is its own."""
    samples = []
    words = [word for n in range(PORTS) for word in ("--", "add-port", "many", f"many{n}")]
    for _ in range(rounds):
        place.call(["add-br", "many"])
        samples.append(place.call(["--no-wait", *words]))
        place.call(["--timeout=60", "del-br", "many"])
    return row(f"cli_1000_ports_{place.name}", samples, "ms") | {
        "must": f"<= {PORTS_AT_MOST_MS}",
        "met": statistics.median(samples) <= PORTS_AT_MOST_MS,
    }
