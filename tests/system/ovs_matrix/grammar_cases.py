"""The grammar: options, transactions, names of things, values, and how they are printed."""

# One switch that most of these look at.
SWITCH = r"""
vsctl add-br br0 -- set bridge br0 other_config:hwaddr="52:54:00:00:00:01"
vsctl add-br br1 -- add-br fake99 br0 99
vsctl add-port br0 v0 trunks=6
vsctl add-port br0 v1 tag=10
vsctl add-port br0 v2 tag=20 trunks=20,30,40 vlan_mode=native-untagged
vsctl add-port br0 vx -- set interface vx type=vxlan options:key=100 options:remote_ip=192.0.2.2 options:dst_port=4789
vsctl set interface v1 external_ids:attached-mac=\"52:54:00:aa:bb:01\" external_ids:iface-id=c2a5f0f0-1111-2222-3333-444455556666 external_ids:iface-status=active
vsctl set open . external_ids:hostname='"node a"' external_ids:m='"phys:br0"' external_ids:system-id=host-1
"""

FORMATS = SWITCH + "".join(
    f"""
vsctl -f {form} -d {data} --columns=name,tag,trunks,vlan_mode,external_ids list Port v1 v2
vsctl -f {form} -d {data} --no-headings --columns=name,type,options find Interface type=vxlan
vsctl -f {form} -d {data} --columns=name,trunks list Port v1 -- --columns=name list Port v2
vsctl --format={form} --data={data} --columns=_uuid,name list Bridge br0
vsctl --format={form} --data={data} --columns=name find Bridge name=none
vsctl --oneline -f {form} -d {data} --columns=name list Port v1 -- get Port v1 tag
vsctl -f {form} -d {data} --columns=external_ids list Open_vSwitch
"""
    for form in ("table", "list", "html", "csv", "json")
    for data in ("string", "bare", "json")
) + r"""
vsctl --max-column-width=5 -f table --columns=name,external_ids list Interface v1
vsctl --bare --columns=name,external_ids list Interface v1
vsctl --bare -f csv --columns=name,external_ids list Interface v1
vsctl --columns=name,nam,_UUID list Port v1
vsctl --columns='name tag' list Port v1
vsctl --columns=, list Port v1
vsctl --columns= list Port v1
vsctl list Port v1
vsctl list Bridge br0
vsctl list Interface v1
vsctl list Interface vx v1
~vsctl list Port
~vsctl -f csv list Bridge
vsctl list QoS
vsctl -f table list QoS
~vsctl --columns=name list Interface -- --columns=name list Bridge
"""

SHOW = SWITCH + r"""
~vsctl show
vsctl --oneline list-ports br0 -- get Interface v1 name tag
vsctl --oneline list-ports br0 -- get Interface v1 name type
vsctl list-ports br0 -- list-br -- list-ifaces fake99
vsctl set-manager ptcp:0:127.0.0.1 -- set-controller br0 tcp:127.0.0.1:1 -- set-fail-mode br0 secure
~vsctl show
vsctl set open . ovs_version=3.1.0
~vsctl show
vsctl get-manager -- get-controller br0 -- get-fail-mode br0
vsctl --inactivity-probe=1000 set-manager ptcp:0:127.0.0.1 ptcp:0:127.0.0.2
vsctl get-manager
vsctl del-manager
vsctl get-manager
vsctl set-manager foo:bar
vsctl set-controller br0 foo:bar
"""

NAMES = SWITCH + r"""
vsctl get o . external_ids
vsctl get open . external_ids
vsctl get OPEN-VSWITCH . external-ids
vsctl get b br0 name
vsctl get br br0 NAME
vsctl get int v1 type
vsctl get p v1 tag
vsctl get Port v1 TRUNK
vsctl get port v1 vlan-mode
vsctl get s . name
vsctl get c . name
vsctl get '' . name
vsctl get Bridge br0 ''
vsctl get Bridge br0 na
vsctl get Bridge br0 m
vsctl get Bridge br0 _uuid
vsctl get Bridge br0 -uuid _UUID
vsctl get Bridge . name
vsctl get Open_vSwitch xyz bridges
vsctl get Bridge @Open_vSwitch@ name
vsctl get Open_vSwitch @Open_vSwitch@ external_ids
vsctl get Interface v1 external_ids:iface-id external_ids:iface-status
vsctl get Interface v1 'external_ids:"iface-id"'
vsctl get Interface v1 external_ids:none
vsctl --if-exists get Interface v1 external_ids:none external_ids:iface-status
vsctl --if-exists get Interface none external_ids:none
vsctl get Interface v1 name=x
vsctl get Interface v1
vsctl --if-exists --id=@x get Interface v1 name
vsctl --id=@x get Interface v1 name -- get Interface v1 type
vsctl --id=v1 get Interface v1 name
vsctl -- --id=@v get Port v1 -- --id=@v get Port v2
vsctl set port v1 qos=@q -- --id=@q get QoS . type
vsctl get QoS v1 type
vsctl get Controller br0 target
vsctl set port v1 qos=@q -- --id=@q create QoS type=linux-htb
vsctl get QoS v1 type
vsctl get Port br0 name -- get Interface br0 type
vsctl --timeout=5 get Interface v1 ofport_request lacp_current mtu_request error
"""

