"""Whether the machine was steady enough for what was measured to count. A run is refused when

- others had more than 10 % of its processors (steal, of /proc/stat) in a regime, or
- the bare wire says so: half of the 95 % interval of the median of its rounds is more than 10 % of
  that median, in the main figure of any workload. Nothing of ours is in it.

Single rounds may be further apart, on a virtual machine by half: they are short and many, so that
medians hold still, and ratios are of what was measured within the same second.
"""

from __future__ import annotations

import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

from labkit.bench.rows import interval, row
from labkit.shell import LabError

AT_MOST = 0.10
STAT = pathlib.Path("/proc/stat")


class Judge:
    """Of a run, regime by regime."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._before = _ticks()

    def begin(self) -> None:
        """A regime begins."""
        self._before = _ticks()

    def rows(self, regime: str, bare: dict[str, list[float]]) -> list[dict[str, Any]]:
        """At the regime's end. bare: samples of the bare wire, by workload."""
        spent = [now - then for now, then in zip(_ticks(), self._before, strict=True)]
        stolen = share(spent)
        found = [row(f"net_{regime}_steal", [stolen], "ratio", at_most=AT_MOST)]
        for name, samples in bare.items():
            title = f"net_{regime}_{name}_spread"
            found.append(row(title, [spread(samples)], "ratio", at_most=AT_MOST))
        self._rows += found
        return found

    def check(self) -> None:
        """LabError that says which of these rows refuse the run, and by how much."""
        bad = [f"{one['name']} is {one['value']:.1%}" for one in self._rows if not one["met"]]
        if bad:
            raise LabError(
                f"refused, the machine was not steady: {', '.join(bad)}; {AT_MOST:.0%} are"
                " allowed. The figures above say little: try again when it has less else to do"
            )


def _ticks() -> list[int]:
    first, _, _ = STAT.read_text(encoding="ascii").partition("\n")
    # user nice system idle iowait irq softirq steal; guests' time is in user's.
    return [int(word) for word in first.split()[1:9]]


def share(spent: Sequence[int]) -> float:
    """The last one's."""
    return spent[-1] / sum(spent) if sum(spent) else 0.0


def spread(samples: Sequence[float]) -> float:
    """Half of the interval, as a share of the median."""
    low, high = interval(samples)
    median = statistics.median(samples)
    return (high - low) / 2 / median if median else 1.0
