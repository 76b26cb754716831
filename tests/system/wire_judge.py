"""What two hosts put on the wire between them, captured there and judged by tshark: every length
and checksum, of the outer headers and of what is in them."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import support  # noqa: F401 - finds labkit
from labkit import inventory, netns, process
from labkit.inventory import Lab

VXLAN_PORT = 4789
# Of tshark's *.checksum.status.
GOOD, ABSENT = "1", "3"
ETHERNET, OUTER_IPV4 = 14, 20
# kB: nothing may be missing in a capture.
BUFFER = "65536"
PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6")
SUMS = ("ip", *PROTOCOLS)
FIELDS = ["frame.number", "frame.len", "frame.protocols", "ip.len", "udp.length", "vxlan.vni"]
FIELDS += ["tcp.checksum", "tcp.checksum_calculated", "vlan.id", "_ws.malformed"]
FIELDS += [f"{name}.checksum.status" for name in SUMS]


class Packets(NamedTuple):
    """What they have in common. All fragments of a packet but the last have no protocol."""

    vni: int
    tags: tuple[int, ...]
    family: str
    protocol: str


@dataclasses.dataclass
class Verdict:
    """Of captures."""

    judged: collections.Counter[Packets] = dataclasses.field(default_factory=collections.Counter)
    faults: list[str] = dataclasses.field(default_factory=list)
    longest: int = 0


@contextlib.contextmanager
def captured(lab: Lab, host: str, device: str, pcap: pathlib.Path) -> Iterator[None]:
    """What `host` sends on `device` in a block: as the device has it, after all cutting and
    summing."""
    name = f"tcpdump-{pcap.stem}"
    log = lab.log(name)
    log.unlink(missing_ok=True)  # what an earlier one has said
    argv = ["tcpdump", "-n", "-U", "-i", device, "-Q", "out", "-B", BUFFER, "-s", "0"]
    argv += ["-w", str(pcap), "-Z", "root", "udp", "port", str(VXLAN_PORT)]
    running = process.start(name, netns.inside(lab.netns(host), argv), log)
    inventory.remember(lab.prefix, running)
    try:
        assert process.wait_until(lambda: "listening on" in log.read_text(), 10), log.read_text()
        yield
    finally:
        # Ended, it writes what its buffer has.
        running.stop()
    said = re.search(r"(\d+) packets dropped by kernel", log.read_text())
    assert said and said[1] == "0", log.read_text()


def _rows(pcap: pathlib.Path, port: int) -> Iterator[dict[str, list[str]]]:
    argv = ["tshark", "-n", "-r", str(pcap), "-T", "fields", "-E", "occurrence=a"]
    for protocol in ("ip", "tcp", "udp"):
        argv += ["-o", f"{protocol}.check_checksum:TRUE"]
    # Random bytes look like a protocol here and there.
    for protocol in ("tcp", "udp"):
        argv += ["-d", f"{protocol}.port=={port},data"]
    argv += [word for field in FIELDS for word in ("-e", field)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True) as running:
        assert running.stdout is not None and running.stderr is not None
        for line in running.stdout:
            columns = line.rstrip("\n").split("\t")
            yield {f: c.split(",") if c else [] for f, c in zip(FIELDS, columns)}
        said = running.stderr.read()
    assert running.returncode == 0, said


def _fault(row: dict[str, list[str]]) -> str:
    """What is wrong with a packet; empty: nothing."""
    length = int(row["frame.len"][0]) - ETHERNET
    if row["_ws.malformed"] or not row["vxlan.vni"]:
        return "malformed"
    if int(row["ip.len"][0]) != length or int(row["udp.length"][0]) != length - OUTER_IPV4:
        return f"outer lengths {row['ip.len'][0]} and {row['udp.length'][0]}"
    # VXLAN over IPv4 may go without (RFC 7348, 4.1); nothing within may.
    outer, *inner = row["udp.checksum.status"]
    if outer not in (GOOD, ABSENT):
        return "outer UDP checksum"
    within = {name: row[f"{name}.checksum.status"] for name in SUMS} | {"udp": inner}
    # Linux writes 0xffff for 0, which adds up to the same; tshark knows that of UDP only.
    if row["tcp.checksum"] == ["0xffff"] and row["tcp.checksum_calculated"] == ["0x0000"]:
        del within["tcp"]
    wrong = [name for name, found in within.items() if set(found) - {GOOD}]
    return f"checksum of {', '.join(wrong)}" if wrong else ""


def judge(pcap: pathlib.Path, port: int) -> Verdict:
    """port: of the payload, which is nothing that tshark knows."""
    verdict = Verdict()
    for row in _rows(pcap, port):
        verdict.longest = max(verdict.longest, int(row["frame.len"][0]))
        fault = _fault(row)
        if fault:
            verdict.faults.append(f"{pcap.name}:{row['frame.number'][0]}: {fault}")
            continue
        within = row["frame.protocols"][0].split(":vxlan:", 1)[1].split(":")
        family = "ipv6" if "ipv6" in within else "ipv4" if "ip" in within else "other"
        protocol = next((name for name in PROTOCOLS if name in within), "fragment")
        tags = tuple(int(tag) for tag in row["vlan.id"])
        verdict.judged[Packets(int(row["vxlan.vni"][0]), tags, family, protocol)] += 1
    return verdict


def judge_all(pcaps: Sequence[pathlib.Path], port: int) -> list[Verdict]:
    """The same of several, side by side."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(functools.partial(judge, port=port), pcaps))
