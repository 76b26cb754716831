"""The `outrider` command as functions. All knowledge of its command lines and JSON is here."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
from typing import Any

from labkit import netns
from labkit.inventory import Lab
from labkit.shell import LabError, run

Json = dict[str, Any]
# Exit code of `outrider trace`.
TRACE_DROPPED = 3


def environment(lab: Lab, host: str | None = None) -> dict[str, str]:
    """Environment in which `outrider` finds this lab's controller, and the agent of `host`, as
    Open vSwitch's tools do."""
    env = dict(os.environ)
    path = env.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    env["PATH"] = f"{lab.build}/bin:{lab.build}/bin/ovs:{path}"
    env["OUTRIDER_CONTROLLER"] = f"unix:{lab.controller_socket}"
    if host:
        env["OUTRIDER_AGENT"] = f"unix:{lab.agent_socket(host)}"
        env["OVS_RUNDIR"] = str(lab.ovs_rundir(host))
    return env


def outrider(lab: Lab, *words: str, host: str | None = None, timeout: float = 70) -> str:
    """Runs `outrider WORDS`; with `host`, in that host's namespace and against its agent."""
    argv = [lab.binary("outrider"), *words]
    if host:
        argv = netns.inside(lab.netns(host), argv)
    return run(argv, env=environment(lab, host), timeout=timeout)


def query(lab: Lab, *words: str, host: str | None = None) -> Any:
    """`outrider WORDS --json`, parsed: names as in the .proto files, 64-bit numbers as strings."""
    return json.loads(outrider(lab, *words, "--json", host=host))


def controller_status(lab: Lab) -> Json:
    """The controller's status; empty while it does not answer."""
    return query(lab, "status").get("controller") or {}


def agent_status(lab: Lab, host: str) -> Json:
    """The status of a host's agent; empty while it does not answer."""
    return query(lab, "status", host=host).get("agent") or {}


def create_segment(lab: Lab, name: str, vni: int, mtu: int) -> None:
    outrider(lab, "segment", "create", name, "--vni", str(vni), "--mtu", str(mtu))


def apply(lab: Lab, yaml: str) -> None:
    """`outrider profile apply -f` of a YAML text."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=lab.folder) as file:
        file.write(yaml)
        file.flush()
        outrider(lab, "profile", "apply", "-f", file.name)


def enroll(lab: Lab, host: str, target: pathlib.Path) -> None:
    """Writes a join token for `host` to `target`, readable by its owner only."""
    token = outrider(lab, "host", "enroll", host).strip().splitlines()[-1].strip()
    with open(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(token + "\n")


def hosts(lab: Lab) -> list[Json]:
    return query(lab, "host", "list")["items"]


def connected_hosts(lab: Lab) -> set[str]:
    return {h["meta"]["name"] for h in hosts(lab) if h["state"] == "STATE_CONNECTED"}


def attach(
    lab: Lab,
    host: str,
    device: str,
    port_id: str,
    mac: str,
    profile: str,
    ip: str = "",
    vm: str = "",
    qmp: pathlib.Path | None = None,
) -> Json:
    """Makes `device` a port and waits until its profile is in force. qmp: where the agent hears
    what becomes of the guest."""
    words = ["port", "attach", "--dev", device, "--id", port_id, "--mac", mac, "--profile", profile]
    words += ["--ip", ip] if ip else []
    words += ["--vm", vm] if vm else []
    words += ["--qmp", str(qmp)] if qmp else []
    return query(lab, *words, "--wait", "20s", host=host)


def detach(lab: Lab, host: str, port_id: str) -> None:
    outrider(lab, "port", "detach", port_id, host=host)


def set_profile(lab: Lab, port_id: str, profile: str) -> None:
    outrider(lab, "port", "set", port_id, "--profile", profile)


def local_port(lab: Lab, host: str, port_id: str) -> Json:
    """A port as its host has it, with counters."""
    ports = query(lab, "port", "list", "--local", host=host)["items"]
    return next((p for p in ports if p["attachment"]["port_id"] == port_id), {})


def drops(lab: Lab, host: str, port_id: str) -> dict[str, int]:
    """Drop counters of a port by reason."""
    found = local_port(lab, host, port_id).get("counters", {}).get("drops", {})
    return {reason: int(count) for reason, count in found.items()}


def trace(lab: Lab, host: str, port: str, *words: str) -> Json:
    """What a frame would do at a port of `host`; one that would be dropped is an answer, too."""
    argv = [lab.binary("outrider"), "trace", port, *words, "--json"]
    done = subprocess.run(
        netns.inside(lab.netns(host), argv),
        env=environment(lab, host),
        capture_output=True,
        text=True,
        check=False,
        timeout=70,
    )
    if done.returncode not in (0, TRACE_DROPPED):
        raise LabError(f"outrider trace: {done.stderr.strip()}")
    return json.loads(done.stdout)


def prepare_migration(lab: Lab, port_id: str, destination: str, probe: str = "") -> Json:
    """Prepares the move of a port and waits until the destination is armed. probe: a port in whose
    name it is probed."""
    words = ["--port", port_id, "--to", destination, "--wait", "armed"]
    if probe:
        words += ["--probe", probe]
    return query(lab, "migration", "prepare", *words)


class PendingSwitchover:
    """`outrider migration switchover --on-input`: connected ahead of time, so that at the source's
    pause nothing is waited for but the call itself."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._name = name
        self._child = subprocess.Popen(
            [lab.binary("outrider"), "migration", "switchover", name, "--on-input"],
            env=environment(lab),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def now(self) -> None:
        """The source has paused."""
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended early: finish() says why
            self._child.stdin.write("STOP\n")
            self._child.stdin.flush()

    def wait_moved(self) -> None:
        """Returns when the controller has moved the ports. LabError when it refused."""
        assert self._child.stdout is not None
        answer = self._child.stdout.readline()  # there before the process has ended
        if not answer.startswith("migration "):
            raise LabError(f"switchover of migration {self._name}: {answer.strip() or 'no answer'}")

    def close(self) -> None:
        """Ends it; nothing is moved, if now() was not called."""
        with contextlib.suppress(BrokenPipeError):
            self._child.communicate(timeout=30)


def abort_migration(lab: Lab, migration: str, reason: str) -> None:
    outrider(lab, "migration", "abort", migration, "--reason", reason)


def migration(lab: Lab, name: str) -> Json:
    return query(lab, "migration", "show", name)


def phase(record: Json) -> str:
    """A migration's phase as people read it: `committed`."""
    return record.get("phase", "").removeprefix("MIGRATION_PHASE_").lower()
