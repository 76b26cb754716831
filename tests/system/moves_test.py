"""Ten moves back and forth: in every one the profile is there before the guest, and all else
holds."""

from __future__ import annotations

import json
import pathlib
import tempfile
import unittest

import support

MOVES = 10


class MovesTest(unittest.TestCase):
    def test_ten_of_ten(self) -> None:
        name = support.prefix()
        with tempfile.TemporaryDirectory() as folder:
            rows_file = pathlib.Path(folder) / "rows.json"
            words = ("--repeat", str(MOVES), "--json", str(rows_file))
            done = support.run_program(support.demo(name, *words))
            rows = json.loads(rows_file.read_text(encoding="utf-8"))
        self.assertEqual([row for row in rows if not row["ok"]], [])
        first = [row for row in rows if row["check"] == "receipt_before_first_frame"]
        self.assertEqual(len(first), MOVES)
        leaked = [row["value"] for row in rows if row["check"].startswith("denied_leaked")]
        self.assertEqual(leaked, [0] * 2 * MOVES)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    support.main()
