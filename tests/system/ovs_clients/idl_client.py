"""A client made of Debian's python3-openvswitch, as its users write them: an IDL that is run until
what it waits for is there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import ovs.db.idl
import ovs.poller
from ovs.db import error
from ovs.stream import Stream

PATIENCE_S = 10
# The columns the cases look at: as neutron, they replicate no more than they need.
COLUMNS = {
    "Open_vSwitch": ["bridges", "cur_cfg", "next_cfg", "external_ids", "other_config"],
    "Bridge": ["name", "ports", "external_ids", "datapath_id"],
    "Port": ["name", "interfaces", "tag", "trunks", "external_ids"],
    "Interface": ["name", "type", "ofport", "error", "external_ids", "mac_in_use"],
    "QoS": ["type", "queues", "other_config"],
    "Queue": ["other_config"],
}


def remote() -> str:
    """The database the cases are run against."""
    return os.environ["OUTRIDER_OVSDB"]


def fetch_schema(address: str) -> Any:
    """By one call on a connection of its own, as every user of the IDL begins."""
    failed, stream = Stream.open_block(Stream.open(address))
    assert not failed, f"{address}: {os.strerror(failed)}"
    connection = ovs.jsonrpc.Connection(stream)
    try:
        request = ovs.jsonrpc.Message.create_request("get_schema", ["Open_vSwitch"])
        failed, reply = connection.transact_block(request)
        assert not failed and reply.error is None, (failed, reply)
        return reply.result
    finally:
        connection.close()


class Client(ovs.db.idl.Idl):
    """Remembers what it called with which first argument, and of which rows it was told."""

    def __init__(self, probe_ms: int | None = None) -> None:
        self.calls: list[tuple[str, str]] = []
        self.events: list[tuple[str, str, str]] = []
        helper = ovs.db.idl.SchemaHelper(schema_json=fetch_schema(remote()))
        for table, columns in COLUMNS.items():
            helper.register_columns(table, columns)
        super().__init__(remote(), helper, probe_interval=probe_ms)

    def send_request(self, request: Any) -> Any:
        self.calls.append((request.method, str(request.params[0])))
        return super().send_request(request)

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        if "name" in row._table.columns:
            self.events.append((event, row._table.name, row.name))

    def connect(self) -> Client:
        self.run_until(self.has_ever_connected, "connected")
        return self

    def run_until(
        self, condition: Callable[[], object], what: str, patience: float = PATIENCE_S
    ) -> None:
        """Sleeps while nothing comes, so that an update that is never sent is missed."""
        deadline = time.monotonic() + patience
        self.run()
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{what}: not in {patience:g} s")
            poller = ovs.poller.Poller()
            self.wait(poller)
            poller.timer_wait(int(left * 1000) + 1)
            poller.block()
            self.run()

    def wait_external_ids(self, wanted: dict[str, str]) -> None:
        """Of bridge br0."""
        told = lambda: self.row("Bridge", "br0").external_ids  # noqa: E731
        self.run_until(lambda: told() == wanted, f"external_ids {wanted}")

    def wait_lock_answer(self) -> None:
        self.run_until(lambda: self.has_lock or self.is_lock_contended, "an answer to the lock")

    def root(self) -> Any:
        (row,) = self.tables["Open_vSwitch"].rows.values()
        return row

    def row(self, table: str, name: str) -> Any:
        """The row of this name; None when there is none."""
        rows = self.tables[table].rows.values()
        return next((row for row in rows if row.name == name), None)

    def names(self, table: str) -> list[str]:
        return sorted(row.name for row in self.tables[table].rows.values())


class Change:
    """One transaction: with it as `txn`, the block says what is changed, then commit()."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.txn = ovs.db.idl.Transaction(client)

    def bridge(self, name: str) -> Any:
        """A bridge with its local port, as every client makes them."""
        bridge = self.txn.insert(self.client.tables["Bridge"])
        bridge.name = name
        bridge.ports = [self._port(name, "internal")]
        self.client.root().addvalue("bridges", bridge)
        return bridge

    def port(self, bridge: Any, name: str, **columns: Any) -> Any:
        port = self._port(name, "")
        for column, value in columns.items():
            setattr(port, column, value)
        bridge.addvalue("ports", port)
        return port

    def _port(self, name: str, kind: str) -> Any:
        interface = self.txn.insert(self.client.tables["Interface"])
        interface.name, interface.type = name, kind
        port = self.txn.insert(self.client.tables["Port"])
        port.name, port.interfaces = name, [interface]
        return port

    def remove_bridges(self, names: Sequence[str]) -> None:
        for name in names:
            self.client.root().delvalue("bridges", self.client.row("Bridge", name))

    def commit(self) -> str:
        """Its status; the errors of the server are in error()."""
        return self.txn.commit_block()

    def commit_and_wait(self) -> None:
        """Committed, and done by the switch: `next_cfg` counts up, `cur_cfg` follows."""
        self.client.root().increment("next_cfg")
        status = self.commit()
        if status != self.txn.SUCCESS:
            raise error.Error(f"transaction: {status}: {self.txn.get_error()}")
        wanted = self.txn.get_increment_new_value()
        self.client.run_until(lambda: self.client.root().cur_cfg >= wanted, f"cur_cfg {wanted}")
