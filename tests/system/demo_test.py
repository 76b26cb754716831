"""deploy/demo: every row of it holds, and nothing is left behind."""

from __future__ import annotations

import json
import pathlib
import tempfile
import unittest

import support


class DemoTest(unittest.TestCase):
    def test_every_check_holds(self) -> None:
        name = support.prefix("a")
        with tempfile.TemporaryDirectory() as folder:
            rows_file = pathlib.Path(folder) / "rows.json"
            done = support.run_program(support.demo(name, "--json", str(rows_file)))
            rows = json.loads(rows_file.read_text(encoding="utf-8"))
        self.assertEqual([row for row in rows if not row["ok"]], [])
        self.assertEqual(done.returncode, 0)
        self.assertTrue(all(set(row) == {"check", "value", "unit", "ok"} for row in rows))
        self.assertEqual(support.leftovers(name), [])


if __name__ == "__main__":
    support.main()
