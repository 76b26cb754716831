"""A plain QEMU guest, started by hand as README.md says: one command makes its tap a port, and it
pings over VXLAN."""

from __future__ import annotations

import uuid

import support
from labkit import api, guest_image, netns, process, qemu, scenes, services
from labkit.inventory import remember
from labkit.shell import run

GUEST_IP, GUEST_MAC = "10.2.0.50", "52:54:00:02:00:50"


class GuestByHandTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def test_pings_over_vxlan(self) -> None:
        host = self.lab.netns("h1")
        run(["ip", "-n", host, "tuntap", "add", "dev", "tap0", "mode", "tap"])
        run(["ip", "-n", host, "link", "set", "tap0", "up"])
        self.attach()
        image = guest_image.build()
        console = self.lab.folder / "hand.console"
        argv = ["qemu-system-x86_64", "-accel", qemu.accelerator(), "-M", "q35", "-m", "96"]
        argv += ["-display", "none", "-serial", f"file:{console}"]
        argv += ["-kernel", str(image.kernel), "-initrd", str(image.initramfs)]
        argv += ["-append", f"console=ttyS0 quiet or.name=hand or.ip={GUEST_IP}/24"]
        argv += ["-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no"]
        argv += ["-device", f"virtio-net-pci,netdev=n,mac={GUEST_MAC},host_mtu=1450"]
        guest = process.start("hand", netns.inside(host, argv), self.lab.log("hand"))
        remember(self.lab.prefix, guest)
        ready = qemu.READY + b" hand %s/24 mtu 1450" % GUEST_IP.encode()
        booted = lambda: console.exists() and ready in console.read_bytes()  # noqa: E731
        self.assertTrue(process.wait_until(booted, 60), self.lab.log("hand").read_text())
        services.wait_converged(self.lab)  # in force on h1; the ping comes from h2
        self.ping("right", GUEST_IP)
        self.ping("left", GUEST_IP)

    def attach(self) -> None:
        """The one command."""
        api.outrider(
            *(
                self.lab,
                "port",
                "attach",
                "--dev",
                "tap0",
                "--id",
                str(uuid.uuid4()),
                "--mac",
                GUEST_MAC,
            ),
            *("--profile", "scene"),
            host="h1",
        )


if __name__ == "__main__":
    support.main()
