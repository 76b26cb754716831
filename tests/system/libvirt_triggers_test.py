"""What Outrider learns from libvirt of a guest that moves, and when: its pause, what is about to run
and what runs; what is no pause of a migration; what becomes of a migration that fails or is refused.
The guest's traffic is counted throughout."""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
import time
import unittest
import uuid
from collections.abc import Callable

import support
from labkit import api, netns, ports, process, services
from labkit.libvirt import daemon, moves
from labkit.probes import analysis
from labkit.probes.runner import RunningProbe
from libvirt_scene import VM, OnLibvirt

MOVES = 4
# What moved the ports: whichever told first, in the words of the timeline.
SWITCHED_BY = (
    "tap-features at the destination: the guest is loaded, the source has paused",
    "port-data at the destination: the source has paused",
    "guest runs at the destination",
)
# Of the guest's pause, and of what was sent after it.
OF_A_PAUSE = {"paused", "redirected", "resumed", "switchover"}


class TriggersTest(OnLibvirt):
    def moved(self, *flags: str) -> moves.Move:
        """There, where `vm` is not; the controller has closed the books."""
        move = moves.move(self.lab, VM, *self.places(), *flags)
        self.assertEqual(api.phase(move.record), "committed", move.record)
        services.wait_converged(self.lab)
        return move

    def kinds(self, record: api.Json) -> set[str]:
        return {event["kind"] for event in record["timeline"]}

    def check_lossless(self, probe: RunningProbe, moved: int = 1) -> None:
        self.ping("probe", VM.ip, count=1)
        seen = analysis.summarize(probe.finish())
        print(f"{seen.lost} of {seen.sent} requests lost, {seen.duplicates} answered twice")
        self.assertGreater(seen.answered, 0)
        self.assertTrue(seen.bearable_untold(moved), seen)

    def check_told(self, move: moves.Move) -> None:
        """Who said what of the guest."""
        paused, switched = move.first("paused"), move.first("switchover")
        self.assertEqual((paused.get("host"), paused.get("detail")), (move.source, "by libvirt"))
        self.assertTrue(move.first("redirected").get("detail", "").endswith("by libvirt"), move)
        loaded = move.first("loaded")
        self.assertEqual(loaded.get("host"), move.destination, move.record)
        self.assertEqual(loaded.get("detail"), "by tap-features")
        self.assertIn(switched.get("detail"), SWITCHED_BY)
        first_us = int(move.first_frame["time_us"])
        self.assertLess(int(loaded["time_us"]), first_us, "loaded before it runs")
        self.assertLess(int(paused["time_us"]), int(loaded["time_us"]))
        told = (paused, loaded, switched)
        ahead = {e["kind"]: (first_us - int(e["time_us"])) / 1000 for e in told}
        print(
            "before the first frame: "
            + ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in ahead.items())
            + f"; moved by: {switched['detail']}"
        )

    def test_a_move_says_who_told(self) -> None:
        probe = self.probing()
        done = [self.moved() for _ in range(MOVES)]
        for move in done:
            self.check_told(move)
        self.check_lossless(probe, MOVES)
        ahead = [move for move in done if move.first("switchover")["detail"] != SWITCHED_BY[2]]
        self.assertTrue(ahead, "the ports moved before the guest ran")

    def test_a_libvirt_that_was_away_is_heard_again(self) -> None:
        for host in ("h1", "h2"):
            daemon.restart_daemon(self.lab, host)
        probe = self.probing()
        self.check_told(self.moved())
        self.check_lossless(probe)

    def test_a_guest_that_was_prepared_for_moves_by_that(self) -> None:
        """Who drives libvirt may ask for the destination before it begins."""
        host, other = self.places()
        prepared = api.prepare_migration(self.lab, VM.port_id, other)
        self.assertEqual(api.phase(prepared), "armed")
        name = prepared["meta"]["name"]
        probe = self.probing()
        daemon.virsh(self.lab, host, *moves.migration_words(self.lab, VM.name, other))
        self.assertTrue(
            process.wait_until(lambda: api.phase(api.migration(self.lab, name)) == "committed", 20),
            api.migration(self.lab, name),
        )
        record = api.migration(self.lab, name)
        self.assertFalse(record.get("detected", False))
        self.check_lossless(probe)
        services.wait_converged(self.lab)

    def test_an_operators_suspend_is_no_pause(self) -> None:
        host, other = self.places()
        before = moves.names(self.lab, VM)
        self.check_suspend(host)
        self.assertEqual(moves.names(self.lab, VM), before)
        # Not even of one that is about to leave.
        name = api.prepare_migration(self.lab, VM.port_id, other)["meta"]["name"]
        self.check_suspend(host)
        self.assertEqual(self.kinds(api.migration(self.lab, name)) & OF_A_PAUSE, set())
        api.abort_migration(self.lab, name, "the test is over")
        services.wait_converged(self.lab)

    def check_suspend(self, host: str) -> None:
        """What comes for a suspended guest waits in its tap."""
        probe = self.probing()
        daemon.virsh(self.lab, host, "suspend", VM.name)
        time.sleep(1)  # so long it stands still
        daemon.virsh(self.lab, host, "resume", VM.name)
        self.ping("probe", VM.ip, count=1)
        seen = analysis.summarize(probe.finish())
        self.assertGreater(seen.answered, 100)
        self.assertEqual((seen.lost, seen.duplicates), (0, 0), seen)

    def test_an_abort_while_memory_is_copied_is_no_pause(self) -> None:
        def abort(host: str, _other: str, _name: str) -> None:
            daemon.virsh(self.lab, host, "domjobabort", VM.name)

        record = self.check_failure(abort)
        self.assertEqual(self.kinds(record) & OF_A_PAUSE, set())

    def test_an_abort_while_the_guest_stands_still_gives_it_back(self) -> None:
        def abort(host: str, _other: str, name: str) -> None:
            moves.wait_event(self.lab, name, "redirected")
            daemon.virsh(self.lab, host, "domjobabort", VM.name)

        self.check_return(self.check_failure(abort, "--timeout", "1", "--timeout-suspend"))

    def test_a_destination_that_dies_while_the_guest_stands_still_gives_it_back(self) -> None:
        def kill(_host: str, other: str, name: str) -> None:
            moves.wait_event(self.lab, name, "redirected")
            script = f"kill -9 $(cat /run/libvirt/qemu/{VM.name}.pid)"
            daemon.in_machine(self.lab, other, ["sh", "-c", script])

        self.check_return(self.check_failure(kill, "--timeout", "1", "--timeout-suspend"))

    def check_return(self, record: api.Json) -> None:
        events = {event["kind"]: event for event in record["timeline"]}
        self.assertEqual(events["paused"]["detail"], "by libvirt")
        self.assertEqual(events["redirected"]["host"], record["source"])
        self.assertNotIn("switchover", events)
        # Unless the destination's del-port has ended the migration before.
        if "resumed" in events:
            self.assertEqual(events["resumed"]["host"], record["source"])
            self.assertIn(events["resumed"]["detail"], ("by libvirt", "by frame"))

    def check_failure(self, interfere: Callable[[str, str, str], None], *flags: str) -> api.Json:
        """A migration that fails by what is done to it when its destination is armed: nothing is
        lost, and the next one succeeds. Returns the record."""
        host, other = self.places()
        before = moves.names(self.lab, VM)
        probe = self.probing()
        with moves.slow_move(self.lab, VM, host, other, *flags) as running:
            name = moves.wait_new(self.lab, VM, before, ("armed",))["meta"]["name"]
            interfere(host, other, name)
            said, _ = running.communicate(timeout=30)
        self.assertNotEqual(running.returncode, 0, said)
        record = moves.wait_done(self.lab, VM, before)
        self.assertEqual(api.phase(record), "aborted")
        self.assertEqual(self.places(), (host, other))
        self.assertEqual(daemon.virsh(self.lab, host, "domstate", VM.name).strip(), "running")
        self.check_lossless(probe)
        self.assertEqual(self.bridge_ports(other), [])
        self.check_told(self.moved())
        return record

    def test_a_host_that_cannot_have_the_guest_refuses_it(self) -> None:
        """By libvirt's hook, before anything is copied."""
        host, other = self.places()
        # Another card of the same guest, for which nobody could vouch.
        vm_id = daemon.virsh(self.lab, host, "domuuid", VM.name).strip()
        bare = str(uuid.uuid4())
        netns.tap(self.lab.netns(host), "bare", ports.SEGMENT_MTU)
        self.addCleanup(netns.remove_link, self.lab.netns(host), "bare")
        words = ["port", "attach", "--dev", "bare", "--id", bare, "--mac", "52:54:00:00:00:ee"]
        api.query(self.lab, *words, "--vm", vm_id, "--wait", "0", host=host)
        before = moves.names(self.lab, VM)
        probe = self.probing()
        with moves.slow_move(self.lab, VM, host, other) as running:
            said, _ = running.communicate(timeout=30)
        self.assertNotEqual(running.returncode, 0)
        self.assertIn("outrider: interface vnet", said)
        self.assertIn(f'port "{bare}" has no profile in force', said.replace("\\", ""))
        self.assertEqual(moves.names(self.lab, VM), before)
        self.assertEqual(self.bridge_ports(other), [])
        self.check_lossless(probe)
        api.detach(self.lab, host, bare)
        api.outrider(self.lab, "port", "delete", bare)
        self.check_told(self.moved())


