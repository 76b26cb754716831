"""Ports that move because a device was attached on another host, with no word of anybody else: the
destination is ready before the attachment returns, whoever is killed on the way."""

from __future__ import annotations

import subprocess
import threading
import time
import uuid

import support
from labkit import api, inventory, netns, ports, process, scenes, services
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe



class Mover:
    """A port in use on h1, and a namespace for its guest on each host it comes to. The guest has
    IPv4 only: nothing of its own accord sends a frame before the test does."""

    def __init__(self, lab: inventory.Lab, number: int) -> None:
        self.lab = lab
        self.id = str(uuid.uuid4())
        self.vm = f"vm-{number}"
        self.ip, self.mac = f"10.2.0.{10 + number}", f"52:54:00:03:00:{number:02x}"
        self.device = f"mv{number}"
        self.plug("h1")
        self.attach("h1")
        services.wait_converged(lab)  # in force on h1; the answer comes from h2
        assert self.answers("h1")

    def place(self, host: str) -> str:
        return self.lab.netns(f"vm-{self.device}-{host}")

    def plug(self, host: str) -> None:
        """The device, and behind it the guest's memory so to speak; it sends nothing yet."""
        netns.add(self.place(host))
        netns.sysctl(self.place(host), "net.ipv6.conf.default.disable_ipv6", "1")
        netns.veth(
            (self.place(host), "eth0"), (self.lab.netns(host), self.device), ports.SEGMENT_MTU
        )
        netns.set_mac(self.place(host), "eth0", self.mac)
        netns.address(self.place(host), "eth0", f"{self.ip}/24")

    def unplug(self, host: str) -> None:
        netns.remove(self.place(host))
        process.wait_until(lambda: not self.has_device(host), 5)

    def has_device(self, host: str) -> bool:
        argv = netns.inside(self.lab.netns(host), ["ip", "link", "show", self.device])
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def words(self, mac: str = "") -> list[str]:
        words = ["port", "attach", "--dev", self.device, "--id", self.id]
        words += ["--mac", mac or self.mac, "--profile", "scene", "--ip", self.ip]
        return [*words, "--vm", self.vm]

    def attach(self, host: str, wait: str = "20s") -> api.Json:
        return api.query(self.lab, *self.words(), "--wait", wait, host=host)

    def detach(self, host: str) -> None:
        api.detach(self.lab, host, self.id)

    def answers(self, host: str) -> bool:
        """Whether the guest at `host` reaches `right`, which it asks."""
        # Until the others know, an answer may go where the guest was: nobody said that it paused.
        ping = ["busybox", "ping", "-c", "5", "-i", "0.2", "-W", "2", scenes.RIGHT_IP]
        argv = netns.inside(self.place(host), ping)
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def migrations(self) -> list[api.Json]:
        """Of this port, oldest first."""
        found = api.query(self.lab, "migration", "list")["items"]
        mine = [record for record in found if self.id in record["port_ids"]]
        return sorted(mine, key=lambda record: int(record["meta"]["created_us"]))

    def migration(self) -> api.Json:
        return self.migrations()[-1]

    def wait_phase(self, phase: str, timeout: float = 20) -> api.Json:
        process.wait_until(lambda: api.phase(self.migration()) == phase, timeout, 0.05)
        record = self.migration()
        assert api.phase(record) == phase, record
        return record

    def location(self) -> tuple[str, int]:
        port = api.query(self.lab, "port", "show", self.id)
        return port["location"]["host"], int(port["location"]["epoch"])

    def local(self, host: str) -> api.Json:
        return api.local_port(self.lab, host, self.id)

    def port_data(self) -> str:
        process.wait_until(lambda: bool(self.local("h1").get("port_data")), 10, 0.02)
        return self.local("h1")["port_data"]


def kinds(record: api.Json) -> list[str]:
    return [event["kind"] for event in record["timeline"]]


def event(record: api.Json, kind: str) -> api.Json:
    return next(entry for entry in record["timeline"] if entry["kind"] == kind)


