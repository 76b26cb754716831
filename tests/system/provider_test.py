"""Segments that VLANs of a physical network carry, by the real daemons: stations of that network, a
trunk of 64 of its VLANs, what hosts take in of it, arrivals and moves; a guest on all of them with
stateful rules and a rate limit."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
from collections.abc import Iterator

import stateful_guest
import support
import tagged_frames
from labkit import api, inventory, move, netns, physical, ports, process, qemu, scenes
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe

VLANS = stateful_guest.VLANS
# Of the physical network, and of the guest's trunk. The first is that of access_port.bpf.c.
OUTSIDE, INSIDE, VNI = 2000, stateful_guest.FIRST_VLAN, 8001
LEFT_IP, LEFT_MAC = "10.5.0.1", "52:54:00:05:00:01"
TRUNK_MAC = "52:54:00:05:00:02"
LATE_MAC, MOVER_MAC, GUEST_MAC = "52:54:00:05:00:03", "52:54:00:05:00:04", "52:54:00:05:00:05"
VLANS_MAC = "52:54:00:05:00:06"
STATION_IP, STATION_MAC = "10.5.0.99", "52:54:00:05:00:99"
# Addresses of the guest's VLANs, NETWORK.0 to .63, and the station's in the first.
NETWORK, STATION_IN_FIRST = "10.7", "10.7.0.99"
TRUNK_STATION_MAC = "52:54:00:05:00:98"
# A station behind an access port, and one that sends and gets tags.
STATION, TRUNK_STATION = "st", "ts"

# Sends argv[3] bytes from argv[1] ("connect" or "listen") to the other side, whose digest it
# checks.
TRANSFER = """
import hashlib, socket, sys
role, address, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = bytes(range(251)) * (size // 251)
if role == "listen":
    server = socket.create_server((address, 5001))
    print("ready", flush=True)
    peer, _ = server.accept()
    seen = hashlib.sha256()
    while part := peer.recv(1 << 16):
        seen.update(part)
    print("same" if seen.digest() == hashlib.sha256(data).digest() else "different")
else:
    with socket.create_connection((address, 5001), 20) as peer:
        peer.sendall(data)
"""

# Answers one request at address argv[1] with argv[2] bytes.
WEB_SERVER = """
import socket, sys
size = int(sys.argv[2])
server = socket.create_server((sys.argv[1], 80))
print("ready", flush=True)
peer, _ = server.accept()
peer.recv(65536)
peer.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % size + bytes(size))
peer.close()
"""


def segments() -> str:
    documents = [
        f"kind: Segment\nname: v{n}\nvni: {VNI + n}\nmtu: {ports.SEGMENT_MTU}\n"
        f"provider: {{uplink: {physical.UPLINK}, vlan: {OUTSIDE + n}}}\n"
        for n in range(VLANS)
    ]
    return "---\n".join(documents)


def profiles() -> str:
    scene = "kind: Profile\nname: scene\nvlan: {segment: v0}\n"
    trunk = f"kind: Profile\nname: trunk\nvlan:\n  mode: trunk\n  vlans:\n{stateful_guest.TRUNK}"
    return "---\n".join([scene, trunk, stateful_guest.PROFILE])


class ProviderTest(support.LabCase):
    PROVIDER = True

    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, segments() + "---\n" + profiles())
        cls.add_station(STATION, STATION_MAC)
        for address in (STATION_IP, STATION_IN_FIRST):
            netns.address(cls.lab.netns(STATION), "eth0", f"{address}/24")
        cls.make_access_port(STATION)
        cls.add_station(TRUNK_STATION, TRUNK_STATION_MAC)
        ports.add_light(cls.lab, "left", "h1", LEFT_IP, LEFT_MAC, "scene")
        ports.add_light(cls.lab, "trunk", "h1", "10.6.0.1", TRUNK_MAC, "trunk")

    @classmethod
    def add_station(cls, name: str, mac: str) -> None:
        namespace = cls.lab.netns(name)
        netns.add(namespace)
        netns.sysctl(namespace, "net.ipv6.conf.default.disable_ipv6", "1")
        physical.plug(cls.lab, (namespace, "eth0"), name)
        netns.set_mac(namespace, "eth0", mac)

    @classmethod
    def make_access_port(cls, port: str) -> None:
        programs = str(pathlib.Path(cls.lab.build) / "tests" / "system" / "access_port.bpf.o")
        switch = cls.lab.netns(physical.SWITCH)
        steps = [["qdisc", "add", "dev", port, "clsact"]]
        for direction, section in (("ingress", "tc/in"), ("egress", "tc/out")):
            filters = ["filter", "add", "dev", port, direction]
            steps.append([*filters, "bpf", "da", "obj", programs, "sec", section])
        for words in steps:
            subprocess.run(
                netns.inside(switch, ["tc", *words]), check=True, capture_output=True, timeout=60
            )

    def at(self, namespace: str, *argv: str) -> str:
        """Runs argv in a namespace of the lab."""
        done = subprocess.run(
            netns.inside(namespace, argv), capture_output=True, text=True, check=False, timeout=60
        )
        self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}{done.stderr}")
        return done.stdout

    def light(self, name: str) -> str:
        return ports.light_netns(self.lab, name)

    def vlans_of(self, host: str) -> set[int]:
        """VLANs the host takes in from its uplink, as its datapath has them."""
        (path,) = self.lab.host_folder(host).glob("bpf/outrider/v*/maps/or_uplink_vlans")
        argv = ["bpftool", "--json", "map", "dump", "pinned", str(path)]
        rows = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
        return {row["formatted"]["key"]["vlan"] for row in rows}

    def transfer(self, sender: str, receiver: str, address: str) -> None:
        """20 MB of TCP, in whatever super-packets the kernel makes of it."""
        words = ["python3", "-c", TRANSFER, "listen", address, "20000000"]
        with subprocess.Popen(
            netns.inside(receiver, words), stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            self.assertEqual(server.stdout.readline(), "ready\n")
            self.at(sender, "python3", "-c", TRANSFER, "connect", address, "20000000")
            self.assertEqual(server.stdout.readline(), "same\n")

    def received(
        self, receiver: str, sender: str, mac: str, vlans: list[int]
    ) -> list[list[int]]:
        """[tag, payload] of what one namespace gets when the other sends a frame in each VLAN."""
        argv = ["python3", "-c", tagged_frames.RECEIVER, str(len(vlans))]
        with subprocess.Popen(
            netns.inside(receiver, argv), stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            self.assertEqual(running.stdout.readline(), "ready\n")
            self.at(sender, "python3", "-c", tagged_frames.SENDER, mac, *map(str, vlans))
            return sorted(json.loads(running.stdout.readline()))

    def test_a_plain_station_is_reached_both_ways(self) -> None:
        station = self.lab.netns(STATION)
        self.ping("left", STATION_IP)
        said = self.at(station, "busybox", "ping", "-c", "3", "-W", "5", LEFT_IP)
        self.assertIn("3 packets received", said)
        self.transfer(self.light("left"), station, STATION_IP)
        self.transfer(station, self.light("left"), LEFT_IP)

    def test_hosts_list_the_stations_they_heard(self) -> None:
        self.ping("left", STATION_IP)
        heard = api.query(self.lab, "station", "list", str(VNI), host="h1")["items"]
        found = {row["mac"]: row for row in heard}
        self.assertNotIn(LEFT_MAC, found)
        self.assertLess(found[STATION_MAC].pop("heard_s"), 60)
        where = {"vni": VNI, "uplink": physical.UPLINK, "vlan": OUTSIDE}
        nowhere = {"port_id": "", "device": ""}
        self.assertEqual(found[STATION_MAC], {"mac": STATION_MAC, **nowhere, **where})
        for line in api.outrider(self.lab, "station", "list", host="h1").splitlines():
            if STATION_MAC in line:
                self.assertRegex(line, rf"^{VNI} .* {physical.UPLINK}:{OUTSIDE} +(now|\d+s ago)$")
                break
        else:
            self.fail("the table has no such station")
        said = self.refused("station", "list", str(VNI), host="h2")
        self.assertIn(f"vni {VNI}: no segment on this host that an uplink carries", said)

    def test_a_trunk_of_64_vlans_each_one_of_the_network(self) -> None:
        station, trunk = self.lab.netns(TRUNK_STATION), self.light("trunk")
        inside = [INSIDE + n for n in range(VLANS)]
        outside = [OUTSIDE + n for n in range(VLANS)]
        out = self.received(station, trunk, TRUNK_MAC, inside)
        self.assertEqual(out, [[OUTSIDE + n, INSIDE + n] for n in range(VLANS)])
        back = self.received(trunk, station, TRUNK_STATION_MAC, outside)
        self.assertEqual(back, [[INSIDE + n, OUTSIDE + n] for n in range(VLANS)])

    def test_a_guest_with_64_vlans_stateful_rules_and_a_limit(self) -> None:
        guest = ports.start_guest(self.lab, "vlans", "h1", "10.6.0.2", VLANS_MAC, "guest")
        qemu.wait_ready(self.lab, guest)
        lab = inventory.load(self.lab.prefix)
        shell = lambda command, timeout: qemu.shell(lab, guest, command, timeout)  # noqa: E731
        shell(stateful_guest.configure(NETWORK, stateful_guest.GUEST), 60)
        answering = self.running(TRUNK_STATION, tagged_frames.RESPONDER, TRUNK_STATION_MAC)
        with self.subTest("what the guest asks is answered in every VLAN"), answering:
            stateful_guest.check_every_vlan_answers(self, shell, NETWORK)
            listed = api.query(self.lab, "conntrack", "list", guest.port_id, host="h1")["items"]
            stateful_guest.check_remembered(self, listed, NETWORK)
        with self.subTest("nobody outside begins anything"):
            self.check_nobody_begins(guest)
        size = str(stateful_guest.FILE_KB * 1024)
        serving = self.running(STATION, WEB_SERVER, STATION_IN_FIRST, size)
        with self.subTest("a download keeps to the limit"), serving:
            stateful_guest.check_download(self, shell, f"http://{STATION_IN_FIRST}/file")
        ports.stop_guest(lab, "vlans")

    def check_nobody_begins(self, guest: inventory.GuestRecord) -> None:
        denied = lambda: api.drops(self.lab, "h1", guest.port_id).get("acl_egress", 0)  # noqa: E731
        before = denied()
        # The station's own answers come, so it is the guest that gets nothing.
        station = netns.inside(
            self.lab.netns(STATION), ["busybox", "ping", "-c", "2", "-W", "1", f"{NETWORK}.0.1"]
        )
        said = subprocess.run(station, capture_output=True, text=True, check=False, timeout=60)
        self.assertIn("2 packets transmitted, 0 packets received", said.stdout)
        self.assertGreaterEqual(denied() - before, 2)
        before = denied()
        outside = [str(OUTSIDE + n) for n in range(VLANS)]
        trunk = self.lab.netns(TRUNK_STATION)
        self.at(trunk, "python3", "-c", tagged_frames.SENDER, TRUNK_STATION_MAC, *outside)
        enough = lambda: denied() - before >= VLANS  # noqa: E731
        self.assertTrue(process.wait_until(enough, 5), f"{denied() - before} of {VLANS}")

    @contextlib.contextmanager
    def running(self, station: str, program: str, *argv: str) -> Iterator[None]:
        """A Python program of a station, from when it says that it is ready."""
        words = netns.inside(self.lab.netns(station), ["python3", "-c", program, *argv])
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
            try:
                assert child.stdout is not None
                self.assertEqual(child.stdout.readline(), "ready\n")
                yield
            finally:
                child.terminate()

    def test_the_vlans_taken_in_follow_the_ports(self) -> None:
        self.assertEqual(self.vlans_of("h1"), {OUTSIDE + n for n in range(VLANS)})
        self.wait_takes_in_none("h2")
        ports.add_light(self.lab, "late", "h2", "10.5.0.3", LATE_MAC, "scene")
        late = inventory.load(self.lab.prefix)
        try:
            self.assertEqual(self.vlans_of("h2"), {OUTSIDE})
            self.ping("late", LEFT_IP)
            state = api.query(self.lab, "state", "show", host="h2")["state"]
            self.assertEqual(state["segments"][0]["vteps"], [], "no tunnel between the hosts")
        finally:
            ports.remove_light(late, "late")
        self.wait_takes_in_none("h2")

    def wait_takes_in_none(self, host: str) -> None:
        """A port that left has been told to the controller, which then takes the segment away."""
        gone = lambda: not self.vlans_of(host)  # noqa: E731
        self.assertTrue(process.wait_until(gone, 10), f"{self.vlans_of(host)} still taken in")

    def test_a_port_that_arrives_is_announced(self) -> None:
        pcap, log = self.lab.folder / "arrival.pcap", self.lab.log("arrival")
        argv = ["tcpdump", "-U", "--immediate-mode", "-i", "eth0", "-w", str(pcap), "-Z", "root"]
        argv += ["ether", "src", MOVER_MAC]
        running = process.start(
            "arrival", netns.inside(self.lab.netns(TRUNK_STATION), argv), log
        )
        inventory.remember(self.lab.prefix, running)
        self.assertTrue(process.wait_until(lambda: "listening on" in log.read_text(), 10))
        port_id = "00000000-0000-4000-8000-00000000beef"
        for host in ("h1", "h2"):
            netns.tap(self.lab.netns(host), "mover", ports.SEGMENT_MTU)  # nobody is behind it
            api.attach(self.lab, host, "mover", port_id, MOVER_MAC, "scene", "10.5.0.4")
            learned = lambda h=host: physical.learned(self.lab, MOVER_MAC) == h  # noqa: E731
            self.assertTrue(process.wait_until(learned, 10), f"the switch looks for it at {host}")
            api.detach(self.lab, host, port_id)
        enough = lambda: len(self.announced(pcap)) >= 4  # noqa: E731
        self.assertTrue(process.wait_until(enough, 10, 0.2))
        running.stop()
        for kind in self.announced(pcap):
            self.assertIn(kind, (["2000", "0x8035", ""], ["2000", "0x0806", "10.5.0.4"]))

    def announced(self, pcap: pathlib.Path) -> list[list[str]]:
        """VLAN, type and address of each captured frame."""
        argv = ["tshark", "-r", str(pcap), "-T", "fields", "-E", "occurrence=f"]
        for name in ("vlan.id", "vlan.etype", "arp.src.proto_ipv4"):
            argv += ["-e", name]
        said = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout
        rows = [line.split("\t") for line in said.splitlines()]
        return [[vlan, kind, "" if kind == "0x8035" else ip] for vlan, kind, ip in rows]

    def test_a_guest_moves_and_its_station_finds_it(self) -> None:
        guest = ports.start_guest(self.lab, "guest", "h1", "10.5.0.5", GUEST_MAC, "scene")
        qemu.wait_ready(self.lab, guest)
        probe = RunningProbe.start(
            *(self.lab, self.lab.netns(STATION), "icmp", "provider-move"),
            destination="10.5.0.5",
            rate=100,
        )
        try:
            report = move.migrate(inventory.load(self.lab.prefix), "guest", "h2")
        finally:
            result = probe.finish()
        seen = analysis.summarize(result)
        print(f"{seen.lost} of {seen.sent} lost, blackout {report.blackout_ms:.0f} ms")
        self.assertEqual(report.phase, "committed")
        self.assertEqual(physical.learned(self.lab, GUEST_MAC), "h2")
        said = self.at(
            self.lab.netns(STATION), "busybox", "ping", "-c", "3", "-W", "5", "10.5.0.5"
        )
        self.assertIn("3 packets received", said)
        self.assertEqual(self.vlans_of("h2"), {OUTSIDE})
        ports.stop_guest(inventory.load(self.lab.prefix), "guest")

    def test_a_restarted_agent_loses_no_frame(self) -> None:
        seen = scenes.restart_under_probe(
            inventory.load(self.lab.prefix), "h1", rate=200, destination=STATION_IP
        )
        self.assertGreater(seen.sent, 0)
        self.assertEqual((seen.lost, seen.objects_written, seen.objects_deleted), (0, 0, 0))

    def test_mistakes_are_refused_by_name(self) -> None:
        create = ["segment", "create", "twice", "--vni", "9000", "--provider"]
        said = self.refused(*create, f"{physical.UPLINK}:{OUTSIDE}")
        self.assertIn(f'vlan {OUTSIDE} of uplink "physnet1" is that of segment "v0"', said)
        other = self.refused_yaml(
            "kind: Segment\nname: v0\nvni: 8001\nprovider: {uplink: physnet1, vlan: 3000}\n"
        )
        self.assertIn("provider cannot change from vlan 2000", other)
        api.apply(
            self.lab,
            "kind: Segment\nname: far\nvni: 9001\nprovider: {uplink: storage, vlan: 1}\n"
            "---\nkind: Profile\nname: far\nvlan: {segment: far}\n",
        )
        netns.tap(self.lab.netns("h1"), "far", ports.SEGMENT_MTU)
        port = ["--id", "00000000-0000-4000-8000-00000000f00d", "--mac", "52:54:00:05:00:07"]
        refused = self.refused(
            *("port", "attach", "--dev", "far", *port, "--profile", "far", "--wait", "10s"),
            host="h1",
        )
        self.assertIn('host "h1": has no uplink "storage", which carries segment "far"', refused)
        self.assertIn("--uplink storage=DEVICE", refused)
        api.detach(self.lab, "h1", "00000000-0000-4000-8000-00000000f00d")


if __name__ == "__main__":
    support.main()
