"""Debian packages, downloaded and unpacked, never installed: this machine stays as it was."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Sequence

from labkit.shell import LabError, run


def unpack(what: str, packages: Callable[[], Sequence[str]], tree: pathlib.Path) -> None:
    """Unpacks packages into `tree`, which appears whole or not at all. `packages` says which: it is
    asked again when apt's lists were renewed. `what` they are for begins an error's text."""
    names: Sequence[str] = ()
    try:
        try:
            names = packages()
            _download(names, tree)
        except LabError:
            # apt's lists are not there, or name what the mirror no longer has.
            run(["apt-get", "update", "-q"], timeout=300)
            names = packages()
            _download(names, tree)
    except LabError as error:
        wanted = " ".join(names) or "its packages"
        raise LabError(
            f"{what}: {wanted} cannot be downloaded: {error}\n"
            f"See that `apt-get update` and `apt-get download {wanted}` work on this machine"
        ) from error


def _download(packages: Sequence[str], tree: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(dir=tree.parent) as temporary:
        # apt-get writes to the current folder; env(1) changes it for this one command.
        run(["env", "-C", temporary, "apt-get", "download", "-q", *packages], timeout=300)
        unpacked = pathlib.Path(temporary) / "tree"
        for archive in sorted(pathlib.Path(temporary).glob("*.deb")):
            run(["dpkg", "-x", str(archive), str(unpacked)], timeout=120)
        unpacked.rename(tree)
