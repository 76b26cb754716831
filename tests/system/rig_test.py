"""What counts and times the moves, on captures written by hand."""

from __future__ import annotations

import json
import subprocess
import tempfile
import unittest

import support  # noqa: F401 - finds labkit
from labkit import guest_image, move
from labkit.bench import migration
from labkit.hypervisor import Times
from labkit.probes import analysis
from labkit.rig import opening
from labkit.rig.flows import FlowResult
from labkit.rig.measured import MeasuredMove
from labkit.shell import LabError

MAC = "52:54:00:06:00:01"


def frame(time_us: int, outgoing: bool, number: int = 0, source: str = MAC) -> list:
    return [time_us, int(outgoing), source, 0x0800, 7000, number, time_us]


class CountingTest(unittest.TestCase):
    def counts(self, sent: int, runs: list[list[int]]) -> tuple[int, int, int]:
        seen = analysis.of_runs(sent, runs)
        return seen.lost, seen.duplicates, seen.reordered

    def test_all_in_order(self) -> None:
        self.assertEqual(self.counts(10, [[0, 10]]), (0, 0, 0))

    def test_lost_in_the_middle_and_at_the_end(self) -> None:
        seen = analysis.of_runs(10, [[0, 3], [5, 4]])
        self.assertEqual(seen.lost_numbers, [3, 4, 9])
        self.assertEqual((seen.lost, seen.duplicates, seen.reordered), (3, 0, 0))

    def test_what_comes_again_is_no_more_than_that(self) -> None:
        self.assertEqual(self.counts(10, [[0, 6], [4, 6]]), (0, 2, 0))

    def test_late_ones_are_reordered_each(self) -> None:
        self.assertEqual(self.counts(6, [[0, 2], [4, 2], [2, 2]]), (0, 0, 2))

    def test_all_three(self) -> None:
        self.assertEqual(self.counts(6, [[0, 1], [3, 1], [1, 1], [3, 2]]), (2, 1, 1))

    def test_none_came(self) -> None:
        self.assertEqual(self.counts(3, []), (3, 0, 0))

    def test_a_number_that_was_not_sent_is_an_error(self) -> None:
        with self.assertRaisesRegex(LabError, "number 3 came, and 0 to 2 were sent"):
            analysis.of_runs(3, [[0, 4]])


class OpeningTest(unittest.TestCase):
    def frames(self, *rows: list) -> list[opening.Frame]:
        return opening.frames({"missed": 0, "frames": list(rows)})

    def test_to_the_guest_from_the_first_sent_after_resume(self) -> None:
        times = [100, 1100, 2100, 3100]
        # 1 was sent before RESUME and waited; 2 is the first after it.
        tap = self.frames(frame(1150, True, 1), frame(2130, True, 2), frame(3110, True, 3))
        self.assertEqual(opening.to_guest_ms(2000, tap, 7000, times), 0.03)

    def test_to_the_guest_what_is_lost_counts_as_waiting(self) -> None:
        times = [100, 1100, 2100, 3100]
        tap = self.frames(frame(150, True, 0), frame(3150, True, 3))
        self.assertEqual(opening.to_guest_ms(1000, tap, 7000, times), 2.05)
        with self.assertRaises(LabError):
            opening.to_guest_ms(1000, tap[:1], 7000, times)
        with self.assertRaises(LabError):
            opening.to_guest_ms(4000, tap, 7000, times)

    def test_from_the_guest(self) -> None:
        tap = self.frames(frame(900, True), frame(1500, False))
        peer = self.frames(frame(800, False), frame(1600, False, source="02:00:00:00:00:01"))
        peer += self.frames(frame(1750, False))
        self.assertEqual(opening.from_guest_ms(1000, tap, peer, MAC), (0.25, 0.75))

    def test_from_the_guest_before_resume_was_said(self) -> None:
        tap, peer = self.frames(frame(900, False)), self.frames(frame(950, False))
        self.assertEqual(opening.from_guest_ms(1000, tap, peer, MAC), (0, 0))
        with self.assertRaises(LabError):
            opening.from_guest_ms(1000, tap, [], MAC)
        with self.assertRaises(LabError):
            opening.from_guest_ms(1000, [], peer, MAC)

    def test_missed_frames_are_an_error(self) -> None:
        with self.assertRaisesRegex(LabError, "2 frames were missed"):
            opening.frames({"missed": 2, "frames": []})