VALUES = SWITCH + r"""
vsctl set Port v0 trunks=1,2,3
vsctl get Port v0 trunks
vsctl set Port v0 'trunks=4 5 6'
vsctl get Port v0 trunks
vsctl set Port v0 'trunks=[7, 8,9]'
vsctl get Port v0 trunks
vsctl set Port v0 trunks=10-14,20
vsctl get Port v0 trunks
vsctl set Port v0 trunks=14-10
vsctl set Port v0 trunks=0-4095
vsctl set Port v0 trunks=0-5000
vsctl set Port v0 trunks=1,
vsctl set Port v0 trunks=1,,2
vsctl set Port v0 trunks=,1
vsctl set Port v0 trunks=1,1
vsctl set Port v0 trunks=
vsctl set Port v0 'trunks= '
vsctl set Port v0 trunks=[]
vsctl set Port v0 trunks=[1
vsctl set Port v0 trunks=[1]2
vsctl set Port v0 trunks=[1]]
vsctl set Port v0 trunks={1}
vsctl set Port v0 trunks=1=2
vsctl set Port v0 trunks=+5
vsctl set Port v0 trunks=0x10
vsctl get Port v0 trunks
vsctl set Interface v0 options={a=b,c=d}
vsctl set Interface v0 'options=a=b c=d'
vsctl set Interface v0 'options = a'
vsctl set Interface v0 options={}
vsctl set Interface v0 options=
vsctl set Interface v0 options:a=1 options:b=2
vsctl set Interface v0 options:a=3
vsctl get Interface v0 options
vsctl set Interface v0 options={a=1,a=2}
vsctl set Interface v0 'options={a}'
vsctl set Interface v0 'options={a=b'
vsctl set Interface v0 'options={a=b}c'
vsctl set Interface v0 'options=}'
vsctl set Interface v0 'external_ids:x="a'
vsctl set Interface v0 'external_ids:x=a"b"c'
vsctl set Interface v0 'external_ids:x="a b\"c\\d\n"'
vsctl get Interface v0 external_ids:x
vsctl set Interface v0 'external_ids:x="\u00e9\u20ac\ud83d\ude00"'
vsctl get Interface v0 external_ids
vsctl -d json --columns=external_ids list Interface v0
vsctl set Interface v0 'external_ids:x="\q"'
vsctl set Interface v0 'external_ids:x="\u12"'
vsctl set Interface v0 'external_ids:x="\u0000"'
vsctl set Interface v0 'external_ids:x="a"b"'
vsctl set Interface v0 'external_ids:x=""'
vsctl get Interface v0 external_ids:x
vsctl set Interface v0 'external_ids:a\:b\=c=1'
vsctl set Interface v0 'external_ids:"k:l"=1'
vsctl set Interface v0 external_ids:true=false external_ids:_a=b-c.d external_ids:9=9 external_ids:-x=y
vsctl set Interface v0 external_ids:u=12345678-1234-1234-1234-123456789abc
vsctl get Interface v0 external_ids
vsctl set Bridge br0 stp_enable=true rstp_enable=no mcast_snooping_enable=on
vsctl get Bridge br0 stp_enable rstp_enable mcast_snooping_enable
vsctl set Bridge br0 stp_enable=1 mcast_snooping_enable=off
vsctl set Bridge br0 stp_enable=True
vsctl set Bridge br0 flood_vlans=1,2 protocols=[OpenFlow10,OpenFlow14]
vsctl get Bridge br0 flood_vlans protocols
vsctl set Interface v0 mtu_request=9999999999999999999
vsctl set Interface v0 mtu_request=1.5
vsctl set Interface v0 mac=\"52:54:00:00:00:05\"
vsctl get Interface v0 mac
vsctl set Interface v0 mac=[]
vsctl set Port v0 qos=12345678
vsctl set Port v0 external_ids:
vsctl set Port v0 external_ids:=
vsctl set Port v0 external_ids:a
vsctl set Port v0 tag:1=2
vsctl set Port v0 '=1'
vsctl set Port v0 'tag=1\'
"""

