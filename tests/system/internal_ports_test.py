"""Internal ports of the Open_vSwitch database as their users treat them: moved into namespaces,
given addresses, MACs and MTUs by hand, plugged with a profile; across kill -9 of the agent."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any

import support
from labkit import api, inventory, netns, ports, services
from labkit.shell import run

HOST = "h1"
OBJECTS = f"""\
kind: Segment
name: blue
vni: 5001
mtu: {ports.SEGMENT_MTU}
---
kind: Profile
name: open
vlan: {{segment: blue}}
"""
BY_HAND = "02:00:00:00:77:01"
ASKED = "02:00:00:00:77:02"
GUEST = "52:54:00:00:00:0d"
# What the agent may need to see a change of a device.
PATIENCE_S = 5


class InternalPortsTest(support.LabCase):
    HOSTS = 1

    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, OBJECTS)
        run([cls.lab.binary("ovs/ovs-vsctl"), "add-br", "br0"], env=api.environment(cls.lab, HOST))

    def vsctl(self, *words: str) -> str:
        argv = [self.lab.binary("ovs/ovs-vsctl"), "--timeout=10", *words]
        return run(argv, env=api.environment(self.lab, HOST)).strip()

    def add(self, name: str, *words: str) -> None:
        """An internal port, which the test's end removes."""
        self.addCleanup(self.vsctl, "--if-exists", "del-port", name)
        self.vsctl("add-port", "br0", name, *words, "--", "set", "Interface", name, "type=internal")

    def change_another(self) -> None:
        """Changes of the database that are none of these ports'."""
        self.vsctl("add-port", "br0", "gone0")
        self.vsctl("del-port", "gone0")

    def station(self, name: str) -> str:
        """A namespace of the test's own."""
        namespace = f"{self.lab.prefix}-{name}"
        netns.add(namespace)
        self.addCleanup(netns.remove, namespace)
        return namespace

    def settle(self, port: str, station: str, ip: str) -> None:
        """Moves a port's device into a namespace, as neutron, Mininet and containers do."""
        run(["ip", "-n", self.lab.netns(HOST), "link", "set", port, "netns", station])
        netns.address(station, port, f"{ip}/24")
        run(["ip", "-n", station, "link", "set", port, "up"])

    def reaches(self, station: str, address: str) -> None:
        said = run(netns.inside(station, ["busybox", "ping", "-c", "3", "-W", "5", address]))
        self.assertIn("3 packets received", said)

    def links(self, namespace: str) -> dict[str, dict[str, Any]]:
        listed = json.loads(run(["ip", "-n", namespace, "-json", "link", "show"]))
        return {link["ifname"]: link for link in listed}

    def switch_ends(self) -> set[str]:
        """Of internal ports, in the host's namespace."""
        return {name for name in self.links(self.lab.netns(HOST)) if name.startswith("orp-")}

    def error(self, name: str) -> str:
        return self.vsctl("get", "Interface", name, "error")

    def await_that(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def kill_agent(self) -> None:
        running = inventory.load(self.lab.prefix).processes[services.agent_name(HOST)]
        running.signal(signal.SIGKILL)

    def start_agent(self) -> None:
        services.start_agent(self.lab, HOST)
        services.wait_agent(self.lab, HOST)

    def test_ports_are_moved_into_namespaces(self) -> None:
        before = self.switch_ends()
        left, right = self.station("left"), self.station("right")
        for name, station, ip in (("p0", left, "10.78.0.1"), ("p1", right, "10.78.0.2")):
            self.add(name, "tag=10")
            self.settle(name, station, ip)
        self.reaches(left, "10.78.0.2")
        # Another port's change, and another agent: the devices are where their users put them.
        self.change_another()
        self.reaches(left, "10.78.0.2")
        self.kill_agent()
        self.start_agent()
        self.change_another()
        self.reaches(left, "10.78.0.2")
        self.assertEqual([self.error("p0"), self.error("p1")], ["[]", "[]"])
        self.assertEqual(len(self.switch_ends() - before), 2)
        self.vsctl("del-port", "p0", "--", "del-port", "p1")
        self.assertEqual(self.switch_ends(), before)
        self.assertNotIn("p0", self.links(left))
        self.assertNotIn("p1", self.links(right))

    def test_a_port_of_the_same_name_is_another_one(self) -> None:
        """The device of the one before goes, though it is elsewhere and its name is wanted."""
        before = self.switch_ends()
        station = self.station("old")
        self.add("p0")
        self.settle("p0", station, "10.78.0.1")
        first = self.switch_ends() - before
        self.vsctl("--no-wait", "del-port", "p0")
        self.add("p0")
        self.assertEqual(self.error("p0"), "[]")
        self.assertEqual(len(self.switch_ends() - before), 1)
        self.assertNotEqual(self.switch_ends() - before, first)
        self.assertNotIn("p0", self.links(station))

    def test_mac_and_mtu_set_by_hand_stay(self) -> None:
        self.add("p0")
        host = self.lab.netns(HOST)
        netns.set_mac(host, "p0", BY_HAND)
        run(["ip", "-n", host, "link", "set", "p0", "mtu", "1400"])
        self.change_another()
        found = self.links(host)["p0"]
        self.assertEqual((found["address"], found["mtu"]), (BY_HAND, 1400))
        self.await_that("the MAC set by hand is not the port's", lambda: BY_HAND in self.macs())
        # What the database asks for counts.
        self.vsctl("set", "Interface", "p0", f'mac="{ASKED}"', "mtu_request=1300")
        found = self.links(host)["p0"]
        self.assertEqual((found["address"], found["mtu"]), (ASKED, 1300))
        self.await_that("the MAC asked for is not the port's", lambda: ASKED in self.macs())
        self.assertNotIn(BY_HAND, self.macs())

    def macs(self) -> str:
        argv = [self.lab.binary("ovs/ovs-appctl"), "fdb/show", "br0"]
        return run(argv, env=api.environment(self.lab, HOST))

    def test_a_pair_that_was_not_named_yet_is_taken_up(self) -> None:
        """As of an agent that was killed when it had just made it."""
        before = self.switch_ends()
        self.add("p0")
        (end,) = self.switch_ends() - before
        host = self.lab.netns(HOST)
        number = self.links(host)["p0"]["ifindex"]
        self.kill_agent()
        run(["ip", "-n", host, "link", "set", end, "alias", "", "down"])
        self.start_agent()
        alias = "outrider internal port p0"
        self.await_that(
            "the pair was not taken up", lambda: self.links(host)[end].get("ifalias") == alias
        )
        self.await_that("p0 has an error", lambda: self.error("p0") == "[]")
        self.assertEqual(self.links(host)["p0"]["ifindex"], number)
        self.assertIn("UP", self.links(host)[end]["flags"])

    def test_a_port_with_a_profile(self) -> None:
        """As neutron plugs its DHCP and L3 agents."""
        ports.add_light(self.lab, "peer", HOST, "10.1.0.2", "52:54:00:00:00:02", "open")
        self.addCleanup(ports.remove_light, inventory.load(self.lab.prefix), "peer")
        station, port_id = self.station("dhcp"), str(uuid.uuid4())
        ids = [f"iface-id={port_id}", f'attached-mac="{GUEST}"', "port-profile=open"]
        asked = ["set", "Interface", "tap-dhcp", *(f"external_ids:{entry}" for entry in ids)]
        self.add("tap-dhcp", "--", *asked)
        netns.set_mac(self.lab.netns(HOST), "tap-dhcp", GUEST)
        self.settle("tap-dhcp", station, "10.1.0.13")
        self.check_profile(station, port_id)
        self.kill_agent()
        self.start_agent()
        self.change_another()
        self.check_profile(station, port_id)
        self.vsctl("del-port", "tap-dhcp")
        self.assertEqual(api.local_port(self.lab, HOST, port_id), {})
        self.assertNotIn("tap-dhcp", self.links(station))

    def check_profile(self, station: str, port_id: str) -> None:
        """The profile governs what the device sends and gets, and nothing complains."""
        self.assertEqual(self.error("tap-dhcp"), "[]")
        self.assertIn("phase=active", self.vsctl("get", "Port", "tap-dhcp", "status"))
        attached = api.local_port(self.lab, HOST, port_id)["attachment"]
        self.assertIn(attached["device"], self.switch_ends())
        self.reaches(station, "10.1.0.2")
        said = self.inside("peer", "busybox", "ping", "-c", "3", "-W", "5", "10.1.0.13")
        self.assertIn("3 packets received", said)


if __name__ == "__main__":
    support.main()
