"""`qos`: how exact policers and shapers are, what a TCP flow makes of them, and what neighbours
cost a port."""

from __future__ import annotations

import time
from typing import Any

from labkit import api, lifecycle, ports, scenes
from labkit.bench import native
from labkit.bench.rows import row
from labkit.inventory import Lab
from labkit.probes.runner import RunningProbe

DEMANDS: native.Demands = {
    "qos_policer": {"at_least": 0.99, "at_most": 1.01, "judged": 50},
    "qos_shaper": {"at_least": 0.99, "at_most": 1.01, "judged": 50},
    "qos_victim": {"at_least": 0.95, "judged": 50},
}
TCP_RATES_KBPS = (10_000, 100_000, 1_000_000)
LIMITS = {
    "policer": "qos: {{ingress_policer: {{rate_kbps: {rate}}}}}",
    "shaper": "qos: {{shaper: {{max_kbps: {rate}}}}}",
}
# A flow finds its rate in this time, and is measured for that one.
SETTLE_S, MEASURE_S = 3, 4


def run(prefix: str, build: str, quick: bool) -> list[dict[str, Any]]:
    rows = native.measure(build, "qos", quick, DEMANDS)
    with lifecycle.temporary(prefix, 2, build) as lab:
        rows += _tcp(lab, quick)
    return rows


def _tcp(lab: Lab, quick: bool) -> list[dict[str, Any]]:
    """A flow from `left` on one host to `right` on another; the limit is the sender's policer or the
    receiver's shaper."""
    scenes.segment_and_profile(lab)
    rows = []
    for kind, text in LIMITS.items():
        for rate in TCP_RATES_KBPS:
            name = f"{kind}{rate // 1000}"
            api.apply(
                lab, f"{scenes.PROFILE.replace('name: scene', f'name: {name}')}{text.format(rate=rate)}\n"
            )
            limited = ("left", "right") if kind == "policer" else ("right", "left")
            hosts = {"left": "h1", "right": "h2"}
            ips = {"left": scenes.LEFT_IP, "right": scenes.RIGHT_IP}
            for number, side in enumerate(("left", "right"), 1):
                profile = name if side == limited[0] else "scene"
                mac = f"52:54:00:02:00:{number:02x}"
                ports.add_light(lab, side, hosts[side], ips[side], mac, profile)
            samples = [_share(lab, rate) for _ in range(1 if quick else 5)]
            rows.append(
                row(f"qos_tcp_{kind}_{rate // 1000}mbps", samples, "ratio", at_least=0.92, judged=50)
            )
            for side in limited:
                ports.remove_light(lab, side)
    return rows


def _share(lab: Lab, rate_kbps: int) -> float:
    """What the receiver's program gets, as a share of the limit."""
    receiver = RunningProbe.start(lab, ports.light_netns(lab, "right"), "bulk", "bulk-receiver")
    sender = RunningProbe.start(
        *(lab, ports.light_netns(lab, "left"), "bulk", "bulk-sender"),
        destination=scenes.RIGHT_IP,
    )
    time.sleep(SETTLE_S + MEASURE_S)
    sender.finish()
    samples = receiver.finish()["samples"]
    start = next(one for one in samples if one[0] >= samples[0][0] + SETTLE_S)
    end = samples[-1]
    return (end[1] - start[1]) * 8 / 1000 / (end[0] - start[0]) / rate_kbps
