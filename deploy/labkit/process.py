"""Long-running processes of a lab: started in a namespace, found again and ended from other shells.

A process is known by pid *and* start time, so that a pid the kernel gave to somebody else meanwhile
is never signalled. """

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from labkit.shell import LabError


@dataclasses.dataclass(frozen=True)
class Process:
    """A process this lab started. start_time: clock ticks after boot, field 22 of
    /proc/PID/stat."""

    name: str
    pid: int
    start_time: int

    def alive(self) -> bool:
        stat = _stat(self.pid)
        if stat is None or stat[1] != self.start_time:
            return False
        # The first thread is a zombie until the others have ended, and with them what they hold.
        return stat[0] not in "ZX" or _threads(self.pid) > 1

    def stop(self, *, kill: bool = False, patience: float = 5) -> None:
        """Ends the process (SIGTERM, then SIGKILL) and returns when it is gone."""
        self.signal(signal.SIGKILL if kill else signal.SIGTERM)
        if not wait_until(lambda: not self.alive(), patience):
            self.signal(signal.SIGKILL)
            wait_until(lambda: not self.alive(), patience)
        try:
            os.waitpid(self.pid, os.WNOHANG)  # only a child of ours leaves a zombie to us
        except ChildProcessError:
            pass

    def signal(self, number: int) -> None:
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle pins the pid: if the start time matches now, the signal hits the right one.
            if self.alive():
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time; None when there is no such process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _threads(pid: int) -> int:
    try:
        return len(list(pathlib.Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def adopt(name: str, pid: int) -> Process | None:
    """The process that has this pid now."""
    stat = _stat(pid)
    return Process(name, pid, stat[1]) if stat else None


def start(
    name: str, argv: Sequence[str], log: pathlib.Path, env: Mapping[str, str] | None = None
) -> Process:
    """Starts argv in a session of its own; its output is appended to `log`."""
    with open(log, "ab") as out:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, env=env
        )
    process = adopt(name, child.pid)
    if process is None:
        raise LabError(f"{name}: ended at once, see {log}")
    # The process is kept by pid and start time from here on; Popen must not warn that it still
    # runs.
    child.returncode = 0
    return process


def start_within(
    name: str, argv: Sequence[str], log: pathlib.Path, env: Mapping[str, str] | None = None
) -> Process:
    """The same for an argv that starts the program in question as its child, as unshare(1) and
    nsenter(1) have to for a new PID namespace: that child is the process. Its parent ends with
    it."""
    outer = start(name, argv, log, env)
    children = pathlib.Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    found: Process | None = None

    def look() -> bool:
        nonlocal found
        try:
            words = children.read_text(encoding="ascii").split()
        except OSError:
            return True
        found = adopt(name, int(words[0])) if words else None
        return found is not None or not outer.alive()

    wait_until(look, 10, 0.005)
    if found is None:
        outer.stop(kill=True)
        raise LabError(f"{name}: did not start, see {log}")
    return found


def wait_until(condition, seconds: float, interval: float = 0.02) -> bool:
    """Waits for condition() to be true; returns whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
