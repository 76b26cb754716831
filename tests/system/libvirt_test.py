"""Debian's libvirt on Outrider, unmodified: two libvirtd whose domains have port profiles, and
nobody but libvirt says a word to Outrider about them."""

from __future__ import annotations

import contextlib
import json
import pathlib
import statistics
import unittest
from collections.abc import Callable

import support
from labkit import api, netns, ports, process, scenes, services
from labkit.libvirt import daemon, domain, moves
from labkit.probes import analysis
from labkit.shell import LabError, run
from libvirt_scene import PROBE_RATE, VM, OnLibvirt

MOVES = 10
# Kilobytes and kilobits a second that `domiftune` is told, and how near the rate has to be.
TUNED_KBYTES, TUNED_KBPS, TOLERANCE = 500, 4000, 0.25
FLOOD_PAYLOAD = 1400


# Without a profile: a port of its host's bridge, as Open vSwitch knows VLANs.
PLAIN = domain.Domain("plain", "10.9.0.1", "52:54:00:00:09:01", "")


def vlan(tag: int) -> str:
    return f"<vlan><tag id='{tag}'/></vlan>"


class MovesTest(OnLibvirt):
    def test_ten_moves_in_both_directions(self) -> None:
        probe = self.probing()
        done = []
        for _ in range(MOVES):
            done.append(moves.move(self.lab, VM, *self.places()))
            self.check_move(done[-1])
        self.assertEqual({move.source for move in done}, {"h1", "h2"})
        seen = analysis.summarize(probe.finish())
        self.report(done, seen)
        self.assertGreater(seen.answered, 0)
        self.assertTrue(seen.bearable_untold(MOVES), seen)

    def check_move(self, move: moves.Move) -> None:
        """The profile was in force at the destination before the guest was there."""
        record = move.record
        self.assertEqual(api.phase(record), "committed", record)
        self.assertEqual((record["source"], record["destination"]), (move.source, move.destination))
        receipt = record["receipts"][VM.port_id]
        self.assertEqual(receipt["profile"], VM.profile)
        self.assertEqual(receipt["digest"], record["expected_digests"][VM.port_id])
        self.assertEqual(move.first_frame["source"], VM.mac)
        self.assertLess(0, move.first_us("receipt"))
        self.assertLess(move.first_us("receipt"), move.first_frame["time_us"])
        self.ping("probe", VM.ip, count=1)
        services.wait_converged(self.lab)  # the source lets go of the port when the move has ended
        self.assertEqual(self.bridge_ports(move.source), [])
        self.assertEqual(
            self.bridge_ports(move.destination), [self.tap(move.destination, VM.name)]
        )
        self.assertEqual(api.local_port(self.lab, move.source, VM.port_id), {})

    def report(self, done: list[moves.Move], seen: analysis.ProbeSummary) -> None:
        ahead = [(m.first_frame["time_us"] - m.first_us("receipt")) / 1000 for m in done]
        downtimes = [move.downtime_ms for move in done]
        print(
            f"{len(done)} moves: receipt {min(ahead):.0f} ms or more before the first frame; "
            f"downtime {statistics.median(downtimes):.0f} ms (at most {max(downtimes)}); "
            f"{seen.lost} of {seen.sent} requests at {PROBE_RATE}/s lost"
        )

    def test_an_abort_leaves_the_source_as_it_was(self) -> None:
        def abort(host: str, _: str) -> None:
            daemon.virsh(self.lab, host, "domjobabort", VM.name)

        self.check_abort(abort)

    def test_a_destination_that_dies_leaves_the_source_as_it_was(self) -> None:
        def kill(_: str, other: str) -> None:
            script = f"kill -9 $(cat /run/libvirt/qemu/{VM.name}.pid)"
            daemon.in_machine(self.lab, other, ["sh", "-c", script])

        self.check_abort(kill)

    def check_abort(self, interfere: Callable[[str, str], None]) -> None:
        """`interfere` is called with source and destination when the destination is armed."""
        host, other = self.places()
        before = moves.names(self.lab, VM)
        was = self.seen_on(host)
        probe = self.probing()
        with moves.slow_move(self.lab, VM, host, other) as running:
            moves.wait_new(self.lab, VM, before, ("armed",))
            self.assertEqual(len(self.bridge_ports(other)), 1)
            interfere(host, other)
            said, _ = running.communicate(timeout=30)
        self.assertNotEqual(running.returncode, 0, said)
        record = moves.wait_done(self.lab, VM, before)
        self.assertEqual(api.phase(record), "aborted")
        self.assertEqual(self.seen_on(host), was)
        self.assertEqual(self.bridge_ports(other), [])
        self.assertEqual(api.local_port(self.lab, other, VM.port_id), {})
        self.assertEqual(analysis.summarize(probe.finish()).lost, 0)
        # And nothing of it is in the way of the next.
        self.check_move(moves.move(self.lab, VM, host, other))

    def seen_on(self, host: str) -> tuple[api.Json, api.Json]:
        """Where the controller has the port of `vm`, and what is in force for it on `host`."""
        port = api.query(self.lab, "port", "show", VM.port_id)
        local = api.local_port(self.lab, host, VM.port_id)
        kept = ("attachment", "phase", "profile", "profile_revision", "digest", "epoch", "ifindex")
        place = {key: port[key] for key in ("location", "phase", "device")}
        return place, {key: local[key] for key in kept}


