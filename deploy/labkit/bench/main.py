"""The command line of deploy/bench."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import pathlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

from labkit import builder, interrupts, lifecycle
from labkit.bench import acl, agent, attach, cli, fdb, migration, network, qos, replication
from labkit.bench import restart
from labkit.inventory import Lab
from labkit.shell import ROOT, LabError, check_root, check_writable

# Where the report is, if it is not said.
REPORT = ROOT / "build" / "bench"


@dataclasses.dataclass(frozen=True)
class InLab:
    """A benchmark in a lab of `hosts` hosts: measure(lab, quick) -> rows."""

    hosts: int
    measure: Callable[[Lab, bool], list[dict[str, Any]]]

    def run(self, prefix: str, build: str, quick: bool) -> list[dict[str, Any]]:
        with lifecycle.temporary(prefix, self.hosts, build) as lab:
            return self.measure(lab, quick)


# Each: (name of a lab it may make, build folder, quick) -> rows. Those that come before it fails
# count.
BENCHMARKS: dict[str, Callable[[str, str, bool], Iterable[dict[str, Any]]]] = {
    "acl": lambda _, build, quick: acl.run(build, quick),
    "agent": agent.measure,
    "attach": InLab(1, attach.run).run,
    "cli": cli.run,
    "fdb": lambda _, build, quick: fdb.run(build, quick),
    "migration": migration.run,
    "network": network.run_all,
    "qos": qos.run,
    "replication": replication.measure,
    "restart": InLab(2, restart.run).run,
}


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    interrupts.raise_once()
    rows: list[dict[str, Any]] = []
    complete = False
    try:
        check_root("deploy/bench")
        _choose_report(options)
        check_writable(options.json)
        build = builder.ready(options.build, "outrider-bench", "outrider-ovs")
        complete = _measure(options, build, rows)
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return interrupts.EXIT_CODE
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for written in (options.json, options.plot):
        if written and pathlib.Path(written).exists():
            print(f"bench: wrote {written}", file=sys.stderr)
    return 0 if complete and all(row["met"] for row in rows) else 1


def _measure(options: argparse.Namespace, build: str, rows: list[dict[str, Any]]) -> bool:
    """Adds rows as they come, and prints them. False: a benchmark failed; it says which and why,
    and none comes after it."""
    benchmarks = BENCHMARKS | {
        "migration": functools.partial(migration.run, moves=options.moves),
        "network": functools.partial(network.run_all, plot=options.plot),
    }
    for name in options.names:
        try:
            for found in benchmarks[name](options.prefix, build, options.quick):
                rows.append(found)
                print(_text(found), flush=True)
        except LabError as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            return False
    return True


def _choose_report(options: argparse.Namespace) -> None:
    """Without names: all of `network`, into files."""
    if not options.names:
        options.names = ["network"]
        REPORT.mkdir(parents=True, exist_ok=True)
        options.json = options.json or str(REPORT / "network.json")
        options.plot = options.plot or str(REPORT / "network.svg")
    if options.plot and not pathlib.Path(options.plot).parent.is_dir():
        raise LabError(f"--plot {options.plot}: there is no such folder")


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{text}: there are {', '.join(sorted(BENCHMARKS))}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/bench", description="Runs the project's benchmarks."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        type=_name,
        help=f"{', '.join(sorted(BENCHMARKS))}; without one: network, with its rows and its chart "
        f"in {REPORT.relative_to(ROOT)}/",
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument(
        "--moves",
        type=int,
        metavar="N",
        help="of `migration`: moves at each rate, 20 by default, and five times as many of a stream",
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write rows {name, value, low, high, unit, must, met}"
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="of `network`: draw a chart")
    parser.add_argument("--build", metavar="DIR", help="use this build folder instead of building")
    parser.add_argument(
        "--prefix",
        default=lifecycle.default_prefix(),
        help="name of the labs, one after the other; default: one of its own",
    )
    return parser


def _text(found: dict[str, Any]) -> str:
    must = (
        f", must be {found['must']}: {'met' if found['met'] else 'NOT MET'}"
        if found["must"]
        else ""
    )
    return (
        f"{found['name']:32} {found['value']:10.3f} {found['unit']} "
        f"[{found['low']:.3f}, {found['high']:.3f}]{must}"
    )
