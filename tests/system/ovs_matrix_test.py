"""Debian's ovs-vsctl and ovs-appctl and ours, each with a real Open vSwitch of its own: the same
words, the same exit codes, the same database afterwards."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import support
from labkit import open_vswitch
from ovs_matrix import cases, compare, odd_server, tls_relay

# The servers each client is compared on. A server of another make is one more class here.
SERVERS: dict[str, type[open_vswitch.Server]] = {"real": open_vswitch.RealServer}


class MatrixTest(unittest.TestCase):
    maxDiff = None

    def play(self, kind: type[open_vswitch.Server], client: open_vswitch.Client, lines):
        with open_vswitch.running(kind) as server:
            said = compare.play(lines, client, server)
            return said, compare.state(server)

    def test_scenarios(self) -> None:
        ours = open_vswitch.our_client(support.build_folder())
        compared = 0
        for server, kind in SERVERS.items():
            for name, lines in cases.SCENARIOS.items():
                with self.subTest(server=server, scenario=name):
                    real_said, real_state = self.play(kind, open_vswitch.real_client(), lines)
                    our_said, our_state = self.play(kind, ours, lines)
                    found = compare.differences(our_said, real_said)
                    if found:
                        self.fail("\n".join(["it differs:", *found]))
                    self.assertEqual(our_state, real_state)
                    compared += len(lines)
        print(f"{compared} command lines compared")

    def test_without_the_switch(self) -> None:
        lines = [
            "vsctl --timeout=1 add-br br0",
            "vsctl list-br",
            "vsctl --no-wait add-port br0 p0",
            "vsctl --timeout=1 set Bridge br0 external_ids:a=b",
            "vsctl --timeout=1 set Bridge br0 external_ids:a=b",
            "vsctl get Bridge br0 external_ids",
            "appctl version",
        ]
        said = []
        for client in (
            open_vswitch.our_client(support.build_folder()), open_vswitch.real_client()
        ):
            with open_vswitch.running() as server:
                server.stop_switch()
                said.append(compare.play(lines, client, server))
        found = compare.differences(*said)
        if found:
            self.fail("\n".join(["it differs:", *found]))
        # Committed, and then waited for in vain.
        self.assertEqual([one.exit_code for one in said[0]][:4], [-14, 0, 0, -14])

    def test_every_command_is_in_a_scenario(self) -> None:
        with open_vswitch.running() as server:
            done = open_vswitch.real_client().run(server.rundir, "ovs-vsctl", ["--commands"])
            names = [line.split(",")[1] for line in done.stdout.decode().splitlines()]
            ours = open_vswitch.our_client(support.build_folder())
            done = ours.run(server.rundir, "ovs-ofctl", ["--help"])
        flow_names = re.findall(r"(?m)^  ([a-z][a-z-]+) [A-Z]", done.stdout.decode())
        commands = {("ovs-vsctl", name) for name in names}
        commands |= {("ovs-ofctl", name) for name in flow_names}
        self.assertGreater(len(commands), 60)
        played = set()
        for lines in cases.SCENARIOS.values():
            for line in lines:
                _, tool, rest = compare.parse(line)
                played |= {(tool, word) for word in rest.split()}
        self.assertEqual(commands - played, set())

    def test_a_difference_is_seen(self) -> None:
        lines = ["vsctl add-br br0", "vsctl get Bridge br0 name", "vsctl get Bridge br1 name"]
        other = ["vsctl add-br br0", "vsctl get Bridge br0 stp_enable", "vsctl list-br"]
        client = open_vswitch.real_client()
        with open_vswitch.running() as server:
            first = compare.play(lines, client, server)
            state = compare.state(server)
        with open_vswitch.running() as server:
            second = compare.play(other, client, server)
            self.assertEqual(compare.state(server), state)
            compare.play(["vsctl set Bridge br0 stp_enable=true"], client, server)
            self.assertNotEqual(compare.state(server), state)
        # The second line's output; the third's in every field.
        self.assertEqual(len(compare.differences(second, first)), 4)


class OtherSchema(open_vswitch.RealServer):
    """One of another version: a column more, and one less."""

    def schema(self) -> pathlib.Path:
        schema = json.loads(super().schema().read_text("utf-8"))
        schema["tables"]["Bridge"]["columns"]["color"] = {"type": "string"}
        del schema["tables"]["Port"]["columns"]["cvlans"]
        changed = self.rundir / "changed.ovsschema"
        changed.write_text(json.dumps(schema), "utf-8")
        return changed


class OurTest(unittest.TestCase):
    """What the real tool does otherwise, on purpose or not."""

    def setUp(self) -> None:
        self.client = open_vswitch.our_client(support.build_folder())
        self.server = self.enterContext(open_vswitch.running())

    def vsctl(self, *words: str, exit_code: int = 0) -> str:
        done = self.client.run(self.server.rundir, "ovs-vsctl", words)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stdout.decode()

    def test_dry_run_ends_and_changes_nothing(self) -> None:
        self.vsctl("add-br", "br0")
        self.vsctl("--timeout=5", "--dry-run", "del-br", "br0")
        self.assertEqual(self.vsctl("list-br"), "br0\n")

    def test_thousand_ports_in_one_transaction(self) -> None:
        self.vsctl("--no-wait", "add-br", "br0")
        words = [word for n in range(1000) for word in ("--", "add-port", "br0", f"p{n}")]
        self.vsctl("--no-wait", *words)
        self.assertEqual(len(self.vsctl("list-ports", "br0").split()), 1000)

    def test_a_long_run_folder(self) -> None:
        self.vsctl("add-br", "br0")
        with tempfile.TemporaryDirectory() as folder:
            long = pathlib.Path(folder) / ("x" * 100)
            long.symlink_to(self.server.rundir)
            self.assertEqual(self.vsctl(f"--db=unix:{long}/db.sock", "list-br"), "br0\n")

    def test_a_host_by_its_name(self) -> None:
        self.vsctl("add-br", "br0", "--", "set-manager", "ptcp:0:127.0.0.1")
        self.vsctl("--timeout=10", "wait-until", "Manager", ".", "status:bound_port!=0")
        port = self.vsctl("get", "Manager", ".", "status:bound_port").strip().strip('"')
        self.assertEqual(self.vsctl(f"--db=tcp:localhost:{port}", "list-br"), "br0\n")

    def test_concurrent_writers_lose_nothing(self) -> None:
        self.vsctl("add-br", "br0")
        environment = self.client.environment(self.server.rundir)
        tool = str(self.client.folder / "ovs-vsctl")
        running = [
            subprocess.Popen(
                [tool, "--no-wait", "--timeout=20", "--", "add-port", "br0", f"p{n}", "--"]
                + ["add", "Bridge", "br0", "external_ids", f"k{n}=v", "--", "comment", "done"],
                env=environment,
            )
            for n in range(20)
        ]
        self.assertEqual([one.wait(30) for one in running], [0] * 20)
        self.assertEqual(len(self.vsctl("list-ports", "br0").split()), 20)
        self.assertEqual(self.vsctl("get", "Bridge", "br0", "external_ids").count("=v"), 20)

    def test_tls(self) -> None:
        self.vsctl("add-br", "br0")
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
            make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
            make += ["-subj", "/CN=test", "-keyout", key, "-out", certificate]
            subprocess.run(make, check=True, capture_output=True)
            with tls_relay.running(self.server.rundir / "db.sock", key, certificate) as port:
                ours = ["-p", key, "-c", certificate, f"--db=ssl:127.0.0.1:{port}"]
                self.assertEqual(self.vsctl(*ours, "-C", certificate, "list-br"), "br0\n")
                # The first server's certificate is kept, and believed the next time.
                kept = f"{folder}/kept.pem"
                for _ in range(2):
                    words = [*ours, f"--bootstrap-ca-cert={kept}", "list-br"]
                    self.assertEqual(self.vsctl(*words), "br0\n")
                self.assertTrue(pathlib.Path(kept).read_text("ascii").startswith("-----BEGIN"))
                # Another authority's word is worth nothing.
                other = f"{folder}/other.pem"
                subprocess.run([*make[:-1], other], check=True, capture_output=True)
                self.vsctl(*ours[2:], "-p", key, "-C", other, "list-br", exit_code=1)

    def test_servers_that_talk_nonsense(self) -> None:
        one_row = b'{"rows":[{"_uuid":["uuid","11111111-1111-4111-8111-111111111111"]}]}'
        answers = {
            "nothing": [b""],
            "no JSON": [b"hello{"],
            "half": [b'{"id":1,"result":['],
            "nested": [b"[" * 200000],
            "no message": [b'{"id":1}'],
            "no array": [b'{"id":1,"result":{"x":1},"error":null}'],
            "no results": [b'{"id":1,"result":[],"error":null}'],
            "no rows": [b'{"id":1,"result":[{"rows":5}],"error":null}'],
            "no uuid": [b'{"id":1,"result":[{"rows":[{"_uuid":7}]}],"error":null}'],
            "error": [b'{"id":1,"result":null,"error":["odd"]}'],
            "no commit": [
                b'{"id":1,"result":[' + one_row + b'],"error":null}',
                b'{"id":2,"result":[{},7],"error":null}',
            ],
            "no next_cfg": [
                b'{"id":1,"result":[' + one_row + b'],"error":null}',
                b'{"id":2,"result":[{},{"rows":[{"next_cfg":"x"}]},{},{}],"error":null}',
            ],
        }
        words = ["--timeout=5", "set", "Open_vSwitch", ".", "external_ids:a=b"]
        for name, said in answers.items():
            path = self.server.rundir / "odd.sock"
            with self.subTest(name), odd_server.running(path, said):
                done = self.client.run(
                    self.server.rundir, "ovs-vsctl", [f"--db=unix:{path}", *words]
                )
                self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
                self.assertTrue(done.stderr.startswith(b"ovs-vsctl: "), done.stderr)

    def test_a_server_of_another_version(self) -> None:
        self.server = self.enterContext(open_vswitch.running(OtherSchema))
        self.vsctl("--no-wait", "add-br", "br0", "--", "set", "Bridge", "br0", "color=red")
        self.assertEqual(self.vsctl("get", "Bridge", "br0", "color"), "red\n")
        listed = self.vsctl("list", "Port", "br0")
        self.assertIn("\nvlan_mode ", listed)
        self.assertNotIn("cvlans", listed)
        self.vsctl("get", "Bridge", "br0", "colors", exit_code=1)
        self.vsctl("list", "Foo", exit_code=1)

    def test_wait_until_sees_the_change(self) -> None:
        self.vsctl("add-br", "br0")
        with subprocess.Popen(
            ["ovs-vsctl", "--timeout=20", "wait-until", "Port", "br0", "external_ids:k=v"],
            executable=str(self.client.folder / "ovs-vsctl"),
            env=self.client.environment(self.server.rundir),
        ) as waiting:
            self.vsctl("set", "Port", "br0", "external_ids:k=other")
            self.assertIsNone(waiting.poll())
            self.vsctl("set", "Port", "br0", "external_ids:k=v")
            self.assertEqual(waiting.wait(20), 0)

    def test_called_by_its_first_argument(self) -> None:
        binary = pathlib.Path(support.build_folder()) / "bin" / "outrider-ovs"
        environment = self.client.environment(self.server.rundir)
        for words, text in ((["vsctl", "-V"], b"ovs-vsctl (Open vSwitch) 3.1.0\n"), (["x"], b"")):
            done = subprocess.run(
                [binary, *words], env=environment, capture_output=True, check=False, timeout=20
            )
            self.assertEqual(done.stdout[: len(text) or 1], text)
            self.assertEqual(done.returncode, 0 if text else 1)
            self.assertEqual(b"vsctl" in done.stderr, not text)


if __name__ == "__main__":
    support.main()
