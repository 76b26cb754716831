"""Debian's clients of Open vSwitch on a running agent, unmodified: its libraries for Python and
its ovsdb-client."""

from __future__ import annotations

import pathlib
import re

import support
from labkit import api, netns, open_vswitch
from ovs_clients import ovsdb_client_cases
from ovs_clients.debian_tools import HostTools

HOST = "h1"
OBJECTS = """\
kind: Segment
name: blue
vni: 5001
---
kind: Profile
name: web
vlan: {segment: blue}
acl:
  ingress: [{priority: 10, match: {protocol: icmp}, action: allow}]
  egress: [{priority: 10, match: {protocol: icmp}, action: allow}]
  default_action: drop
---
kind: Profile
name: open
vlan: {segment: blue}
"""


class ClientsTest(ovsdb_client_cases.OvsdbClientCases, support.LabCase):
    HOSTS = 1

    @classmethod
    def prepare(cls) -> None:
        open_vswitch.python_environment()
        api.apply(cls.lab, OBJECTS)
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


if __name__ == "__main__":
    support.main()
