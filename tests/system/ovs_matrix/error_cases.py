"""What goes wrong: wrong words, missing things, servers that are not there, rows that others refer
to; and ovs-appctl."""

ERRORS = r"""
vsctl add-br br0 -- add-br br1 -- add-port br0 vnet0
vsctl add-br br0
vsctl add-port br0 vnet0
vsctl --may-exist add-port br1 vnet0
vsctl add-port br1 vnet0
vsctl add-port nobr p1
vsctl del-port nosuch
vsctl del-port br1 vnet0
vsctl --if-exists del-port br1 vnet0
vsctl del-port nobr vnet0
vsctl del-port br0
vsctl del-br nobr
vsctl list-ports nobr
vsctl list-ifaces nobr
vsctl port-to-br nosuch
vsctl iface-to-br nosuch
vsctl iface-to-br br0
vsctl port-to-br br0
vsctl add-br
vsctl add-br ''
vsctl add-br a b
vsctl add-br a b c d
vsctl add-port br0
vsctl add-port br0 ''
vsctl add-bond br0 b '' x
vsctl
vsctl --
vsctl --no-wait
vsctl --if-exists
vsctl foo
vsctl -- foo
vsctl --foo show
vsctl show --foo
vsctl --if-exists add-br br2
vsctl -- --nosuch add-br br2
vsctl --may-exist=1 add-br br2
vsctl -- --may-exist=1 add-br br2
vsctl --columns list Bridge
vsctl -- --columns list Bridge
vsctl --timeout=abc show
vsctl --timeout=0 show
vsctl -t -1 show
vsctl -t show
vsctl --timeout= show
vsctl --timeout=99999999999 show
vsctl --format=xml list Bridge
vsctl --data=foo list Bridge
vsctl list Foo
vsctl list
vsctl list Bridge nosuch
vsctl --if-exists list Bridge nosuch
vsctl get Bridge nosuch name
vsctl get Bridge br0 foo
vsctl get Bridge br0 s
vsctl get Bridge br0 other_config:foo
vsctl get Bridge br0 name:foo
vsctl set Bridge br0 foo=1
vsctl set Bridge br0 name
vsctl set Bridge br0 stp_enable
vsctl set Bridge br0 stp_enable=maybe
vsctl set Port vnet0 tag=5000
vsctl set Port vnet0 tag=abc
vsctl set Port vnet0 tag=1,2
vsctl set Port vnet0 vlan_mode=foo
vsctl set Port vnet0 trunks=1,x
vsctl set Interface vnet0 external-ids=foo
vsctl set Interface vnet0 ofport_request=70000
vsctl set Interface vnet0 name=x
vsctl set Interface nosuch type=internal
vsctl set Interface vnet0 options:foo
vsctl set Interface vnet0
vsctl clear Port vnet0
vsctl clear Port vnet0 name
vsctl clear Bridge br0 stp_enable
?vsctl add Port vnet0 tag 5 6
vsctl remove Port vnet0 name vnet0
vsctl create Foo
vsctl create Foo a=b
vsctl create QoS foo=b
vsctl destroy QoS abc
vsctl destroy QoS abcd
vsctl destroy QoS 12345678-1234-1234-1234-123456789abc
vsctl --id=@x create QoS -- --id=@x create QoS
vsctl set Port vnet0 qos=@nope
vsctl --id=x create QoS
vsctl --id=x create QoS type=a
vsctl --id=@z create QoS type=x -- get QoS @z type
vsctl --id=@z create QoS type=zz -- --id=@z create QoS type=yy
vsctl --id=@m create Mirror name=m
vsctl --id=@m create Mirror name=m output_port=@p -- --id=@p create Port name=pp
vsctl find Interface name
vsctl find Interface name=vnet0 foo=1
vsctl find Foo
vsctl --timeout=1 --db=unix:$RUN/nosock show
vsctl --db=unix:$RUN/nosock --no-wait show
vsctl --retry --timeout=1 --db=unix:$RUN/nosock show
vsctl --db=tcp:127.0.0.1:1 --timeout=2 show
vsctl --db=foo:bar show
vsctl --db=unix:$RUN/nosock list Foo
vsctl --db=unix:$RUN/nosock get Bridge br0 foo
vsctl set Port vnet0 qos=12345678-1234-1234-1234-123456789abc
vsctl set Port vnet0 qos=1234
vsctl set Bridge br0 protocols=OpenFlow13,OpenFlow99
vsctl add-port br0 pp tag=5000
vsctl add-port br0 pp foo=5
vsctl add-port br0 pp notacol
vsctl add-port br0 vnet0 -- add-port br0 vnet0
vsctl add-port br0 br1
vsctl add-br vnet0
vsctl add-br br/0
vsctl add-bond br0 bond9 e7
vsctl add-bond br0 bond9 e7 e7
vsctl add-bond br0 bond9 e7 vnet0
vsctl add-bond br0 bond9 e7 a=b c=d
vsctl add-bond nobr bond9 e7 e8
vsctl set-fail-mode br0 nope
vsctl set-fail-mode nobr secure
vsctl get-fail-mode nobr
vsctl get-controller nobr
vsctl br-to-vlan nobr
vsctl br-to-parent nobr
vsctl br-get-external-id nobr
vsctl br-set-external-id nobr a b
vsctl br-exists
vsctl br-exists nobr -- list-br
vsctl list-br -- br-exists nobr
vsctl set-ssl a b
vsctl set-manager
vsctl get-aa-mapping nobr
vsctl add-port br0 bad -- set Interface bad type=nosuchtype
vsctl get Interface bad ofport error
vsctl create Interface name=orphan
vsctl comment hello -- show-nothing
vsctl -- --with-iface add-port br0 x
vsctl list-br extra
vsctl get Bridge
vsctl find
vsctl destroy
vsctl wait-until Port
"""

