"""Debian's ovsdb-client against the database of a running agent."""

from __future__ import annotations

import json
import pathlib
import re
import unittest
from typing import Any

from labkit import open_vswitch
from ovs_clients.debian_tools import Followed, HostTools

SCHEMA = "usr/share/openvswitch/vswitch.ovsschema"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ZERO = "00000000-0000-0000-0000-000000000000"
WHERE_P0 = [["name", "==", "p0"]]


class OvsdbClientCases(unittest.TestCase):
    """Mixed into a class that has the tools of a host, where nothing is configured."""

    tools: HostTools

    def client(self, *words: str) -> str:
        """Words before the server, if it is an option, and the command; then its arguments."""
        command = next(at for at, word in enumerate(words) if not word.startswith("-"))
        before, after = words[: command + 1], words[command + 1 :]
        return self.tools.say("ovsdb-client", *before, self.tools.database, *after)

    def transact(self, *operations: Any, verb: str = "transact") -> Any:
        return json.loads(self.client(verb, json.dumps(["Open_vSwitch", *operations])))

    def select(self, table: str, columns: list[str], where: Any = ()) -> Any:
        words = {"op": "select", "table": table, "where": list(where), "columns": columns}
        return self.transact(words)[0]["rows"]

    def add_bridge(self) -> None:
        self.tools.vsctl("--no-wait", "add-br", "b0", "--", "add-port", "b0", "p0", "tag=5")
        self.addCleanup(self.tools.vsctl, "--no-wait", "--if-exists", "del-br", "b0")

    def follow(self, *words: str) -> Followed:
        followed = Followed(self.tools, "ovsdb-client", *words)
        self.addCleanup(followed.end)
        return followed

    def test_schema(self) -> None:
        """Every table and column of Debian's, of the same types: Debian's tool compares."""
        debians = json.loads((open_vswitch.tree() / SCHEMA).read_text("utf-8"))
        self.assertEqual(self.client("list-dbs").split(), ["Open_vSwitch", "_Server"])
        self.assertEqual(self.client("get-schema-version").strip(), debians["version"])
        tables = self.client("--no-headings", "list-tables").split()
        self.assertEqual(sorted(tables), sorted(debians["tables"]))
        # A checksum says nothing that the schema itself does not.
        del debians["cksum"]
        self.assertEqual(self.conversion_needed(debians), "no")
        del debians["tables"]["Port"]["columns"]["tag"]
        self.assertEqual(self.conversion_needed(debians), "yes")
        listed = self.client("--no-headings", "list-columns", "Open_vSwitch", "Port").splitlines()
        columns = dict(line.split(maxsplit=1) for line in listed)
        self.assertEqual(set(debians["tables"]["Port"]["columns"]) - set(columns), set())
        self.assertEqual(json.loads(columns["fake_bridge"]), "boolean")
        tag = {"key": {"type": "integer", "minInteger": 0, "maxInteger": 4095}, "min": 0}
        self.assertEqual(json.loads(columns["tag"]), tag)

    def conversion_needed(self, schema: Any) -> str:
        file = self.scratch() / "schema"
        file.write_text(json.dumps(schema), encoding="utf-8")
        return self.client("needs-conversion", str(file)).strip()

    def scratch(self) -> pathlib.Path:
        """A folder that goes with the lab."""
        raise NotImplementedError

    def test_transact(self) -> None:
        self.addCleanup(self.tools.vsctl, "--no-wait", "--if-exists", "del-br", "b0")
        interface = {"op": "insert", "table": "Interface", "uuid-name": "i", "row": {"name": "p0"}}
        port = {"name": "p0", "interfaces": ["named-uuid", "i"], "tag": 5}
        bridge = {"name": "b0", "ports": ["named-uuid", "p"]}
        mutation = ["bridges", "insert", ["named-uuid", "b"]]
        done = self.transact(
            interface,
            {"op": "insert", "table": "Port", "uuid-name": "p", "row": port},
            {"op": "insert", "table": "Bridge", "uuid-name": "b", "row": bridge},
            {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [mutation]},
            {"op": "select", "table": "Port", "where": WHERE_P0, "columns": ["tag", "interfaces"]},
        )
        inserted = [result["uuid"][1] for result in done[:3]]
        self.assertTrue(all(UUID.fullmatch(uuid) for uuid in inserted), done)
        self.assertEqual(done[3], {"count": 1})
        self.assertEqual(done[4]["rows"], [{"tag": 5, "interfaces": ["uuid", inserted[0]]}])
        root = self.select("Open_vSwitch", ["bridges"])
        self.assertEqual(root, [{"bridges": ["uuid", inserted[2]]}])
        self.assertEqual(self.tools.vsctl("list-ports", "b0"), "p0")

    def test_errors(self) -> None:
        self.add_bridge()
        update = {"op": "update", "table": "Port", "where": WHERE_P0}
        wait = {"op": "wait", "timeout": 0, "table": "Port", "where": WHERE_P0}
        cases: dict[str, tuple[list[Any], list[Any]]] = {
            "timed out": (
                [{**wait, "columns": ["tag"], "until": "==", "rows": [{"tag": 6}]}, update],
                [{"error": "timed out", "details": '"where" clause test failed'}, None],
            ),
            "out of range": (
                [{"op": "insert", "table": "Queue", "row": {"dscp": 64}}],
                [
                    {
                        "error": "constraint violation",
                        "details": "64 is not in the valid range 0 to 63 (inclusive)",
                    }
                ],
            ),
            "aborted": (
                [{**update, "row": {"tag": 6}}, {"op": "abort"}],
                [{"count": 1}, {"error": "aborted", "details": "aborted by request"}],
            ),
            "not owner": (
                [{**update, "row": {"tag": 6}}, {"op": "assert", "lock": "none"}],
                [{"count": 1}, {"error": "not owner", "details": "Asserted lock none not held."}],
            ),
        }
        for name, (operations, answers) in cases.items():
            with self.subTest(name):
                self.assertEqual(self.transact(*operations), answers)
        for row, told in (
            ({"name": "p1"}, "Cannot update immutable column name in table Port."),
            ({"frob": 1}, "No column frob in table Port."),
            ({"tag": "x"}, "expected integer"),
        ):
            with self.subTest(told):
                (answer,) = self.transact({**update, "row": row})
                self.assertIn(told, answer["details"], answer)
        self.assertEqual(self.select("Port", ["tag"], WHERE_P0), [{"tag": 5}])
        words = ["transact", self.tools.database, '["Nothing",{"op":"abort"}]']
        done = self.tools.run("ovsdb-client", *words)
        self.assertEqual(done.returncode, 1)
        self.assertIn('"error":"unknown database"', done.stderr)

    def test_query_changes_nothing(self) -> None:
        self.add_bridge()
        update = {"op": "update", "table": "Port", "where": WHERE_P0, "row": {"tag": 6}}
        select = {"op": "select", "table": "Port", "where": WHERE_P0, "columns": ["tag"]}
        self.assertEqual(
            self.transact(update, select, verb="query"), [{"count": 1}, {"rows": [{"tag": 6}]}]
        )
        self.assertEqual(self.select("Port", ["tag"], WHERE_P0), [{"tag": 5}])

    def test_dump(self) -> None:
        self.add_bridge()
        columns = ("Open_vSwitch", "Port", "name", "tag")
        self.assertEqual(self.dump("csv", columns), "Port table\nname,tag\nb0,[]\np0,5\n")
        self.assertEqual(
            self.dump("table", columns), "Port table\nname tag\n---- ---\nb0   []\np0   5\n"
        )
        everything = self.client("dump")
        headings = re.findall(r"^(\w+) table$", everything, re.MULTILINE)
        tables = self.client("--no-headings", "list-tables").split()
        self.assertEqual(headings, sorted(tables))
        self.assertIn("Database table", self.client("dump", "_Server"))

    def dump(self, form: str, columns: tuple[str, ...]) -> str:
        return self.client(f"--format={form}", "dump", *columns)

    def test_monitors(self) -> None:
        self.add_bridge()
        watched = ("Port", "name,tag")
        all_ports = self.monitor("monitor", *watched)
        conditional = ("monitor-cond", "monitor-cond-since")
        ports_p0 = {
            verb: self.monitor(verb, json.dumps(WHERE_P0), *watched) for verb in conditional
        }
        history = ports_p0["monitor-cond-since"].line()
        self.assertEqual(history, f"found: false, last_id: {ZERO}")
        # Whoever was told of what is there has begun to listen.
        nothing: list[Any] = ["set", []]
        told = [["initial", "b0", nothing], ["initial", "p0", 5]]
        self.assertEqual(sorted(self.changes(all_ports, 2), key=str), told)
        for verb in conditional:
            self.assertEqual(self.changes(ports_p0[verb], 1), told[1:], verb)
        self.tools.vsctl("--no-wait", "set", "Port", "p0", "tag=6")
        self.tools.vsctl("--no-wait", "set", "Port", "b0", "tag=7")
        self.tools.vsctl("--no-wait", "del-port", "p0")
        self.tools.vsctl("--no-wait", "add-port", "b0", "p0", "tag=8")
        # Of the first method, which knows no conditions: what was and what is.
        told = [["old", None, 5], ["new", "p0", 6], ["old", None, nothing], ["new", "b0", 7]]
        told += [["delete", "p0", 6], ["insert", "p0", 8]]
        self.assertEqual(self.changes(all_ports, len(told)), told)
        # Of a row that changes: what is new.
        told = [["modify", None, 6], ["delete", None, None], ["insert", "p0", 8]]
        for verb in conditional:
            with self.subTest(verb):
                self.assertEqual(self.changes(ports_p0[verb], len(told)), told)

    def monitor(self, verb: str, *words: str) -> Followed:
        options = ("--format=json", "--data=json", "--no-headings")
        return self.follow(*options, verb, self.tools.database, "Open_vSwitch", *words)

    def changes(self, followed: Followed, count: int) -> list[Any]:
        """That many of the rows it prints next, each without its uuid."""
        rows: list[Any] = []
        while len(rows) < count:
            # monitor-cond-since says before each which transaction it is of, and ends no line.
            _, begin, rest = followed.line().partition('{"data"')
            rows += json.loads(begin + rest)["data"] if begin else []
        return [row[1:] for row in rows]

    def test_locks(self) -> None:
        first = self.follow("lock", self.tools.database, "l")
        self.assertEqual(first.line(), '{"locked":true}')
        second = self.follow("lock", self.tools.database, "l")
        self.assertEqual(second.line(), '{"locked":false}')
        thief = self.follow("steal", self.tools.database, "l")
        self.assertEqual(thief.line(), '{"locked":true}')
        self.assertEqual(first.lines(2), ["stolen", '["l"]'])
        other = self.follow("lock", self.tools.database, "another")
        self.assertEqual(other.line(), '{"locked":true}')
        for ended in (thief, first):
            ended.end()
        self.assertEqual(second.lines(2), ["locked", '["l"]'])

    def test_unlock_of_nothing(self) -> None:
        unlock = self.follow("-vjsonrpc:console:dbg", "unlock", self.tools.database, "l")
        self.assertIn('method="unlock"', unlock.line())
        self.assertIn('unlock: \\"unlock\\" without \\"lock\\" or \\"steal\\"', unlock.line())

    def test_wait(self) -> None:
        self.tools.say("ovsdb-client", "wait", self.tools.database, "Open_vSwitch", "added")
        self.tools.say("ovsdb-client", "wait", self.tools.database, "Open_vSwitch", "connected")
        self.tools.say("ovsdb-client", "wait", self.tools.database, "Nothing", "removed")
        words = ("--timeout=1", "wait", self.tools.database, "Open_vSwitch", "removed")
        self.assertNotEqual(self.tools.run("ovsdb-client", *words).returncode, 0)

    def test_backup_and_restore(self) -> None:
        """What it saves, Debian's ovsdb-tool can read; what is restored is done again."""
        self.add_bridge()
        self.tools.vsctl("--no-wait", "set", "Bridge", "b0", "external_ids:kept=yes")
        saved = self.client("backup")
        file = self.scratch() / "saved.db"
        file.write_text(saved, encoding="utf-8")
        self.addCleanup(file.unlink)
        select = {"op": "select", "table": "Port", "where": WHERE_P0, "columns": ["tag"]}
        query = json.dumps(["Open_vSwitch", select])
        read = self.tools.say("ovsdb-tool", "query", str(file), query)
        self.assertEqual(json.loads(read), [{"rows": [{"tag": 5}]}])
        self.tools.vsctl("del-br", "b0")
        self.restore(file)
        self.assertEqual(self.tools.vsctl("list-ports", "b0"), "p0")
        self.assertEqual(self.tools.vsctl("get", "Bridge", "b0", "external_ids"), "{kept=yes}")
        self.tools.vsctl("wait-until", "Interface", "b0", "ofport=65534")

    def restore(self, snapshot: pathlib.Path) -> None:
        with snapshot.open("rb") as file:
            done = self.tools.run("ovsdb-client", "restore", self.tools.database, stdin=file)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_restored_counts_on(self) -> None:
        """A snapshot's next_cfg is lower than the switch has seen: it follows all the same."""
        self.add_bridge()
        self.tools.vsctl("del-port", "p0")
        file = self.scratch() / "counted.db"
        file.write_text(self.client("backup"), encoding="utf-8")
        counted = self.tools.vsctl("get", "Open_vSwitch", ".", "next_cfg")
        for number in range(5):
            self.tools.vsctl("set", "Bridge", "b0", f"external_ids:n={number}")
        self.restore(file)
        self.assertEqual(self.tools.vsctl("get", "Open_vSwitch", ".", "next_cfg"), counted)
        # Whoever adds a port is answered when it is there: it would complain otherwise.
        self.tools.vsctl("add-port", "b0", "q0", "--", "set", "Interface", "q0", "type=internal")
        self.assertGreater(int(self.tools.vsctl("get", "Interface", "q0", "ofport")), 0)
        asked, done = self.tools.vsctl("get", "Open_vSwitch", ".", "next_cfg", "cur_cfg").split()
        self.assertEqual(asked, done)
