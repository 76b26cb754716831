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
    name: str, samples: Sequence[float], unit: str, at_most: float | None = None
) -> dict[str, Any]:
    """Median of the samples. With at_most, every sample must keep to it; `must` is null without."""
    low, high = interval(samples)
    return {
        "name": name,
        "value": statistics.median(samples),
        "low": low,
        "high": high,
        "unit": unit,
        "must": None if at_most is None else f"<= {at_most:g}",
        "met": at_most is None or max(samples) <= at_most,
    }
