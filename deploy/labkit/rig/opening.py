"""When the network was open to a guest, and from it, after a move: of what was seen on its new tap
and at a peer. Pure. Times are microseconds of the machine's clock. """

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence

from labkit.shell import LabError


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame on a watched device, as deploy/guest/numbered.c writes it; not numbered: port 0. To a
    guest's tap, what it gets is outgoing."""

    time_us: int
    outgoing: bool
    source: str
    ether_type: int
    port: int
    number: int
    sent_us: int


def frames(watched: dict) -> list[Frame]:
    """LabError when some were missed: then nothing can be said."""
    if watched["missed"]:
        raise LabError(f"{watched['missed']} frames were missed on a watched device")
    return [Frame(row[0], bool(row[1]), *row[2:]) for row in watched["frames"]]


def to_guest_ms(
    resumed_us: int, tap: Sequence[Frame], port: int, times_us: Sequence[int]
) -> float:
    """Of the flow to that port, sent at times_us: from the first datagram that was sent after
    RESUME to the first of these on the tap. What was lost before it counts as waiting. LabError:
    none was sent, or none came."""
    first = bisect.bisect_left(times_us, resumed_us)
    came = [f.time_us for f in tap if f.outgoing and f.port == port and f.number >= first]
    if first == len(times_us) or not came:
        raise LabError("nothing was sent to the guest after RESUME, or nothing reached its tap")
    return (min(came) - times_us[first]) / 1000


def from_guest_ms(
    resumed_us: int, tap: Sequence[Frame], peer: Sequence[Frame], mac: str
) -> tuple[float, float]:
    """From the guest's first frame on the tap, or RESUME if that is later, to the first one at the
    peer; and from RESUME to that one, which is the guest's time, too. Neither is below 0: QEMU's
    RARP comes before it says RESUME. LabError: nothing was seen."""
    sent = [f.time_us for f in tap if not f.outgoing and f.source == mac]
    if not sent:
        raise LabError("the guest sent nothing on its new tap")
    came = [f.time_us for f in peer if not f.outgoing and f.source == mac and f.time_us >= sent[0]]
    if not came:
        raise LabError("nothing that the guest sent on its new tap reached the peer")
    since_resumed = max(0, came[0] - resumed_us)
    return max(0, came[0] - max(resumed_us, sent[0])) / 1000, since_resumed / 1000
