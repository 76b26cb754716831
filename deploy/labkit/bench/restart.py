"""`restart`: kill -9 of an agent under a probe of 1000 packets a second, and its start again."""

from __future__ import annotations

from typing import Any

from labkit import scenes
from labkit.bench.rows import row
from labkit.inventory import Lab


def run(lab: Lab, quick: bool) -> list[dict[str, Any]]:
    lab = scenes.two_light_ports(lab)
    runs = [scenes.restart_under_probe(lab, "h2") for _ in range(1 if quick else 5)]
    return [
        row("restart_lost", [one.lost for one in runs], "packets", at_most=0),
        row("restart_objects_written", [one.objects_written for one in runs], "objects", at_most=0),
        row("restart_to_reconciled", [one.reconciled_ms for one in runs], "ms"),
    ]
