"""The underlay: every host in an IP subnet of its own, behind one router namespace.

Host i: namespace PREFIX-hi, device eth0, 10.77.i.1/24, default route 10.77.i.254. The controller
has subnet 0. Nothing is created in the machine's own network namespace. """

from __future__ import annotations

from labkit import netns
from labkit.inventory import HostRecord, Lab
from labkit.shell import run

UNDERLAY_MTU = 1500
CONTROLLER = "ctl"
ROUTER = "router"
MAX_HOSTS = 200


def address_of(subnet: int) -> str:
    return f"10.77.{subnet}.1"


def gateway_of(subnet: int) -> str:
    return f"10.77.{subnet}.254"


def host_records(count: int) -> dict[str, HostRecord]:
    return {f"h{i}": HostRecord(f"h{i}", address_of(i), gateway_of(i)) for i in range(1, count + 1)}


def build(lab: Lab) -> None:
    """Makes the router, the controller's namespace and a namespace per host."""
    router = lab.netns(ROUTER)
    netns.add(router)
    netns.sysctl(router, "net.ipv4.ip_forward", "1")
    connect(lab, CONTROLLER, 0)
    for number, name in enumerate(lab.hosts, start=1):
        connect(lab, name, number)


def connect(lab: Lab, name: str, subnet: int) -> None:
    """A namespace `name` with eth0 in `subnet`, routed to all others."""
    namespace = lab.netns(name)
    netns.add(namespace)
    netns.veth((namespace, "eth0"), (lab.netns(ROUTER), name), UNDERLAY_MTU)
    netns.address(namespace, "eth0", f"{address_of(subnet)}/24")
    netns.address(lab.netns(ROUTER), name, f"{gateway_of(subnet)}/24")
    run(["ip", "-n", namespace, "route", "add", "default", "via", gateway_of(subnet)])
