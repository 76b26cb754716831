"""What a segment does beside switching, by the real daemons: multicast goes to who joined, on other
hosts too and across a restart; the MTU comes from the hosts' underlays."""

from __future__ import annotations

import subprocess

import support
from labkit import api, inventory, netns, ports, process, services

GROUP, GROUP_MAC = "239.1.2.3", "01005e010203"
FRAMES = 50
SENDER_IP, MEMBER_IP = "10.5.0.1", "10.5.0.2"
SENDER_MAC = "52:54:00:05:00:01"

OBJECTS = """
kind: Segment
name: cast
vni: 7500
multicast: snoop
unknown_multicast: drop
---
kind: Profile
name: cast
vlan: {segment: cast}
"""

# Joins the group for good, says so, and counts what comes until a datagram says "end".
MEMBER = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 4000))
join = struct.pack("4s4si", socket.inet_aton(sys.argv[1]), bytes(4), socket.if_nametoindex("eth0"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
print("ready", flush=True)
for line in sys.stdin:
    s.settimeout(10)
    count = 0
    try:
        while s.recv(100) != b"end":
            count += 1
    except socket.timeout:
        count = -1
    print(count, flush=True)
"""

# Counts frames to a MAC until a broadcast of ethertype 88b5 comes.
WATCHER = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 3))
s.settimeout(20)
print("ready", flush=True)
wanted, count = bytes.fromhex(sys.argv[1]), 0
while True:
    frame = s.recv(2048)
    if frame[12:14] == b"\\x88\\xb5":
        break
    count += frame[:6] == wanted
print(count, flush=True)
"""

SENDER = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out = struct.pack("4s4si", bytes(4), bytes(4), socket.if_nametoindex("eth0"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, out)
for n in range(int(sys.argv[2])):
    s.sendto(b"x", (sys.argv[1], 4000))
s.sendto(b"end", (sys.argv[1], 4000))
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0))
mac = bytes.fromhex(sys.argv[3].replace(":", ""))
raw.send(b"\\xff" * 6 + mac + b"\\x88\\xb5" + bytes(46))
"""


class SegmentServicesTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        api.apply(cls.lab, OBJECTS)
        for name, host, ip, n in (
            ("sender", "h1", SENDER_IP, 1),
            ("member", "h2", MEMBER_IP, 2),
            ("near", "h1", "10.5.0.3", 3),
            ("far", "h2", "10.5.0.4", 4),
        ):
            ports.add_light(cls.lab, name, host, ip, f"52:54:00:05:00:0{n}", "cast")
        cls.lab = inventory.load(cls.lab.prefix)

    def start(self, light: str, program: str, *argv: str) -> subprocess.Popen:
        running = subprocess.Popen(
            netns.inside(ports.light_netns(self.lab, light), ["python3", "-c", program, *argv]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(running.communicate)
        self.addCleanup(running.terminate)
        assert running.stdout is not None
        self.assertEqual(running.stdout.readline(), "ready\n")
        return running

    def groups_at(self, host: str) -> list[str]:
        state = api.query(self.lab, "state", "show", host=host)["state"]
        return [group["group"] for group in state["multicast_groups"]]

    def counted(self, member: subprocess.Popen) -> tuple[int, int, int]:
        """Sends to the group: what the member got, and what the ports beside it saw."""
        near, far = (self.start(light, WATCHER, GROUP_MAC) for light in ("near", "far"))
        assert member.stdin is not None and member.stdout is not None
        member.stdin.write("count\n")
        member.stdin.flush()
        self.inside("sender", "python3", "-c", SENDER, GROUP, str(FRAMES), SENDER_MAC)
        got = int(member.stdout.readline())
        return got, int(near.stdout.readline()), int(far.stdout.readline())

    def test_multicast_goes_to_who_joined(self) -> None:
        self.inside("sender", "python3", "-c", SENDER, GROUP, "1", SENDER_MAC)
        sender = self.lab.light("sender").port_id
        unknown = lambda: api.drops(self.lab, "h1", sender).get("multicast_unknown", 0)  # noqa: E731
        self.assertTrue(process.wait_until(lambda: unknown() >= 1, 15), "nobody joined yet")
        member = self.start("member", MEMBER, GROUP)
        self.assertTrue(process.wait_until(lambda: GROUP in self.groups_at("h1"), 15))
        self.assertEqual(self.counted(member), (FRAMES, 0, 0))

        services.kill(self.lab, services.agent_name("h2"))
        services.start_agent(self.lab, "h2")
        services.wait_agent(self.lab, "h2")
        self.assertEqual(self.counted(member), (FRAMES, 0, 0), "after a kill -9 of its agent")

        member.terminate()
        member.wait()
        gone = process.wait_until(lambda: GROUP not in self.groups_at("h1"), 15)
        self.assertTrue(gone, "who left is forgotten, on other hosts too")

    def test_the_mtu_is_what_the_underlays_carry(self) -> None:
        underlay = min(int(api.agent_status(self.lab, h)["underlay_mtu"]) for h in ("h1", "h2"))
        shown = api.query(self.lab, "segment", "show", "cast")
        self.assertEqual((shown["mtu"], shown["mtu_in_force"]), (0, underlay - 50))
        state = api.query(self.lab, "state", "show", host="h1")["state"]
        mtus = {segment["vni"]: segment["mtu"] for segment in state["segments"]}
        self.assertEqual(mtus[7500], underlay - 50)
        api.outrider(self.lab, "segment", "set", "cast", "--mtu", "1300")
        services.wait_converged(self.lab)
        try:
            said = self.inside("sender", "cat", "/sys/class/net/eth0/mtu")
            self.assertGreater(int(said), 1300, "a guest's own card is its own business")
            self.ping("sender", MEMBER_IP)
        finally:
            api.outrider(self.lab, "segment", "set", "cast", "--mtu", "0")
        shown = api.query(self.lab, "segment", "show", "cast")
        self.assertEqual(shown["mtu_in_force"], underlay - 50)


if __name__ == "__main__":
    support.main()
