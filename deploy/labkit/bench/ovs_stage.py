"""Two hosts of Debian's Open vSwitch, its datapath in user space, as a stage: a bridge with the
guest and a VXLAN tunnel, and one with the wire, which has the host's address. An ovs-vswitchd per
host, as it reaches the devices of its own network namespace only. """

from __future__ import annotations

import pathlib

from labkit import netns, open_vswitch, process
from labkit.bench import stages
from labkit.bench.stages import OVS, Stage
from labkit.inventory import Lab, remember
from labkit.shell import LabError, run

PATIENCE_S = 20
# A guest whose card does not compute checksums: the switch takes frames off the device as they are.
OFFLOADS = ("tx", "tso", "gso", "sg")


class Switch:
    """The daemons of one host; they end with the lab."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab = lab
        self._name = name
        self._rundir = lab.host_folder(name)

    def start(self) -> None:
        self._rundir.mkdir()
        tree = open_vswitch.tree()
        schema = tree / "usr/share/openvswitch/vswitch.ovsschema"
        database, socket = str(self._rundir / "conf.db"), str(self._rundir / "db.sock")
        self._tool("ovsdb-tool", "create", database, str(schema))
        self._begin(tree / "usr/sbin/ovsdb-server", database, f"--remote=punix:{socket}")
        self.vsctl("--no-wait", "init")
        daemon = tree / "usr/lib/openvswitch-switch/ovs-vswitchd"
        self._begin(daemon, f"unix:{socket}", "--disable-system")

    def vsctl(self, *words: str) -> None:
        self._tool("ovs-vsctl", "--timeout=20", *words)

    def _tool(self, tool: str, *words: str) -> None:
        done = open_vswitch.real_client().run(self._rundir, tool, words)
        if done.returncode != 0:
            raise LabError(f"{tool} {' '.join(words)}: {done.stderr.decode()}")

    def _begin(self, program: pathlib.Path, *words: str) -> None:
        name = f"{program.name}-{self._name}"
        log = self._lab.log(name)
        argv = [str(program), *words, "-vconsole:off", "-vsyslog:off", f"--log-file={log}"]
        environment = open_vswitch.real_client().environment(self._rundir)
        inside = netns.inside(self._lab.netns(self._name), argv)
        running = remember(self._lab.prefix, process.start(name, inside, log, environment))
        control = self._rundir / f"{program.name}.{running.pid}.ctl"
        if not process.wait_until(control.exists, PATIENCE_S):
            raise LabError(f"{name} did not start, see {log}")


def build(lab: Lab) -> Stage:
    wire = stages.wire(lab, "o")
    guests = []
    for number, (namespace, device) in enumerate(wire, start=1):
        guest = stages.plug_guest(lab, f"o{number}", f"10.9.0.{number}")
        off = [word for feature in OFFLOADS for word in (feature, "off")]
        run(netns.inside(guest, ["ethtool", "-K", "eth0", *off]))
        switch = Switch(lab, f"o{number}")
        switch.start()
        userspace = ["datapath_type=netdev"]
        switch.vsctl("add-br", "phy", "--", "set", "bridge", "phy", *userspace)
        switch.vsctl("add-port", "phy", device)
        # The address goes with the wire to the bridge.
        run(["ip", "-n", namespace, "addr", "flush", "dev", device])
        netns.address(namespace, "phy", f"10.79.0.{number}/24")
        run(["ip", "-n", namespace, "link", "set", "phy", "up"])
        switch.vsctl("add-br", "int", "--", "set", "bridge", "int", *userspace)
        tunnel = ["type=vxlan", f"options:key={stages.VNI}"]
        tunnel += [f"options:remote_ip=10.79.0.{3 - number}"]
        switch.vsctl("add-port", "int", "vx", "--", "set", "interface", "vx", *tunnel)
        switch.vsctl("add-port", "int", stages.GUEST_PORT)
        guests.append(guest)
    return Stage(OVS, guests[0], guests[1], "10.9.0.2", wire)
