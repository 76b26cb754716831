"""deploy/bench runs its benchmarks and writes their rows; what must be met is met."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import pathlib
import tempfile
import unittest
from unittest import mock

import support
from labkit.bench import main, migration, rows
from labkit.shell import LabError


class RowsTest(unittest.TestCase):
    def test_the_interval_is_that_of_the_value(self) -> None:
        samples = [1.0] * 95 + [50.0] * 5
        judged = rows.row("r", samples, "ms", at_most=60, judged=99)
        self.assertEqual((judged["value"], judged["low"], judged["high"]), (50.0, 50.0, 50.0))
        median = rows.row("r", samples, "ms", at_most=60)
        self.assertEqual((median["value"], median["low"], median["high"]), (1.0, 1.0, 1.0))


class FailureTest(unittest.TestCase):
    """A benchmark that fails in the middle."""

    def fails(self, *before: float):
        """Samples, and then a failure."""
        samples = iter(before)

        def one() -> float:
            for sample in samples:
                return sample
            raise LabError("the guest does not answer")

        return migration.repeated(
            "move", 5, one, lambda found: [rows.row("blackout", found, "ms")]
        )

    def test_the_samples_before_it_are_rows(self) -> None:
        found = self.fails(3.0, 1.0)
        self.assertEqual(next(found)["value"], 2.0)
        with self.assertRaisesRegex(LabError, "^move, 3 of 5: the guest does not answer$"):
            next(found)

    def test_without_a_sample_there_is_no_row(self) -> None:
        with self.assertRaisesRegex(LabError, "^move, 1 of 5: "):
            next(self.fails())

    def test_all_samples_are_one_row(self) -> None:
        found = list(migration.repeated("move", 2, lambda: 4, lambda all: [{"n": len(all)}]))
        self.assertEqual(found, [{"n": 2}])

    def test_the_rows_so_far_are_written_and_the_error_is_named(self) -> None:
        done = [rows.row("rate", [7.0], "Mb/s")]
        benchmarks = {"acl": lambda *_: done, "qos": lambda *_: self.fails(3.0, 1.0)}
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(main.BENCHMARKS, benchmarks))
            stack.enter_context(contextlib.redirect_stdout(said))
            stack.enter_context(contextlib.redirect_stderr(complained))
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            words = ["acl", "qos", "attach", "--json", str(folder / "rows.json")]
            code = main.main([*words, "--build", support.build_folder()])
            written = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        self.assertEqual(code, 1)
        self.assertEqual([row["name"] for row in written], ["rate", "blackout"])
        complaint = "bench: qos: move, 3 of 5: the guest does not answer\n"
        wrote = f"bench: wrote {folder / 'rows.json'}\n"
        self.assertEqual(complained.getvalue(), complaint + wrote)
        self.assertIn("blackout                              2.000 ms", said.getvalue())


class BenchTest(unittest.TestCase):
    def bench(self, *words: str) -> tuple[int, list[dict]]:
        """Exit code and rows of deploy/bench."""
        with tempfile.TemporaryDirectory() as folder:
            rows_file = pathlib.Path(folder) / "rows.json"
            argv = [str(support.ROOT / "deploy" / "bench"), *words, "--quick"]
            argv += ["--json", str(rows_file), "--build", support.build_folder()]
            argv += ["--prefix", support.prefix()]
            done = support.run_program(argv)
            return done.returncode, json.loads(rows_file.read_text(encoding="utf-8"))

    def test_rows(self) -> None:
        code, found = self.bench("attach", "restart")
        self.assertEqual(code, 0)
        fields = {"name", "value", "low", "high", "unit", "must", "met"}
        self.assertTrue(all(set(row) == fields for row in found))
        names = {row["name"] for row in found}
        self.assertEqual(
            names,
            {
                "attach_to_in_force",
                "restart_lost",
                "restart_objects_written",
                "restart_to_reconciled",
            },
        )
        self.assertEqual([row for row in found if row["must"] and not row["met"]], [])

    def test_migration(self) -> None:
        """One move of each kind; times of a single one are judged nowhere."""
        _, found = self.bench("migration", "--moves", "1")
        rows_of = {row["name"]: row for row in found}
        for system, rate in itertools.product(("outrider", "bridge"), (200, 1000)):
            self.assertGreater(rows_of[f"migration_{system}_{rate}pps_blackout"]["value"], 0)
        counted = [row for row in found if row["unit"] in ("frames", "streams") and row["must"]]
        self.assertEqual(len(counted), 13)
        self.assertEqual([row for row in counted if not row["met"]], [])
        bridge = [row for row in found if row["name"].startswith("migration_bridge")]
        self.assertEqual({row["must"] for row in bridge}, {None})
        # Each loses the blackout, so that the rig would see it if ours did.
        for rate in (200, 1000):
            self.assertGreater(rows_of[f"migration_bridge_{rate}pps_to_guest_lost"]["value"], 0)


if __name__ == "__main__":
    support.main()
