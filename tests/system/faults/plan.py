"""What happens in the run of one seed. Pure: the same seed is the same plan, everywhere."""

from __future__ import annotations

import dataclasses
import random
import uuid

HOSTS = ("h1", "h2", "h3")
# What a hypervisor does in turn. A fault begins before, or soon after, one of them begins.
STEPS = ("attach", "pause", "resume", "quit", "end")
PHASES = ("preparing", "armed", "switching", "committed", "aborted")
AGENT_PLACES = tuple(
    f"agent.{side}-{what}" for what in ("apply", "receipt", "activation") for side in
    ("before", "after")
)
CONTROLLER_PLACES = tuple(
    f"controller.{side}-commit.{phase}" for phase in PHASES for side in ("before", "after")
) + ("controller.before-send", "controller.after-send")


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `kind`: none, kill, stop (SIGSTOP), failpoint, partition, gone (a
    host loses its power)."""

    kind: str
    # Of kill, stop, failpoint and gone: source, destination or controller. Of partition: two.
    victims: tuple[str, ...] = ()
    # Index into STEPS, and how long after the step's begin.
    at: int = 0
    delay_ms: int = 0
    # It is mended before this step, or so long after that began; len(STEPS): at the very end.
    until: int = len(STEPS)
    hold_ms: int = 0
    # Of failpoint: OUTRIDER_FAILPOINTS.
    order: str = ""

    def __str__(self) -> str:
        if self.kind == "none":
            return "no fault"
        what = f"{self.kind} {'-'.join(self.victims)}" + (f" {self.order}" if self.order else "")
        until = STEPS[self.until] if self.until < len(STEPS) else "the end is over"
        until += f" or {self.hold_ms} ms later" if self.hold_ms else ""
        if self.kind == "failpoint":
            return f"{what}, mended before {until}"
        return f"{what}, {self.delay_ms} ms into {STEPS[self.at]}, mended before {until}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """`mode`: prepared (`migration prepare`, `switchover`) or detected (a device is attached).
    `course`: what the hypervisor would do without a fault: move, rollback (it pauses the guest and
    lets it go on where it was) or give-up (it never pauses it)."""

    seed: int
    port_id: str
    source: str
    destination: str
    third: str
    mode: str
    course: str
    fault: Fault

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.course} {self.source} to {self.destination}, {self.mode}; "
            f"{self.fault}"
        )

    def place(self, victim: str) -> str:
        """The host, or `controller`, that a victim's role names."""
        roles = {"source": self.source, "destination": self.destination, "third": self.third}
        return roles.get(victim, victim)


def _order(draw: random.Random, victim: str) -> str:
    if victim == "controller":
        place = draw.choice(CONTROLLER_PLACES)
        actions = ["crash", "crash", f"stall:{draw.choice((50, 300, 1000))}"]
        actions += ["error"] if "commit" in place else []
    else:
        place = draw.choice(AGENT_PLACES)
        actions = ["crash", "crash", f"stall:{draw.choice((50, 300, 1000))}"]
    often = "send" in place or "apply" in place or "receipt" in place
    return f"{place}={draw.choice(actions)}@{draw.randint(1, 3 if often else 1)}"


def _fault(draw: random.Random) -> Fault:
    kinds = ["none"] + ["kill"] * 5 + ["stop"] * 3 + ["failpoint"] * 6 + ["partition"] * 3
    kind = draw.choice([*kinds, "gone", "gone"])
    at = draw.randrange(len(STEPS))
    delay_ms = draw.choice((0, 0, 1, 3, 10, 30, 60))
    until = draw.randint(at + 1, len(STEPS))
    one = (draw.choice(("source", "destination", "controller")),)
    # The longest is more than the lease and the absence of the runs' controller.
    hold_ms = draw.choice((0,) * 12 + (300, 300, 1200, 4500))
    match kind:
        case "none":
            return Fault("none")
        case "partition":
            pairs = [("source", "destination"), ("source", "controller")]
            pairs += [("destination", "controller"), ("third", "controller")]
            return Fault(kind, draw.choice(pairs), at, delay_ms, until, hold_ms)
        case "gone":
            at = draw.choice((1, 2, 3))
            return Fault(kind, ("destination",), at, delay_ms, len(STEPS), hold_ms)
        case "failpoint":
            until = draw.randint(2, len(STEPS))
            return Fault(kind, one, 0, 0, until, hold_ms, _order(draw, one[0]))
        case _:
            return Fault(kind, one, at, delay_ms, until, hold_ms)


def plan_of(seed: int) -> Plan:
    draw = random.Random(seed)
    port_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    source, destination, third = draw.sample(HOSTS, 3)
    mode = draw.choice(("detected", "detected", "prepared"))
    course = draw.choice(("move",) * 5 + ("rollback",) * 2 + ("give-up",))
    fault = _fault(draw)
    if fault.kind == "gone":
        course = "move"  # what becomes of it depends on when the host is gone
    return Plan(seed, port_id, source, destination, third, mode, course, fault)
