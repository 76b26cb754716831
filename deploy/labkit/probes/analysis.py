"""What a run of numbered requests says: lost, duplicated, reordered, rate. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from labkit.shell import LabError

# Ethernet, IPv4 and ICMP headers in front of the payload.
FRAME_OVERHEAD = 14 + 20 + 8

# Of one flow in one move of a guest whose QEMU the agent cannot ask (libvirt keeps its monitor to
# itself): QEMU may read a frame in vain while it stops, and whether it did has to be guessed.
MOST_LOST_UNTOLD = 2
MOST_DUPLICATED_UNTOLD = 1


@dataclasses.dataclass(frozen=True)
class ProbeSummary:
    """Counts over one run. `lost_numbers` are the requests without any answer."""

    sent: int
    answered: int
    duplicates: int
    reordered: int
    lost_numbers: list[int]

    @property
    def lost(self) -> int:
        return len(self.lost_numbers)

    def bearable_untold(self, moves: int) -> bool:
        """Whether no more went wrong than so many moves excuse, QEMU telling nothing."""
        return (
            self.lost <= moves * MOST_LOST_UNTOLD
            and self.duplicates <= moves * MOST_DUPLICATED_UNTOLD
            and self.reordered == 0
        )


def summarize(result: dict[str, Any]) -> ProbeSummary:
    """Of the probe `icmp`."""
    return judged(len(result["sent_us"]), (number for number, _ in result["replies"]))


def of_runs(sent: int, runs: Sequence[Sequence[int]]) -> ProbeSummary:
    """Of datagrams 0 to sent - 1; runs: [first, count] of numbers that came one after the other."""
    return judged(sent, (first + step for first, count in runs for step in range(count)))


def judged(sent: int, numbers: Iterable[int]) -> ProbeSummary:
    """numbers: in the order in which they came. The first of a number is reordered when a later one
    came before it."""
    seen: set[int] = set()
    duplicates = reordered = 0
    highest = -1
    for number in numbers:
        if not 0 <= number < sent:
            raise LabError(f"number {number} came, and 0 to {sent - 1} were sent")
        if number in seen:
            duplicates += 1
            continue
        reordered += number < highest
        highest = max(highest, number)
        seen.add(number)
    lost = [number for number in range(sent) if number not in seen]
    return ProbeSummary(sent, len(seen), duplicates, reordered, lost)


def sent_between(result: dict[str, Any], begin_us: int, end_us: int) -> int:
    """Requests sent in [begin_us, end_us]."""
    return sum(begin_us <= sent <= end_us for sent in result["sent_us"])


def answered_kbps(result: dict[str, Any], payload: int, skip_us: int) -> float:
    """Layer-2 rate of the answers, kilobits per second, from skip_us after the first request to the
    last."""
    begin = result["sent_us"][0] + skip_us
    end = result["sent_us"][-1]
    answers = sum(begin <= when <= end for _, when in result["replies"])
    return answers * (payload + FRAME_OVERHEAD) * 8 / ((end - begin) / 1_000_000) / 1000
