"""A host that is not ours, a Linux bridge and vxlan device set up by hand, as Gateway in a
segment."""

from __future__ import annotations

import support
from labkit import api, fabric, netns, ports, process, scenes
from labkit.shell import run

SUBNET = 90
STATION_MAC, STATION_IP = "52:54:00:02:00:90", "10.2.0.90"


class GatewayTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)
        cls.foreign = cls.lab.netns("linux")
        cls._plain_linux_host()

    def setUp(self) -> None:
        vtep = fabric.address_of(SUBNET)
        station = f"{scenes.SEGMENT},{STATION_MAC},{STATION_IP}"
        words = ("--vtep", vtep, "--segment", scenes.SEGMENT, "--station", station)
        api.outrider(self.lab, "gateway", "create", "rack7", *words)
        self.wait_known(True)

    def wait_known(self, known: bool) -> None:
        """Returns when both hosts have, or no longer have, the station in force."""
        for host in self.lab.hosts:
            self.assertTrue(
                process.wait_until(lambda h=host: self.has_station(h) == known, 20), host
            )

    def has_station(self, host: str) -> bool:
        fdb = api.query(self.lab, "state", "show", host=host)["state"]["fdb"]
        return STATION_MAC in {entry["mac"] for entry in fdb}

    def tearDown(self) -> None:
        for gateway in api.query(self.lab, "gateway", "list")["items"]:
            api.outrider(self.lab, "gateway", "delete", gateway["meta"]["name"])

    @classmethod
    def _plain_linux_host(cls) -> None:
        """Bridge, vxlan device, and a namespace as the station behind it; our hosts as flood
        targets."""
        fabric.connect(cls.lab, "linux", SUBNET)
        ip = ["ip", "-n", cls.foreign]
        run([*ip, "link", "add", "br0", "type", "bridge"])
        run(
            [*ip, "link", "add", "vx0", "type", "vxlan", "id", str(scenes.VNI), "dstport", "4789"]
            + ["local", fabric.address_of(SUBNET)]
        )
        run([*ip, "link", "set", "vx0", "master", "br0", "up"])
        run([*ip, "link", "set", "br0", "up"])
        for host in cls.lab.hosts.values():
            run(
                ["bridge", "-n", cls.foreign, "fdb", "append", "00:00:00:00:00:00", "dev", "vx0"]
                + ["dst", host.address]
            )
        station = cls.lab.netns("vm-station")
        netns.add(station)
        netns.veth((station, "eth0"), (cls.foreign, "st0"), ports.SEGMENT_MTU)
        run([*ip, "link", "set", "st0", "master", "br0"])
        netns.set_mac(station, "eth0", STATION_MAC)
        netns.address(station, "eth0", f"{STATION_IP}/24")

    def test_our_ports_ping_the_station(self) -> None:
        for port in ("left", "right"):
            with self.subTest(port=port):
                self.ping(port, STATION_IP)

    def test_the_station_pings_our_ports(self) -> None:
        for address in (scenes.LEFT_IP, scenes.RIGHT_IP):
            with self.subTest(address=address):
                self.ping("station", address)

    def test_a_stranger_is_not_heard(self) -> None:
        api.outrider(self.lab, "gateway", "delete", "rack7")
        self.wait_known(False)
        said = self.inside(
            "station", "sh", "-c", f"busybox ping -c 3 -W 1 {scenes.LEFT_IP} || true"
        )
        self.assertIn(" 0 packets received", said)
        drops = api.agent_status(self.lab, "h1").get("host_drops", {})
        self.assertGreater(int(drops.get("not_a_member", 0)), 0)


if __name__ == "__main__":
    support.main()
