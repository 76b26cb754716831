"""The rest of the matrix: Debian's ovs-vsctl, ovs-ofctl and ovs-appctl and ours, on an Outrider
agent. Both hear the same from it; and it says what a real Open vSwitch says, also to Debian's
ovsdb-client, but for what ovs_matrix/by_design.py lists."""

from __future__ import annotations

import dataclasses

import support
from labkit import open_vswitch
from ovs_matrix import by_design, cases, compare
from ovs_matrix.outrider_server import OutriderServer


@dataclasses.dataclass
class Counts:
    clients: int = 0
    servers: int = 0
    by_design: int = 0


class OutriderMatrixTest(support.LabCase):
    HOSTS = 1
    maxDiff = None

    def on_real(self, lines: list[str]) -> tuple[list[compare.Said], list[str]]:
        with open_vswitch.running() as server:
            said = compare.play(lines, open_vswitch.real_client(), server)
            return said, compare.state(server)

    def on_outrider(
        self, client: open_vswitch.Client, lines: list[str]
    ) -> tuple[list[compare.Said], list[str]]:
        server = OutriderServer(self.lab, lines)
        server.start()
        return compare.play(lines, client, server), compare.state(server)

    def test_scenarios(self) -> None:
        ours = open_vswitch.our_client(support.build_folder())
        counts = Counts()
        needed: set[by_design.Difference] = set()
        for name, lines in (cases.SCENARIOS | cases.NATIVE_SCENARIOS).items():
            if name in cases.FLOW_SCENARIOS:
                continue
            with self.subTest(scenario=name):
                real = self.on_real(lines)
                said, state = self.on_outrider(open_vswitch.real_client(), lines)
                unknown = self.unknown_differences(real[0], said, counts, needed)
                if unknown:
                    self.fail("\n".join(["the servers differ:", *unknown]))
                self.assertEqual(state, real[1])
                if name in cases.NATIVE_SCENARIOS:
                    continue
                our_said, our_state = self.on_outrider(ours, lines)
                counts.clients += len(lines)
                if found := compare.differences(our_said, said):
                    self.fail("\n".join(["the clients differ:", *found]))
                self.assertEqual(our_state, state)
        stale = [one for one in by_design.DIFFERENCES if one not in needed]
        self.assertEqual([f"{one.reason}: {one.lines}" for one in stale], [], "no longer differs")
        reasons = {one.reason for one in needed}
        print(
            f"on Outrider: {counts.clients} command lines by both clients, equal in all; on both "
            f"servers: {counts.servers}, of which {counts.by_design} differ by design, for "
            f"{len(reasons)} reasons"
        )

    def unknown_differences(
        self,
        real: list[compare.Said],
        ours: list[compare.Said],
        counts: Counts,
        needed: set[by_design.Difference],
    ) -> list[str]:
        unknown = []
        for theirs, own in zip(real, ours, strict=True):
            known, these = by_design.judge(theirs, own, by_design.DIFFERENCES)
            needed |= these
            counts.servers += 1
            counts.by_design += known and theirs != own
            unknown += [] if known else compare.differences([own], [theirs])
        return unknown

    def test_a_difference_is_seen(self) -> None:
        one = compare.Said("vsctl list-br", 0, "br0\n", "")
        other = dataclasses.replace(one, stdout="br1\n")
        known = by_design.Difference("names", "vsctl list-br", "br0", "br1")
        stale = by_design.Difference("codes", "vsctl list-br", "exit 0", "exit 0")
        elsewhere = by_design.Difference("names", "vsctl list-ports", "br0", "br1")
        self.assertEqual(by_design.judge(one, other, []), (False, set()))
        self.assertEqual(by_design.judge(one, other, [elsewhere]), (False, set()))
        self.assertEqual(by_design.judge(one, other, [known, stale]), (True, {known}))
        self.assertEqual(by_design.judge(one, one, [stale]), (True, set()))
        self.assertEqual(by_design.judge(one, one, [known])[0], False)


if __name__ == "__main__":
    support.main()
