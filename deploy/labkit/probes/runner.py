"""Starts the measuring programs in their namespaces and collects what they saw."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys
from typing import Any

from labkit import guest_image, netns, process
from labkit.inventory import Lab, remember
from labkit.shell import DEPLOY, LabError


class RunningProbe:
    """A measuring program at work."""

    def __init__(self, running: process.Process, out: pathlib.Path, log: pathlib.Path) -> None:
        self._process = running
        self._out = out
        self._log = log

    @classmethod
    def start(
        cls, lab: Lab, namespace: str, module: str, name: str, **options: object
    ) -> "RunningProbe":
        """Runs labkit.probes.MODULE in `namespace`; returns when its sockets are open."""
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        argv = [sys.executable, "-m", f"labkit.probes.{module}", "--out"]
        return cls._launch(lab, namespace, name, argv, words)

    @classmethod
    def numbered(
        cls, lab: Lab, namespace: str, name: str, verb: str, *words: object
    ) -> "RunningProbe":
        """The same with `numbered VERB` (deploy/guest/numbered.c)."""
        argv = [str(guest_image.numbered()), verb]
        return cls._launch(lab, namespace, name, argv, [str(word) for word in words])

    @classmethod
    def _launch(
        cls, lab: Lab, namespace: str, name: str, argv: list[str], words: list[str]
    ) -> "RunningProbe":
        """argv and words with the result's path between them."""
        out = lab.folder / f"{name}.json"
        ready = out.with_name(f"{out.name}.ready")
        ready.unlink(missing_ok=True)
        out.unlink(missing_ok=True)
        argv = [*argv, str(out), *words]
        env = {**os.environ, "PYTHONPATH": str(DEPLOY), "PYTHONDONTWRITEBYTECODE": "1"}
        log = lab.log(name)
        running = remember(lab.prefix, process.start(name, netns.inside(namespace, argv), log, env))
        process.wait_until(lambda: ready.exists() or not running.alive(), 20, 0.01)
        if not ready.exists():
            raise LabError(f"probe {name}: did not start: {log.read_text(errors='replace')}")
        return cls(running, out, log)

    def finish(self) -> dict[str, Any]:
        """Ends the program (it waits a second for late answers) and returns its result."""
        self._process.signal(signal.SIGTERM)
        process.wait_until(lambda: not self._process.alive(), 20, 0.02)
        self._process.stop()
        if not self._out.exists():
            raise LabError(f"probe: gave no result: {self._log.read_text(errors='replace')}")
        return json.loads(self._out.read_text(encoding="utf-8"))
