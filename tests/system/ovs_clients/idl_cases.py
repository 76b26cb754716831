"""Debian's python3-openvswitch against the database of a running agent. ovs_clients_test.py runs
this, with that library in reach."""

from __future__ import annotations

import os
import signal
import unittest
from typing import Any

import ovs.db.idl

from labkit import inventory, services
from ovs_clients.idl_client import Change, Client

HOST = "h1"
SUCCESS = ovs.db.idl.Transaction.SUCCESS
TRY_AGAIN = ovs.db.idl.Transaction.TRY_AGAIN


class IdlCase(unittest.TestCase):
    def setUp(self) -> None:
        self.client = self.connected()
        self.addCleanup(self.remove_all)

    def connected(self) -> Client:
        client = Client().connect()
        self.addCleanup(client.close)
        return client

    def remove_all(self) -> None:
        client = self.connected()
        if not client.names("Bridge"):
            return
        change = Change(client)
        change.remove_bridges(client.names("Bridge"))
        change.commit_and_wait()

    def add_bridge(self, name: str, *ports: str) -> None:
        change = Change(self.client)
        bridge = change.bridge(name)
        for port in ports:
            change.port(bridge, port)
        change.commit_and_wait()

    def set_key(self, client: Client, key: str, value: str) -> None:
        """external_ids:key of bridge br0, as another client would."""
        change = Change(client)
        client.row("Bridge", "br0").setkey("external_ids", key, value)
        self.assertEqual(change.commit(), SUCCESS)


class ReplicaTest(IdlCase):
    def test_replicates_by_the_newest_method(self) -> None:
        monitors = [call for call in self.client.calls if call[0].startswith("monitor")]
        # Were one refused, an older one would follow.
        wanted = [("monitor", "_Server"), ("monitor_cond_since", "Open_vSwitch")]
        self.assertEqual(monitors, wanted)
        self.assertEqual(self.client.root().external_ids["system-id"], HOST)

    def test_others_see_what_comes_changes_and_goes(self) -> None:
        other = self.connected()
        self.add_bridge("br0")
        other.run_until(lambda: other.row("Bridge", "br0"), "the bridge")
        bridge = other.row("Bridge", "br0")
        self.assertEqual(bridge.uuid, self.client.row("Bridge", "br0").uuid)
        self.assertEqual([port.name for port in bridge.ports], ["br0"])
        self.assertEqual([one.type for one in bridge.ports[0].interfaces], ["internal"])
        other.run_until(lambda: bridge.datapath_id, "its datapath_id")
        other.events.clear()
        self.set_key(self.client, "k", "v")
        other.wait_external_ids({"k": "v"})
        self.assertIn(("update", "Bridge", "br0"), other.events)
        other.events.clear()
        self.remove_all()
        other.run_until(lambda: not other.names("Bridge"), "no bridge")
        # What nothing refers to any more goes with it.
        self.assertEqual(other.names("Port") + other.names("Interface"), [])
        gone = {(table, name) for event, table, name in other.events if event == "delete"}
        self.assertEqual(gone, {(table, "br0") for table in ("Bridge", "Port", "Interface")})

    def test_nothing_comes_of_what_did_not_change(self) -> None:
        self.add_bridge("br0")
        self.set_key(self.client, "k", "v")
        other = self.connected()
        other.events.clear()
        self.set_key(self.client, "k", "v")
        self.set_key(self.client, "last", "")
        other.run_until(lambda: "last" in other.row("Bridge", "br0").external_ids, "the last key")
        self.assertEqual(other.events.count(("update", "Bridge", "br0")), 1)

    def test_a_condition_selects_rows(self) -> None:
        self.add_bridge("br0", "c1", "c2")
        watching = Client()
        self.addCleanup(watching.close)
        watching.cond_change("Interface", [["name", "==", "c1"]])
        watching.connect()
        self.assertEqual(watching.names("Interface"), ["c1"])
        self.assertEqual(watching.names("Port"), ["br0", "c1", "c2"])
        watching.events.clear()
        watching.cond_change("Interface", [["name", "==", "c2"], ["type", "==", "none"]])
        watching.run_until(lambda: watching.names("Interface") == ["c2"], "c2 alone")
        self.assertIn(("delete", "Interface", "c1"), watching.events)
        # A row that comes to match appears.
        change = Change(self.client)
        self.client.row("Interface", "c1").type = "none"
        self.assertEqual(change.commit(), SUCCESS)
        watching.run_until(lambda: watching.names("Interface") == ["c1", "c2"], "c1 once more")
        watching.cond_change("Interface", [])
        watching.run_until(lambda: not watching.names("Interface"), "no interface")