class LifeTest(OnLibvirt):
    def test_no_open_vswitch_is_there(self) -> None:
        for host in ("h1", "h2"):
            pids = run(["ip", "netns", "pids", self.lab.netns(host)]).split()
            names = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids}
            self.assertIn("libvirtd", names)
            self.assertEqual(names & {"ovs-vswitchd", "ovsdb-server"}, set())

    def test_statistics_are_the_guests(self) -> None:
        host, _ = self.places()
        before = self.domifstat(host)
        self.ping("probe", VM.ip, count=5)
        after = self.domifstat(host)
        for counter in ("rx_packets", "tx_packets"):
            self.assertGreaterEqual(after[counter] - before[counter], 5, counter)

    def domifstat(self, host: str) -> dict[str, int]:
        """By counter: `vnet0 rx_packets 5`."""
        lines = daemon.virsh(self.lab, host, "domifstat", VM.name, self.tap(host, VM.name))
        return {line.split()[1]: int(line.split()[2]) for line in lines.splitlines()}

    def test_rates_are_kept_and_move_along(self) -> None:
        host, other = self.places()
        self.assertGreater(self.answered_kbps(), TUNED_KBPS * (1 + TOLERANCE))
        for direction in ("--inbound", "--outbound"):
            with self.subTest(direction):
                self.tune(host, direction, f"{TUNED_KBYTES},{TUNED_KBYTES},64")
                self.assert_tuned()
                moves.move(self.lab, VM, host, other)
                host, other = other, host
                self.assert_tuned()
                self.tune(host, direction, "0")
                self.assertGreater(self.answered_kbps(), TUNED_KBPS * (1 + TOLERANCE))

    def tune(self, host: str, direction: str, rates: str) -> None:
        device = self.tap(host, VM.name)
        daemon.virsh(self.lab, host, "domiftune", VM.name, device, "--live", direction, rates)

    def assert_tuned(self) -> None:
        self.assertAlmostEqual(self.answered_kbps(), TUNED_KBPS, delta=TOLERANCE * TUNED_KBPS)

    def answered_kbps(self) -> float:
        """Rate of the answers when `vm` is asked for twice what it is tuned to."""
        frame_kb = (FLOOD_PAYLOAD + analysis.FRAME_OVERHEAD) * 8 / 1000
        flood = self.probing(2 * TUNED_KBPS / frame_kb, FLOOD_PAYLOAD)
        # It goes on for that many seconds; the first uses up the burst.
        process.wait_until(lambda: False, 2.5)
        return analysis.answered_kbps(flood.finish(), FLOOD_PAYLOAD, skip_us=1_000_000)

    def test_a_profile_outweighs_the_vlan_of_a_domain(self) -> None:
        host, _ = self.places()
        self.update_vlan(host, VM, 20)
        self.addCleanup(self.update_vlan, host, VM, None)
        self.ping("probe", VM.ip)
        status = daemon.ovs_vsctl(self.lab, host, "get", "Port", self.tap(host, VM.name), "status")
        self.assertIn("profile", status)

    def update_vlan(self, host: str, of: domain.Domain, tag: int | None) -> None:
        """`virsh update-device` to a VLAN, or to none."""
        device = self.lab.host_folder(host) / "device.xml"
        device.write_text(domain.interface(of, vlan(tag) if tag else ""), encoding="utf-8")
        daemon.virsh(self.lab, host, "update-device", of.name, str(device), "--live")

    def test_a_domain_without_profile_is_in_its_vlan(self) -> None:
        for tag in (10, 20):
            self.add_station(tag)
        domain.define(self.lab, "h1", PLAIN, vlan(10))
        self.addCleanup(self.forget_plain)
        daemon.virsh(self.lab, "h1", "start", PLAIN.name)
        domain.wait_ready(self.lab, "h1", PLAIN.name)
        self.assertEqual(self.stations_heard(), [10])
        self.update_vlan("h1", PLAIN, 20)
        self.assertEqual(self.stations_heard(), [20])
        daemon.virsh(self.lab, "h1", "destroy", PLAIN.name)
        self.assertEqual(self.stations_heard(), [])

    def add_station(self, tag: int) -> None:
        """A namespace on h1's bridge, in a VLAN; goes with the lab."""
        namespace, host, device = self.station(tag), self.lab.netns("h1"), f"station{tag}"
        netns.add(namespace)
        netns.veth((namespace, "eth0"), (host, device), ports.SEGMENT_MTU)
        netns.address(namespace, "eth0", f"10.9.0.{tag}/24")
        daemon.ovs_vsctl(self.lab, "h1", "add-port", daemon.BRIDGE, device, f"tag={tag}")

    def station(self, tag: int) -> str:
        return self.lab.netns(f"station{tag}")

    def stations_heard(self) -> list[int]:
        """VLANs whose station `plain` answers."""
        ping = ["busybox", "ping", "-c", "2", "-W", "1", PLAIN.ip]
        heard = []
        for tag in (10, 20):
            try:
                run(netns.inside(self.station(tag), ping))
            except LabError:
                continue
            heard.append(tag)
        return heard

    def forget_plain(self) -> None:
        with contextlib.suppress(LabError):  # the test has
            daemon.virsh(self.lab, "h1", "destroy", PLAIN.name)
        daemon.virsh(self.lab, "h1", "undefine", PLAIN.name)

    def test_saved_and_restored(self) -> None:
        host, _ = self.places()
        domain.shell(self.lab, host, VM.name, "echo kept >/tmp/mark")
        daemon.virsh(self.lab, host, "managedsave", VM.name)
        self.addCleanup(self.start_again, host)
        self.assertEqual(self.bridge_ports(host), [])
        self.assertEqual(api.local_port(self.lab, host, VM.port_id), {})
        daemon.virsh(self.lab, host, "start", VM.name)
        self.ping("probe", VM.ip)
        self.assertEqual(domain.shell(self.lab, host, VM.name, "cat /tmp/mark"), "kept")
        self.assertEqual(self.bridge_ports(host), [self.tap(host, VM.name)])

    def start_again(self, host: str) -> None:
        with contextlib.suppress(LabError):  # the test has
            daemon.virsh(self.lab, host, "start", VM.name)

    def test_a_restart_of_libvirtd_interrupts_nothing(self) -> None:
        host, _ = self.places()
        was = api.local_port(self.lab, host, VM.port_id)["ifindex"]
        probe = self.probing()
        daemon.restart_daemon(self.lab, host)
        self.assertEqual(daemon.virsh(self.lab, host, "domstate", VM.name).strip(), "running")
        seen = analysis.summarize(probe.finish())
        self.assertGreater(seen.sent, 0)
        self.assertEqual(seen.lost, 0)
        self.assertEqual(api.local_port(self.lab, host, VM.port_id)["ifindex"], was)

    def test_destroyed(self) -> None:
        short = domain.Domain("short", "10.1.0.5", "52:54:00:00:00:05", "web")
        domain.define(self.lab, "h2", short)
        daemon.virsh(self.lab, "h2", "start", short.name)
        held = api.local_port(self.lab, "h2", short.port_id)
        self.assertEqual(held["phase"], "PORT_PHASE_ACTIVE")
        self.assertEqual(held["profile"], short.profile)
        self.assertIn(self.tap("h2", short.name), self.bridge_ports("h2"))
        daemon.virsh(self.lab, "h2", "destroy", short.name)
        daemon.virsh(self.lab, "h2", "undefine", short.name)
        self.assertEqual(api.local_port(self.lab, "h2", short.port_id), {})
        self.assertEqual(daemon.virsh(self.lab, "h2", "list", "--all", "--name").strip(), "")


