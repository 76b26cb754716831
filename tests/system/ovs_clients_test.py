"""Debian's clients of Open vSwitch on a running agent, unmodified: its libraries for Python, its
ovsdb-client, and what its other tools print of a host with two guests."""

from __future__ import annotations

import pathlib
import re
import uuid

import support
from labkit import api, inventory, netns, open_vswitch, ports, qemu, scenes
from ovs_clients import host_cases, ovsdb_client_cases
from ovs_clients.debian_tools import HostTools

HOST = "h1"


class ClientsTest(ovsdb_client_cases.OvsdbClientCases, support.LabCase):
    HOSTS = 1

    @classmethod
    def prepare(cls) -> None:
        open_vswitch.python_environment()
        api.apply(cls.lab, scenes.WEB_AND_OPEN)
        cls.tools = HostTools(cls.lab, HOST)

    def scratch(self) -> pathlib.Path:
        return self.lab.folder

    def test_python_openvswitch(self) -> None:
        self.run_cases("idl_cases")

    def test_ovsdbapp(self) -> None:
        self.run_cases("ovsdbapp_cases")

    def run_cases(self, module: str) -> None:
        """Runs a module of cases in the network of the host, with Debian's libraries in reach."""
        here = pathlib.Path(__file__).resolve().parent
        variables = dict(open_vswitch.python_environment())
        ours = (str(here), str(support.ROOT / "deploy"))
        variables["PYTHONPATH"] = ":".join((variables["PYTHONPATH"], *ours))
        variables["OUTRIDER_LAB"] = self.lab.prefix
        variables["OUTRIDER_OVSDB"] = self.tools.database
        argv = ["env", *(f"{name}={value}" for name, value in variables.items())]
        argv += ["/usr/bin/python3", "-B", "-m", "unittest", "-v", f"ovs_clients.{module}"]
        done = support.run_program(netns.inside(self.lab.netns(HOST), argv))
        ran = re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)
        self.assertTrue(ran and int(ran[1]) > 0, "no case was run")
        self.assertEqual(done.returncode, 0)


class HostTest(host_cases.HostCases, support.LabCase):
    """Two guests on a host, as libvirt would add them, and a third station on another one."""

    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, scenes.WEB_AND_OPEN)
        cls.tools = HostTools(cls.lab, HOST)
        cls.tools.vsctl("add-br", "br0")
        for number in (1, 2):
            cls.start_guest(number)
        ports.add_light(cls.lab, "far", "h2", host_cases.FAR_IP, host_cases.FAR_MAC, "open")
        cls.lab = inventory.load(cls.lab.prefix)
        for guest in cls.lab.guests.values():
            qemu.wait_ready(cls.lab, guest)

    @classmethod
    def start_guest(cls, number: int) -> None:
        mac = f"52:54:00:00:00:0{number}"
        words = (f"vm{number}", HOST, f"10.1.0.{number}", mac, "web", str(uuid.uuid4()), "server")
        guest = inventory.GuestRecord(*words)
        inventory.add_port(cls.lab.prefix, guest)
        netns.tap(cls.lab.netns(HOST), guest.tap, ports.SEGMENT_MTU)
        qemu.start(cls.lab, guest, cls.lab.netns(HOST), ports.SEGMENT_MTU)
        host_cases.plug(cls.tools, guest)


if __name__ == "__main__":
    support.main()
