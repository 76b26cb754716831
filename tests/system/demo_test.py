"""deploy/demo: every row of it holds, in time, and nothing is left behind; also when
interrupted."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import support
from labkit import inventory, netns

LIMIT_S = 90


def demo(name: str, *words: str) -> list[str]:
    build = ["--build", support.build_folder()]
    return [str(support.ROOT / "deploy" / "demo"), "--prefix", name, *build, *words]


class DemoTest(unittest.TestCase):
    def test_every_check_holds_in_time(self) -> None:
        name = support.prefix("a")
        with tempfile.TemporaryDirectory() as folder:
            rows_file = pathlib.Path(folder) / "rows.json"
            began = time.monotonic()
            done = subprocess.run(
                demo(name, "--json", str(rows_file)), capture_output=True, text=True, check=False
            )
            seconds = time.monotonic() - began
            print(done.stdout, done.stderr)
            rows = json.loads(rows_file.read_text(encoding="utf-8"))
        self.assertEqual([row for row in rows if not row["ok"]], [])
        self.assertEqual(done.returncode, 0)
        self.assertTrue(all(set(row) == {"check", "value", "unit", "ok"} for row in rows))
        self.assertLess(seconds, LIMIT_S)
        self.assertEqual(support.leftovers(name), [])

    def test_interrupt_leaves_nothing(self) -> None:
        name = support.prefix("b")
        running = subprocess.Popen(demo(name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            # In the middle: the guests are there.
            deadline = time.monotonic() + 60
            while not netns.with_prefix(f"{name}-vm-"):
                self.assertLess(time.monotonic(), deadline, "the demo made no ports")
                self.assertIsNone(running.poll(), "the demo ended by itself")
                time.sleep(0.05)
            processes = inventory.load(name).processes
            running.send_signal(signal.SIGINT)
            running.wait(timeout=60)
        finally:
            running.kill()
        self.assertNotEqual(running.returncode, 0)
        self.assertEqual(support.leftovers(name), [])
        self.assertEqual([p.name for p in processes.values() if p.alive()], [])


if __name__ == "__main__":
    support.main()
