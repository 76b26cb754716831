"""What Outrider's server says otherwise than Open vSwitch's, on purpose, and why.

A difference is known by the command lines it shows in and by what each server has said there; both
are taken out before the rest is compared. One without which everything would be the same has no
place here: the test fails until it is gone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from ovs_matrix import compare


@dataclasses.dataclass(frozen=True)
class Difference:
    """`lines`, `real`, `ours`: regular expressions, for a whole command line and for parts of what
    it came to (see text_of)."""

    reason: str
    lines: str
    real: str = ""
    ours: str = ""

    def shows_in(self, line: str) -> bool:
        return re.fullmatch(self.lines, line) is not None


def text_of(said: compare.Said) -> str:
    return f"exit {said.exit_code}\n{said.stdout}\nstderr:\n{said.stderr}"


def judge(
    real: compare.Said, ours: compare.Said, known: Iterable[Difference]
) -> tuple[bool, set[Difference]]:
    """Whether all in which the two differ is known; and the differences this takes."""
    here = {one for one in known if one.shows_in(real.line)}
    if not _same(real, ours, here):
        return False, set()
    return True, {one for one in here if not _same(real, ours, here - {one})}


def _same(real: compare.Said, ours: compare.Said, known: set[Difference]) -> bool:
    texts = [text_of(real), text_of(ours)]
    for one in known:
        for index, pattern in enumerate((one.real, one.ours)):
            if pattern:
                texts[index] = re.sub(pattern, "", texts[index])
    return texts[0] == texts[1]


def _columns(*values: str) -> str:
    """What `list` prints of columns, each NAME=VALUE."""
    pairs = (value.split("=", 1) for value in values)
    return "(?m)^(?:" + "|".join(f"{name} +: {value}" for name, value in pairs) + ")$"


def _failing(problem: str) -> str:
    """ovs-vsctl's words for interfaces with such a problem."""
    one = rf"ovs-vsctl: Error detected while setting up '[^']+': {problem}.*\n"
    return rf"(?:{one})+ovs-vsctl: The default log directory is .*\n"


def _said(stdout: str, stderr: str = "", exit_code: int = 0) -> str:
    """All that was said."""
    return rf"\Aexit {exit_code}\n{stdout}\nstderr:\n{stderr}\Z"


_REFUSED = r"(?:type \\?\"\w+\\?\" is not served|member of the bond \\?\"\w+\\?\")"
_TYPES = "a port is a device of the host: no tunnels, patch ports, bonds"
_DEVICE = "devices are the kernel's; Open vSwitch's test mode makes them up"
_ONE_PROCESS = "the agent is database and switch in one"
_COMMANDS = "a command of unixctl that is not among those served"
_LOCAL = "the bridge's own address is known from the start, without learning or limit"
_PIPELINE = "flows are the switch's own pipeline, not one rule that says NORMAL"
_READ_ONLY = "OpenFlow changes nothing: what would not be enforced is refused"
_COUNTED = "queue 0 counts what the port sends"

_SERVED = (
    r"(?:bond/show|coverage/(?:read-counter|show)|dpctl/dump-flows"
    r"|dpif/(?:dump-dps|dump-flows|show)|exit|fdb/(?:flush|show|stats-show)|list-commands"
    r"|memory/show|ofproto/(?:list|trace)|revalidator/purge|version|vlog/(?:list|reopen|set)) "
)
_NO_COMMAND = _said("", r'"\S+" is not a valid command .*\n.*returned an error\n', 2)
_REFUSAL = _said("", r"OFPT_ERROR .*: OFP(?:FMFC|BRC)_EPERM\nOFPT_\w+ (?:.+\n)+", 1)

