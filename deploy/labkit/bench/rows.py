"""Rows of benchmark results, and the statistics in them. Pure."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from typing import Any

RESAMPLES = 2000


def interval(
    samples: Sequence[float], statistic: Callable[[Sequence[float]], float] = statistics.median
) -> tuple[float, float]:
    """95 % bootstrap interval of the statistic; the same samples give the same interval."""
    source = random.Random(1)
    found = sorted(statistic(source.choices(samples, k=len(samples))) for _ in range(RESAMPLES))
    return found[int(RESAMPLES * 0.025)], found[int(RESAMPLES * 0.975)]


def row(
    name: str,
    samples: Sequence[float],
    unit: str,
    at_most: float | None = None,
    at_least: float | None = None,
    judged: int = 100,
) -> dict[str, Any]:
    """Median of the samples, its interval, and what is asked of them; `must` is null when nothing
    is. `judged` is the percentile that has to keep to a bound, 100: every sample; value and interval
    are of that percentile if not of the median."""

    def shown(of: Sequence[float]) -> float:
        return statistics.median(of) if judged == 100 else percentile(of, judged)

    low, high = interval(samples, shown)
    bounds = [] if at_most is None else [f"<= {at_most:g}"]
    bounds += [] if at_least is None else [f">= {at_least:g}"]
    return {
        "name": name,
        "value": shown(samples),
        "low": low,
        "high": high,
        "unit": unit,
        "must": " and ".join(bounds) or None,
        "met": (at_most is None or percentile(samples, judged) <= at_most)
        and (at_least is None or percentile(samples, 100 - judged) >= at_least),
    }


def percentile(samples: Sequence[float], percent: int) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
