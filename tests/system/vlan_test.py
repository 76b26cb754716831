"""A guest with a trunk of 64 VLANs, by the real daemons: each VLAN a segment of its own, under
other tags on the other host; edits, a move and mistakes of an operator."""

from __future__ import annotations

import json
import subprocess

import support
import tagged_frames
from labkit import api, inventory, netns, ports, process, services

VLANS = 64
LEFT_VLAN, RIGHT_VLAN, VNI = 101, 1001, 7001
LEFT_MAC, RIGHT_MAC = "52:54:00:04:00:01", "52:54:00:04:00:02"


def segments() -> str:
    documents = [f"kind: Segment\nname: v{n}\nvni: {VNI + n}\n" for n in range(VLANS)]
    return "---\n".join(documents)


def trunk(name: str, first: int, count: int = VLANS) -> str:
    vlans = "".join(f"    - {{vlan: {first + n}, segment: v{n}}}\n" for n in range(count))
    return f"kind: Profile\nname: {name}\nvlan:\n  mode: trunk\n  vlans:\n{vlans}"


class VlanTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        profiles = [trunk("left", LEFT_VLAN), trunk("right", RIGHT_VLAN)]
        api.apply(cls.lab, "---\n".join([segments(), *profiles]))
        ports.add_light(cls.lab, "left", "h1", "10.4.0.1", LEFT_MAC, "left")
        ports.add_light(cls.lab, "right", "h2", "10.4.0.2", RIGHT_MAC, "right")
        cls.lab = inventory.load(cls.lab.prefix)

    def received(self, vlans: list[int], expect: int) -> list[list[int]]:
        """[tag, payload] of what `right` gets when `left` sends a frame in each of these VLANs."""
        argv = netns.inside(
            ports.light_netns(self.lab, "right"), ["python3", "-c", tagged_frames.RECEIVER, str(expect)]
        )
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as receiver:
            assert receiver.stdout is not None
            self.assertEqual(receiver.stdout.readline(), "ready\n")
            self.inside("left", "python3", "-c", tagged_frames.SENDER, LEFT_MAC, *map(str, vlans))
            return sorted(json.loads(receiver.stdout.readline()))

    def drops(self, reason: str) -> int:
        left = self.lab.light("left")
        return api.drops(self.lab, "h1", left.port_id).get(reason, 0)

    def test_each_vlan_is_a_segment_with_another_tag_elsewhere(self) -> None:
        got = self.received([LEFT_VLAN + n for n in range(VLANS)], VLANS)
        self.assertEqual(got, [[RIGHT_VLAN + n, LEFT_VLAN + n] for n in range(VLANS)])

    def test_what_the_profile_does_not_have_is_dropped_by_name(self) -> None:
        not_allowed, untagged = self.drops("vlan_not_allowed"), self.drops("untagged_on_trunk")
        got = self.received([LEFT_VLAN + VLANS, 0, LEFT_VLAN], 1)
        self.assertEqual(got, [[RIGHT_VLAN, LEFT_VLAN]], "what came before it, if anything")
        more = lambda: (  # noqa: E731
            self.drops("vlan_not_allowed") > not_allowed
            and self.drops("untagged_on_trunk") > untagged
        )
        self.assertTrue(process.wait_until(more, 10))

    def test_an_edit_takes_one_vlan_and_no_other(self) -> None:
        api.apply(self.lab, trunk("left", LEFT_VLAN, VLANS - 1))
        services.wait_converged(self.lab)
        try:
            last = LEFT_VLAN + VLANS - 1
            got = self.received([last, last - 1], 1)
            self.assertEqual(got, [[RIGHT_VLAN + VLANS - 2, last - 1]])
        finally:
            api.apply(self.lab, trunk("left", LEFT_VLAN))
            services.wait_converged(self.lab)

    def test_the_destination_of_a_move_is_armed_in_every_vlan(self) -> None:
        left = self.lab.light("left")
        move = api.prepare_migration(self.lab, left.port_id, "h2")
        try:
            state = api.query(self.lab, "state", "show", host="h2")["state"]
            expected = next(p for p in state["ports"] if p["id"] == left.port_id)
            self.assertEqual(expected["phase"], "PORT_PHASE_ARMED")
            self.assertEqual(len(expected["vlans"]), VLANS)
        finally:
            api.abort_migration(self.lab, move["meta"]["name"], "the test is over")

    def test_contradictions_are_refused_by_field(self) -> None:
        twice = trunk("p", 10, 2) + "    - {vlan: 10, segment: v5}\n"
        self.assertIn("vlan vlans: vlan 10 is listed twice", self.refused_yaml(twice))
        overlap = trunk("p", 10, 2) + "    - {vlan: 20, segment: v1}\n"
        self.assertIn(
            'segment "v1" is that of vlan 11 and of vlan 20', self.refused_yaml(overlap)
        )
        in_use = self.refused("segment", "delete", "v5")
        self.assertIn('in use by profile "left", "right"', in_use)


if __name__ == "__main__":
    support.main()
