"""A damaged database: the controller refuses to start, says what to do, and does not touch the
file."""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
import tempfile
import unittest

import support
from labkit import netns, process

HEADER = 100
# The exit code systemd's unit knows: no restart will help.
DAMAGED = 3


def controller(namespace: str, folder: pathlib.Path) -> list[str]:
    argv = [f"{support.build_folder()}/bin/outrider-controller", "--listen", "127.0.0.1:0"]
    argv += ["--state-dir", str(folder / "state"), "--admin-socket", str(folder / "admin.sock")]
    return netns.inside(namespace, argv)


def contents(folder: pathlib.Path) -> dict[str, str]:
    """What every file holds; the lock file, which says who looked last, is nobody's data."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


class DamagedDatabaseTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="ort")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        namespace = f"{support.prefix()}-ctl"
        netns.add(namespace)
        self.addCleanup(netns.remove, namespace)
        self.argv = controller(namespace, self.folder)
        running = process.start("controller", self.argv, self.folder / "log")
        try:
            started = process.wait_until((self.folder / "admin.sock").exists, 20)
            self.assertTrue(started, (self.folder / "log").read_text())
        finally:
            running.stop()
        databases = [
            p
            for p in (self.folder / "state").rglob("*")
            if p.is_file() and p.read_bytes().startswith(b"SQLite format 3")
        ]
        self.assertEqual(len(databases), 1)
        self.database = databases[0]

    def refused(self) -> None:
        before = contents(self.folder / "state")
        done = subprocess.run(self.argv, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, DAMAGED, done.stderr)
        self.assertIn(str(self.database), done.stderr)
        self.assertIn("backup", done.stderr.lower())
        self.assertEqual(contents(self.folder / "state"), before)

    def test_overwritten_page(self) -> None:
        data = bytearray(self.database.read_bytes())
        data[HEADER : HEADER + 2000] = b"\xa5" * 2000
        self.database.write_bytes(data)
        self.refused()

    def test_cut_short(self) -> None:
        self.database.write_bytes(
            self.database.read_bytes()[: self.database.stat().st_size // 2 + 7]
        )
        self.refused()

    def test_not_a_database(self) -> None:
        self.database.write_bytes(b"these are notes, not a database\n" * 200)
        self.refused()


if __name__ == "__main__":
    support.main()