class HookTest(unittest.TestCase):
    """deploy/libvirt/qemu as libvirt runs it, with a /run of its own, and an `ovs-vsctl` that says
    what the test wants."""

    DOMAIN = """\
<domain type='qemu'>
  <devices>
    <disk type='file'>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <virtualport type='openvswitch'>
        <parameters interfaceid='1' profileid='web'/>
      </virtualport>
      <target dev='vnet0'/>
    </interface>
    <interface type='bridge'>
      <source bridge='virbr0'/>
      <target dev='vnet1'/>
    </interface>
  </devices>
</domain>
"""

    def run_hook(self, *steps: str, error: str = "[]") -> tuple[int, str]:
        """Runs `vm STEP` one after the other as long as they succeed, the last with this error at
        the interface; its exit status, and all that was said."""
        with tempfile.TemporaryDirectory() as folder:
            tool = pathlib.Path(folder) / "ovs-vsctl"
            tool.write_text('#!/bin/sh\n[ "$5" = vnet0 ] && echo "$ERROR"\n', encoding="utf-8")
            tool.chmod(0o755)
            (pathlib.Path(folder) / "vm.xml").write_text(self.DOMAIN, encoding="utf-8")
            hook = support.ROOT / "deploy" / "libvirt" / "qemu"
            errors = ["[]"] * (len(steps) - 1) + [error]
            runs = " && ".join(
                f"ERROR='{at}' {hook} vm {step} - <{folder}/vm.xml" for step, at in zip(steps, errors)
            )
            argv = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs tmpfs /run && {runs}"]
            env = {"PATH": f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin"}
            done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def test_a_guest_that_arrives_is_refused_with_the_reason(self) -> None:
        status, said = self.run_hook("migrate begin", "start begin", error='"no such profile"')
        self.assertEqual(status, 1)
        self.assertEqual(said, 'outrider: interface vnet0 of vm: "no such profile"\n')

    def test_a_guest_that_arrives_where_all_is_in_force_is_taken_as_it_is(self) -> None:
        self.assertEqual(self.run_hook("migrate begin", "start begin"), (0, ""))

    def test_a_guest_that_is_started_waits_for_nothing(self) -> None:
        error = '"no controller"'
        self.assertEqual(self.run_hook("start begin", error=error), (0, ""))
        # Also not one that had come here before.
        steps = ("migrate begin", "start begin", "release end", "start begin")
        self.assertEqual(self.run_hook(*steps, error=error), (0, ""))
        self.assertEqual(self.run_hook(*steps, *steps[:2], error=error)[0], 1)


if __name__ == "__main__":
    support.main()
