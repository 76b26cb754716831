"""The underlay: every host in an IP subnet of its own, behind one router namespace.

Host i: namespace PREFIX-hi, device eth0, 10.77.i.1/24, default route 10.77.i.254; unless the lab is
of IPv4 alone also fd77:0:0:i::1/64 and fd77:0:0:i::fe. The controller has subnet 0, and is reached
over IPv4. Nothing is created in the machine's own network namespace. """

from __future__ import annotations

from labkit import netns
from labkit.inventory import HostRecord, Lab
from labkit.shell import run

# What the tunnels run over; guests have packets of 1450 bytes in each.
MTU = {"ipv4": 1500, "ipv6": 1520, "both": 1520}
CONTROLLER = "ctl"
# Between the first two hosts of a lab that is wired; its tunnels run over that.
WIRE = "wire"
ROUTER = "router"
MAX_HOSTS = 200


def address_of(subnet: int) -> str:
    return f"10.77.{subnet}.1"


def gateway_of(subnet: int) -> str:
    return f"10.77.{subnet}.254"


def address6_of(subnet: int) -> str:
    return f"fd77:0:0:{subnet:x}::1"


def gateway6_of(subnet: int) -> str:
    return f"fd77:0:0:{subnet:x}::fe"


def host_record(subnet: int, underlay: str) -> HostRecord:
    v4, v6 = address_of(subnet), address6_of(subnet)
    vtep = {"ipv4": v4, "ipv6": v6, "both": f"{v4},{v6}"}[underlay]
    return HostRecord(f"h{subnet}", vtep, gateway_of(subnet), v4)


def host_records(count: int, underlay: str, wired: bool = False) -> dict[str, HostRecord]:
    records = [host_record(i, underlay) for i in range(1, count + 1)]
    for number, record in enumerate(records, start=1):
        if wired:
            record.vtep = wire_address_of(number)
    return {record.name: record for record in records}


def wire_address_of(number: int) -> str:
    return f"10.78.0.{number}"


def build(lab: Lab) -> None:
    """Makes the router, the controller's namespace and a namespace per host."""
    router = lab.netns(ROUTER)
    netns.add(router)
    netns.sysctl(router, "net.ipv4.ip_forward", "1")
    if lab.underlay != "ipv4":
        netns.sysctl(router, "net.ipv6.conf.all.forwarding", "1")
    connect(lab, CONTROLLER, 0)
    for number, name in enumerate(lab.hosts, start=1):
        connect(lab, name, number)
    if lab.wired:
        _wire(lab)


def _wire(lab: Lab) -> None:
    """A link between the two hosts, without a router."""
    ends = [(lab.netns(f"h{number}"), WIRE) for number in (1, 2)]
    netns.veth(ends[0], ends[1], MTU[lab.underlay])
    for number, (namespace, device) in enumerate(ends, start=1):
        netns.address(namespace, device, f"{wire_address_of(number)}/24")


def connect(lab: Lab, name: str, subnet: int) -> None:
    """A namespace `name` with eth0 in `subnet`, routed to all others."""
    namespace = lab.netns(name)
    netns.add(namespace)
    netns.veth((namespace, "eth0"), (lab.netns(ROUTER), name), MTU[lab.underlay])
    netns.address(namespace, "eth0", f"{address_of(subnet)}/24")
    netns.address(lab.netns(ROUTER), name, f"{gateway_of(subnet)}/24")
    run(["ip", "-n", namespace, "route", "add", "default", "via", gateway_of(subnet)])
    if lab.underlay == "ipv4":
        return
    # Without duplicate address detection they can be used at once.
    netns.address(namespace, "eth0", f"{address6_of(subnet)}/64", "nodad")
    netns.address(lab.netns(ROUTER), name, f"{gateway6_of(subnet)}/64", "nodad")
    run(["ip", "-n", namespace, "route", "add", "default", "via", gateway6_of(subnet)])
