"""`replication`: what a copy of a broadcast to 64 other hosts costs, beside a unicast frame to
one."""

from __future__ import annotations

from typing import Any

from labkit.bench import native

DEMANDS: native.Demands = {
    f"replication_{length}b_copy_to_unicast": {"at_most": 1.25, "judged": 50}
    for length in (64, 1400)
}


def measure(_prefix: str, build: str, quick: bool) -> list[dict[str, Any]]:
    return native.measure(build, "replication", quick, DEMANDS)