EDITS = SWITCH + r"""
vsctl add Port v0 trunks 7 8
vsctl get Port v0 trunks
vsctl add Port v0 trunks 7
vsctl add Port v0 trunks 9 -- get Port v0 trunks
vsctl add Port v0 trunks 10-12 -- comment x
vsctl get Port v0 trunks
?vsctl add Port v0 tag 5 6
vsctl add Port v1 tag 5
vsctl add Port v1 tag 5 -- comment x
vsctl add Interface v0 external_ids a=1 b=2
vsctl add Interface v0 external_ids a=3 -- comment x
vsctl get Interface v0 external_ids
vsctl add Interface v0 external_ids a=4
vsctl get Interface v0 external_ids
vsctl add Interface v0 external_ids c
vsctl add Interface none external_ids c=1
vsctl --if-exists add Interface none external_ids c=1
vsctl add Interface v0 name x
vsctl remove Port v0 trunks 7
vsctl remove Port v0 trunks 100
vsctl remove Port v0 trunks 8 9 10-12
vsctl get Port v0 trunks
vsctl remove Interface v0 external_ids a
vsctl remove Interface v0 external_ids b=9
vsctl get Interface v0 external_ids
vsctl remove Interface v0 external_ids b=2 nosuch
vsctl get Interface v0 external_ids
vsctl remove Interface v0 type \"\"
vsctl remove Bridge br0 stp_enable false
vsctl --if-exists remove Interface none external_ids a
vsctl clear Port v2 tag trunks vlan_mode
vsctl get Port v2 tag trunks vlan_mode
vsctl clear Interface v0 type
vsctl clear Interface v0 nosuch
vsctl --if-exists clear Interface none type
vsctl create QoS type=linux-htb other_config:a=b
vsctl --id=@x create Queue dscp=5 -- set Port v0 qos=@q -- --id=@q create QoS type=x queues={1=@x,2=@x}
vsctl get QoS v0 type
vsctl get QoS v0 queues
vsctl create Bridge name=orphan
vsctl --id=@b create Bridge name=orphan
vsctl --id=12345678-1234-1234-1234-123456789abc create Queue dscp=6
vsctl get Queue 1234 dscp
vsctl get Queue 12345678-1234-1234-1234-123456789abc dscp
vsctl destroy Queue 12345678
vsctl --if-exists destroy Queue 12345678
vsctl destroy QoS v0
vsctl clear Port v0 qos
vsctl --all destroy QoS
vsctl --all destroy Queue
vsctl --all destroy Queue x
vsctl --all --if-exists destroy Queue
vsctl destroy Queue
vsctl destroy Bridge br1
vsctl list-br
vsctl set Interface v0 external_ids:a=1 -- set Interface v0 external_ids:b=2 -- get Interface v0 external_ids
vsctl add-port br0 n0 -- get Port n0 name interfaces -- list-ports br0
vsctl add-port br0 n1 -- set Interface n1 type=internal -- get Interface n1 ofport type
vsctl add-port br0 n2 -- del-port n2 -- list-ports br0
vsctl del-port n1 -- add-port br1 n1 -- list-ports br1
vsctl add-br br7 -- add-port br7 q0 -- add-br f7 br7 7 -- add-port f7 q1 -- list-ports f7 -- list-ports br7
vsctl get Port q1 tag
vsctl del-br br7 -- list-br
vsctl add-bond br0 bo e0 e1 lacp=active -- add-bond-iface bo e2 -- list-ifaces br0
vsctl add-bond-iface bo e2
vsctl --may-exist add-bond-iface bo e2
vsctl --may-exist add-bond-iface bo v0
vsctl del-bond-iface bo v0
vsctl del-bond-iface v0
vsctl del-bond-iface bo e2
vsctl del-bond-iface e1
vsctl del-bond-iface e0
vsctl --if-exists del-bond-iface bo e9
vsctl del-bond-iface bo e9
vsctl del-port e0
vsctl --with-iface del-port e0
vsctl --with-iface del-port e0
vsctl set Bridge br0 name=x
vsctl emer-reset
vsctl add-aa-mapping br0 100 5
vsctl add-aa-mapping br0 101 6
vsctl get-aa-mapping br0
vsctl del-aa-mapping br0 100 5
vsctl del-aa-mapping br0 101 7
vsctl get-aa-mapping br0
vsctl add-aa-mapping br0 x 6
vsctl add-zone-tp none zone=1 icmp_first=1
vsctl list-zone-tp none
vsctl list-dp-cap none
vsctl del-zone-tp none zone=1
vsctl -- --id=@d create Datapath datapath_version=0 capabilities:ct=true -- set Open_vSwitch . datapaths:dp=@d
vsctl list-dp-cap dp
vsctl add-zone-tp dp zone=1 icmp_first=1 icmp_reply=2
vsctl add-zone-tp dp zone=2 icmp_first=1 icmp_reply=2
vsctl add-zone-tp dp zone=1 icmp_first=1
vsctl --may-exist add-zone-tp dp zone=1 icmp_first=3
vsctl list-zone-tp dp
vsctl del-zone-tp dp zone=2
vsctl del-zone-tp dp zone=2
vsctl --if-exists del-zone-tp dp zone=2
vsctl list-zone-tp dp
"""