class RowsTest(unittest.TestCase):
    """Two moves: in one of them 3 of 10 are lost to the guest, and one comes twice."""

    def setUp(self) -> None:
        report = move.MoveReport("m", "h1", "h2", Times(1000, 0, 0, 21_000, 0, 0), {})
        good = FlowResult(analysis.of_runs(10, [[0, 10]]), 0, [])
        bad = FlowResult(analysis.of_runs(10, [[0, 5], [8, 2], [9, 1]]), 0, [])
        self.moves = [
            MeasuredMove(report, good, good, 0.5, 0.25, 3),
            MeasuredMove(report, bad, good, 1.5, 0.75, 4),
        ]

    def rows(self, found: list[dict]) -> dict[str, tuple]:
        return {
            row["name"]: (row["value"], row["low"], row["high"], row["must"], row["met"])
            for row in found
        }

    def test_what_was_lost(self) -> None:
        found = self.rows(migration.loss_rows("m", self.moves, True))
        none = (0, 0, 0, "<= 0", True)
        self.assertEqual(
            found,
            {
                "m_to_guest_lost": (3, 0, 3, "<= 0", False),
                "m_to_guest_duplicated": (1, 0, 1, "<= 0", False),
                "m_to_guest_reordered": none,
                "m_from_guest_lost": none,
                "m_from_guest_duplicated": none,
                "m_from_guest_reordered": none,
            },
        )
        unjudged = migration.loss_rows("m", self.moves, False)
        self.assertEqual({(row["must"], row["met"]) for row in unjudged}, {(None, True)})

    def test_how_long_it_took(self) -> None:
        found = self.rows(migration.time_rows("m", self.moves, True))
        self.assertEqual(found["m_blackout"][0], 20)
        self.assertEqual(found["m_open_to_guest_p99"], (1.5, 0.5, 1.5, "<= 1", False))
        self.assertEqual(found["m_open_from_guest_p99"], (0.75, 0.25, 0.75, "<= 1", True))
        self.assertEqual(found["m_open_to_guest_max"][0], 1.5)

    def test_a_counter_that_overflows_is_an_error(self) -> None:
        with self.assertRaisesRegex(LabError, "7 datagrams were lost by who counts them"):
            _ = FlowResult(analysis.of_runs(1, []), 7, []).losses


# In a network namespace that ends with it: half a second of datagrams, received and watched.
SCRIPT = """
ip link set lo up
wait_for() { until [ -e $1 ]; do busybox usleep 1000; done; }
$0 receive in 7000 & receiver=$!
$0 watch seen lo & watcher=$!
wait_for in.ready
wait_for seen.ready
$0 send out 127.0.0.1 7000 2000 times & sender=$!
busybox usleep 500000
kill $sender
wait_for out
kill $receiver $watcher
wait_for in
wait_for seen
cat out in seen
"""


class ProgramTest(unittest.TestCase):
    def test_every_number_comes(self) -> None:
        program = str(guest_image.numbered())
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                ["unshare", "--net", "--", "sh", "-ec", SCRIPT, program],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        sent, received, seen = (json.loads(line) for line in done.stdout.splitlines())
        self.assertGreater(sent["sent"], 500)
        self.assertEqual(len(sent["times_us"]), sent["sent"])
        self.assertEqual(received, {"overflow": 0, "runs": [[0, sent["sent"]]]})
        numbers = [f.number for f in opening.frames(seen) if f.port == 7000 and f.outgoing]
        self.assertEqual(numbers, list(range(sent["sent"])))


if __name__ == "__main__":
    unittest.main(verbosity=2)
