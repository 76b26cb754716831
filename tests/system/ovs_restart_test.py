"""kill -9 of an agent that serves Open vSwitch's clients: what was acknowledged is there
afterwards, what is switched locally goes on, and a restart writes nothing."""

from __future__ import annotations

import pathlib
import random
import signal
import subprocess
import threading
import time

import support
from labkit import api, inventory, netns, services
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe
from labkit.shell import LabError, run

ROUNDS = 12
HOST = "h1"


def vsctl(lab: inventory.Lab, *words: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(pathlib.Path(lab.build) / "bin/ovs/ovs-vsctl"), "--timeout=10", *words],
        env=api.environment(lab, HOST),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def ask(lab: inventory.Lab, *words: str) -> str:
    done = vsctl(lab, *words)
    if done.returncode != 0:
        raise LabError(f"ovs-vsctl {' '.join(words)}: {done.stderr}")
    return done.stdout.strip()


class Writer(threading.Thread):
    """Sets external_ids:n to 1, 2, 3, ... one transaction each, until it is told to end."""

    def __init__(self, lab: inventory.Lab, first: int):
        super().__init__()
        self.lab = lab
        self.number = first
        self.acknowledged = first - 1
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            words = ["set", "Open_vSwitch", ".", f"external_ids:n={self.number}"]
            if vsctl(self.lab, "--no-wait", *words).returncode != 0:
                return
            self.acknowledged = self.number
            self.number += 1


class OvsRestartTest(support.LabCase):
    HOSTS = 1

    @classmethod
    def prepare(cls) -> None:
        ask(cls.lab, "add-br", "br0")

    def kill_agent(self) -> None:
        running = inventory.load(self.lab.prefix).processes[services.agent_name(HOST)]
        running.signal(signal.SIGKILL)

    def start_agent(self) -> None:
        services.start_agent(self.lab, HOST)
        services.wait_agent(self.lab, HOST)

    def test_acknowledged_transactions_survive(self) -> None:
        chance = random.Random(7)
        first = 1
        for number in range(ROUNDS):
            writer = Writer(self.lab, first)
            writer.start()
            time.sleep(chance.uniform(0.02, 0.3))
            self.kill_agent()
            writer.ended.set()
            writer.join()
            self.start_agent()
            found = int(ask(self.lab, "get", "Open_vSwitch", ".", "external_ids:n").strip('"'))
            with self.subTest(round=number, acknowledged=writer.acknowledged):
                # The one that was under way may be there or not.
                self.assertIn(found, (writer.acknowledged, writer.number))
            first = found + 1
        self.assertGreater(first, 2 * ROUNDS)

    def test_bridges_and_ports_survive_with_their_numbers(self) -> None:
        words = ["add-port", "br0", "gone0", "--", "add-br", "br1"]
        self.assertEqual(vsctl(self.lab, *words).returncode, 0)
        before = ask(self.lab, "-f", "csv", "--columns=name,ofport,type", "list", "Interface")
        shown = ask(self.lab, "show")
        self.kill_agent()
        self.start_agent()
        after = ask(self.lab, "-f", "csv", "--columns=name,ofport,type", "list", "Interface")
        self.assertEqual(sorted(before.splitlines()), sorted(after.splitlines()))
        self.assertEqual(sorted(shown.splitlines()), sorted(ask(self.lab, "show").splitlines()))
        ask(self.lab, "del-br", "br1", "--", "del-port", "gone0")

    def test_local_ports_lose_nothing(self) -> None:
        """Two stations in one VLAN of a bridge, 200 requests a second across kill and restart."""
        ends = [self.add_station(number) for number in (1, 2)]
        options = {"destination": "10.77.0.2", "rate": 200, "payload": 56}
        probe = RunningProbe.start(self.lab, ends[0], "icmp", "icmp", **options)
        time.sleep(0.5)
        self.kill_agent()
        self.start_agent()
        time.sleep(0.5)
        seen = analysis.summarize(probe.finish())
        self.assertGreater(seen.sent, 200)
        self.assertEqual(seen.lost, 0)
        self.assertEqual(int(api.agent_status(self.lab, HOST)["objects_written"]), 0)
        ask(self.lab, "del-port", "loc1", "--", "del-port", "loc2")

    def add_station(self, number: int) -> str:
        """A namespace behind the port loc<number>, VLAN 10; its name."""
        station, port = f"{self.lab.prefix}-station{number}", f"loc{number}"
        netns.add(station)
        self.addCleanup(netns.remove, station)
        netns.veth((self.lab.netns(HOST), port), (station, "eth0"), 1450)
        netns.address(station, "eth0", f"10.77.0.{number}/24")
        run(["ip", "-n", station, "link", "set", "eth0", "up"])
        run(["ip", "-n", self.lab.netns(HOST), "link", "set", port, "up"])
        ask(self.lab, "add-port", "br0", port, "tag=10")
        return station


if __name__ == "__main__":
    support.main()
