"""What must hold once a fault is mended: the migration has ended, one host has the port, it is the
guest's, and all that runs agrees."""

from __future__ import annotations

import concurrent.futures

from faults import plan
from faults.world import CONTROLLER, ENDED, World
from labkit import api, process
from labkit.shell import LabError


def broken(world: World, drawn: plan.Plan, place: str, before: dict[str, process.Process],
           touched: set[str]) -> list[str]:
    """What does not hold now; `place`: where the guest runs. `before`: the daemons at the begin,
    of which those not `touched` must still run."""
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(_daemons, world, before, touched),
                pool.submit(_record, world, drawn, place),
                pool.submit(_hosts, world),
                *(pool.submit(_datapath, world, drawn, host, place) for host in plan.HOSTS),
                *(pool.submit(_reached, world, place, peer) for peer in plan.HOSTS),
            ]
            return [line for one in asked for line in one.result()]
    except LabError as error:
        return [f"cannot be told: {error}"]


def _daemons(world: World, before: dict[str, process.Process], touched: set[str]) -> list[str]:
    return [
        f"{victim} has ended, and nobody killed it"
        for victim in (CONTROLLER, *plan.HOSTS)
        if not world.running(victim).alive()
        or (victim not in touched and world.running(victim) != before[victim])
    ]


def _record(world: World, drawn: plan.Plan, place: str) -> list[str]:
    found = []
    for record in api.query(world.lab, "migration", "list")["items"]:
        if drawn.port_id in record["port_ids"] and api.phase(record) not in ENDED:
            found.append(f"migration {record['meta']['name']} is {api.phase(record)}")
    location = api.query(world.lab, "port", "show", drawn.port_id).get("location", {})
    if location.get("host", "") != place:
        found.append(f"the port is on {location.get('host') or 'no host'}, the guest on {place}")
    return found


def _hosts(world: World) -> list[str]:
    found = []
    for host in api.hosts(world.lab):
        name = host["meta"]["name"]
        if host["state"] != "STATE_CONNECTED":
            found.append(f"{name} is not connected")
        elif host["applied_generation"] != host["desired_generation"]:
            found.append(f"{name} is behind")
    return found


def _datapath(world: World, drawn: plan.Plan, host: str, place: str) -> list[str]:
    failures = api.agent_status(world.lab, host).get("failures", [])
    if failures:
        return [f"{host} has not in force: {failures}"]
    phase = api.local_port(world.lab, host, drawn.port_id).get("phase", "PORT_PHASE_UNSPECIFIED")
    if host == place:
        return [] if phase == "PORT_PHASE_ACTIVE" else [f"{host} has the guest, and it is {phase}"]
    gone = ("PORT_PHASE_UNSPECIFIED", "PORT_PHASE_UNBOUND", "PORT_PHASE_BLOCKED")
    return [] if phase in gone else [f"{host} has no guest, and the port is {phase}"]


def _reached(world: World, place: str, peer: str) -> list[str]:
    found = []
    if not world.ping_from_guest(place, peer):
        found.append(f"the guest at {place} does not reach {peer}")
    if not world.ping_to_guest(peer):
        found.append(f"{peer} does not reach the guest at {place}")
    return found
