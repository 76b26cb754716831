"""The command line of deploy/bench."""

from __future__ import annotations

import argparse
import json
import pathlib
import signal
import sys
from collections.abc import Callable
from typing import Any

from labkit import builder
from labkit.bench import attach, restart
from labkit.shell import LabError

Benchmark = Callable[[str, bool], list[dict[str, Any]]]
BENCHMARKS: dict[str, Benchmark] = {"attach": attach.run, "restart": restart.run}


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    rows: list[dict[str, Any]] = []
    try:
        build = builder.ready(options.build)
        for name in options.names:
            for found in BENCHMARKS[name](build, options.quick):
                rows.append(found)
                print(_text(found), flush=True)
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0 if all(found["met"] for found in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/bench", description="Runs the project's benchmarks."
    )
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        choices=sorted(BENCHMARKS),
        help=", ".join(sorted(BENCHMARKS)),
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument(
        "--json", metavar="FILE", help="write rows {name, value, low, high, unit, must, met}"
    )
    parser.add_argument("--build", metavar="DIR", help="use this build folder instead of building")
    return parser


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _text(found: dict[str, Any]) -> str:
    must = (
        f", must be {found['must']}: {'met' if found['met'] else 'NOT MET'}"
        if found["must"]
        else ""
    )
    return (
        f"{found['name']:28} {found['value']:10.3f} {found['unit']} "
        f"[{found['low']:.3f}, {found['high']:.3f}]{must}"
    )
