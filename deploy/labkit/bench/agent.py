"""`agent`: what an agent takes of its host while nothing changes: processor time and memory, without
and with 50,000 MACs of other hosts, and when it was started with them. Quickly: with them alone.

They are rows of its forwarding table, by VNI and MAC: of trunk ports on the other host, in each of
the segments that a trunk port here is in. """

from __future__ import annotations

import time
import uuid
from typing import Any

from labkit import api, inventory, lifecycle, netns, services
from labkit.bench.rows import row
from labkit.inventory import Lab
from labkit.shell import LabError

SEGMENTS, PORTS = 500, 100
HOST, OTHER = "h1", "h2"
# Until what a change has left behind is done, memory given back.
SETTLE_S = 15
# What is asked.
CPU_AT_MOST_PERCENT, MEMORY_AT_MOST_MIB = 0.5, 64

Rows = list[dict[str, Any]]


def measure(prefix: str, build: str, quick: bool) -> Rows:
    with lifecycle.temporary(prefix, 2, build) as lab:
        return _measure(lab, quick)


def _measure(lab: Lab, quick: bool) -> Rows:
    api.apply(lab, "---\n".join([*_segments(), _trunk()]))
    _attach(lab, HOST, 1)
    rows = [] if quick else _idle(lab, "agent_alone", quick)
    _attach(lab, OTHER, PORTS)
    rows += _idle(lab, "agent_50k_macs", quick)
    if not quick:
        services.kill(lab, services.agent_name(HOST))
        services.start_agent(lab, HOST)
        services.wait_agent(lab, HOST)
        rows += _idle(lab, "agent_50k_macs_restarted", quick)
    _check_macs(lab)
    return rows


def _segments() -> list[str]:
    return [f"kind: Segment\nname: s{n}\nvni: {7000 + n}\n" for n in range(SEGMENTS)]


def _trunk() -> str:
    vlans = "".join(f"  - {{vlan: {n + 1}, segment: s{n}}}\n" for n in range(SEGMENTS))
    return f"kind: Profile\nname: trunk\nvlan:\n  mode: trunk\n  vlans:\n{vlans}"


def _attach(lab: Lab, host: str, count: int) -> None:
    devices = [f"trunk{n}" for n in range(count)]
    netns.taps(lab.netns(host), devices)
    for n, device in enumerate(devices):
        mac = f"52:54:00:{list(lab.hosts).index(host):02x}:{n >> 8:02x}:{n & 255:02x}"
        api.attach(lab, host, device, str(uuid.uuid4()), mac, "trunk")
    services.wait_converged(lab, 60)


def _idle(lab: Lab, name: str, quick: bool) -> Rows:
    """Rows of the agent that runs now. The one without MACs is only what the memory starts from."""
    pid = inventory.load(lab.prefix).processes[services.agent_name(HOST)].pid
    time.sleep(SETTLE_S)
    busy, resident = [], []
    for _ in range(1 if quick else 5):
        busy.append(_busy_percent(pid, 10 if quick else 20))
        resident.append(_resident_mib(pid))
    asked = None if name == "agent_alone" else MEMORY_AT_MOST_MIB
    return [
        row(f"{name}_cpu", busy, "% of a core", at_most=CPU_AT_MOST_PERCENT),
        row(f"{name}_memory", resident, "MiB", at_most=asked),
    ]


def _busy_percent(pid: int, seconds: float) -> float:
    began, spent = time.monotonic(), _processor_s(pid)
    time.sleep(seconds)
    return (_processor_s(pid) - spent) / (time.monotonic() - began) * 100


def _processor_s(pid: int) -> float:
    """What all threads of a process have taken, to the nanosecond, where /proc counts in ticks: the
    clock that clock_getcpuclockid(3) names."""
    cpuclock_sched = 2
    return time.clock_gettime(~pid << 3 | cpuclock_sched)


def _resident_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]) / 1024


def _check_macs(lab: Lab) -> None:
    """Last, for the answer takes memory of the agent's."""
    shown = api.query(lab, "state", "show", "--applied", host=HOST)["state"]["fdb"]
    wanted = SEGMENTS * (PORTS + 1)
    if len(shown) != wanted:
        raise LabError(f"{HOST}: {len(shown)} MACs are in force of {wanted}")
