"""ovs-ofctl: ports and tables by name and by number, and the forms of flows. Nothing here prints what
two switches never have in common: durations, addresses, datapath ids."""

NAMES = r"""
vsctl add-br br0 -- add-port br0 vnet0 -- set Interface vnet0 ofport_request=1
vsctl add-port br0 7 -- set Interface 7 ofport_request=2
vsctl -- --id=@t create Flow_Table name=classify -- set Bridge br0 flow_tables:0=@t
ofctl add-flow br0 table=0,priority=5,in_port=1,actions=vnet0
ofctl add-flow br0 table=3,priority=5,actions=normal
~ofctl --names --no-stats dump-flows br0
~ofctl --no-names --no-stats dump-flows br0
~ofctl --no-stats dump-flows br0
ofctl --no-stats dump-flows br0 in_port=vnet0
ofctl --no-names --no-stats dump-flows br0 in_port=vnet0
ofctl --no-stats dump-flows br0 in_port=0x1
ofctl add-flow br0 in_port=0x1,actions=drop
ofctl dump-ports br0 vnet0
ofctl --names dump-ports br0 vnet0
ofctl --no-names dump-ports br0 vnet0
ofctl dump-ports br0 vnet0 --no-names
ofctl --no-names dump-ports br0 1
ofctl dump-ports br0 0x1
ofctl dump-ports br0 7
ofctl --no-names dump-ports br0 LOCAL
ofctl dump-ports br0 local
ofctl dump-ports br0 nosuch
ofctl dump-ports br0 ''
?ofctl dump-ports br0 70000
ofctl --no-names dump-ports-desc br0 vnet0
ofctl dump-ports-desc br0 nosuch
ofctl queue-stats br0 vnet0
ofctl --names queue-stats br0 vnet0
ofctl --no-names queue-stats br0 vnet0
~ofctl queue-stats br0 ALL
ofctl mod-port br0 vnet0 up
ofctl --no-names mod-port br0 vnet0 up
ofctl mod-port br0 1 up
ofctl mod-port br0 0x1 up
ofctl mod-port br0 7 up
ofctl mod-port br0 99 up
ofctl mod-port br0 br0 up
ofctl mod-port br0 65534 up
ofctl mod-port br0 LOCAL up
ofctl mod-port br0 local up
ofctl -O OpenFlow13 mod-port br0 LOCAL up
ofctl -O OpenFlow13 mod-port br0 65534 up
ofctl mod-port br0 nosuch foo
ofctl mod-port br0 1 foo
"""

FORMATS = r"""
vsctl add-br br0
ofctl -F any --no-stats dump-flows br0
ofctl -F nxm --no-stats dump-flows br0
ofctl -F NXM-table_id --no-stats dump-flows br0
ofctl -F nxm+table_id --no-stats dump-flows br0
ofctl -F openflow10 --no-stats dump-flows br0
ofctl -F OpenFlow10+table_id --no-stats dump-flows br0
ofctl -F OpenFlow10,nxm+table_id --no-stats dump-flows br0
ofctl -F nxm+table_id dump-aggregate br0
ofctl -F openflow10 dump-aggregate br0
ofctl -F nxm+table_id add-flow br0 table=2,actions=drop
ofctl -F OXM --no-stats dump-flows br0
ofctl -F oxm-openflow13 --no-stats dump-flows br0
ofctl -F OXM -O OpenFlow13 --no-stats dump-flows br0
ofctl -F OXM-OpenFlow13 -O OpenFlow10,OpenFlow13 --no-stats dump-flows br0
ofctl -F OXM-OpenFlow12 -O OpenFlow10,OpenFlow13 --no-stats dump-flows br0
ofctl -F NXM -O OpenFlow13 --no-stats dump-flows br0
ofctl -F NXM -O OpenFlow10,OpenFlow13 --no-stats dump-flows br0
ofctl -F NXM,openflow10 -O OpenFlow13 probe br0
ofctl -F nxm+table_id,OXM probe br0
ofctl -F nxm+table_id,openflow10 -O OpenFlow13 probe br0
ofctl -F OpenFlow11 probe br0
ofctl -F OXM -F NXM --no-stats dump-flows br0
ofctl -F NXM dump-meters br0
ofctl -F OpenFlow13 probe br0
ofctl -F nxmfoo probe br0
ofctl -F NXM,foo probe br0
ofctl -F , probe br0
ofctl -F '' probe br0
ofctl -F OXM foo
ofctl -F OXM
"""

# Nothing listens there.
HOSTS = r"""
ofctl probe tcp:localhost:1
ofctl probe tcp:127.0.0.1:1
vsctl --timeout=5 --db=tcp:localhost:1 list-br
"""

SCENARIOS = {"ofctl names": NAMES, "ofctl formats": FORMATS, "names of hosts": HOSTS}
