"""The stage of the demo: three hosts, a segment, two profiles, two guests and a place to measure
from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from labkit import api, inventory, ports, qemu
from labkit.inventory import Lab
from labkit.shell import LabError

HOSTS = 3
SEGMENT = "blue"
VNI = 5001
POLICER_KBPS = 8000

SERVER_IP = "10.1.0.2"
CLIENT_IP = "10.1.0.3"
PROBE_IP = "10.1.0.9"

WEB = f"""\
kind: Profile
name: web
description: ICMP and TCP port 80, nothing else; sends at most {POLICER_KBPS} kb/s
vlan: {{segment: {SEGMENT}}}
acl:
  ingress:   # what the guest sends
    - {{priority: 20, match: {{protocol: icmp}}, action: allow}}
    - {{priority: 10, match: {{protocol: tcp, src_port: 80}}, action: allow}}
  egress:    # what is delivered to the guest
    - {{priority: 20, match: {{protocol: icmp}}, action: allow}}
    - {{priority: 10, match: {{protocol: tcp, dst_port: 80}}, action: allow}}
  default_action: drop
qos:
  ingress_policer: {{rate_kbps: {POLICER_KBPS}}}
"""

OPEN = f"""\
kind: Profile
name: open
description: everything is allowed
vlan: {{segment: {SEGMENT}}}
"""


def prepare(lab: Lab) -> Lab:
    """Segment, profiles, guests `server` (h1) and `client` (h3), light port `probe` (h3). Returns
    the lab as it is when the guests have booted."""
    api.create_segment(lab, SEGMENT, VNI, ports.SEGMENT_MTU)
    api.apply(lab, WEB)
    api.apply(lab, OPEN)
    qemu.accelerator()  # found out once, before two guests ask at the same time
    with ThreadPoolExecutor() as pool:
        server = pool.submit(
            ports.start_guest, lab, "server", "h1", SERVER_IP, "52:54:00:00:00:02", "web"
        )
        client = pool.submit(
            ports.start_guest, lab, "client", "h3", CLIENT_IP, "52:54:00:00:00:03", "open", "client"
        )
        probe = pool.submit(
            ports.add_light, lab, "probe", "h3", PROBE_IP, "52:54:00:00:00:09", "open"
        )
        for started in (server, client, probe):
            started.result()
    lab = inventory.load(lab.prefix)
    for guest in lab.guests.values():
        qemu.wait_ready(lab, guest)
    return lab


def in_guest(lab: Lab, name: str, command: str, timeout: float = 30) -> tuple[bool, str]:
    """Runs a shell command in a guest; whether it exited 0, and its output."""
    status, output = qemu.console(lab, lab.guest(name), command, timeout)
    return status == 0, output


def start_stream(lab: Lab) -> None:
    """The client opens a TCP connection to the server that is to last: a download without an
    end."""
    url = f"http://{SERVER_IP}/cgi-bin/stream"
    start = f"wget -q -O /tmp/stream {url} & echo $! >/tmp/stream.pid"
    in_guest(lab, "client", f"rm -f /tmp/stream; {start}")


def stream_state(lab: Lab) -> tuple[bool, int, int]:
    """Whether the connection is still open, lines so far, and lines missing, repeated or out of
    place."""
    # Each line is judged when its successor is there: the last one may be half written.
    judge = "NR > 1 && last != NR - 2 {wrong++} {last = $1} END {print NR - 1, wrong + 0}"
    script = f"awk '{judge}' /tmp/stream"
    alive, _ = in_guest(lab, "client", "kill -0 $(cat /tmp/stream.pid)")
    ok, text = in_guest(lab, "client", script)
    if not ok:
        raise LabError(f"guest client: cannot read its download: {text}")
    lines, wrong = (int(word) for word in text.split())
    return alive, lines, wrong
