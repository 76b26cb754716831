"""What is wrong is refused as a whole, naming object, field and remedy; what was in force stays."""

from __future__ import annotations

import uuid

import support
from labkit import api, netns, ports, scenes

ACL = """\
kind: Profile
name: {name}
vlan: {{segment: scene}}
acl:
  ingress: [{{match: {match}, action: allow}}]
"""


class BadInputTest(support.LabCase):
    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def setUp(self) -> None:
        self.before = self.everything()

    def tearDown(self) -> None:
        # Nothing of what was refused is there, and nothing else changed; traffic flows on.
        self.assertEqual(self.everything(), self.before)
        self.ping("left", scenes.RIGHT_IP, count=1)

    def everything(self) -> dict[str, list]:
        kinds = ("segment", "profile", "gateway", "host")
        found = {kind: api.query(self.lab, kind, "list")["items"] for kind in kinds}
        for host in found["host"]:
            for changing in ("last_seen_us", "applied_generation", "desired_generation", "meta"):
                host.pop(changing, None)
        ports_now = api.query(self.lab, "port", "list")["items"]
        found["port"] = [
            [p["meta"]["name"], p["mac"], p["profile"], p["location"]] for p in ports_now
        ]
        return found

    def check(self, said: str, *words: str) -> None:
        for word in words:
            self.assertIn(word, said)
        self.assertEqual(len(said.strip().splitlines()), 1, said)

    def test_profile_refers_to_nothing(self) -> None:
        said = self.refused_yaml("kind: Profile\nname: web\nvlan: {segment: nowhere}\n")
        self.check(said, "web", "segment", "nowhere")
        said = self.refused_yaml(ACL.format(name="web", match="{src_group: nobody}"))
        self.check(said, "web", "nobody")

    def test_empty_port_range(self) -> None:
        match = "{protocol: tcp, dst_port: {first: 90, last: 80}}"
        said = self.refused_yaml(ACL.format(name="web", match=match))
        self.check(said, "90-80")

    def test_yaml_typo(self) -> None:
        said = self.refused_yaml("kind: Profile\nname: web\nvlan: {segmnet: scene}\n")
        self.check(said, "segmnet", "unknown key", 'did you mean "segment"')

    def test_second_of_two_documents_is_wrong(self) -> None:
        good = ACL.format(name="good", match="{protocol: icmp}")
        bad = "kind: Profile\nname: bad\nvlan: {segment: nowhere}\n"
        self.check(self.refused_yaml(f"{good}---\n{bad}"), "bad", "nowhere")

    def test_change_of_a_profile_in_use(self) -> None:
        self.check(
            self.refused_yaml("kind: Profile\nname: scene\nvlan: {segment: nowhere}\n"), "scene"
        )

    def test_vni_out_of_range(self) -> None:
        for vni in ("0", "16777216"):
            with self.subTest(vni=vni):
                said = self.refused("segment", "create", "odd", "--vni", vni)
                self.check(said, "odd", "vni", vni, "16777215")

    def test_duplicate_vni(self) -> None:
        said = self.refused("segment", "create", "twin", "--vni", str(scenes.VNI))
        self.check(said, "twin", str(scenes.VNI), scenes.SEGMENT)

    def test_duplicate_mac(self) -> None:
        said = self.refused(
            "port", "create", str(uuid.uuid4()), "--mac", "52:54:00:02:00:01", "--profile", "scene"
        )
        self.check(said, "52:54:00:02:00:01", self.lab.light("left").port_id)

    def test_duplicate_port_id(self) -> None:
        port_id = self.lab.light("left").port_id
        said = self.refused(
            "port", "create", port_id, "--mac", "52:54:00:02:00:77", "--profile", "scene"
        )
        self.check(said, port_id)

    def test_port_of_another_host(self) -> None:
        left = self.lab.light("left")
        host = self.lab.netns("h2")
        netns.veth((host, "steal0"), (host, "steal1"), ports.SEGMENT_MTU)
        # With its MAC it would be the port's guest that comes (detected_moves_test).
        other = "52:54:00:02:00:66"
        words = ("--id", left.port_id, "--mac", other, "--profile", "scene", "--wait", "5s")
        said = self.refused("port", "attach", "--dev", "steal0", *words, host="h2")
        self.check(said, left.port_id, "h1", left.mac, other)
        api.detach(self.lab, "h2", left.port_id)
        netns.remove_link(host, "steal0")

    def test_mtu_that_does_not_fit(self) -> None:
        said = self.refused("segment", "set", scenes.SEGMENT, "--mtu", "9000")
        self.check(said, scenes.SEGMENT, "9000", "1450")

    def test_migration_of_nothing_to_nowhere(self) -> None:
        self.check(self.refused("migration", "prepare", "--vm", "ghost", "--to", "h2"), "ghost")
        port_id = self.lab.light("left").port_id
        self.check(self.refused("migration", "prepare", "--port", port_id, "--to", "h9"), "h9")
        self.check(self.refused("migration", "prepare", "--port", port_id, "--to", "h1"), "h1")

    def test_segment_in_use_is_not_deleted(self) -> None:
        self.check(self.refused("segment", "delete", scenes.SEGMENT), scenes.SEGMENT, "scene")


if __name__ == "__main__":
    support.main()
