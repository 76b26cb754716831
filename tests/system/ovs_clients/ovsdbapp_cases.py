"""Debian's python3-ovsdbapp as os-vif and neutron's agent use it: by TCP, where a Manager row asks
a running agent to listen. ovs_clients_test.py runs this in the network of the agent's host."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
import unittest
import uuid
from typing import Any

from ovsdbapp import event
from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.open_vswitch import impl_idl

from labkit.shell import attempt, run

PATIENCE_S = 10
PORT = 6640
TARGET = f"ptcp:{PORT}:127.0.0.1"
TABLES = ("Open_vSwitch", "Bridge", "Port", "Interface", "QoS", "Queue", "Manager", "Controller")
# A profile of the lab the cases run in, and a device that exists.
PROFILE = "web"
DEVICE = "dev0"
MAC = "52:54:00:00:00:21"


class WatchedIdl(connection.OvsdbIdl):
    """Tells of rows, as neutron's does."""

    def __init__(self, *words: Any, **named: Any) -> None:
        self.handler = event.RowEventHandler()
        super().__init__(*words, **named)

    def notify(self, kind: str, row: Any, updates: Any = None) -> None:
        self.handler.notify(kind, row, updates)


class OverUnix(impl_idl.OvsdbIdl):
    """Each of these classes has one connection for all its objects."""


class OverTcp(impl_idl.OvsdbIdl):
    pass


def connect(kind: type[impl_idl.OvsdbIdl], address: str) -> Any:
    idl = WatchedIdl.from_server(address, "Open_vSwitch", helper_tables=TABLES)
    return kind(connection.Connection(idl, timeout=PATIENCE_S))


