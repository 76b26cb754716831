"""`fdb`: what a million MACs of other hosts cost: to load, in memory, and frames to them."""

from __future__ import annotations

from typing import Any

from labkit.bench import native

DEMANDS: native.Demands = {
    "fdb_load": {"at_least": 0.5},
    "fdb_memory_per_mac": {"at_most": 100},
    "fdb_rate_million": {"at_least": 0.85, "judged": 50},
}


def run(build: str, quick: bool) -> list[dict[str, Any]]:
    return native.measure(build, "fdb", quick, DEMANDS)
