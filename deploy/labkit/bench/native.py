"""Figures that outrider-bench takes of the datapath, with what is asked of each."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from labkit.bench.rows import row
from labkit.shell import LabError

# By name, or by the start of a name: arguments of row().
Demands = dict[str, dict[str, Any]]


def measure(build: str, group: str, quick: bool, demands: Demands) -> list[dict[str, Any]]:
    program = pathlib.Path(build) / "bin" / "outrider-bench"
    argv = [str(program), group] + (["--quick"] if quick else [])
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{program.name} {group}: failed, see above")
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        row(one["name"], one["samples"], one["unit"], **_demand(one["name"], demands))
        for one in figures
    ]


def _demand(name: str, demands: Demands) -> dict[str, Any]:
    for start, demand in demands.items():
        if name.startswith(start):
            return demand
    return {}
