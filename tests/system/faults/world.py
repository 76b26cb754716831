"""The hosts of fault runs and their one guest, which stays from seed to seed: a namespace with the
guest's MAC and address behind a veth on every host, of which at most one is up, that of the host it
runs on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from faults import plan
from labkit import api, fabric, inventory, lifecycle, netns, ports, process, services
from labkit.shell import LabError, attempt, run

SEGMENT, VNI, PROFILE = "faults", 6100, "faults"
PROFILES = f"kind: Profile\nname: {PROFILE}\nvlan: {{segment: {SEGMENT}}}\n"
GUEST_IP, GUEST_MAC, DEVICE = "10.6.0.100", "52:54:00:06:00:64", "guest0"
# A third of the absence is the grace for a guest that sends nothing.
LEASE_S, ABSENCE_S, GRACE_S = 4, 3, 2
CONTROLLER_OPTIONS = (
    *("--migration-lease-s", str(LEASE_S), "--migration-absence-s", str(ABSENCE_S)),
    *("--migration-grace-s", str(GRACE_S)),
)
# Of one call: an agent that stands still must not hold up a hypervisor that gives up on it.
CALL_S = 3.0
# Of what must succeed.
PATIENT_S = 10
CONTROLLER = services.CONTROLLER
NOT_ATTACHED = "is not attached on this host"
# Phases of a migration that is over.
ENDED = ("committed", "aborted")


class World:
    """A lab with three hosts, a port on each that pings, and the guest. `say` gets what happens."""

    def __init__(self, prefix: str, build: str) -> None:
        self.say: Callable[[str], None] = lambda text: None
        # Why the last call failed.
        self.refusal = ""
        self.lab = lifecycle.up(prefix, len(plan.HOSTS), build)
        self.restart_controller()
        api.create_segment(self.lab, SEGMENT, VNI, ports.SEGMENT_MTU)
        api.apply(self.lab, PROFILES)
        for number, host in enumerate(plan.HOSTS, start=1):
            address, mac = self.peer_ip(host), f"52:54:00:06:00:{number:02x}"
            ports.add_light(self.lab, f"peer-{host}", host, address, mac, PROFILE)
            self._plug(host)
        self.lab = inventory.load(prefix)

    def peer_ip(self, host: str) -> str:
        return f"10.6.0.{plan.HOSTS.index(host) + 1}"

    def place(self, host: str) -> str:
        """Namespace of the guest at `host`."""
        return self.lab.netns(f"vm-guest-{host}")

    def _plug(self, host: str) -> None:
        netns.add(self.place(host))
        netns.sysctl(self.place(host), "net.ipv6.conf.default.disable_ipv6", "1")
        ends = ((self.place(host), "eth0"), (self.lab.netns(host), DEVICE))
        netns.veth(*ends, ports.SEGMENT_MTU)
        netns.set_mac(self.place(host), "eth0", GUEST_MAC)
        netns.address(self.place(host), "eth0", f"{GUEST_IP}/24")
        self.guest_stops(host)

    # The guest.

    def guest_runs(self, host: str) -> None:
        run(["ip", "-n", self.place(host), "link", "set", "eth0", "up"])
        self.ping_from_guest(host, "h1", wait_s=0.05)

    def guest_stops(self, host: str) -> None:
        run(["ip", "-n", self.place(host), "link", "set", "eth0", "down"])

    def ping_from_guest(self, host: str, peer: str, wait_s: float = 1) -> bool:
        return self._ping(self.place(host), self.peer_ip(peer), wait_s)

    def ping_to_guest(self, peer: str) -> bool:
        return self._ping(ports.light_netns(self.lab, f"peer-{peer}"), GUEST_IP, 1)

    def _ping(self, namespace: str, address: str, wait_s: float) -> bool:
        argv = netns.inside(namespace, ["busybox", "ping", "-c", "1", "-W", "1", address])
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ping:
            try:
                return ping.wait(wait_s) == 0
            except subprocess.TimeoutExpired:
                ping.kill()
                return False

    # What a hypervisor and an operator ask for; None: refused, or no answer in time.

    def call(self, *words: str, host: str | None = None, seconds: float = CALL_S) -> Any:
        self.say(f"{host or 'operator'}: outrider {' '.join(words)}")
        try:
            said = api.outrider(self.lab, *words, host=host, timeout=seconds)
        except LabError as error:
            self.refusal = str(error)
            self.say(f"  {self.refusal.partition('outrider: ')[2] or self.refusal}")
            return None
        return said

    def attach(self, host: str, port_id: str, wait_s: float = 1.5) -> bool:
        words = ["port", "attach", "--dev", DEVICE, "--id", port_id, "--mac", GUEST_MAC]
        words += ["--profile", PROFILE, "--ip", GUEST_IP, "--vm", f"vm-{port_id[:8]}"]
        words += ["--wait", f"{wait_s * 1000:.0f}ms"]
        # Before it is ended it must have had all the time it may take.
        return self.call(*words, host=host, seconds=max(CALL_S, wait_s + 2)) is not None

    def detach(self, host: str, port_id: str) -> bool:
        """Whether the port is not attached at `host` any more."""
        if self.call("port", "detach", port_id, host=host) is not None:
            return True
        return NOT_ATTACHED in self.refusal

    def attach_peer(self, host: str) -> None:
        """Whoever evacuates a host takes the port of its peer, too."""
        light = self.lab.light(f"peer-{host}")
        words = ["port", "attach", "--dev", light.device, "--id", light.port_id, "--mac", light.mac]
        words += ["--profile", light.profile, "--ip", light.ip, "--wait", f"{PATIENT_S}s"]
        if self.call(*words, host=host, seconds=PATIENT_S + 5) is None:
            raise LabError(f"{host}: its peer cannot be attached again")

    # Daemons.

    def name_of(self, victim: str) -> str:
        return CONTROLLER if victim == CONTROLLER else services.agent_name(victim)

    def running(self, victim: str) -> process.Process:
        return inventory.load(self.lab.prefix).processes[self.name_of(victim)]

    def kill(self, victim: str) -> None:
        self.running(victim).stop(kill=True)

    def signal(self, victim: str, number: signal.Signals) -> None:
        self.running(victim).signal(number)

    def start(self, victim: str, failpoints: str = "") -> None:
        env = dict(os.environ)
        if failpoints:
            env["OUTRIDER_FAILPOINTS"] = failpoints
        if victim == CONTROLLER:
            services.start_controller(self.lab, CONTROLLER_OPTIONS, env)
        else:
            services.start_agent(self.lab, victim, env)

    def all_connected(self) -> bool:
        try:
            return set(plan.HOSTS) <= api.connected_hosts(self.lab)
        except LabError:
            return False

    def restart_controller(self) -> None:
        self.kill(CONTROLLER)
        self.start(CONTROLLER)
        services.wait_connected(self.lab)

    # The underlay.

    def partition(self, pair: Sequence[str], parted: bool) -> None:
        """Drops, or no longer drops, what the two send each other. `pair`: hosts, or the
        controller."""
        one, other = (self._address(end) for end in pair)
        for source, destination in ((one, other), (other, one)):
            words = ["from", source, "to", destination, "prio", "100", "blackhole"]
            verb = "add" if parted else "del"
            attempt(["ip", "-n", self.lab.netns(fabric.ROUTER), "rule", verb, *words])

    def _address(self, end: str) -> str:
        return fabric.address_of(0) if end == CONTROLLER else self.lab.host(end).address

    def cable(self, host: str, plugged: bool) -> None:
        state = "up" if plugged else "down"
        run(["ip", "-n", self.lab.netns(fabric.ROUTER), "link", "set", host, state])

    # Between seeds.

    def begin(self, drawn: plan.Plan) -> None:
        """The guest runs at the plan's source, as a port that never moved."""
        for host in plan.HOSTS:
            self.guest_stops(host)
        if not self.attach(drawn.source, drawn.port_id, PATIENT_S):
            raise LabError(f"{drawn}: the port could not be attached at its source")
        self.guest_runs(drawn.source)
        reached = lambda: all(self.ping_to_guest(peer) for peer in plan.HOSTS)  # noqa: E731
        if not process.wait_until(reached, PATIENT_S, 0.02):
            raise LabError(f"{drawn}: the guest cannot be reached before anything went wrong")

    def leave(self, port_id: str) -> None:
        """Nothing of the seed's port is left for the next, which has the same MAC."""
        self.detach_everywhere(port_id)

        def is_on_no_host() -> bool:
            port = api.query(self.lab, "port", "show", port_id)
            return not port.get("location", {}).get("host")

        # After a partition a host is heard when TCP tries again.
        if not process.wait_until(is_on_no_host, PATIENT_S, 0.02):
            raise LabError(f'port "{port_id}": detached everywhere, and still on a host')

    def detach_everywhere(self, port_id: str) -> None:
        for host in plan.HOSTS:
            self.detach(host, port_id)

    def reset(self, port_id: str) -> None:
        """After a seed that failed: all daemons anew, all links up, its port gone."""
        for host in plan.HOSTS:
            self.cable(host, True)
            for other in (*plan.HOSTS, CONTROLLER):
                self.partition((host, other), False)
        for victim in (CONTROLLER, *plan.HOSTS):
            self.kill(victim)
        for victim in (CONTROLLER, *plan.HOSTS):
            self.start(victim)
        services.wait_connected(self.lab)
        for record in api.query(self.lab, "migration", "list")["items"]:
            if port_id in record["port_ids"] and api.phase(record) not in ENDED:
                self.call("migration", "abort", record["meta"]["name"])
        self.detach_everywhere(port_id)
        self.call("port", "delete", port_id)
