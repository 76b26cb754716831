"""Builds the release preset, as deploy/demo, deploy/bench, deploy/lab and deploy/test do."""

from __future__ import annotations

import fcntl
import pathlib
import subprocess

from labkit.shell import ROOT, LabError

RELEASE = ROOT / "build" / "release"
TARGETS = ("outrider-controller", "outrider-agent", "outrider")


def ready(build: str | None, *more: str) -> str:
    """Builds the daemons, the CLI and the targets `more`, and returns the build folder; with `build`,
    only makes that one's path absolute."""
    if build:
        return str(pathlib.Path(build).resolve())
    RELEASE.parent.mkdir(exist_ok=True)
    # One ninja at a time in one folder.
    with open(RELEASE.parent / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not (RELEASE / "build.ninja").exists():
            _run(["cmake", "--preset", "release"], "cmake")
        _run(["cmake", "--build", str(RELEASE), "--target", *TARGETS, *more], "build")
    return str(RELEASE)


def _run(argv: list[str], what: str) -> None:
    """Runs argv with its output shown. LabError when it fails."""
    if subprocess.run(argv, cwd=ROOT, check=False).returncode != 0:
        raise LabError(f"{what}: failed, see above")
