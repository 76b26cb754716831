"""`cli`: whole processes of Debian's ovs-vsctl and ours, one after the other, on one real Open
vSwitch, in the calls of a migration."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from labkit import open_vswitch
from labkit.bench.rows import interval, row
from labkit.shell import LabError

# What is asked of ours: milliseconds of the median, and how many times faster than the real one.
AT_MOST_MS = 5
AT_LEAST = 2
PORTS_AT_MOST_MS = 1000
PORTS = 1000

# Name -> arguments of the n-th call, never the same twice, and whether something is asked of it. One
# round makes all of them in this order, so that the switch has as many ports in the last round as in
# the first.
CALLS: dict[str, tuple[Callable[[int], list[str]], bool]] = {
    "set_portdata": (
        lambda n: ["--timeout=5", "set", "Interface", "vnet0", f"external_ids:PortData=m{n}"],
        True,
    ),
    "get_portdata": (
        lambda _: ["--timeout=5", "--if-exists", "get", "Interface", "vnet0"]
        + ["external_ids:PortData"],
        True,
    ),
    "add_port": (
        lambda n: ["--timeout=5", "--", "--may-exist", "add-port", "br0", f"tap{n}"]
        + ["--", "set", "Interface", f"tap{n}", f'external-ids:iface-id="{n}"']
        + ["--", "set", "Interface", f"tap{n}", "external-ids:iface-status=active"],
        True,
    ),
    "del_port": (lambda n: ["--timeout=5", "--", "--if-exists", "del-port", f"tap{n}"], False),
    "list_ports": (lambda _: ["list-ports", "br0"], False),
}


def run(build: str, quick: bool) -> list[dict[str, Any]]:
    """The server is real Open vSwitch; another make is another class for running()."""
    clients = (open_vswitch.real_client(), open_vswitch.our_client(build))
    rounds = 15 if quick else 100
    rows: list[dict[str, Any]] = []
    with open_vswitch.running() as server:
        for client in clients:
            _milliseconds(client, server, ["--may-exist", "add-br", "br0"])
            _milliseconds(client, server, ["--may-exist", "add-port", "br0", "vnet0"])
        samples: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in CALLS}
        for n in range(rounds):
            # In turns, so that what else the machine does hits both.
            for name, (arguments, _) in CALLS.items():
                for which, client in enumerate(clients):
                    took = _milliseconds(client, server, arguments(2 * n + which))
                    samples[name][which].append(took)
    for name, (_, asked) in CALLS.items():
        rows += _rows(name, *samples[name], asked)
    rows.append(_thousand_ports(clients[1], 1 if quick else 5))
    return rows


def _rows(
    name: str, real: list[float], ours: list[float], asked: bool
) -> list[dict[str, Any]]:
    ratios = [theirs / own for theirs, own in zip(real, ours, strict=True)]
    mine = row(f"cli_{name}", ours, "ms")
    ratio = row(f"cli_{name}_ratio", ratios, "times faster")
    # Judged by medians: single calls wait for a busy machine.
    ratio["value"] = statistics.median(real) / statistics.median(ours)
    if asked:
        mine |= {"must": f"<= {AT_MOST_MS}", "met": mine["value"] <= AT_MOST_MS}
        ratio |= {"must": f">= {AT_LEAST}", "met": ratio["value"] >= AT_LEAST}
    return [row(f"cli_{name}_real", real, "ms"), mine, ratio]


def _thousand_ports(client: open_vswitch.Client, rounds: int) -> dict[str, Any]:
    """One transaction that adds them, committed; how long the switch then takes is its own."""
    samples = []
    for _ in range(rounds):
        with open_vswitch.running() as server:
            _milliseconds(client, server, ["add-br", "br0"])
            words = [
                word for n in range(PORTS) for word in ("--", "add-port", "br0", f"tap{n}")
            ]
            samples.append(_milliseconds(client, server, ["--no-wait", *words]))
    low, high = interval(samples)
    return row("cli_1000_ports", samples, "ms") | {
        "low": low,
        "high": high,
        "must": f"<= {PORTS_AT_MOST_MS}",
        "met": statistics.median(samples) <= PORTS_AT_MOST_MS,
    }


def _milliseconds(
    client: open_vswitch.Client, server: open_vswitch.Server, arguments: list[str]
) -> float:
    began = time.perf_counter()
    done = client.run(server.rundir, "ovs-vsctl", arguments)
    took = (time.perf_counter() - began) * 1000
    if done.returncode != 0:
        raise LabError(
            f"{client.name} ovs-vsctl {' '.join(arguments[:8])}: {done.stderr.decode().strip()}"
        )
    return took