class InterfaceReady(event.WaitEvent):
    """An interface got its port number."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__((self.ROW_CREATE, self.ROW_UPDATE), "Interface", None, timeout=PATIENCE_S)

    def matches(self, kind: str, row: Any, old: Any = None) -> bool:
        return row._table.name == "Interface" and row.name == self.name and bool(row.ofport)


def listening() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 1):
        return True
    return False


def wait_until(condition: Any, seconds: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class OvsdbappTest(unittest.TestCase):
    api: Any

    @classmethod
    def setUpClass(cls) -> None:
        # It would print errors that cases ask for.
        logging.disable()
        over_unix = connect(OverUnix, os.environ["OUTRIDER_OVSDB"])
        cls.addClassCleanup(over_unix.ovsdb_connection.stop)
        assert not listening()
        over_unix.add_manager(TARGET).execute(check_error=True)
        cls.addClassCleanup(cls.check_it_stops_listening, over_unix)
        assert wait_until(listening), "nobody listens"
        cls.api = connect(OverTcp, f"tcp:127.0.0.1:{PORT}")
        cls.addClassCleanup(cls.api.ovsdb_connection.stop)

    @classmethod
    def check_it_stops_listening(cls, over_unix: Any) -> None:
        over_unix.remove_manager(TARGET).execute(check_error=True)
        assert wait_until(lambda: not listening()), "it still listens"

    def setUp(self) -> None:
        run(["ip", "tuntap", "add", "dev", DEVICE, "mode", "tap"])
        self.addCleanup(run, ["ip", "link", "del", DEVICE])
        run(["ip", "link", "set", DEVICE, "address", MAC, "up"])
        self.add_bridge("br-int")

    def add_bridge(self, name: str) -> None:
        self.api.add_br(name).execute(check_error=True)
        self.addCleanup(self.api.del_br(name).execute, check_error=True)

    def get(self, table: str, record: str, column: str) -> Any:
        return self.api.db_get(table, record, column).execute(check_error=True)

    def plug(self, port_id: str, **more: str) -> None:
        """As os-vif does it: one transaction."""
        ids = {"iface-id": port_id, "iface-status": "active", "attached-mac": MAC, **more}
        with self.api.transaction(check_error=True) as txn:
            txn.add(self.api.add_port("br-int", DEVICE, may_exist=True))
            txn.add(self.api.db_set("Interface", DEVICE, ("external_ids", ids)))

    def test_bridges(self) -> None:
        self.assertTrue(self.api.br_exists("br-int").execute(check_error=True))
        self.assertFalse(self.api.br_exists("br-tun").execute(check_error=True))
        self.api.add_br("br-int", may_exist=True, datapath_type="system").execute(check_error=True)
        self.assertEqual(self.get("Bridge", "br-int", "datapath_type"), "system")
        self.assertRegex(self.get("Bridge", "br-int", "datapath_id"), r"^[0-9a-f]{16}$")
        self.add_bridge("br-ex")
        self.assertEqual(sorted(self.api.list_br().execute(check_error=True)), ["br-ex", "br-int"])
        self.api.br_set_external_id("br-ex", "k", "v").execute(check_error=True)
        self.assertEqual(self.api.br_get_external_id("br-ex", "k").execute(check_error=True), "v")
        self.api.del_br("br-ex").execute(check_error=True)
        self.assertEqual(self.api.list_br().execute(check_error=True), ["br-int"])
        # A bridge's device comes and goes with it.
        self.assertTrue(attempt(["ip", "link", "show", "br-int"]))
        self.assertFalse(attempt(["ip", "link", "show", "br-ex"]))

    def test_a_port_with_a_profile(self) -> None:
        ready = InterfaceReady(DEVICE)
        self.api.idl.handler.watch_event(ready)
        port_id = str(uuid.uuid4())
        self.plug(port_id, **{"port-profile": PROFILE})
        self.assertTrue(ready.wait(), "no port number came")
        self.assertGreater(self.get("Interface", DEVICE, "ofport"), 0)
        self.assertEqual([], self.get("Interface", DEVICE, "error"))
        self.assertEqual(self.get("Interface", DEVICE, "mac_in_use"), MAC)
        status = self.get("Port", DEVICE, "status")
        self.assertEqual(status["phase"], "active", status)
        self.assertTrue(status["profile"].startswith(f"{PROFILE} "), status)
        of_it = self.api.db_find(
            "Interface", ("external_ids", "=", {"iface-id": port_id}), columns=["name", "ofport"]
        ).execute(check_error=True)
        number = self.get("Interface", DEVICE, "ofport")
        self.assertEqual(of_it, [{"name": DEVICE, "ofport": number}])
        self.assertEqual(self.api.iface_to_br(DEVICE).execute(check_error=True), "br-int")
        self.assertEqual(self.api.port_to_br(DEVICE).execute(check_error=True), "br-int")
        field = self.api.iface_get_external_id(DEVICE, "iface-id")
        self.assertEqual(field.execute(check_error=True), port_id)
        # Once more, and a second time away.
        self.plug(port_id, **{"port-profile": PROFILE})
        self.assertEqual(self.get("Interface", DEVICE, "ofport"), number)
        for _ in range(2):
            self.api.del_port(DEVICE, bridge="br-int").execute(check_error=True)
        self.assertEqual(self.api.list_ports("br-int").execute(check_error=True), [])
        gone = self.api.db_find("Interface", ("name", "=", DEVICE)).execute(check_error=True)
        self.assertEqual(gone, [])

    def test_columns_of_a_port(self) -> None:
        self.api.add_port("br-int", DEVICE).execute(check_error=True)
        self.api.db_set("Port", DEVICE, ("tag", 4095)).execute(check_error=True)
        self.assertEqual(self.get("Port", DEVICE, "tag"), 4095)
        self.api.db_clear("Port", DEVICE, "tag").execute(check_error=True)
        self.assertEqual(self.get("Port", DEVICE, "tag"), [])
        self.api.db_set("Port", DEVICE, ("trunks", [5, 7])).execute(check_error=True)
        self.api.db_remove("Port", DEVICE, "trunks", 5).execute(check_error=True)
        self.assertEqual(self.get("Port", DEVICE, "trunks"), 7)
        keys = {"external_ids": {"a": "1", "b": "2"}}
        self.api.db_add("Port", DEVICE, "external_ids", keys["external_ids"]).execute(
            check_error=True
        )
        self.api.db_remove("Port", DEVICE, "external_ids", "a").execute(check_error=True)
        self.assertEqual(self.get("Port", DEVICE, "external_ids"), {"b": "2"})
        self.api.db_set("Interface", DEVICE, ("mtu_request", 1400)).execute(check_error=True)
        self.assertTrue(wait_until(lambda: self.get("Interface", DEVICE, "mtu") == 1400))
        self.assertIn("mtu 1400 ", run(["ip", "link", "show", DEVICE]))
        listed = self.api.db_list(
            "Interface", [DEVICE, "none"], columns=["name", "mtu"], if_exists=True
        ).execute(check_error=True)
        self.assertEqual(listed, [{"name": DEVICE, "mtu": 1400}])

    def test_a_queue_and_its_discipline(self) -> None:
        self.api.add_port("br-int", DEVICE).execute(check_error=True)
        ids = {"id": DEVICE, "_type": "minimum_bandwidth"}
        with self.api.transaction(check_error=True) as txn:
            queue = txn.add(
                self.api.db_create("Queue", other_config={"max-rate": "8000000"}, external_ids=ids)
            )
            qos = txn.add(
                self.api.db_create(
                    "QoS", type="linux-htb", queues={0: queue}, external_ids={"id": DEVICE}
                )
            )
            txn.add(self.api.db_set("Port", DEVICE, ("qos", qos)))
        found = self.api.db_find(
            "QoS", ("external_ids", "=", {"id": DEVICE}), columns=["_uuid", "queues"]
        ).execute(check_error=True)
        self.assertEqual(len(found), 1)
        queues = {key: row.uuid for key, row in found[0]["queues"].items()}
        self.assertEqual(queues, {0: queue.result})
        self.assertEqual(self.get("Port", DEVICE, "qos"), found[0]["_uuid"])
        with self.api.transaction(check_error=True) as txn:
            txn.add(self.api.db_clear("Port", DEVICE, "qos"))
            txn.add(self.api.db_destroy("QoS", found[0]["_uuid"]))
            txn.add(self.api.db_destroy("Queue", queue.result))
        self.assertEqual(self.api.db_list("QoS").execute(check_error=True), [])

    def test_what_is_wrong_is_an_error(self) -> None:
        with self.assertRaises(RuntimeError):
            self.api.del_port("none", if_exists=False).execute(check_error=True)
        # A port of a name that is taken: nothing of the transaction is done.
        self.api.add_port("br-int", DEVICE).execute(check_error=True)
        with self.assertRaisesRegex(RuntimeError, "constraint violation"):
            with self.api.transaction(check_error=True) as txn:
                txn.add(self.api.db_set("Port", DEVICE, ("tag", 9)))
                txn.add(self.api.add_port("br-int", DEVICE, may_exist=False))
        self.assertEqual(self.get("Port", DEVICE, "tag"), [])

    def test_silent_clients_are_let_go(self) -> None:
        """Neutron sets Manager.inactivity_probe; the client that answers stays."""
        connected = self.api.idl._session.get_seqno()
        probe = self.api.db_set("Manager", TARGET, ("inactivity_probe", 1000))
        probe.execute(check_error=True)
        said = b""
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", PORT), PATIENCE_S) as silent:
            while data := silent.recv(4096):
                said += data
        # One interval until it is asked, one until it would have answered.
        self.assertIn(b'"echo"', said)
        self.assertAlmostEqual(time.monotonic() - begun, 2, delta=1)
        self.assertEqual(self.api.list_br().execute(check_error=True), ["br-int"])
        self.assertEqual(self.api.idl._session.get_seqno(), connected)
        connected_now = lambda: self.get("Manager", TARGET, "is_connected")  # noqa: E731
        self.assertTrue(wait_until(connected_now), "nobody is connected")
        self.assertEqual(self.get("Manager", TARGET, "status")["bound_port"], str(PORT))
