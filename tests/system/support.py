"""What system tests share: a lab per test class, with a name of its own, removed whatever
happens."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import unittest
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "deploy"))

from labkit import api, interrupts, inventory, lifecycle, netns, ports  # noqa: E402
from labkit.shell import LabError  # noqa: E402

# What cleaning up may take. At its time limit ctest kills, so that a test has to end before.
CLEANUP_S = 30

_prefixes: list[str] = []


def build_folder() -> str:
    return lifecycle.default_build()


def prefix(suffix: str = "") -> str:
    """A name for a lab of this script; main() removes what is left of it."""
    name = f"ort{os.getpid()}{suffix}"
    if name not in _prefixes:
        _prefixes.append(name)
    return name


def main() -> None:
    """Runs the test cases of the calling script. Interrupted or out of time, when unittest runs no
    clean-ups, it leaves nothing behind either."""
    interrupts.raise_once()
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(max(0, int(os.environ.get("OUTRIDER_TIMEOUT", 0)) - CLEANUP_S))
    try:
        unittest.main(verbosity=2)
    finally:
        signal.alarm(0)
        with interrupts.held():
            for name in _prefixes:
                lifecycle.down(name)


def _out_of_time(*_: object) -> None:
    # Any other exception would only end the test that runs.
    raise KeyboardInterrupt("out of time")


def run_program(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs a program of deploy/ to its end. When the test is interrupted, so is the program, and
    it gets the time to clean up."""
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        try:
            output, _ = running.communicate()
        except KeyboardInterrupt:
            end_program(running)
            raise
    print(output)
    return subprocess.CompletedProcess(argv, running.returncode, output)


def demo(name: str, *words: str) -> list[str]:
    """argv of deploy/demo in a lab of that name."""
    build = ["--build", build_folder()]
    return [str(ROOT / "deploy" / "demo"), "--prefix", name, *build, *words]


def end_program(running: subprocess.Popen) -> None:
    """Asks the program to end; kills it only when it does not."""
    if running.poll() is None:
        running.terminate()
    try:
        running.communicate(timeout=CLEANUP_S / 2)
    except subprocess.TimeoutExpired:
        running.kill()


class LabCase(unittest.TestCase):
    """A test class with a lab of HOSTS hosts, `self.lab`, prepared by `prepare`."""

    HOSTS = 2
    UNDERLAY = "ipv4"
    PROVIDER = False
    LIBVIRT = False
    lab: inventory.Lab

    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(lifecycle.down, prefix())
        words = (prefix(), cls.HOSTS, build_folder(), cls.UNDERLAY, cls.PROVIDER, cls.LIBVIRT)
        cls.lab = lifecycle.up(*words)
        cls.prepare()
        cls.lab = inventory.load(cls.lab.prefix)

    @classmethod
    def prepare(cls) -> None:
        """Objects and ports the tests of the class share."""

    def refused(self, *words: str, host: str | None = None) -> str:
        """Runs `outrider WORDS`, which must fail; returns what it said."""
        argv = [self.lab.binary("outrider"), *words]
        done = subprocess.run(
            argv,
            env=api.environment(self.lab, host),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.assertNotEqual(done.returncode, 0, f"{words} was accepted: {done.stdout}")
        self.assertEqual(done.stdout, "", "an error prints nothing to standard output")
        return done.stderr

    def refused_yaml(self, text: str) -> str:
        """Applies YAML that must be refused; returns what `outrider` said."""
        path = self.lab.folder / "refused.yaml"
        path.write_text(text, encoding="utf-8")
        return self.refused("profile", "apply", "-f", str(path))

    def inside(self, light: str, *argv: str) -> str:
        """Runs argv in the namespace of a light port."""
        done = subprocess.run(
            netns.inside(ports.light_netns(self.lab, light), argv),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}{done.stderr}")
        return done.stdout

    def ping(self, light: str, address: str, count: int = 3) -> None:
        """Every one of `count` echo requests must be answered."""
        said = self.inside(light, "busybox", "ping", "-c", str(count), "-W", "5", address)
        self.assertIn(f"{count} packets received", said)


def leftovers(name: str) -> list[str]:
    """Namespaces, mounts and files of a lab that is down; none, if all is well."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    found = netns.with_prefix(f"{name}-")
    found += [line for line in mounts.splitlines() if f"/outrider-lab/{name}/" in line]
    found += [str(path) for path in inventory.RUN.glob(name)]
    return found


__all__ = [
    *("LabCase", "LabError", "ROOT", "build_folder", "demo", "end_program", "leftovers", "main"),
    *("prefix", "run_program"),
]
