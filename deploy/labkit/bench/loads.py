"""The workloads: two sides of `outrider-bench load` in a stage, each on a CPU of its own. """

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from labkit import netns
from labkit.bench.figures import FIGURES
from labkit.bench.stages import Stage
from labkit.inventory import Lab
from labkit.shell import LabError

PORT = 5300
SENDER_CPU, RECEIVER_CPU = 0, (os.cpu_count() or 1) - 1
# How long what is not the load itself may take.
PATIENCE_S = 30


@dataclasses.dataclass(frozen=True)
class Workload:
    """Sides as tests/bench/load.h has them."""

    name: str
    server: str
    client: str
    more: Sequence[str] = ()


WORKLOADS = (
    Workload("tcp", "tcp-sink", "tcp-source"),
    Workload("tcp8", "tcp-sink", "tcp-source", ("--streams", "8")),
    Workload("rr", "rr-server", "rr-client"),
    Workload("crr", "rr-server", "crr-client"),
    Workload("udp64", "udp-sink", "udp-source"),
)


def named(name: str) -> Workload:
    return next(one for one in WORKLOADS if one.name == name)


class Load:
    """Runs workloads in stages of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._program = lab.binary("outrider-bench")

    def measure(self, workload: Workload, stage: Stage, seconds: float) -> dict[str, float]:
        """The workload's figures, over that time."""
        return _figures(workload, self._run(workload, stage, seconds))

    def _run(self, workload: Workload, stage: Stage, seconds: float) -> dict[str, Any]:
        """What both sides said, the client's words over the server's."""
        where = (stage.address, str(PORT))
        server = self._start(stage.receiver, workload.server, *where, "--cpu", str(RECEIVER_CPU))
        try:
            assert server.stdout is not None
            if not server.stdout.readline():
                raise LabError(f"{workload.server} in {stage.receiver}: did not start")
            client = self._start(
                *(stage.sender, workload.client, *where, "--cpu", str(SENDER_CPU)),
                *("--seconds", str(seconds), *workload.more),
            )
            said = _ended(client, f"{workload.client} in {stage.sender}", seconds + PATIENCE_S)
        finally:
            server.terminate()
            rest, _ = server.communicate(timeout=PATIENCE_S)
        return (json.loads(rest) if rest else {}) | json.loads(said)

    def _start(self, namespace: str, *words: str) -> subprocess.Popen[str]:
        argv = netns.inside(namespace, [self._program, "load", *words])
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def _ended(client: subprocess.Popen[str], name: str, timeout: float) -> str:
    try:
        said, _ = client.communicate(timeout=timeout)
    except BaseException as error:
        client.kill()
        client.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise LabError(f"{name}: no end after {timeout:g} s") from error
        raise
    if client.returncode != 0:
        raise LabError(f"{name}: failed, see above")
    return said


def _figures(workload: Workload, said: dict[str, Any]) -> dict[str, float]:
    if "received" in said:
        seconds = said["receive_seconds"]
        rate = said["received"] / seconds if seconds else 0.0
        known = {"gbps": rate * 8e-9, "kpps": rate * 1e-3}
    else:
        rate = said["transactions"] / said["seconds"]
        known = {"per_s": rate, "p50_us": said["p50_us"], "p99_us": said["p99_us"]}
    return {figure: known[figure] for name, figure in FIGURES if name == workload.name}
