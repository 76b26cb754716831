"""An Outrider agent as a server of the matrix: the one host of a lab, with an empty database at each
start, and with the devices that a scenario's ports are named after."""

from __future__ import annotations

import pathlib
import re
import sqlite3
from collections.abc import Iterable

from labkit import inventory, netns, open_vswitch, services
from labkit.shell import attempt, run

HOST = "h1"
# What an add-port or add-bond of a scenario names.
_PORT = re.compile(r"add-(?:port|bond|bond-iface) (?:-- )?\S+ ([^;]*)")
_DEVICE = re.compile(r"[a-z][a-z0-9_.-]{0,14}")


class OutriderServer(open_vswitch.Server):
    # Of the test; has one host.
    lab: inventory.Lab

    def __init__(self, rundir: pathlib.Path) -> None:
        del rundir
        self.rundir = self.lab.ovs_rundir(HOST)
        self.devices: set[str] = set()

    def start(self) -> None:
        self._stop_agent()
        database = sqlite3.connect(self.lab.host_folder(HOST) / "agent" / "agent.db")
        with database:
            for table in ("ovsdb_rows", "ovsdb_bridges"):
                database.execute(f"DELETE FROM {table}")
        database.close()
        services.start_agent(self.lab, HOST)
        services.wait_agent(self.lab, HOST)
        done = open_vswitch.real_client().run(
            self.rundir, "ovs-vsctl", ["--timeout=20", "--", "add-br", "or-up", "--", "del-br", "or-up"]
        )
        assert done.returncode == 0, done.stderr

    def make_devices(self, lines: Iterable[str]) -> None:
        for line in lines:
            for found in _PORT.findall(line):
                for word in found.split(" -- ")[0].split():
                    if _DEVICE.fullmatch(word):
                        self.devices.add(word)
        for name in sorted(self.devices):
            attempt(["ip", "-n", self.lab.netns(HOST), "tuntap", "add", "dev", name, "mode", "tap"])

    def stop(self) -> None:
        for name in self.devices:
            attempt(["ip", "-n", self.lab.netns(HOST), "link", "del", name])

    def _stop_agent(self) -> None:
        inventory.load(self.lab.prefix).processes[services.agent_name(HOST)].stop()


__all__ = ["HOST", "OutriderServer", "run"]