class CommandsTest(unittest.TestCase):
    """deploy/lab with libvirt as a user drives it."""

    def setUp(self) -> None:
        self.name = support.prefix("c")
        self.addCleanup(support.lifecycle.down, self.name)

    def deploy_lab(self, *words: str, command: tuple[str, ...] = ()) -> str:
        argv = [str(support.ROOT / "deploy" / "lab"), *words]
        return run([*argv, *(("--", *command) if command else ())], timeout=120)

    def start_domain(self) -> set[process.Process]:
        """A lab with a booted domain; returns all processes of its host."""
        mine = ("--prefix", self.name)
        self.deploy_lab("up", "--hosts", "1", "--libvirt", "--build", support.build_folder(), *mine)
        api.apply(support.inventory.load(self.name), scenes.WEB_AND_OPEN)
        words = ("--ip", VM.ip, "--mac", VM.mac, "--profile", VM.profile)
        file = support.inventory.RUN / self.name / "vm.xml"
        file.write_text(self.deploy_lab("domain", "xml", VM.name, *words), encoding="utf-8")
        self.deploy_lab("virsh", *mine, "h1", "define", str(file))
        self.deploy_lab("virsh", *mine, "h1", "start", VM.name)
        domain.wait_ready(support.inventory.load(self.name), "h1", VM.name)
        words = ("domain", "exec", VM.name, "--host", "h1", *mine)
        said = self.deploy_lab(*words, command=("hostname",))
        self.assertEqual(said.strip(), VM.name)
        status = json.loads(self.deploy_lab("status", "--json", *mine))["hosts"]["h1"]
        self.assertEqual(status["domains"], [VM.name])
        self.assertIn("pid", status["libvirtd"])
        pids = run(["ip", "netns", "pids", f"{self.name}-h1"]).split()
        return {found for pid in pids if (found := process.adopt(pid, int(pid)))}

    def down(self, running: set[process.Process]) -> None:
        self.deploy_lab("down", "--prefix", self.name)
        self.assertEqual(support.leftovers(self.name), [])
        gone = process.wait_until(lambda: not any(one.alive() for one in running), 5)
        self.assertTrue(gone, running)

    def test_up_and_down(self) -> None:
        running = self.start_domain()
        self.assertGreaterEqual(len(running), 4)  # agent, machine, libvirtd, QEMU
        self.down(running)

    def test_down_without_its_record(self) -> None:
        running = self.start_domain()
        (support.inventory.RUN / self.name / "lab.json").unlink()
        self.down(running)


if __name__ == "__main__":
    support.main()
