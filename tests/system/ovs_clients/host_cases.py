"""What Debian's ovs-vsctl, ovs-ofctl and ovs-appctl print of a host with two guests is true: it is
what the kernel says, what the lab set up, and what frames do."""

from __future__ import annotations

import json
import re
from typing import Any

from labkit import netns, process
from labkit.inventory import GuestRecord
from labkit.shell import run
from ovs_clients.debian_tools import HostTools
from support import LabCase

FAR_IP, FAR_MAC = "10.1.0.9", "52:54:00:00:00:09"
VNI = 5001
PINGS = 3
# Rate and burst, in kilobits.
POLICED = (8000, 800)


def plug(tools: HostTools, guest: GuestRecord) -> None:
    """As libvirt does it."""
    words = ["--", "--may-exist", "add-port", "br0", guest.tap]
    ids = {
        "attached-mac": guest.mac,
        "iface-id": guest.port_id,
        "vm-id": guest.port_id,
        "port-profile": guest.profile,
        "iface-status": "active",
    }
    for key, value in ids.items():
        words += ["--", "set", "Interface", guest.tap, f'external-ids:{key}="{value}"']
    tools.vsctl(*words)


class HostCases(LabCase):
    """Mixed into a class with a lab: bridge br0 with guests vm1 and vm2, and `far` elsewhere."""

    tools: HostTools

    def guests(self) -> list[tuple[int, GuestRecord]]:
        """With their port numbers: in the order in which they were added."""
        return list(enumerate(self.lab.guests.values(), start=1))

    def of(self, *words: str) -> str:
        return self.tools.say("ovs-ofctl", *words)

    def flows(self, match: str, *options: str) -> list[str]:
        """The flows of a match, with actions and without times and counters."""
        said = self.of(*options, "--no-stats", "dump-flows", "br0", match)
        return [re.sub(r"cookie=0x[0-9a-f]+, ", "", line).strip() for line in said.splitlines()]

    def link(self, device: str) -> Any:
        argv = ["ip", "-n", self.lab.netns("h1"), "-j", "-s", "link", "show", device]
        return json.loads(run(argv))[0]

    # ovs-vsctl

    def test_show(self) -> None:
        root, *lines = self.tools.vsctl("show").splitlines()
        self.assertEqual(root, self.tools.vsctl("get", "Open_vSwitch", ".", "_uuid"))
        wanted = ["Bridge br0", "Port br0", "Interface br0", "type: internal"]
        for _, guest in self.guests():
            wanted += [f"Port {guest.tap}", f"Interface {guest.tap}"]
        self.assertEqual(sorted(map(str.strip, lines)), sorted([*wanted, 'ovs_version: "3.1.0"']))

    def test_interfaces_are_the_kernels(self) -> None:
        for number, guest in self.guests():
            with self.subTest(guest.name):
                device = self.link(guest.tap)
                told = {
                    "ofport": str(number),
                    "mac_in_use": f'"{device["address"]}"',
                    "ifindex": str(device["ifindex"]),
                    "mtu": str(device["mtu"]),
                    "link_state": "up",
                    "admin_state": "up",
                    "error": "[]",
                    "external_ids:attached-mac": f'"{guest.mac}"',
                    "status:driver_name": "tun",
                }
                said = self.tools.vsctl("get", "Interface", guest.tap, *told).splitlines()
                self.assertEqual(dict(zip(told, said, strict=True)), told)
                status = self.tools.vsctl("get", "Port", guest.tap, "status")
                self.assertEqual(status, f'{{phase=active, profile="{guest.profile} revision 1"}}')
                self.assertEqual(self.tools.vsctl("iface-to-br", guest.tap), "br0")
                wanted = f"external_ids:iface-id={guest.port_id}"
                found = self.tools.vsctl("--bare", "--columns=name", "find", "Interface", wanted)
                self.assertEqual(found, guest.tap)

    def test_statistics_are_the_kernels(self) -> None:
        for _, guest in self.guests():
            self.ping("far", guest.ip, PINGS)

        def differing() -> list[str]:
            guests = [guest for _, guest in self.guests()]
            return [guest.name for guest in guests if self.told(guest) != self.seen(guest)]

        # They are written every five seconds.
        self.assertTrue(process.wait_until(lambda: not differing(), 20, 0.5), differing())

    def told(self, guest: GuestRecord) -> dict[str, int]:
        said = self.tools.vsctl("get", "Interface", guest.tap, "statistics")
        told = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", said)}
        return {key: told.get(key, -1) for key in self.seen(guest)}

    def seen(self, guest: GuestRecord) -> dict[str, int]:
        found = self.link(guest.tap)["stats64"]
        kinds = ("packets", "bytes")
        return {f"{way}_{kind}": found[way][kind] for way in ("rx", "tx") for kind in kinds}

    def test_a_new_interface_has_statistics(self) -> None:
        run(["ip", "-n", self.lab.netns("h1"), "tuntap", "add", "dev", "new0", "mode", "tap"])
        self.addCleanup(netns.remove_link, self.lab.netns("h1"), "new0")
        self.tools.vsctl("add-port", "br0", "new0")
        self.addCleanup(self.tools.vsctl, "del-port", "new0")
        self.assertIn("rx_packets=0", self.tools.vsctl("get", "Interface", "new0", "statistics"))

    # ovs-ofctl

    def test_ports(self) -> None:
        for options in ((), ("-O", "OpenFlow13")):
            for command in ("show", "dump-ports-desc"):
                with self.subTest(command, options=options):
                    said = self.of(*options, command, "br0")
                    found = re.findall(r"^ (\w+)\((\S+)\): addr:(\S+)$", said, re.MULTILINE)
                    wanted = [
                        (str(number), guest.tap, self.link(guest.tap)["address"])
                        for number, guest in self.guests()
                    ]
                    self.assertEqual(found[: len(wanted)], wanted)
                    local = ("LOCAL", "br0", self.link("br0")["address"])
                    self.assertEqual(found[-1], local)
        datapath = self.tools.vsctl("get", "Bridge", "br0", "datapath_id").strip('"')
        self.assertIn(f"dpid:{datapath}\n", self.of("show", "br0"))
        self.assertIn("Manufacturer: Outrider\n", self.of("dump-desc", "br0"))

    def test_counters_of_ports_and_flows_grow(self) -> None:
        (one, guest), (other, _) = self.guests()
        before = {number: self.counted(number) for number in (one, other)}
        self.ping("far", guest.ip, PINGS)
        after = {number: self.counted(number) for number in (one, other)}
        grown = {key: after[one][key] - before[one][key] for key in after[one]}
        # ARP may be among what is counted at the port.
        for key in ("rx", "tx"):
            self.assertGreaterEqual(grown[key], PINGS, grown)
        self.assertEqual((grown["icmp in"], grown["icmp out"]), (PINGS, PINGS))
        for key in ("icmp in", "icmp out"):
            self.assertEqual(after[other][key], before[other][key])
        # By name, as OpenNebula asks.
        said = self.of("dump-ports", "br0", guest.tap)
        self.assertEqual(re.findall(r"^\s*port\s*(\d+):", said, re.MULTILINE), [str(one)])

    def counted(self, number: int) -> dict[str, int]:
        """Packets of a port, and of the rule that lets its pings pass in either direction."""
        said = self.of("dump-ports", "br0", str(number))
        counts = {way: int(count) for way, count in re.findall(r"(rx|tx) pkts=(\d+)", said)}
        rules = {"icmp in": f"table=2,icmp,in_port={number}"}
        rules |= {"icmp out": f"table=8,icmp,reg0={number}"}
        for what, match in rules.items():
            (count,) = re.findall(r"n_packets=(\d+)", self.of("dump-flows", "br0", match))
            counts[what] = int(count)
        return counts

    def test_flows(self) -> None:
        for number, guest in self.guests():
            # Its own address only, what the profile allows, and what comes to it.
            own = f"priority=101,in_port={number},dl_src={guest.mac} actions=resubmit(,2)"
            self.assertIn(f"table=1, {own}", self.flows(f"table=1,in_port={number}"))
            last = f"table=1, priority=100,in_port={number} actions=drop"
            self.assertEqual(self.flows(f"table=1,in_port={number}")[-1], last)
            allowed = self.flows(f"table=2,in_port={number}")
            self.assertIn(
                f"table=2, priority=20000,icmp,in_port={number} actions=resubmit(,3)", allowed
            )
            self.assertEqual(allowed[-1], f"table=2, priority=0,in_port={number} actions=drop")
            to_it = f"table=7,tun_id={VNI:#x},dl_dst={guest.mac}"
            (found,) = self.flows(to_it)
            self.assertIn(f"load:{number:#x}->NXM_NX_REG0[]", found)
            (found,) = self.flows(f"table=11,reg0={number}")
            self.assertTrue(found.endswith(f" actions=output:{number}"), found)
            (found,) = self.flows(f"table=11,reg0={number}", "-O", "OpenFlow13")
            self.assertTrue(found.endswith(f" actions=output:{number}"), found)
        vtep = "".join(f"{int(part):02x}" for part in self.lab.host("h2").vtep.split("."))
        (found,) = self.flows(f"table=7,tun_id={VNI:#x},dl_dst={FAR_MAC}")
        self.assertIn(f"load:0x{vtep.lstrip('0')}->NXM_NX_TUN_IPV4_DST[]", found)

    def test_all_flows_are_counted(self) -> None:
        flows = [line for line in self.of("dump-flows", "br0").splitlines() if "table=" in line]
        said = self.of("dump-aggregate", "br0")
        self.assertEqual(re.findall(r"flow_count=(\d+)", said), [str(len(flows))])
        active = re.findall(r"active=(\d+)", self.of("-O", "OpenFlow13", "dump-tables", "br0"))
        self.assertGreater(len(active), 0)
        self.assertGreaterEqual(len(flows), sum(map(int, active)))
        later = self.of("-O", "OpenFlow13", "dump-flows", "br0").splitlines()
        self.assertEqual(len([line for line in later if "table=" in line]), len(flows))

    def test_flows_of_others_are_refused(self) -> None:
        before = self.of("--no-stats", "dump-flows", "br0")
        for words in (
            ["add-flow", "br0", "in_port=1,actions=normal"],
            ["-O", "OpenFlow13", "add-flow", "br0", "in_port=1,actions=drop"],
            ["del-flows", "br0"],
            ["mod-port", "br0", "1", "down"],
        ):
            with self.subTest(" ".join(words)):
                done = self.tools.run("ovs-ofctl", *words)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^OFPT_ERROR .*: OFP\w+_EPERM\n")
        self.assertEqual(self.of("--no-stats", "dump-flows", "br0"), before)

    def test_a_policer_is_a_meter(self) -> None:
        tap = self.guests()[0][1].tap
        rate, burst = POLICED
        words = ("ingress_policing_rate", "ingress_policing_burst")
        setting = (f"{words[0]}={rate}", f"{words[1]}={burst}")
        self.assertNotIn("rate=", self.of("-O", "OpenFlow13", "dump-meters", "br0"))
        self.tools.vsctl("set", "Interface", tap, *setting)
        self.addCleanup(self.tools.vsctl, "set", "Interface", tap, f"{words[0]}=0", f"{words[1]}=0")
        said = self.of("-O", "OpenFlow13", "dump-meters", "br0")
        self.assertIn(f"type=drop rate={rate} burst_size={burst}\n", said)

    # ovs-appctl

    def app(self, *words: str) -> str:
        return self.tools.say("ovs-appctl", *words)

    def test_who_and_what(self) -> None:
        self.assertRegex(self.app("version"), r"^ovs-vswitchd \(Open vSwitch\) 3\.1\.0\nOutrider ")
        self.assertEqual(self.app("ofproto/list"), "br0\n")
        shown = self.app("dpif/show")
        for number, guest in self.guests():
            self.assertIn(f"    {guest.tap} {number}/{self.link(guest.tap)['ifindex']}: ", shown)
        self.assertIn("  ofproto/trace ", self.app("list-commands"))
        self.assertRegex(self.app("memory/show"), r"\bports:3\b")

    def test_addresses(self) -> None:
        rows = [line.split() for line in self.app("fdb/show", "br0").splitlines()[1:]]
        found = {mac: port for port, _, mac, _ in rows}
        wanted = {guest.mac: str(number) for number, guest in self.guests()}
        wanted |= {FAR_MAC: "65279", self.link("br0")["address"]: "LOCAL"}
        self.assertEqual(found, wanted)

    def test_traces_say_what_frames_do(self) -> None:
        (one, guest), (_, other) = self.guests()
        vtep = self.lab.host("h2").vtep
        ping, ssh = {"icmp": "", "icmp_type": "8"}, {"tcp": "", "tp_dst": "22"}
        for what, fields, end in (
            ("to the other guest", ping, "delivered"),
            ("to another host", ping | {"dl_dst": FAR_MAC, "nw_dst": FAR_IP}, "encapsulated"),
            ("as somebody else", ping | {"dl_src": FAR_MAC}, "drop (spoofed_mac)"),
            ("what is not allowed", ssh, "drop (acl_ingress)"),
        ):
            with self.subTest(what):
                frame = {"dl_src": guest.mac, "dl_dst": other.mac}
                frame |= {"nw_src": guest.ip, "nw_dst": other.ip}
                # The protocol comes first, then what belongs to it.
                (protocol, _), *more = fields.items()
                frame |= dict(more)
                flow = ",".join(f"{key}={value}" for key, value in frame.items())
                said = self.app("ofproto/trace", "br0", f"in_port={one},{protocol},{flow}")
                self.assertEqual(said.splitlines()[-1], f"Datapath actions: {end}")
                if end == "delivered":
                    self.assertIn(f"into device {other.tap}", said)
                if end == "encapsulated":
                    self.assertIn(f"VXLAN to {vtep}, VNI {VNI}", said)

    def test_a_port_that_goes_is_nowhere(self) -> None:
        _, (number, guest) = self.guests()
        self.addCleanup(plug, self.tools, guest)
        self.tools.vsctl("del-port", guest.tap)
        self.assertNotIn(guest.tap, self.tools.vsctl("show"))
        self.assertNotIn(guest.tap, self.of("show", "br0"))
        self.assertNotIn(guest.mac, self.app("fdb/show", "br0"))
        self.assertNotIn(guest.tap, self.app("dpif/show"))
        left = "\n".join(self.flows(""))
        self.assertNotIn(guest.mac, left)
        self.assertNotRegex(left, rf"\b(in_port={number}|reg0={number:#x})\b")
        self.assertEqual(self.tools.run("ovs-ofctl", "dump-ports", "br0", guest.tap).returncode, 1)
