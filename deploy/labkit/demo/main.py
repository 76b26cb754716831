"""The command line of deploy/demo, and the order of its steps."""

from __future__ import annotations

import argparse
import sys
import time

from labkit import builder, interrupts, inventory, lifecycle
from labkit.demo import checks, explain, measure, scenario
from labkit.demo.report import Report
from labkit.inventory import Lab
from labkit.shell import LabError, check_root, check_writable

PICTURE = """\
     h1 10.77.1.1        h2 10.77.2.1        h3 10.77.3.1        each host in its own IP subnet,
     [ server ] ------>  ( moves here )      [ client ] (probe)  an agent on each
          \\__________________|___________________/
                          router  ---  controller"""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    interrupts.raise_once()
    report = Report()
    code = 1
    try:
        check_root("deploy/demo")
        check_writable(options.json)
        build = builder.ready(options.build)
        report = Report()  # time counts from here: after the build
        try:
            _play(report, options, build)
        finally:
            report.write(options.json)
        code = 0 if report.ok else 1
    except LabError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
        code = interrupts.EXIT_CODE
    if report.rows and code != interrupts.EXIT_CODE:
        good = sum(row["ok"] for row in report.rows)
        print(f"\n{good} of {len(report.rows)} checks hold; {report.seconds():.0f} s", flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/demo",
        description="Live-migrates a real QEMU guest between hosts and shows that its port "
        "profile is there before it. Builds first; cleans up after itself. Exit 0 only if every "
        "check holds.",
    )
    parser.add_argument("--json", metavar="FILE", help="write rows {check, value, unit, ok}")
    parser.add_argument(
        "--keep", action="store_true", help="leave the lab up (deploy/lab down ends it)"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="move N times, back and forth"
    )
    parser.add_argument("--build", metavar="DIR", help="use this build folder instead of building")
    parser.add_argument(
        "--prefix",
        default=lifecycle.default_prefix(),
        help="name of the lab; default: one of its own",
    )
    return parser


def _play(report: Report, options: argparse.Namespace, build: str) -> None:
    report.step(
        "Three hosts in three IP subnets behind a router, a controller, an agent on each host"
    )
    print(PICTURE)
    with lifecycle.temporary(options.prefix, scenario.HOSTS, build, options.keep) as lab:
        try:
            _scenes(report, lab, options.repeat)
        finally:
            if options.keep:
                print(f"\nthe lab is still up: deploy/lab status --prefix {lab.prefix}")


def _scenes(report: Report, lab: Lab, repeat: int) -> None:
    report.step("Profile `web`, a server guest under it on h1, a client guest on h3 (real QEMU)")
    report.say(scenario.WEB)
    lab = scenario.prepare(lab)
    report.step("What the profile allows, and what it denies, before any move")
    _show_profile(report, lab, "before")
    before = measure.policed_kbps(lab, "before")
    scenario.start_stream(lab)
    in_time = 0
    for number in range(1, repeat + 1):
        in_time += _move(report, lab, number, repeat)
        lab = inventory.load(lab.prefix)
    if repeat > 1:
        report.row(
            "moves_with_receipt_first",
            in_time,
            f"of {repeat}",
            in_time == repeat,
            "moves with the profile there before the guest",
        )
    report.step("The TCP connection opened before the move, and the profile after it")
    _show_stream(report, lab)
    _show_profile(report, lab, "after")
    after = measure.policed_kbps(lab, "after")
    checks.policer_checks(report, before, after)
    report.step("Each kind of drop there was, explained by `outrider trace`")
    explain.drops_explained(report, lab)


def _show_profile(report: Report, lab: Lab, when: str) -> None:
    url = f"http://{scenario.SERVER_IP}"
    ping, _ = scenario.in_guest(lab, "client", f"ping -c 2 -W 2 {scenario.SERVER_IP}")
    report.row(f"ping_allowed_{when}", ping, "", ping, "client pings server")
    page, text = scenario.in_guest(lab, "client", f"timeout 5 wget -q -O - {url}/")
    page = page and "hello from server" in text
    report.row(f"http_allowed_{when}", page, "", page, f"client reads {url}/")
    # The server does listen there: what keeps port 81 closed is the profile.
    listens, _ = scenario.in_guest(lab, "server", "timeout 5 wget -q -O - http://127.0.0.1:81/")
    denied = not scenario.in_guest(lab, "client", f"timeout 2 wget -q -O - {url}:81/")[0]
    report.row(
        f"port_81_denied_{when}",
        denied,
        "",
        denied and listens,
        f"client cannot read {url}:81/ (the server listens there)",
    )


def _move(report: Report, lab: Lab, number: int, repeat: int) -> bool:
    server = lab.guest("server")
    destination = "h2" if server.host == "h1" else "h1"
    count = f" ({number} of {repeat})" if repeat > 1 else ""
    report.step(
        f"The server moves from {server.host} to {destination}{count}, while "
        f"{measure.PROBE_RATE} numbered requests and {2 * measure.DENIED_RATE} denied frames "
        "a second go to it"
    )
    moved = measure.measured_move(lab, destination, number)
    report.say(
        checks.timeline(moved.report.record, moved.report.times)
    )
    in_time = checks.receipt_check(report, moved, server.port_id)
    checks.move_checks(report, moved)
    checks.probe_checks(report, moved)
    checks.denied_checks(report, moved)
    return in_time


def _show_stream(report: Report, lab: Lab) -> None:
    _, earlier, _ = scenario.stream_state(lab)
    time.sleep(1)
    alive, lines, wrong = scenario.stream_state(lab)
    report.row("tcp_alive", alive, "", alive and lines > earlier, "connection open, data flows")
    report.row("tcp_lines", lines, "lines", lines > 0, "numbered lines received over it")
    report.row("tcp_lines_wrong", wrong, "lines", wrong == 0, "missing, repeated or out of order")
