"""deploy/bench runs its benchmarks and writes their rows; what must be met is met."""

from __future__ import annotations

import json
import pathlib
import tempfile
import unittest

import support
from labkit.bench import rows


class RowsTest(unittest.TestCase):
    def test_the_interval_is_that_of_the_value(self) -> None:
        samples = [1.0] * 95 + [50.0] * 5
        judged = rows.row("r", samples, "ms", at_most=60, judged=99)
        self.assertEqual((judged["value"], judged["low"], judged["high"]), (50.0, 50.0, 50.0))
        median = rows.row("r", samples, "ms", at_most=60)
        self.assertEqual((median["value"], median["low"], median["high"]), (1.0, 1.0, 1.0))


class BenchTest(unittest.TestCase):
    def test_rows(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rows_file = pathlib.Path(folder) / "rows.json"
            argv = [str(support.ROOT / "deploy" / "bench"), "attach", "restart", "--quick"]
            argv += ["--json", str(rows_file), "--build", support.build_folder()]
            argv += ["--prefix", support.prefix()]
            done = support.run_program(argv)
            found = json.loads(rows_file.read_text(encoding="utf-8"))
        self.assertEqual(done.returncode, 0)
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


if __name__ == "__main__":
    support.main()