APPCTL = r"""
vsctl add-br br0 -- set bridge br0 other_config:hwaddr="52:54:00:00:00:01" -- add-port br0 p1
appctl version
appctl -t ovs-vswitchd version
appctl --target=ovsdb-server version
appctl --target ovsdb-server ovsdb-server/list-dbs
appctl -t $RUN/nosuch.ctl version
appctl -t nosuchdaemon version
appctl -e version
appctl -e -e version
appctl -t a -t b version
appctl fdb/show br0
appctl fdb/show nosuch
appctl fdb/flush br0
appctl fdb/flush nosuch
appctl fdb/show br0 extra
appctl fdb/stats-show br0
appctl fdb/add br0 p1 0 52:54:00:aa:bb:99
appctl fdb/show br0
appctl ofproto/list
appctl ofproto/trace nosuch in_port=1
appctl ofproto/trace br0 in_port=1,dl_src=52:54:00:aa:bb:01,dl_dst=52:54:00:aa:bb:02
appctl vlog/set vconn:console:dbg
appctl vlog/set foo:bar
appctl vlog/list
appctl dpif/show
appctl dpif/dump-dps
appctl list-commands
appctl coverage/read-counter nosuch
appctl foo
appctl foo 'a "b" c'
appctl
appctl -T 1 version
appctl --timeout=5 version
appctl -T 0 version
appctl -T x version
appctl -V
appctl --version
?appctl --help
?appctl -h
appctl --option
appctl -o
appctl --nosuch
appctl -vfoo version
appctl version --nosuch
appctl qos/show p1
appctl bond/show
"""

# Rows that refer to others, and what becomes of either.
REFERENCES = r"""
vsctl add-br br0 -- add-port br0 p1 -- add-port br0 p2
vsctl -- --id=@p get Port p2 -- --id=@m create Mirror name=m select-src-port=@p output-port=@p -- set Bridge br0 mirrors=@m
vsctl --columns=name,select_src_port,select_dst_port,output_port list Mirror
vsctl del-port p2
vsctl --columns=name,select_src_port,select_dst_port,output_port list Mirror
vsctl clear Bridge br0 mirrors
vsctl list Mirror
vsctl -- --id=@q create QoS type=linux-htb queues:1=@u -- --id=@u create Queue dscp=7 -- set Port p1 qos=@q -- set Port br0 qos=@q
vsctl destroy Queue @Queue@
vsctl destroy QoS @QoS@
vsctl clear Port p1 qos -- destroy QoS @QoS@
vsctl clear Port br0 qos -- destroy QoS @QoS@
vsctl list QoS -- --columns=dscp list Queue
vsctl -- --id=@f create Flow_Table name=t flow_limit=5 -- set Bridge br0 flow_tables:3=@f
vsctl get Bridge br0 flow_tables -- --columns=name,flow_limit list Flow_Table
vsctl remove Bridge br0 flow_tables 3
vsctl list Flow_Table
vsctl -- --id=@n create NetFlow targets=\"127.0.0.1:1\" -- set Bridge br0 netflow=@n
vsctl get NetFlow br0 targets active_timeout
vsctl -- --id=@s create sFlow targets=\"127.0.0.1:1\" sampling=5 -- set Bridge br0 sflow=@s
vsctl get sFlow br0 targets sampling
vsctl -- --id=@i create IPFIX targets=\"127.0.0.1:1\" -- set Bridge br0 ipfix=@i
vsctl get IPFIX br0 targets
vsctl --id=@c create Flow_Sample_Collector_Set id=1 bridge=@b -- --id=@b get Bridge br0 -- list Flow_Sample_Collector_Set
vsctl -- --id=@b get Bridge br0 -- --id=@c create Flow_Sample_Collector_Set id=1 bridge=@b
vsctl -- --id=@b get Bridge br0 -- --id=@c create Flow_Sample_Collector_Set id=1 bridge=@b
vsctl --columns=id list Flow_Sample_Collector_Set
vsctl destroy Bridge br0
vsctl --all destroy Flow_Sample_Collector_Set -- del-br br0
vsctl --columns=id list Flow_Sample_Collector_Set
vsctl list NetFlow -- list sFlow -- list IPFIX -- list Mirror
"""

SCENARIOS = {"errors": ERRORS, "appctl": APPCTL, "references": REFERENCES}
