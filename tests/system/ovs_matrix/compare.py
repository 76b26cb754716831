"""Runs a scenario with one client against one server, and tells where two such runs differ.

A scenario is a list of lines, "TOOL ARG...", as a shell would split them; TOOL without "ovs-" or
"ovs" (db-client).
Before the tool there may be marks:
  ~      the order of the output's lines is the tool's own affair
  ?      only the exit code and whether there is output are compared: the texts are our own
  $RUN   the server's run folder
  @T@    the uuid of a row of table T, the only one or any
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Sequence

from labkit import open_vswitch

Lines = Sequence[str]

# Tables and columns of the state after a scenario: what is configured, not what is measured.
STATE = {
    "Open_vSwitch": "bridges manager_options ssl external_ids other_config next_cfg cur_cfg",
    "Bridge": "name ports controller fail_mode external_ids other_config mirrors protocols "
    "auto_attach netflow sflow ipfix mcast_snooping_enable stp_enable datapath_type flood_vlans",
    "Port": "name interfaces tag trunks vlan_mode external_ids other_config qos fake_bridge "
    "bond_mode lacp bond_fake_iface mac cvlans",
    "Interface": "name type options external_ids other_config mtu_request ofport_request "
    "ingress_policing_rate ingress_policing_burst mac",
    "QoS": "type queues other_config external_ids",
    "Queue": "other_config external_ids dscp",
    "Controller": "target max_backoff inactivity_probe connection_mode",
    "Manager": "target inactivity_probe",
    "SSL": "private_key certificate ca_cert bootstrap_ca_cert",
    "AutoAttach": "mappings",
    "Mirror": "name select_all output_port",
    "CT_Zone": "timeout_policy",
    "CT_Timeout_Policy": "timeouts",
}


@dataclasses.dataclass(frozen=True)
class Said:
    """What a line came to."""

    line: str
    exit_code: int
    stdout: str
    stderr: str


def parse(line: str) -> tuple[str, str, str]:
    """Marks, tool, and the rest of a line."""
    marks = re.match(r"[~?]*", line).group()  # type: ignore[union-attr]
    tool, _, rest = line[len(marks) :].strip().partition(" ")
    return marks, f"ovs{tool}" if tool == "db-client" else f"ovs-{tool}", rest


def play(
    lines: Lines, client: open_vswitch.Client, server: open_vswitch.Server
) -> list[Said]:
    return [_one(line, client, server) for line in lines]


def state(server: open_vswitch.Server) -> list[str]:
    """What is in the database, as the real tool tells it, in an order of its own."""
    found = []
    for table, columns in STATE.items():
        arguments = ["-f", "csv", f"--columns={','.join(columns.split())}", "list", table]
        done = open_vswitch.real_client().run(server.rundir, "ovs-vsctl", arguments)
        text = open_vswitch.normalised(done.stdout.decode(), server.rundir)
        found += sorted(f"{table}: {row}" for row in text.splitlines())
    return found


def differences(ours: Sequence[Said], real: Sequence[Said]) -> list[str]:
    return [
        f"{mine.line}\n  {field}:\n    real {theirs!r}\n    ours {own!r}"
        for mine, other in zip(ours, real, strict=True)
        for field in ("exit_code", "stdout", "stderr")
        if (own := getattr(mine, field)) != (theirs := getattr(other, field))
    ]


def _one(line: str, client: open_vswitch.Client, server: open_vswitch.Server) -> Said:
    marks, tool, rest = parse(line)
    words = [_filled(word, server) for word in shlex.split(rest)]
    done = client.run(server.rundir, tool, words)
    stdout, stderr = (
        open_vswitch.normalised(text.decode(errors="replace"), server.rundir)
        for text in (done.stdout, done.stderr)
    )
    if "~" in marks:
        stdout = "\n".join(sorted(stdout.splitlines()))
    if "?" in marks:
        stdout, stderr = str(bool(stdout)), str(bool(stderr))
    return Said(line, done.returncode, stdout, stderr)


def _filled(word: str, server: open_vswitch.Server) -> str:
    word = word.replace("$RUN", str(server.rundir))
    for table in re.findall(r"@([A-Z]\w+)@", word):
        done = open_vswitch.real_client().run(
            server.rundir, "ovs-vsctl", ["--bare", "--columns=_uuid", "list", table]
        )
        found = done.stdout.decode().split()
        word = word.replace(f"@{table}@", sorted(found)[0] if found else "none")
    return word
