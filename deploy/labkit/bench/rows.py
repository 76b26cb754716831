"""Rows of benchmark results, and the statistics in them. Pure."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any

RESAMPLES = 2000


def interval(samples: Sequence[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the median; the same samples give the same interval."""
    source = random.Random(1)
    medians = sorted(
        statistics.median(source.choices(samples, k=len(samples))) for _ in range(RESAMPLES)
    )
    return medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975)]


def row(
    name: str,
    samples: Sequence[float],
    unit: str,
    at_most: float | None = None,
    at_least: float | None = None,
    judged: int = 100,
) -> dict[str, Any]:
    """Median of the samples, and what is asked of them; `must` is null when nothing is. `judged` is
    the percentile that has to keep to a bound, 100: every sample; it is the value then if not that."""
    low, high = interval(samples)
    bounds = [] if at_most is None else [f"<= {at_most:g}"]
    bounds += [] if at_least is None else [f">= {at_least:g}"]
    return {
        "name": name,
        "value": statistics.median(samples) if judged == 100 else percentile(samples, judged),
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