class TransactionTest(IdlCase):
    def test_named_rows_get_their_uuids(self) -> None:
        change = Change(self.client)
        bridge = change.bridge("br0")
        port = change.port(bridge, "p0", tag=[7], external_ids={"a": "b"})
        queue = change.txn.insert(self.client.tables["Queue"])
        queue.other_config = {"max-rate": "1000000"}
        qos = change.txn.insert(self.client.tables["QoS"])
        qos.type, qos.queues = "linux-htb", {0: queue}
        change.commit_and_wait()
        given = {one: change.txn.get_insert_uuid(one.uuid) for one in (bridge, port, qos, queue)}
        self.assertEqual(self.client.row("Bridge", "br0").uuid, given[bridge])
        self.assertEqual(self.client.row("Port", "p0").uuid, given[port])
        self.assertEqual(self.client.row("Port", "p0").tag, [7])
        self.assertEqual(self.client.row("Port", "p0").external_ids, {"a": "b"})
        stored = self.client.tables["QoS"].rows[given[qos]]
        self.assertEqual({key: row.uuid for key, row in stored.queues.items()}, {0: given[queue]})
        change = Change(self.client)
        stored.delete()
        self.client.tables["Queue"].rows[given[queue]].delete()
        self.assertEqual(change.commit(), SUCCESS)

    def test_is_told_what_became_of_a_port(self) -> None:
        self.add_bridge("br0", "nodevice")
        local, missing = (self.client.row("Interface", name) for name in ("br0", "nodevice"))
        self.client.run_until(lambda: missing.error, "an error")
        self.assertEqual(local.ofport, [65534])
        self.assertEqual(missing.ofport, [-1])
        self.assertIn("No such device", missing.error[0])
        self.assertEqual(local.error, [])
        self.client.run_until(lambda: local.mac_in_use, "the local port's MAC")

    def test_mutations_of_two_clients_add_up(self) -> None:
        self.add_bridge("br0")
        clients = (self.client, self.connected())
        for number, client in enumerate(clients):
            # The second does not know yet of what the first did.
            change = Change(client)
            bridge = client.row("Bridge", "br0")
            change.port(bridge, f"p{number}")
            bridge.setkey("external_ids", f"k{number}", "v")
            self.assertEqual(change.commit(), SUCCESS)
        for client in clients:
            client.wait_external_ids({"k0": "v", "k1": "v"})
            names = [port.name for port in client.row("Bridge", "br0").ports]
            self.assertEqual(sorted(names), ["br0", "p0", "p1"])
        change = Change(self.client)
        self.client.row("Bridge", "br0").delkey("external_ids", "k0")
        self.assertEqual(change.commit(), SUCCESS)
        self.assertEqual(self.client.row("Bridge", "br0").external_ids, {"k1": "v"})

    def test_what_was_verified_has_not_changed(self) -> None:
        self.add_bridge("br0")
        slow = self.connected()
        change = Change(slow)
        bridge = slow.row("Bridge", "br0")
        bridge.verify("external_ids")
        bridge.external_ids = {"of": "the slow one"}
        self.set_key(self.client, "of", "the fast one")
        self.assertEqual(change.commit(), TRY_AGAIN)
        slow.wait_external_ids({"of": "the fast one"})
        change = Change(slow)
        bridge.verify("external_ids")
        bridge.external_ids = {"of": "the slow one"}
        self.assertEqual(change.commit(), SUCCESS)
        read = self.connected().row("Bridge", "br0")
        self.assertEqual(read.external_ids, {"of": "the slow one"})

    def test_one_fault_and_nothing_is_done(self) -> None:
        self.add_bridge("br0")
        change = Change(self.client)
        self.client.row("Bridge", "br0").setkey("external_ids", "done", "a second of its name")
        change.bridge("br0")
        self.assertEqual(change.commit(), ovs.db.idl.Transaction.ERROR)
        self.assertIn('"constraint violation"', change.txn.get_error())
        change = Change(self.client)
        self.client.row("Bridge", "br0").setkey("external_ids", "done", "no interface")
        port = change.port(self.client.row("Bridge", "br0"), "empty")
        port.interfaces[0].delete()
        self.assertEqual(change.commit(), ovs.db.idl.Transaction.ERROR)
        self.assertIn('"referential integrity violation"', change.txn.get_error())
        read = self.connected()
        self.assertEqual(read.names("Bridge"), ["br0"])
        self.assertEqual(read.row("Bridge", "br0").external_ids, {})

    def test_a_lock_has_one_owner(self) -> None:
        first, second = self.connected(), self.connected()
        for client in (first, second):
            client.set_lock("case")
            client.wait_lock_answer()
        self.assertEqual((first.has_lock, second.has_lock), (True, False))
        change = Change(second)
        second.root().setkey("other_config", "by", "the second")
        self.assertEqual(change.commit(), ovs.db.idl.Transaction.NOT_LOCKED)
        change = Change(first)
        first.root().setkey("other_config", "by", "the first")
        self.assertEqual(change.commit(), SUCCESS)
        first.close()
        second.run_until(lambda: second.has_lock, "the lock of a client that is gone")
        self.assertEqual(second.root().other_config["by"], "the first")
        change = Change(second)
        second.root().delkey("other_config", "by")
        self.assertEqual(change.commit(), SUCCESS)


class RestartTest(IdlCase):
    def test_comes_back_after_kill(self) -> None:
        self.add_bridge("br0", "p0")
        watching = Client()
        self.addCleanup(watching.close)
        watching.cond_change("Interface", [["name", "==", "p0"]])
        watching.connect()
        before = self.rows(self.client)
        self.restart_agent()
        # Of a client that came and went while this one was not there.
        self.set_key(self.connected(), "after", "restart")
        watching.wait_external_ids({"after": "restart"})
        self.assertEqual(watching.calls.count(("monitor_cond_since", "Open_vSwitch")), 2)
        self.assertEqual(watching.names("Interface"), ["p0"])
        self.client.wait_external_ids({"after": "restart"})
        self.assertEqual(self.rows(self.client), before)
        # And it may write.
        self.set_key(watching, "by", "a client from before")
        change = Change(self.client)
        change.port(self.client.row("Bridge", "br0"), "p1")
        change.commit_and_wait()

    def rows(self, client: Client) -> dict[str, Any]:
        return {
            f"{table} {row.name}": row.uuid
            for table in ("Bridge", "Port", "Interface")
            for row in client.tables[table].rows.values()
        }

    def restart_agent(self) -> None:
        lab = inventory.load(os.environ["OUTRIDER_LAB"])
        running = lab.processes[services.agent_name(HOST)]
        running.signal(signal.SIGKILL)
        services.start_agent(lab, HOST)
        services.wait_agent(lab, HOST)
        self.assertFalse(running.alive())
