"""Runs other programs. Owns how a failed command is reported; knows nothing of the lab."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
ROOT = DEPLOY.parent


class LabError(Exception):
    """Something a user has to know: what failed, with what, and what to do."""


def run(
    argv: Sequence[str],
    *,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Runs argv to its end and returns its standard output. LabError when it fails or is too
    slow."""
    try:
        done = subprocess.run(
            argv, timeout=timeout, env=env, input=stdin, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{shlex.join(argv)}: no end after {timeout:g} s") from error
    except OSError as error:
        raise LabError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{shlex.join(argv)}: exit {done.returncode}: {said}")
    return done.stdout


def check_root(what: str) -> None:
    if os.geteuid() != 0:
        raise LabError(f"{what} makes network namespaces: run it as root")


def check_writable(path: str | None) -> None:
    """LabError when the result file an option names cannot be written: now, not at the end."""
    if not path:
        return
    present = pathlib.Path(path).exists()
    try:
        with open(path, "a", encoding="utf-8"):
            pass
        if not present:
            os.unlink(path)
    except OSError as error:
        raise LabError(f"--json {path}: {error.strerror}") from error


def undo(*steps: Callable[[], object]) -> None:
    """Runs every step, whichever of them fail: each may be needless."""
    for step in steps:
        with contextlib.suppress(LabError):
            step()


def attempt(argv: Sequence[str]) -> bool:
    """Runs argv for a clean-up; a failure (already gone) is an answer, not an error."""
    return subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode == 0
