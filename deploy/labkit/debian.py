"""Debian packages, downloaded and unpacked, never installed: this machine stays as it was."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence

from labkit.shell import LabError, run


def unpacked(what: str, packages: Callable[[], Sequence[str]], tree: pathlib.Path) -> pathlib.Path:
    """`tree` with the packages in it: they are unpacked when it is not there."""
    with locked(tree.parent):
        if not tree.exists():
            unpack(what, packages, tree)
    return tree


@contextlib.contextmanager
def locked(cache: pathlib.Path) -> Iterator[None]:
    """A folder for trees, made when it is not there, and for one process at a time."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def with_dependencies(packages: Sequence[str]) -> list[str]:
    """Packages, and what of theirs this machine has not: as apt would install them, if it did."""
    simulated = run(["apt-get", "install", "-s", "--no-install-recommends", *packages])
    return sorted({*packages, *re.findall(r"^Inst (\S+)", simulated, re.MULTILINE)})


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
