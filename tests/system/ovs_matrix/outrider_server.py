"""An Outrider agent as a server of the matrix: the one host of a lab, started with an empty
database for each scenario, and with the devices that the scenario's ports are named after. Real
Open vSwitch makes those up (--enable-dummy=override)."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable

from labkit import inventory, open_vswitch, services
from labkit.shell import LabError, run

HOST = "h1"
# What `ovs-ctl` would write, and the real server of these tests starts without.
IDENTITY = ("ovs_version", "db_version", "system_type", "system_version", "external_ids")
# The ports that a line adds.
_PORTS = re.compile(r"add-(?:port|bond|bond-iface) \S+ ([^;]*?)(?= --|$)")
_BRIDGE = re.compile(r"add-br (\S+)")
_OTHERS = re.compile(r"set interface (\S+) type=\w", re.IGNORECASE)
_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")


class OutriderServer(open_vswitch.Server):
    def __init__(self, lab: inventory.Lab, lines: Iterable[str]) -> None:
        self.lab = lab
        self.rundir = lab.ovs_rundir(HOST)
        self.devices = devices_of(lines)

    def start(self) -> None:
        inventory.load(self.lab.prefix).processes[services.agent_name(HOST)].stop()
        folder = self.lab.host_folder(HOST) / "agent"
        with sqlite3.connect(folder / "agent.db") as database:
            for table in ("ovsdb_rows", "ovsdb_bridges"):
                database.execute(f"DELETE FROM {table}")
        database.close()
        self._make_devices()
        services.start_agent(self.lab, HOST)
        services.wait_agent(self.lab, HOST)
        words = ["--timeout=20", "--no-wait", "clear", "Open_vSwitch", ".", *IDENTITY]
        done = open_vswitch.real_client().run(self.rundir, "ovs-vsctl", words)
        if done.returncode != 0:
            raise LabError(f"ovs-vsctl {' '.join(words)}: {done.stderr.decode()}")

    def stop(self) -> None:
        """The agent goes on, and is emptied by the next scenario."""

    def _make_devices(self) -> None:
        """In place of those of the scenario before."""
        ip = ["ip", "-n", self.lab.netns(HOST)]
        shown = json.loads(run([*ip, "-j", "-d", "link", "show"]))
        lines = [
            f"link del dev {link['ifname']}"
            for link in shown
            if link.get("linkinfo", {}).get("info_kind") == "tun"
        ]
        for number, name in enumerate(sorted(self.devices), start=1):
            lines.append(f"tuntap add dev {name} mode tap")
            lines.append(f"link set dev {name} up address aa:55:aa:55:00:{number:02x}")
        run([*ip, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))


def devices_of(lines: Iterable[str]) -> set[str]:
    """What the lines' ports are named after, but for those that the switch makes itself or that
    are no device's."""
    found: set[str] = set()
    others: set[str] = set()
    for line in lines:
        others.update(name for name in _BRIDGE.findall(line) if name not in found)
        for words in _PORTS.findall(line):
            others.update(_OTHERS.findall(line))
            found.update(word for word in words.split() if _DEVICE.fullmatch(word))
    return found - others
