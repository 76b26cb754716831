"""Builds the release preset, as deploy/demo, deploy/bench, deploy/lab and deploy/test do."""

from __future__ import annotations

import os
import pathlib
import subprocess

from labkit.shell import DEPLOY, ROOT, LabError

RELEASE = ROOT / "build" / "release"


def ready(build: str | None) -> str:
    """Installs dependencies, builds, and returns the build folder; with `build`, only checks that
    one."""
    subprocess_ok([str(DEPLOY / "deps")], "deploy/deps")
    if build:
        return str(pathlib.Path(build).resolve())
    if not (RELEASE / "build.ninja").exists():
        subprocess_ok(["cmake", "--preset", "release", "-S", str(ROOT)], "cmake", cwd=ROOT)
    targets = ["outrider-controller", "outrider-agent", "outrider"]
    subprocess_ok(["cmake", "--build", str(RELEASE), "--target", *targets], "build")
    return str(RELEASE)


def subprocess_ok(argv: list[str], what: str, cwd: pathlib.Path | None = None) -> None:
    """Runs argv with its output shown. LabError when it fails."""
    if subprocess.run(argv, cwd=cwd, env=os.environ, check=False).returncode != 0:
        raise LabError(f"{what}: failed, see above")
