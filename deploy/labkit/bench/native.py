"""Figures that outrider-bench takes of the datapath, with what is asked of each."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

from labkit.bench.rows import row
from labkit.shell import LabError

# By name, or by the start of a name: arguments of row().
Demands = dict[str, dict[str, Any]]


def measure(build: str, group: str, quick: bool, demands: Demands) -> list[dict[str, Any]]:
    program = pathlib.Path(build) / "bin" / "outrider-bench"
    argv = [str(program), group] + (["--quick"] if quick else [])
    figures = []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            for line in running.stdout:
                figures.append(json.loads(line))
                print(f"measured {figures[-1]['name']}", file=sys.stderr, flush=True)
        except BaseException:
            running.kill()
            raise
    if running.returncode != 0:
        raise LabError(f"{program.name} {group}: failed, see above")
    return [
        row(one["name"], one["samples"], one["unit"], **_demand(one["name"], demands))
        for one in figures
    ]


def _demand(name: str, demands: Demands) -> dict[str, Any]:
    for start, demand in demands.items():
        if name.startswith(start):
            return demand
    return {}
