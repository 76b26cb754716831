"""Runs other programs. Owns how a failed command is reported; knows nothing of the lab."""

from __future__ import annotations

import pathlib
import shlex
import subprocess
from collections.abc import Mapping, Sequence

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


def attempt(argv: Sequence[str]) -> bool:
    """Runs argv for a clean-up; a failure (already gone) is an answer, not an error."""
    return subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode == 0
