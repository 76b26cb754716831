"""deploy/demo beside its rows: interrupted it leaves nothing behind, a lab that is not its own stays,
and what it cannot do it refuses."""

from __future__ import annotations

import signal
import subprocess
import unittest

import support
from labkit import inventory, lifecycle, netns, process


class DemoLifeTest(unittest.TestCase):
    def test_interrupt_leaves_nothing(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                self.interrupt(support.prefix(number.name[3:].lower()), number)

    def interrupt(self, name: str, number: signal.Signals) -> None:
        nowhere = subprocess.DEVNULL
        running = subprocess.Popen(support.demo(name), stdout=nowhere, stderr=nowhere)
        self.addCleanup(support.end_program, running)
        # In the middle: the guests are there.
        ports = lambda: running.poll() is not None or netns.with_prefix(f"{name}-vm-")  # noqa: E731
        self.assertTrue(process.wait_until(ports, 60), "the demo made no ports")
        self.assertIsNone(running.poll(), "the demo ended by itself")
        processes = inventory.load(name).processes
        running.send_signal(number)
        running.send_signal(number)  # whoever is impatient
        running.wait(timeout=60)
        self.assertNotEqual(running.returncode, 0)
        self.assertEqual(support.leftovers(name), [])
        self.assertEqual([p.name for p in processes.values() if p.alive()], [])

    def test_leaves_the_lab_of_another_alone(self) -> None:
        name = support.prefix("c")
        self.addCleanup(lifecycle.down, name)
        lifecycle.up(name, 1, support.build_folder())
        done = support.run_program(support.demo(name))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"lab {name}: exists", done.stdout)
        self.assertEqual(lifecycle.describe(inventory.load(name))["hosts"].keys(), {"h1"})
        self.assertTrue(inventory.load(name).processes["agent-h1"].alive())

    def test_refuses_what_it_cannot_do_before_it_begins(self) -> None:
        name = support.prefix("d")
        for words, said in (
            (support.demo("../.."), "--prefix ../..: 1 to 16 letters and digits"),
            (support.demo(name, "--json", "/nowhere/rows"), "--json /nowhere/rows: No such file"),
        ):
            with self.subTest(said=said):
                done = support.run_program(words)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stdout)
                self.assertEqual(support.leftovers(name), [])


if __name__ == "__main__":
    support.main()
