"""What ovs-ofctl and ovs-appctl read of a switch, and what they say where it cannot be."""

SWITCH = r"""
vsctl add-br br0 -- set bridge br0 other_config:hwaddr="52:54:00:00:00:01" other_config:datapath-id=0000525400000001
vsctl add-port br0 p1
vsctl add-port br0 p2 tag=10
"""

READING = SWITCH + r"""
~ofctl show br0
~ofctl -O OpenFlow13 show br0
~ofctl -O OpenFlow10,OpenFlow13 show br0
~ofctl show unix:$RUN/br0.mgmt
~ofctl show $RUN/br0.mgmt
~ofctl dump-ports br0
~ofctl -O OpenFlow13 dump-ports br0
ofctl dump-ports br0 1
ofctl dump-ports br0 p1
ofctl dump-ports br0 LOCAL
ofctl -O OpenFlow13 dump-ports br0 2
ofctl -O OpenFlow13 dump-ports br0 p2
ofctl dump-ports br0 nosuch
ofctl dump-ports br0 77
~ofctl dump-ports-desc br0
~ofctl -O OpenFlow13 dump-ports-desc br0
ofctl dump-ports-desc br0 p1
ofctl -O OpenFlow13 dump-ports-desc br0 1
ofctl dump-flows br0
ofctl -O OpenFlow13 dump-flows br0
ofctl --no-stats dump-flows br0
ofctl --no-stats --names dump-flows br0 table=1
ofctl --no-stats --sort dump-flows br0
ofctl --no-stats --rsort=priority dump-flows br0
ofctl dump-flows br0 in_port=2
ofctl dump-flows br0 in_port=77
ofctl dump-flows br0 table=200
ofctl -O OpenFlow13 dump-flows br0 table=200
ofctl --names dump-flows br0 in_port=p1,table=200
ofctl dump-flows br0 cookie=0x77/-1
ofctl dump-flows br0 tcp,nw_dst=10.0.0.0/8,tp_dst=80,table=200
ofctl --strict dump-flows br0 table=200
ofctl dump-aggregate br0
ofctl -O OpenFlow13 dump-aggregate br0
ofctl dump-aggregate br0 table=200
ofctl -O OpenFlow13 dump-aggregate br0 table=200,in_port=1
ofctl dump-tables br0
ofctl -O OpenFlow13 dump-tables br0
ofctl dump-desc br0
ofctl -O OpenFlow13 dump-desc br0
ofctl get-frags br0
ofctl -O OpenFlow13 get-frags br0
~ofctl queue-stats br0
~ofctl -O OpenFlow13 queue-stats br0
ofctl queue-stats br0 p1
ofctl queue-stats br0 1 0
ofctl -O OpenFlow13 dump-groups br0
ofctl -O OpenFlow13 dump-meters br0
ofctl -O OpenFlow13 meter-stats br0
ofctl -O OpenFlow13 dump-meter br0 meter=1
ofctl -O OpenFlow13 meter-features br0
ofctl probe br0
?ofctl ping br0
ofctl -t 5 probe br0
ofctl --timeout=5 probe unix:$RUN/br0.mgmt
"""

WRITING = SWITCH + r"""
ofctl add-flow br0 actions=normal
ofctl -O OpenFlow13 add-flow br0 in_port=1,actions=drop
ofctl --strict mod-flows br0 priority=7,in_port=1,actions=drop
ofctl del-flows br0 in_port=77
ofctl del-flows br0
ofctl add-flows br0 /dev/null
?ofctl replace-flows br0 /dev/null
ofctl set-frags br0 drop
ofctl mod-port br0 p1 down
ofctl mod-port br0 p1 up
"""

WRONG = SWITCH + r"""
ofctl
ofctl foo
ofctl show
ofctl show nosuchbr
ofctl show unix:$RUN/nosuch.mgmt
ofctl show br0 extra
ofctl dump-ports br0 p1 extra
ofctl dump-flows
ofctl -O OpenFlow99 show br0
ofctl -O show br0
ofctl --nosuch show br0
ofctl --timeout=0 show br0
ofctl --timeout=x show br0
ofctl mod-port br0 nosuch up
ofctl mod-port br0 p1 foo
ofctl mod-port br0 p1
ofctl add-flow br0 foo=1,actions=drop
ofctl add-flow br0 actions=foo
ofctl add-flow br0 in_port=nosuch,actions=drop
ofctl add-flow br0 in_port=1
ofctl add-flow br0 actions=output:nosuch
ofctl add-flow br0
ofctl add-flows br0 /nosuch
ofctl dump-flows br0 foo=1
ofctl dump-flows br0 in_port=nosuch
ofctl dump-flows br0 dl_src=x
ofctl dump-flows br0 nw_dst=a.b.c.d
?ofctl dump-flows br0 table=256
ofctl probe nosuchbr
?ofctl -V
?ofctl --version
?ofctl --help
"""

CONTROL = SWITCH + r"""
vsctl add-br br1 -- set bridge br1 other_config:hwaddr="52:54:00:00:00:02"
~appctl ofproto/list
appctl ofproto/list extra
~appctl dpif/show
appctl dpif/dump-flows br0
appctl dpif/dump-flows nosuch
appctl dpctl/dump-flows
appctl dpctl/show nosuch
appctl fdb/show br1
appctl fdb/show
appctl fdb/flush
appctl fdb/flush br0
appctl fdb/flush br0 br1
appctl fdb/stats-show nosuch
appctl fdb/stats-show
?appctl coverage/show
?appctl memory/show
appctl revalidator/purge
appctl vlog/set
appctl vlog/set off
appctl vlog/set ANY:console:off
appctl vlog/set ANY:nosuch:off
appctl vlog/set :::
appctl vlog/reopen
appctl ofproto/trace
appctl ofproto/trace br0
appctl ofproto/trace br0 in_port=77
appctl ofproto/trace br0 foo=1
appctl ofproto/trace br0 in_port=1,nosuch
appctl version extra
appctl list-commands extra
"""

SCENARIOS = {
    "openflow reading": READING,
    "openflow writing": WRITING,
    "openflow wrong words": WRONG,
    "control": CONTROL,
}
