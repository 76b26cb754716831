"""Debian's Open vSwitch, to compare with: unpacked into build/open_vswitch/, never installed, its
daemons with sockets and a database of their own and a datapath that touches no device.

A server is whatever has a run folder with the sockets clients look for; a client is a folder of
tools with the environment they need.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from labkit import debian, process
from labkit.shell import ROOT, LabError

CACHE = ROOT / "build" / "open_vswitch"
PACKAGES = (
    "openvswitch-common",
    "openvswitch-switch",
    "libunbound8",
    "libnuma1",
    "libcap-ng0",
    "libxdp1",
)
# What os-vif and neutron speak OVSDB with.
PYTHON_PACKAGES = ("python3-openvswitch", "python3-ovsdbapp")
# How long a daemon may take to begin or to end.
PATIENCE_S = 20


@dataclasses.dataclass(frozen=True)
class Client:
    """Tools of one make: ovs-vsctl and its like."""

    name: str
    folder: pathlib.Path
    # Beside the caller's environment.
    variables: tuple[tuple[str, str], ...] = ()

    def environment(self, rundir: pathlib.Path) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OVS_")}
        kept.pop("LD_LIBRARY_PATH", None)
        return kept | dict(self.variables) | folders(rundir)

    def run(
        self, rundir: pathlib.Path, tool: str, arguments: Sequence[str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a tool to its end; it goes by its plain name, as from a PATH."""
        return subprocess.run(
            [tool, *arguments],
            executable=str(self.folder / tool),
            env=self.environment(rundir),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )


class Server:
    """The seam: something that answers in `rundir`, from start() to stop()."""

    rundir: pathlib.Path

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class RealServer(Server):
    """Debian's ovsdb-server and ovs-vswitchd."""

    def __init__(self, rundir: pathlib.Path) -> None:
        self.rundir = rundir
        self._running: list[process.Process] = []

    def schema(self) -> pathlib.Path:
        return tree() / "usr/share/openvswitch/vswitch.ovsschema"

    def start(self) -> None:
        database = self.rundir / "conf.db"
        self._run("ovsdb-tool", ["create", str(database), str(self.schema())])
        socket = self.rundir / "db.sock"
        self._begin(
            "ovsdb-server",
            [str(database), f"--remote=punix:{socket}"]
            + ["--remote=db:Open_vSwitch,Open_vSwitch,manager_options"],
        )
        self._run("ovs-vsctl", ["--no-wait", "init"])
        self._begin(
            "ovs-vswitchd",
            [f"unix:{socket}", "--enable-dummy=override", "--disable-system"],
        )
        self._run("ovs-vsctl", ["--timeout=20", "--", "add-br", "or-up", "--", "del-br", "or-up"])

    def stop(self) -> None:
        for running in reversed(self._running):
            running.stop(patience=PATIENCE_S)
        self._running.clear()

    def stop_switch(self) -> None:
        """Ends ovs-vswitchd: the database answers, and nobody does what it says."""
        self._running.pop().stop(patience=PATIENCE_S)

    def _begin(self, daemon: str, arguments: list[str]) -> None:
        pidfile = self.rundir / f"{daemon}.pid"
        log = self.rundir / f"{daemon}.log"
        options = [f"--pidfile={pidfile}", f"--log-file={log}", "-vconsole:off", "-vsyslog:off"]
        environment = real_client().environment(self.rundir)
        argv = [str(_daemon(daemon)), *arguments, *options]
        self._running.append(process.start(daemon, argv, log, environment))
        control = self.rundir / f"{daemon}.{self._running[-1].pid}.ctl"
        if not process.wait_until(control.exists, PATIENCE_S):
            raise LabError(f"{daemon} did not start, see {log}")

    def _run(self, tool: str, arguments: list[str]) -> None:
        done = real_client().run(self.rundir, tool, arguments)
        if done.returncode != 0:
            raise LabError(f"{tool} {' '.join(arguments)}: {done.stderr.decode()}")


def folders(rundir: pathlib.Path) -> Mapping[str, str]:
    """Where Open vSwitch's programs have what, as variables."""
    names = ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")
    return {name: str(rundir) for name in names}


@functools.cache
def real_client() -> Client:
    libraries = [str(tree() / "usr/lib/x86_64-linux-gnu"), str(tree() / "lib/x86_64-linux-gnu")]
    return Client(
        "real",
        tree() / "usr/bin",
        (("LD_LIBRARY_PATH", ":".join(libraries)), ("OVS_PKGDATADIR", str(tree() / "none"))),
    )


def our_client(build: str) -> Client:
    return Client("ours", pathlib.Path(build) / "bin" / "ovs")


@contextlib.contextmanager
def running(kind: type[Server] = RealServer) -> Iterator[Server]:
    """A fresh server with an empty database, gone afterwards."""
    # Short: sockets' addresses have 107 characters.
    with tempfile.TemporaryDirectory(prefix="orovs") as folder:
        server = kind(pathlib.Path(folder))  # type: ignore[call-arg]
        try:
            server.start()
            yield server
        finally:
            server.stop()


@functools.cache
def tree() -> pathlib.Path:
    """Where the packages are unpacked. Needs the network once."""
    return debian.unpacked("Open vSwitch", lambda: PACKAGES, CACHE / "root")


@functools.cache
def python_environment() -> Mapping[str, str]:
    """What Debian's python3 finds PYTHON_PACKAGES by, as variables. Needs the network once."""
    wanted = functools.partial(debian.with_dependencies, PYTHON_PACKAGES)
    unpacked = debian.unpacked("Open vSwitch", wanted, CACHE / "python")
    return {
        "PYTHONPATH": str(unpacked / "usr/lib/python3/dist-packages"),
        "LD_LIBRARY_PATH": str(unpacked / "usr/lib/x86_64-linux-gnu"),
    }


def _daemon(name: str) -> pathlib.Path:
    places = ("usr/sbin", "usr/bin", "usr/lib/openvswitch-switch")
    for place in places:
        if (tree() / place / name).is_file():
            return tree() / place / name
    raise LabError(f"{name} is not in Debian's packages, looked in {', '.join(places)}")


# What differs between two runs of one program, and what stands for it in comparisons.
_VARYING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|\d{5}\|"), "<time>|"),
    # Addresses of the devices the datapath makes up, in order of their making.
    (re.compile(r"aa:55:aa:55:00:[0-9a-f]{2}"), "<mac>"),
    (re.compile(r"\b0000[0-9a-f]{12}\b"), "<datapath>"),
    # Said when the switch has looked, which may be before or after it is asked.
    (re.compile(r"\n *error: \"No usable peer[^\n]*"), ""),
    # Of devices, in order of their making.
    (re.compile(r"\b(ifindex +: )\d+"), r"\1<number>"),
    (re.compile(r"( \d+)/\d+: \("), r"\1/<number>: ("),
    (re.compile(r"\borp-[0-9a-f]{8}\b"), "<device>"),
    (re.compile(r"\bduration=[0-9.]+s"), "duration=<time>"),
    # What has passed when the server looks.
    (re.compile(r'(wait\\*" timed out after )\d+ ms'), r"\1<time>"),
    # In the order of their random ids.
    (re.compile(r"First row, with UUID .*?\.  Second row, .*? transaction\."), "<both rows>"),
    (re.compile(r'href="#?[0-9a-f]{8}|>[0-9a-f]{8}</a>'), "<link>"),
)


def normalised(text: str, rundir: pathlib.Path) -> str:
    text = text.replace(str(rundir), "$RUN")
    for pattern, stands_for in _VARYING:
        text = pattern.sub(stands_for, text)
    return text