DIFFERENCES = (
    Difference(_TYPES, r"vsctl .*", ours=_failing(_REFUSED)),
    Difference(_TYPES, r"~vsctl .*show", ours=rf" *error: \"{_REFUSED}.*\n"),
    Difference(
        _TYPES,
        r"vsctl list Interface vx v1",
        _columns(r"error=\[\]", "ofport=5"),
        _columns(rf"error=(?:\[\]|\"{_REFUSED}.*)", "ofport=-1"),
    ),
    Difference(
        "an interface that is refused has no device",
        r"vsctl list Interface vx v1",
        _columns("admin_state=up", "ifindex=<.*", 'mac_in_use="<mac>"', "mtu=1500"),
        _columns("admin_state=.*", "ifindex=.*", "mac_in_use=.*", "mtu=.*"),
    ),
    Difference(
        "the words for a type that nobody has",
        r"vsctl add-port br0 bad -- .*",
        _failing("could not open network device bad"),
    ),
    Difference(
        "the words for a type that nobody has",
        r"vsctl get Interface bad ofport error",
        r'"could not open .*"',
        r'"type \\"nosuchtype\\" is not served: .*"',
    ),
    Difference(
        _DEVICE,
        r"vsctl del-port n1 -- add-port br1 n1 -- list-ports br1",
        ours=_failing(r"could not open network device n1 \(No such device\)"),
    ),
    Difference(
        _DEVICE, r"vsctl add-br br/0", "'br/0'", "'br/0': create device br/0 with <.*parameter"
    ),
    Difference(
        _DEVICE,
        r"vsctl list Interface .*",
        _columns("link_state=up", r"status={}"),
        _columns(r"link_state=(?:down|\[\])", "status={(?:driver_name=tun)?}"),
    ),
    Difference(
        "resets of links are not told",
        r"vsctl list Interface .*",
        _columns("link_resets=0"),
        _columns(r"link_resets=\[\]"),
    ),
    Difference(
        "devices of the kernel count other things than dummies",
        r"vsctl list Interface .*",
        _columns("statistics={rx_.*}"),
        _columns("statistics={.*}"),
    ),
    Difference(
        "the types there are",
        r"vsctl list Open_vSwitch",
        _columns(r"(?:datapath|iface)_types=\[.*\bdummy, .*\]"),
        _columns(r"datapath_types=\[system\]", r"iface_types=\[internal, system\]"),
    ),
    Difference(
        "without a word of DPDK",
        r"vsctl list Open_vSwitch",
        _columns("dpdk_version=none"),
        _columns(r"dpdk_version=\[\]"),
    ),
    Difference(
        "a schema of our own authorship has no checksum",
        r"db-client get-schema( .*)?",
        r'"cksum":"[0-9 ]+",',
    ),
    Difference(
        "a schema of our own authorship has no checksum",
        r"db-client get-schema-cksum",
        _said(r"[0-9 ]+\n"),
        _said(r"\n"),
    ),
    Difference("names itself", r"appctl .*version", ours=r"(?<=3\.1\.0\n)Outrider [0-9.]+\n"),
    Difference(
        _ONE_PROCESS,
        r"appctl --target[ =]ovsdb-server .*",
        _said(r"(?:ovsdb-server \(Open vSwitch\) 3\.1\.0|Open_vSwitch\n_Server)\n"),
        _said("", r".*ovsdb-server\.pid: open: .*\n.*cannot read pidfile .*\n", 1),
    ),
    Difference(_COMMANDS, r"appctl fdb/add .*", _said(""), _NO_COMMAND),
    Difference(_COMMANDS, r"appctl qos/show .*", _said(".*\n"), _NO_COMMAND),
    Difference(
        _COMMANDS,
        r"appctl dpctl/show nosuch",
        r"ovs-vswitchd: opening datapath nosuch failed \(No such device\)",
        r'"dpctl/show" is not a valid command .*',
    ),
    Difference(
        _COMMANDS, r"appctl list-commands", rf"(?m)^  (?!{_SERVED})\S+ .*\n", r"(?m)^  help +\n"
    ),
    Difference(_LOCAL, r"appctl fdb/show br\d", ours=r"LOCAL     0  52:54:00:00:00:0\d  static\n"),
    Difference(
        "no MAC address is added by hand",
        r"appctl fdb/show br0",
        r" +1     0  52:54:00:aa:bb:99  static\n",
    ),
    Difference(
        _LOCAL,
        r"appctl fdb/stats-show br0",
        r"entries in the table: 0/8192\n.*: 0\n(?:  Total number of .*: 0\n){4}",
        r"entries in the table: 1/unlimited\n.*: 1\n",
    ),
    Difference(
        "a trace tells the stages of the pipeline",
        r"appctl ofproto/trace br0 in_port=1,dl_src=.*",
        r" 0\. priority 0\n +NORMAL\n(?s:.*)\Z",
        r" 0\. port: .*\(p1\), profile none, active\n(?s:.*)\n10\. output: into (?s:.*)\Z",
    ),
    Difference(
        "a port that is not there sends nothing",
        r"appctl ofproto/trace br0 in_port=77",
        _said(r"(?s:.*unknown port 77.*)"),
        _said("", r"br0: in_port=77: br0: no port 77 that forwards\n.* returned an error\n", 2),
    ),
    Difference(
        "the modules that log are others",
        r"appctl vlog/set vconn:console:dbg",
        _said(""),
        _said("", r'no destination, level, or module "vconn"\n.* returned an error\n', 2),
    ),
    Difference(
        "the modules that log are others",
        r"appctl vlog/list",
        r"(?m)^(?!outrider)\w+ +(?:OFF|DBG) +OFF +INFO\n",
        r"(?m)^outrider +INFO +OFF +OFF\n",
    ),
    Difference(
        "the agent writes no log file of its own",
        r"appctl vlog/reopen",
        ours="Logging to file not configured\n",
    ),
    Difference(_DEVICE, r"~?appctl dpif/show", r"\(dummy-internal\)", r"\(internal\)"),
    Difference(
        _PIPELINE, r"appctl dp(?:if|ctl)/dump-flows.*", ours=r"(?m)^(?:in_port|segment)\(.*\n"
    ),
    Difference(
        _READ_ONLY,
        r"ofctl .*(?:(?:add|mod|del)-flows?|set-frags|mod-port) br0.*",
        _said(""),
        _REFUSAL,
    ),
    Difference(
        _READ_ONLY,
        r"\?ofctl replace-flows br0 .*",
        _said("False", "False"),
        _said("False", "True", 1),
    ),
    Difference(
        _DEVICE,
        r"~?ofctl .*(?:show|dump-ports-desc) .*br0.*",
        r"(?m)^     (?:config|state): .*\n",
        r"(?m)^     (?:config|state): .*\n",
    ),
    Difference(
        "the way to the other hosts is a port",
        r"~?ofctl .*(?:show|dump-ports-desc) .*br0.*",
        r"(?m)^     speed: .*\n",
        r"(?m)^(?: 65279\(outrider-tunnel\)|     speed): .*\n",
    ),
    Difference(
        "the pipeline has twelve tables and these actions",
        r"~ofctl .*show .*br0.*",
        r"(?m)^n_tables:254|^actions: .*|GROUP_STATS ",
        r"(?m)^n_tables:12|^actions: output set_vlan_vid strip_vlan$",
    ),
    Difference(
        "devices count what they lose",
        r"~?ofctl .*dump-ports br0.*",
        r"(?:drop|errs)=\?",
        r"(?:drop|errs)=0",
    ),
    Difference(
        _COUNTED,
        r"~?ofctl .*queue-stats br0.*",
        r"bytes=\?, pkts=\?|duration=\?",
        r"bytes=0, pkts=0|duration=(?:\?|<time>)",
    ),
    Difference(
        _PIPELINE,
        r"ofctl .*dump-flows br0(?: in_port=2| table=1)?",
        r"(?m)^ (?:cookie=0x0, .*)?priority=0 actions=NORMAL\n",
        r"(?m)^ cookie=0x[0-9a-f]{15}, .*priority=.* actions=.*\n",
    ),
    Difference(_PIPELINE, r"ofctl .*dump-aggregate br0", "flow_count=1", "flow_count=34"),
    Difference(
        _PIPELINE,
        r"ofctl .*dump-tables br0",
        r"(?s)\n  table 0:\n    active=1,.* tables 2\.\.\.253: ditto\n",
        r"(?s)\n  table 0(?: \(\"classify\"\))?:\n    active=5, .*\n  table 11.*?\n(?=\nstderr:)",
    ),
    Difference(
        "names itself",
        r"ofctl .*dump-desc br0",
        "Manufacturer: Nicira, Inc.\nHardware: .*\nSoftware: 3.1.0\nSerial Num: None\n.*: None\n",
        r"Manufacturer: Outrider\nHardware: .*\nSoftware: [0-9.]+\nSerial Num: None\n.*: br0\n",
    ),
    Difference(
        "meters are policers: many, of one band each",
        r"ofctl .*meter-features br0",
        "max_meter:262144 max_bands:8",
        "max_meter:1044479 max_bands:1",
    ),
)
