"""Live migrations of real guests under numbered flows both ways: nothing is lost, nothing comes
twice or out of order, whatever way QEMU takes and whoever is not there to hear of it."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import time
import unittest

import lossless_scene
import support
from labkit import api, hypervisor, inventory, move, ports, process, qemu, services
from labkit.hypervisor import How
from labkit.probes.runner import RunningProbe
from labkit.rig import flows, measured, opening
from labkit.rig.flows import Flows, Stream
from labkit.shell import run

RATE, LOWER_RATE = 1000, 200
# From the guest's going on at the source to all hosts' knowing it: 50 ms are asked of a benchmark,
# and here is room for a slow machine.
RETURN_MS = 100
# Frames that QEMU reads while it stops and drops, whoever had it stop (pause_decision.h).
MOST_SWALLOWED = 2
# What TCP may wait for an acknowledgement before it says timeout: longer than a blackout may be.
PATIENT = "500ms"


class LosslessTest(support.LabCase):
    HOSTS = 3

    @classmethod
    def prepare(cls) -> None:
        lossless_scene.prepare(cls.lab)

    def setUp(self) -> None:
        self.lab = inventory.load(self.lab.prefix)

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """A test that fails does not spoil those after it."""
        assert result is not None
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            lossless_scene.start_over(inventory.load(self.lab.prefix))
        return result

    def migrate(
        self, how: How = How(), guest: str = measured.GUEST, steps: move.Steps = move.Steps()
    ) -> move.MoveReport:
        """Moves the guest to where it is not, which must succeed."""
        self.lab = inventory.load(self.lab.prefix)
        place = "h2" if self.lab.guest(guest).host == "h1" else "h1"
        report = move.migrate(self.lab, guest, place, how, steps)
        print(f"{how}: blackout {report.blackout_ms:.0f} ms, {report.phase}", flush=True)
        self.assertEqual(report.phase, "committed", report.record)
        self.lab = inventory.load(self.lab.prefix)
        return report

    def both_ways(self, rate: int = RATE) -> Flows:
        ends = flows.both_ways(measured.guest_end(), measured.peer_end(self.lab))
        return Flows(self.lab, ends, rate)

    def check_nothing_lost(self, running: Flows) -> dict[str, flows.FlowResult]:
        """Ends the flows, after a moment for what is late."""
        time.sleep(measured.AFTER_S)
        found = running.finish()
        for name, result in found.items():
            self.assertEqual(result.overflow, 0)
            self.assertEqual(result.losses, (0, 0, 0), (name, result.summary))
        self.assertTrue(all(result.summary.sent > 100 for result in found.values()))
        return found

    def location(self, port_id: str) -> str:
        return api.query(self.lab, "port", "show", port_id)["location"]["host"]

    def test_moves_back_and_forth(self) -> None:
        moves = []
        for number in range(6):
            how = How(holds=number % 3 == 2)
            moved = measured.measured_move(
                *(self.lab.prefix, RATE),
                lambda lab, guest, place, steps: move.migrate(lab, guest, place, how, steps),
            )
            moves.append(moved)
            if not moved.lossless:
                print(moved.described(), flush=True)
            print(
                f"{how}: blackout {moved.report.blackout_ms:.0f} ms, open to the guest after "
                f"{moved.open_to_guest_ms:.2f} ms, from it {moved.open_from_guest_ms:.2f} ms",
                flush=True,
            )
        self.assertEqual([moved.report.phase for moved in moves], ["committed"] * 6)
        for moved in moves:
            self.assertEqual(moved.to_guest.losses, (0, 0, 0), moved.described())
            self.assertEqual(moved.from_guest.losses, (0, 0, 0), moved.described())
            self.check_books(moved)

    def check_books(self, moved: measured.MeasuredMove) -> None:
        """What the source says it sent after the guest, the destination says it got."""
        migration = moved.report.migration_id
        port = self.lab.guest(measured.GUEST).port_id

        def books() -> tuple[int, int, int]:
            """Copies of a broadcast that the guest gets by another way count as refused."""
            record = api.migration(self.lab, migration)
            source = record.get("source_counters", {}).get(port, {})
            destination = record.get("destination_counters", {}).get(port, {})
            sent = int(source.get("replayed", 0)) + int(source.get("redirected", 0))
            arrived = int(destination.get("arrived", 0)) + int(destination.get("refused", 0))
            return sent, arrived, int(source.get("lost", 0))

        def balanced() -> bool:
            sent, arrived, lost = books()
            return 0 < sent == arrived and lost == 0

        told = f"sent, arrived, lost: {books()}\n{moved.described()}"
        self.assertTrue(process.wait_until(balanced, 5), told)

    def test_there_and_back_at_once(self) -> None:
        with self.both_ways() as running:
            self.migrate()
            self.migrate()
            self.check_nothing_lost(running)

    def test_a_destination_that_dies_gives_the_guest_back(self) -> None:
        how, place = How(holds=True), measured.other_place(self.lab)
        with self.both_ways() as running:
            with move.prepared(self.lab, measured.GUEST, place) as moving:
                source, target = moving.source, moving.target
                with hypervisor.connected(self.lab, source, target, how) as copying:
                    copying.begin(hypervisor.uri(self.lab, place))
                    paused_us = copying.wait_paused()
                    copying.wait_held()
                    self.lab.processes[f"qemu-{target.instance}"].stop(kill=True)
                    copying.go_on()
                    returned_us = copying.wait_returned()
                move.take_back(self.lab, moving, "the destination's QEMU died")
            record = move.wait_done(self.lab, moving.migration_id)
            time.sleep(measured.AFTER_S)
            found = running.finish()
        self.assertEqual(api.phase(record), "aborted")
        self.assertEqual(self.location(source.port_id), source.host)
        to_guest, from_guest = found["to_guest"], found["from_guest"]
        for result in (to_guest, from_guest):
            self.assertEqual(result.losses[1:], (0, 0), result.summary)
        # What it sent while its port was the destination's: at once when it went on, and no longer.
        lost = from_guest.summary.lost_numbers
        self.assertLessEqual(len(lost), RATE * RETURN_MS / 1000)
        self.assertEqual(lost, list(range(lost[0], lost[-1] + 1)) if lost else [])
        # What went to the QEMU that died is gone, with what that of the source read in vain, and
        # nothing else.
        end_us = returned_us + RETURN_MS * 1000
        lost_us = [to_guest.times_us[number] for number in to_guest.summary.lost_numbers]
        self.assertEqual([time_us for time_us in lost_us if time_us > end_us], [])
        before = [time_us for time_us in lost_us if time_us < paused_us]
        self.assertLessEqual(len(before), MOST_SWALLOWED)

    def test_an_abort_while_armed(self) -> None:
        place = measured.other_place(self.lab)
        with self.both_ways() as running:
            with move.prepared(self.lab, measured.GUEST, place) as moving:
                move.take_back(self.lab, moving, "changed our mind")
            record = move.wait_done(self.lab, moving.migration_id)
            self.check_nothing_lost(running)
        self.assertEqual(api.phase(record), "aborted")
        self.assertEqual(self.location(moving.source.port_id), moving.source.host)

    def test_a_trunk_of_64_vlans(self) -> None:
        ends = {}
        for n in lossless_scene.LOOKED_AT:
            guest, peer = lossless_scene.guest_in(n), lossless_scene.peer_in(self.lab, n)
            ends |= flows.both_ways(guest, peer, f"_v{n}")
        with Flows(self.lab, ends, LOWER_RATE) as running:
            self.migrate(guest="pair")
            self.check_nothing_lost(running)

    def test_two_ports_of_one_vm(self) -> None:
        peers = lossless_scene.peer_end(self.lab), lossless_scene.peer_in(self.lab, 31)
        ends = flows.both_ways(lossless_scene.pair_end(), peers[0])
        ends |= flows.both_ways(lossless_scene.guest_in(31), peers[1], "_trunk")
        with Flows(self.lab, ends, LOWER_RATE) as running:
            report = self.migrate(guest="pair")
            self.check_nothing_lost(running)
        pair = self.lab.guest("pair")
        ids = [nic.port_id for nic in pair.nics]
        self.assertEqual(sorted(report.record["port_ids"]), sorted(ids))
        self.assertEqual([self.location(port_id) for port_id in ids], [pair.host] * 2)

    def test_a_guest_that_says_nothing(self) -> None:
        """Neither does QEMU for it: the destination opens when QEMU's RESUME is heard of."""
        guest = self.lab.guest(measured.GUEST)
        qemu.shell(self.lab, guest, "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
        peer = measured.peer_end(self.lab)
        ends = {"to_guest": (peer, measured.guest_end())}
        # Nobody asks for it, so that it need not answer.
        known = ["ip", "-n", peer.namespace, "neigh", "replace", measured.GUEST_IP, "dev", "eth0"]
        run([*known, "lladdr", measured.GUEST_MAC, "nud", "permanent"])
        self.addCleanup(run, [*known, "lladdr", measured.GUEST_MAC, "nud", "stale"])
        watching: list[RunningProbe] = []

        def watch(namespace: str, device: str) -> None:
            watching.append(
                RunningProbe.numbered(self.lab, namespace, "watch-silent", "watch", device)
            )

        with Flows(self.lab, ends, RATE) as running:
            self.migrate(How(silent=True), steps=move.Steps(on_tap=watch))
            self.check_nothing_lost(running)
        seen = opening.frames(watching[0].finish())
        self.assertGreater(len([frame for frame in seen if frame.outgoing]), 100)
        self.assertEqual([frame for frame in seen if not frame.outgoing], [])

    def test_post_copy(self) -> None:
        with self.both_ways() as running:
            self.migrate(How(postcopy=True))
            self.check_nothing_lost(running)

    def test_a_cold_move(self) -> None:
        """Stopped here, started there: an attachment like any other, under a newer epoch."""
        old = self.lab.guest(measured.GUEST)
        ports.unplug_guest(self.lab, old)
        host = measured.other_place(self.lab)
        new = dataclasses.replace(old, host=host, generation=old.generation + 1)
        with inventory.edit(self.lab.prefix) as stored:
            stored.guests[new.name] = new
        ports.boot_guest(self.lab, new)
        self.lab = inventory.load(self.lab.prefix)
        qemu.wait_ready(self.lab, new)
        with self.both_ways() as running:
            self.check_nothing_lost(running)
        self.assertEqual(self.location(new.port_id), host)

    def test_the_destination_s_agent_is_stopped(self) -> None:
        """Its datapath opens the port by itself, by the guest's first frame."""
        agent = services.agent_name(measured.other_place(self.lab))

        def send(number: signal.Signals) -> None:
            inventory.load(self.lab.prefix).processes[agent].signal(number)

        def check_open() -> None:
            try:
                self.ping(measured.PEER, measured.GUEST_IP)
            finally:
                send(signal.SIGCONT)

        with contextlib.ExitStack() as stack:
            running = stack.enter_context(self.both_ways())
            stack.callback(send, signal.SIGCONT)
            steps = move.Steps(on_armed=lambda: send(signal.SIGSTOP), on_resumed=check_open)
            self.migrate(steps=steps)
            self.check_nothing_lost(running)

    def test_tcp_through_a_stateful_profile(self) -> None:
        """Opened by the guest: what it is sent passes as what belongs to that, on both hosts."""
        peer, guest = measured.peer_end(self.lab), measured.guest_end()
        route = ["ip", "-n", peer.namespace, "route", "change", "10.6.0.0/24", "dev", "eth0"]
        run([*route, "rto_min", PATIENT])
        for sender in (peer, guest):
            stream = Stream(self.lab, guest, peer, sender)
            try:
                self.migrate()
                time.sleep(measured.AFTER_S)
            finally:
                result = stream.finish()
            print(result, flush=True)
            self.assertGreater(result.received, 0)
            self.assertEqual((result.wrong, result.timeouts), (0, 0))
            self.assertEqual(result.received, result.sent)


if __name__ == "__main__":
    support.main()
