"""`qos`: how exact policers and shapers are, what a TCP flow makes of them, and what neighbours
cost a port."""

from __future__ import annotations

import time
from typing import Any

from labkit import api, lifecycle, ports, scenes, services
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
# Whose limit, and what its profile says.
LIMITS = {
    "policer": ("left", "qos: {{ingress_policer: {{rate_kbps: {rate}}}}}"),
    "shaper": ("right", "qos: {{shaper: {{max_kbps: {rate}}}}}"),
}
# A flow finds its rate in this time, and is measured for that one.
SETTLE_S, MEASURE_S = 3, 4


def run(prefix: str, build: str, quick: bool) -> list[dict[str, Any]]:
    rows = native.measure(build, "qos", quick, DEMANDS)
    with lifecycle.temporary(prefix, 2, build) as lab:
        rows += _tcp(scenes.two_light_ports(lab), quick)
    return rows


def _tcp(lab: Lab, quick: bool) -> list[dict[str, Any]]:
    """A flow from `left` on one host to `right` on another; the limit is the sender's policer or the
    receiver's shaper."""
    rows = []
    for kind, (side, text) in LIMITS.items():
        for rate in TCP_RATES_KBPS:
            name = f"{kind}{rate // 1000}"
            profile = scenes.PROFILE.replace("name: scene", f"name: {name}")
            api.apply(lab, f"{profile}{text.format(rate=rate)}\n")
            api.set_profile(lab, lab.light(side).port_id, name)
            services.wait_converged(lab)
            samples = [_share(lab, rate) for _ in range(1 if quick else 5)]
            rows.append(
                row(f"qos_tcp_{kind}_{rate // 1000}mbps", samples, "ratio", at_least=0.92, judged=50)
            )
        api.set_profile(lab, lab.light(side).port_id, "scene")
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
    settled = [one for one in samples if one[0] >= samples[0][0] + SETTLE_S]
    if len(settled) < 2:
        return 0.0  # nothing came
    (start, before), (end, after) = settled[0], settled[-1]
    return (after - before) * 8 / 1000 / (end - start) / rate_kbps