CONDITIONS = SWITCH + "".join(
    f"~vsctl --columns=name find Port '{condition}'\n"
    for condition in (
        "name=v0", "name!=v0", "tag=10", "tag!=10", "tag<15", "tag>15", "tag<=10", "tag>=20",
        "trunks=20,30,40", "trunks=6", "trunks!=6", "trunks{=}6", "trunks{!=}6",
        "trunks{<}20,30,40,50", "trunks{>}20", "trunks{<=}20,30,40", "trunks{>=}20,30",
        "trunks{in}6,7", "trunks{not-in}6,7", "trunks=[]", "tag=[]", "tag{=}[]",
        "external_ids:a=b", "external_ids:a!=b", "external_ids:a{=}[]", "external_ids={}",
        "fake_bridge=true", "name=v0 tag=1", "name", "name=", "tag=x", "name:a=b", "foo=1",
    )
) + r"""
vsctl --columns=name find Interface external_ids:iface-status=active external_ids:iface-id=c2a5f0f0-1111-2222-3333-444455556666
vsctl --columns=name find Interface external_ids:iface-status=active external_ids:iface-id=no
vsctl --columns=name find Interface 'options={key="100"}'
vsctl --columns=name find Interface options:key=100
~vsctl --columns=name find Interface 'external_ids:iface-id!=x'
~vsctl --columns=name find Interface 'external_ids:iface-id{not-in}x'
vsctl wait-until Port v1 tag=10
vsctl --timeout=1 wait-until Port v1 tag=11
vsctl --timeout=1 wait-until Port none
vsctl wait-until Port v1 -- get Port v1 tag
vsctl wait-until Port v1 foo=1
"""

LINES = SWITCH + r"""
vsctl -- list-br
vsctl -- -- list-br --
vsctl list-br -- list-br
vsctl --no-wait add-br nw -- list-br
vsctl --no-wait --dry-run del-br nw
vsctl list-br
vsctl add-br x1 -- add-port x1 p -- add-port nosuch q
vsctl list-br
vsctl comment
vsctl comment a 'b c' -- init
vsctl --time=5 list-br
vsctl --timeo 5 list-br
vsctl -t5 list-br
vsctl -t 5 list-br
vsctl --no list-br
vsctl --no-head --columns=name list Port v1
vsctl --may-e add-port br0 v0
vsctl --may-exist --may-exist add-port br0 v0
vsctl -- --may-e add-port br0 v0
vsctl -- --may-exist --may-exist add-port br0 v0
vsctl --no-syslog list-br
vsctl --verbose=off list-br
vsctl -vANY:console:off list-br
vsctl -vconsole:emer -vsyslog:dbg list-br
vsctl -vfoo list-br
vsctl --verbose=err:warn list-br
vsctl -vvsctl:console:dbg list-br
vsctl --leader-only --no-leader-only --shuffle-remotes --no-shuffle-remotes list-br
vsctl --db=unix:$RUN/db.sock list-br
vsctl --db=unix:db.sock list-br
vsctl --db=unix:$RUN/none,unix:$RUN/db.sock list-br
vsctl --retry list-br
~vsctl --commands
vsctl --options
?vsctl --help
?vsctl -h
vsctl -V
vsctl --version
vsctl --if-exists=1 list-br
vsctl -x list-br
vsctl --db
vsctl -f
"""

SCENARIOS = {
    "formats": FORMATS,
    "show": SHOW,
    "names": NAMES,
    "values": VALUES,
    "edits": EDITS,
    "conditions": CONDITIONS,
    "lines": LINES,
}
