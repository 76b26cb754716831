"""Debian's own tools of Open vSwitch on a host of a lab: run to their end, or followed."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO

from labkit import netns, open_vswitch
from labkit.inventory import Lab

PATIENCE_S = 20
# Beside which a tool may succeed.
COMPLAINT = re.compile(r"\|WARN\||\|ERR\||Error detected")


class HostTools:
    """Of one host: they find its agent by its run folder, and are in its network."""

    def __init__(self, lab: Lab, host: str) -> None:
        self._rundir = lab.ovs_rundir(host)
        self._namespace = lab.netns(host)

    @property
    def database(self) -> str:
        return f"unix:{self._rundir}/db.sock"

    def environment(self) -> Mapping[str, str]:
        return open_vswitch.real_client().environment(self._rundir)

    def argv(self, tool: str, words: Sequence[str]) -> list[str]:
        binary = str(open_vswitch.real_client().folder / tool)
        return netns.inside(self._namespace, [binary, *words])

    def run(
        self, tool: str, *words: str, stdin: IO[bytes] | int = subprocess.DEVNULL
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(tool, words),
            env=self.environment(),
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def say(self, tool: str, *words: str) -> str:
        """What a tool prints that must succeed, and that has nothing to complain about."""
        done = self.run(tool, *words)
        if done.returncode != 0 or COMPLAINT.search(done.stderr):
            raise AssertionError(f"{tool} {words}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def vsctl(self, *words: str) -> str:
        return self.say("ovs-vsctl", "--timeout=10", *words).strip()


class Followed:
    """A tool that goes on, and what it says line by line."""

    def __init__(self, tools: HostTools, tool: str, *words: str) -> None:
        self._argv = [tool, *words]
        self._lines: queue.Queue[str] = queue.Queue()
        self._child = subprocess.Popen(
            tools.argv(tool, words),
            env=tools.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self) -> str:
        """The next one that is there, or comes."""
        try:
            return self._lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"{self._argv}: says nothing more") from None

    def lines(self, count: int) -> list[str]:
        return [self.line() for _ in range(count)]

    def end(self) -> None:
        self._child.terminate()
        self._child.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self._child.stdout is not None
        self._child.stdout.close()