class DetectedMovesTest(support.LabCase):
    HOSTS = 3
    _number = 0

    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def mover(self) -> Mover:
        type(self)._number += 1
        return Mover(self.lab, self._number)

    def arrive(self, mover: Mover, host: str) -> api.Json:
        """Plugs and attaches at `host`, where the port then is armed; returns the migration."""
        mover.plug(host)
        self.assertEqual(mover.attach(host)["port"]["phase"], "PORT_PHASE_ARMED")
        return mover.wait_phase("armed")

    def test_prepared_when_the_attachment_returns(self) -> None:
        mover = self.mover()
        mover.plug("h3")
        answer = mover.attach("h3")
        returned_us = time.time_ns() // 1000
        print(f"attach of a port in use elsewhere: {int(answer['in_force_us']) / 1000:.1f} ms")
        self.assertEqual(answer["port"]["phase"], "PORT_PHASE_ARMED")
        self.assertEqual(answer["port"]["profile"], "scene")
        record = mover.wait_phase("armed")
        self.assertTrue(record["detected"])
        self.assertEqual((record["source"], record["destination"]), ("h1", "h3"))
        self.assertIn("detected: port", event(record, "intent")["detail"])
        self.assertLess(int(event(record, "receipt")["time_us"]), returned_us)
        self.assertEqual(mover.location(), ("h1", 1))
        self.assertTrue(mover.answers("h1"), "the source goes on")
        self.assertTrue(mover.answers("h3"), "the first frame opens it")
        record = mover.wait_phase("committed")
        order = kinds(record)
        self.assertLess(order.index("receipt"), order.index("first-frame"))
        self.assertEqual(event(record, "switchover")["detail"], "guest runs at the destination")
        self.assertEqual(mover.location(), ("h3", 2))
        # The source is cleaned up, and the way back is like the way there.
        mover.unplug("h1")
        mover.detach("h1")
        mover.plug("h1")
        mover.attach("h1")
        mover.wait_phase("armed")
        self.assertTrue(mover.answers("h1"))
        mover.wait_phase("committed")
        self.assertEqual(mover.location(), ("h1", 3))
        self.assertEqual(len(mover.migrations()), 2)

    def test_detached_at_the_destination_the_source_loses_nothing(self) -> None:
        mover = self.mover()
        namespace = ports.light_netns(self.lab, "right")
        probe = RunningProbe.start(
            self.lab, namespace, "icmp", "abort-probe", destination=mover.ip, rate=500
        )
        for attempt in range(3):
            self.arrive(mover, "h3")
            mover.detach("h3")
            record = mover.wait_phase("aborted")
            self.assertIn("was detached at the destination", record["reason"])
            self.assertEqual(len(mover.migrations()), attempt + 1)
            mover.unplug("h3")
        result = probe.finish()
        self.assertGreater(len(result["sent_us"]), 300)
        self.assertEqual(analysis.summarize(result).lost, 0)
        self.assertEqual(mover.location(), ("h1", 1))
        self.assertEqual(mover.local("h3"), {})
        self.arrive(mover, "h3")
        self.assertTrue(mover.answers("h3"), "and then it does move")
        mover.wait_phase("committed")

    def test_what_admission_says_is_the_answer(self) -> None:
        mover = self.mover()
        # Another NIC of the VM, for which no receipt could be had.
        bare = Mover.__new__(Mover)
        bare.__dict__.update(mover.__dict__)
        bare.id, bare.device, bare.mac = str(uuid.uuid4()), "bare", "52:54:00:03:00:ee"
        bare.plug("h1")
        words = ["port", "attach", "--dev", "bare", "--id", bare.id, "--mac", bare.mac]
        api.query(self.lab, *words, "--vm", bare.vm, "--wait", "0", host="h1")
        mover.plug("h3")
        began = time.monotonic()
        said = self.refused(*mover.words(), "--wait", "20s", host="h3")
        self.assertLess(time.monotonic() - began, 10, "at once, not when the wait ends")
        self.assertIn(f'port "{mover.id}" is on host "h1" and cannot be moved to host "h3"', said)
        self.assertIn(f'port "{bare.id}" has no profile in force', said)
        self.assertEqual(mover.migrations(), [])
        self.assertTrue(mover.answers("h1"))
        # What stood in the way is gone: the same attachment once more.
        api.detach(self.lab, "h1", bare.id)
        mover.attach("h3")
        mover.wait_phase("armed")
        mover.detach("h3")

    def test_a_third_host_is_refused(self) -> None:
        mover = self.mover()
        name = self.arrive(mover, "h3")["meta"]["name"]
        mover.plug("h2")
        said = self.refused(*mover.words(), "--wait", "20s", host="h2")
        self.assertIn(f'is being moved by migration "{name}" from host "h1" to host "h3"', said)
        self.assertTrue(mover.answers("h3"))
        mover.wait_phase("committed")
        services.wait_converged(self.lab)
        self.assertEqual(len(mover.migrations()), 1, "an old claim is no new intent")
        self.assertEqual(mover.location(), ("h3", 2))

    def test_another_nic_cannot_claim_it(self) -> None:
        mover = self.mover()
        mover.plug("h3")
        words = mover.words(mac="52:54:00:03:00:ff")
        said = self.refused(*words, "--wait", "20s", host="h3")
        self.assertIn(f"has mac {mover.mac}, but the device was attached with mac", said)
        self.assertEqual(mover.migrations(), [])

    def test_port_data_opens_the_destination(self) -> None:
        mover = self.mover()
        record = self.arrive(mover, "h3")
        name, data = record["meta"]["name"], mover.port_data()
        self.assertEqual(data, f"outrider-1.{name}.2")
        for foreign in ("outrider-1.mig-0.2", f"outrider-1.{name}.1", "something else"):
            self.refused("port", "take-data", mover.id, foreign, host="h3")
        self.assertEqual(mover.local("h3")["phase"], "PORT_PHASE_ARMED")
        # QEMU fails before it runs the guest: the source gets everything back.
        api.outrider(self.lab, "port", "take-data", mover.id, data, host="h3")
        self.assertEqual(mover.local("h3")["phase"], "PORT_PHASE_ACTIVE")
        self.assertEqual(event(mover.wait_phase("switching"), "activated")["detail"], "port-data")
        mover.detach("h3")
        mover.wait_phase("aborted")
        self.assertTrue(process.wait_until(lambda: mover.answers("h1"), 10))
        self.assertEqual(mover.location(), ("h1", 3))
        mover.unplug("h3")
        # And once more, to the end.
        name = self.arrive(mover, "h3")["meta"]["name"]
        self.refused("port", "take-data", mover.id, data, host="h3")
        self.assertTrue(process.wait_until(lambda: mover.port_data() != data, 10))
        api.outrider(self.lab, "port", "take-data", mover.id, mover.port_data(), host="h3")
        record = mover.wait_phase("switching")
        self.assertIn("port-data", event(record, "switchover")["detail"])
        self.assertEqual(mover.location(), ("h3", 4))
        self.assertTrue(mover.answers("h3"))
        mover.wait_phase("committed")
        self.assertEqual(mover.local("h1").get("port_data", ""), "")

    def test_the_controller_is_killed_at_every_step(self) -> None:
        mover = self.mover()
        self.kill_controller()
        mover.plug("h3")
        mover.attach("h3", wait="0")
        self.start_controller()
        record = mover.wait_phase("armed")
        self.assertTrue(record["detected"])
        self.kill_controller()
        self.assertTrue(mover.answers("h1"))
        self.start_controller()
        self.assertEqual(api.phase(mover.migration()), "armed")
        self.kill_controller()
        mover.answers("h3")  # its frame opens the port; others learn of it when they can
        self.assertEqual(mover.local("h3")["phase"], "PORT_PHASE_ACTIVE")
        self.start_controller()
        mover.wait_phase("committed")
        self.assertTrue(process.wait_until(lambda: mover.answers("h3"), 10))
        self.assertEqual(mover.location(), ("h3", 2))
        self.assertEqual(len(mover.migrations()), 1)

    def test_the_controller_is_killed_while_it_decides(self) -> None:
        for delay_ms in (0, 5, 15, 40):
            mover = self.mover()
            mover.plug("h3")
            attaching = threading.Thread(target=mover.attach, args=("h3",))
            attaching.start()
            time.sleep(delay_ms / 1000)
            self.kill_controller()
            self.start_controller()
            attaching.join()
            mover.wait_phase("armed")
            self.assertEqual(len(mover.migrations()), 1, f"{delay_ms} ms")
            self.assertTrue(mover.answers("h3"))
            mover.wait_phase("committed")

    def test_agents_are_killed_at_every_step(self) -> None:
        mover = self.mover()
        mover.plug("h3")
        mover.attach("h3", wait="0")
        self.restart_agent("h3")
        mover.wait_phase("armed")
        self.restart_agent("h3")
        self.restart_agent("h1")
        self.assertTrue(mover.answers("h1"))
        self.assertEqual(api.phase(mover.migration()), "armed")
        self.assertTrue(mover.port_data())
        self.assertTrue(mover.answers("h3"))
        mover.wait_phase("committed")
        # The guest has gone, its device has not: the source's agent says so again, and takes
        # nothing back.
        self.restart_agent("h1")
        services.wait_converged(self.lab)
        self.assertEqual(len(mover.migrations()), 1)
        self.assertEqual(mover.location(), ("h3", 2))
        self.assertTrue(mover.answers("h3"))

    def test_a_source_that_is_not_heard_of_keeps_the_port(self) -> None:
        mover = self.mover()
        services.kill(self.lab, services.agent_name("h1"))
        try:
            self.arrive(mover, "h3")
            self.assertEqual(mover.location(), ("h1", 1))
            self.assertTrue(mover.answers("h1"))
            mover.detach("h3")
            mover.wait_phase("aborted")
        finally:
            services.start_agent(self.lab, "h1")
            services.wait_agent(self.lab, "h1")
        self.assertEqual(mover.location(), ("h1", 1))
        self.assertTrue(mover.answers("h1"))

    def kill_controller(self) -> None:
        services.kill(self.lab, services.CONTROLLER)

    def start_controller(self) -> None:
        services.start_controller(self.lab)
        services.wait_connected(self.lab)

    def restart_agent(self, host: str) -> None:
        services.kill(self.lab, services.agent_name(host))
        services.start_agent(self.lab, host)
        services.wait_agent(self.lab, host)


if __name__ == "__main__":
    support.main()
