"""What programs run: libvirt word by word, and the others' verbs as they write them."""

LIBVIRT = r"""
vsctl --timeout=5 -- --may-exist add-br virbr0
vsctl --timeout=5 -- --may-exist add-port virbr0 vnet0 -- set Interface vnet0 'external-ids:attached-mac="52:54:00:aa:bb:01"' -- set Interface vnet0 'external-ids:iface-id="c2a5f0f0-1111-2222-3333-444455556666"' -- set Interface vnet0 'external-ids:vm-id="66616b65-7575-6964-0000-000000000000"' -- set Interface vnet0 'external-ids:port-profile="web"' -- set Interface vnet0 'external-ids:ifname="vnet0"' -- set Interface vnet0 external-ids:iface-status=active
vsctl --timeout=5 -- --may-exist add-port virbr0 vnet0 -- set Interface vnet0 'external-ids:attached-mac="52:54:00:aa:bb:01"' -- set Interface vnet0 external-ids:iface-status=active
vsctl --timeout=5 -- --if-exists del-port vnet1 -- add-port virbr0 vnet1 tag=10 -- set Interface vnet1 'external-ids:attached-mac="52:54:00:aa:bb:02"' -- set Interface vnet1 external-ids:iface-status=active
vsctl --timeout=5 -- --may-exist add-port virbr0 vnet2 vlan_mode=native-untagged tag=20 trunk=20,30,40 -- set Interface vnet2 external-ids:iface-status=active
vsctl --timeout=5 -- --may-exist add-port virbr0 vnet3 vlan_mode=native-tagged tag=20 trunk=1 -- set Interface vnet3 external-ids:iface-status=active
vsctl get Port vnet2 tag trunks vlan_mode
vsctl get Interface vnet0 external_ids
vsctl --timeout=5 --if-exists get Interface vnet0 external_ids:PortData
vsctl --timeout=5 --if-exists get Interface vnetnone external_ids:PortData
vsctl --timeout=5 set Interface vnet0 'external_ids:PortData="m1:7"'
vsctl --timeout=5 --if-exists get Interface vnet0 external_ids:PortData
vsctl --timeout=5 set Interface vnet0 external_ids:PortData=
vsctl --timeout=5 set Interface vnet0 external_ids:PortData=word
vsctl --timeout=5 --if-exists get Interface vnet0 external_ids:PortData
vsctl --timeout=5 --if-exists --format=list --data=json --no-headings --columns=statistics list Interface nosuch
vsctl --timeout=5 --if-exists --format=list --data=json --no-headings --columns=external_ids list Interface vnet0
vsctl --timeout=5 iface-to-br vnet0
vsctl --timeout=5 iface-to-br vnetnone
vsctl --timeout=5 -- set Interface vnet3 type=dummy options:vhost-server-path=/run/s
vsctl --timeout=5 --no-headings --columns=name find Interface options:vhost-server-path=/run/s
vsctl --timeout=5 --no-headings --columns=name find Interface options:vhost-server-path=/run/none
vsctl --timeout=5 get Interface vnet3 name
vsctl --timeout=5 -- --if-exists clear Port vnet2 tag -- --if-exists clear Port vnet2 trunk -- --if-exists clear Port vnet2 vlan_mode -- --if-exists set Port vnet2 tag=33
vsctl get Port vnet2 tag trunks vlan_mode
vsctl --timeout=5 -- --if-exists clear Port vnetnone tag -- --if-exists clear Port vnetnone trunk -- --if-exists clear Port vnetnone vlan_mode
vsctl --timeout=5 --no-heading --columns=_uuid find queue 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"'
vsctl --timeout=5 --no-heading --columns=_uuid find qos 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"'
vsctl --timeout=5 set port vnet0 qos=@qos1 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"' -- --id=@qos1 create qos type=linux-htb other_config:min-rate=160000000 other_config:burst=8192 other_config:max-rate=320000000 queues:0=@queue0 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"' -- --id=@queue0 create queue other_config:min-rate=160000000 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"'
vsctl --timeout=5 --no-heading --columns=_uuid find queue 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"'
vsctl --timeout=5 --no-heading --columns=_uuid find qos 'external-ids:vm-id="V"' 'external-ids:ifname="vnet0"'
vsctl --timeout=5 set queue @Queue@ other_config:min-rate=1000 'external-ids:vm-id="V"'
vsctl --timeout=5 set qos @QoS@ other_config:min-rate=1000 'external-ids:vm-id="V"'
vsctl list QoS
vsctl list Queue
vsctl --timeout=5 set Interface vnet0 ingress_policing_rate=40000 ingress_policing_burst=100
vsctl --timeout=5 set Interface vnet0 ingress_policing_rate=0 ingress_policing_burst=0
vsctl --timeout=5 set Interface vnetnone ingress_policing_rate=0 ingress_policing_burst=0
vsctl --timeout=5 --no-heading --columns=_uuid --if-exists list port vnet0 qos
vsctl --timeout=5 destroy queue @Queue@
vsctl --timeout=5 destroy qos @QoS@
vsctl --timeout=5 remove port vnet0 qos @QoS@
vsctl --timeout=5 destroy qos @QoS@
vsctl --timeout=5 destroy queue @Queue@
vsctl --timeout=5 -- --if-exists del-port vnet0
vsctl --timeout=5 -- --if-exists del-port vnet0
vsctl --timeout=5 -- --if-exists del-port
~vsctl show
"""

OPENSTACK = r"""
vsctl --timeout=120 --oneline --format=json -- --may-exist add-br br-int -- set Bridge br-int datapath_type=dummy
vsctl --timeout=120 --oneline --format=json -- add-br br-int
vsctl --timeout=120 --oneline --format=json -- --may-exist add-port br-int tap0 -- set Interface tap0 external_ids:a=b mtu_request=1450
vsctl --timeout=120 --oneline --format=json -- list-ports br-int
vsctl --timeout=120 --oneline --format=json -- --columns=name,fail_mode list Bridge br-int
vsctl --timeout=120 --oneline --format=json -- --columns=name,mtu_request find Interface name=tap0
vsctl --timeout=120 --oneline --format=json -- --id=@u create QoS type=linux-htb external_ids:k=v
vsctl --timeout=120 --oneline --format=json -- set Interface tap0 mtu_reques=1400
vsctl --timeout=120 --oneline --format=json -- set Interface tap0 no_such=1400
vsctl --timeout=120 --oneline --format=json -- destroy QoS @QoS@
vsctl --timeout=120 --oneline --format=json -- --if-exists del-port br-int tap0
vsctl --timeout=120 --oneline --format=json -- --if-exists del-br br-int
vsctl --timeout=10 --id=@manager -- create Manager 'target="ptcp:0:127.0.0.1"' -- add Open_vSwitch . manager_options @manager
?vsctl --timeout=10 --id=@manager create Manager 'target="ptcp:0:127.0.0.1"' -- add Open_vSwitch . manager_options @manager
vsctl --timeout=10 -- set Manager ptcp:0:127.0.0.1 inactivity_probe=10000
vsctl --timeout=10 --id=@manager -- get Manager ptcp:0:127.0.0.1 inactivity_probe
vsctl --timeout=10 --id=@manager get Manager ptcp:0:127.0.0.1 inactivity_probe
vsctl get-manager
"""

OPENNEBULA = r"""
vsctl list-br
vsctl --may-exist add-br onebr
vsctl --may-exist add-port onebr one0 -- set Interface one0 type=dummy options:vhost-server-path=/x
vsctl set bridge onebr stp_enable=true
vsctl set int one0 mtu_request=1400
vsctl set Port one0 tag=5
vsctl set Port one0 tag=[]
vsctl set Port one0 trunks='1,2,10-14'
vsctl set Port one0 trunks='[]'
vsctl set Port one0 vlan_mode=trunk
vsctl set Port one0 tag=7 cvlans=100,200
vsctl set Port one0 vlan_mode=dot1q-tunnel other_config:qinq-ethtype=802.1q
vsctl get Open_vSwitch . other_config:vlan-limit
vsctl set Open_vSwitch . other_config:vlan-limit=2
vsctl get Open_vSwitch . other_config:vlan-limit
vsctl list-ports onebr
vsctl --if-exists del-port onebr one0
vsctl --if-exists del-port onebr one0
vsctl --if-exists del-br onebr
vsctl --if-exists del-br onebr
"""

DEBIAN = r"""
vsctl --timeout=5 --version
vsctl --timeout=5 -- --may-exist add-br vmbr0 -- set Bridge vmbr0 other_config:a=b
vsctl --timeout=5 -- --may-exist add-port vmbr0 in0 tag=4 -- set Interface in0 type=internal
vsctl --timeout=5 -- --may-exist add-port vmbr0 pa0 -- set Interface pa0 type=patch options:peer=pb0
vsctl --timeout=5 -- --may-exist add-port vmbr0 vx0 -- set Interface vx0 type=vxlan options:remote_ip=192.0.2.2 options:key=100
vsctl --timeout=5 -- --fake-iface add-bond vmbr0 bond0 e0 e1 bond_mode=active-backup
vsctl --timeout=5 -- --may-exist --fake-iface add-bond vmbr0 bond0 e0 e1
vsctl --timeout=5 -- --may-exist --fake-iface add-bond vmbr0 bond0 e0 e2
vsctl -- add-port vmbr0 tap100i0 tag=3 trunks=1,2 vlan_mode=native-untagged -- set Interface tap100i0 mtu_request=1500
vsctl br-exists vmbr0
vsctl br-exists vmbr1
vsctl -- --may-exist add-br vmbr0 -- --if-exists clear bridge vmbr0 auto_attach controller external-ids fail_mode flood_vlans ipfix mirrors netflow other_config protocols sflow -- --if-exists clear interface vmbr0 mtu_request external-ids other_config options
vsctl -- --if-exists clear port bond0 bond_active_slave bond_mode cvlans external_ids lacp mac other_config qos tag trunks vlan_mode -- --if-exists clear interface e0 mtu_request external-ids other_config options -- set Port bond0 bond_mode=balance-slb
vsctl list-ports vmbr0
vsctl list-ifaces vmbr0
~vsctl show
vsctl --timeout=5 -- --if-exists del-port vmbr0 vx0
vsctl del-port in0
vsctl del-port in0
vsctl --timeout=5 -- --if-exists del-br vmbr0
"""

XEN = r"""
vsctl --timeout=20 -- --may-exist add-br xenbr0
vsctl --timeout=20 -- --may-exist add-br xapi1 xenbr0 99
vsctl --timeout=20 -- --may-exist add-br xapi1 xenbr0 99
vsctl --timeout=20 -- --may-exist add-br xapi1 xenbr0 98
vsctl --timeout=20 -- --may-exist add-br xapi1
vsctl --timeout=20 -- --may-exist add-br xenbr0 xenbr0 5
vsctl --timeout=30 -- --if-exists del-port vif1.0 -- add-port xapi1 vif1.0 -- set interface vif1.0 external-ids:"xen-vm-name"="NAME" -- set interface vif1.0 'external-ids:"xen-vm-uuid"="0-1"' -- set interface vif1.0 'external-ids:"attached-mac"="52:54:00:00:00:07"'
vsctl get interface vif1.0 ofport external_ids
vsctl get port vif1.0 tag
vsctl iface-to-br vif1.0
vsctl port-to-br vif1.0
vsctl br-to-parent xapi1
vsctl br-to-vlan xapi1
vsctl br-to-parent xenbr0
vsctl br-to-vlan xenbr0
vsctl list-ports xenbr0
vsctl list-ports xapi1
vsctl list-ifaces xapi1
vsctl list-br
vsctl list-br --real
vsctl -- --real list-br
vsctl --fake list-br
vsctl --fake --real list-br
vsctl get bridge xenbr0 mcast_snooping_enable
vsctl -- br-set-external-id xenbr0 k v -- br-set-external-id xapi1 xs-id 7
vsctl br-get-external-id xenbr0
vsctl br-get-external-id xenbr0 k
vsctl br-get-external-id xapi1
vsctl br-get-external-id xapi1 xs-id
vsctl br-get-external-id xapi1 none
vsctl br-set-external-id xapi1 xs-id
vsctl br-get-external-id xapi1
vsctl -- set bridge xenbr0 'other-config:hwaddr="52:54:00:00:00:01"' -- set interface xenbr0 'MAC="52:54:00:00:00:02"' -- set bridge xenbr0 fail_mode=secure -- remove bridge xenbr0 other_config disable-in-band
vsctl --bare -f table -- --columns=name,tag find port fake_bridge=true
vsctl --bare -f table -- --columns=name,tag find port fake_bridge=true tag=98
~vsctl --bare -f table -- --columns=name,type find interface type!=\"\"
vsctl get-fail-mode xenbr0
vsctl set Open_vSwitch . other_config:max-idle=10000
vsctl -- --with-iface --if-exists del-port vif1.0
vsctl -- --may-exist add-bond xenbr0 bond0 e0 e1 'MAC="52:54:00:00:00:09"' lacp=active bond_mode=balance-tcp
vsctl del-port xapi1
vsctl --if-exists del-port xapi1
vsctl set-fail-mode xapi1 secure
vsctl del-fail-mode xapi1
vsctl set-controller xapi1 tcp:127.0.0.1:1
vsctl get-controller xapi1
vsctl add-br xapi2 xapi1 5
vsctl add-br xapi2 nosuch 5
vsctl add-br xapi2 xenbr0 99
vsctl add-br xapi2 xenbr0 4096
vsctl del-br xapi1
vsctl -- --if-exists del-br xenbr0
"""

LXD = r"""
vsctl br-exists lxdbr0
vsctl add-br lxdbr0 -- set bridge lxdbr0 'other-config:hwaddr="52:54:00:00:00:11"' -- set int lxdbr0 mtu_request=1500
vsctl --may-exist add-port lxdbr0 veth0
vsctl set interface veth0 external_ids:iface-id=x-1
vsctl --format=csv --no-headings --data=bare --columns=name find interface external-ids:iface-id=x-1
vsctl set port veth0 vlan_mode=native-untagged tag=4 trunks=5,6
vsctl get open_vswitch . external_ids:system-id
vsctl --if-exists get open_vswitch . external-ids:ovn-bridge-mappings
vsctl set open_vswitch . external-ids:ovn-bridge-mappings=phys:br0
vsctl get open_vswitch . external-ids
vsctl remove open_vswitch . external-ids ovn-bridge-mappings
vsctl get open_vswitch . external-ids
vsctl get bridge lxdbr0 stp_enable
vsctl get bridge lxdbr0 other_config:stp-priority
vsctl get port veth0 tag trunks vlan_mode
vsctl clear port veth0 tag trunks
vsctl get port veth0 tag trunks vlan_mode
vsctl --if-exists del-port lxdbr0 veth0
vsctl del-br lxdbr0
"""

MININET = r"""
~vsctl -t 1 show
vsctl -- --id=@s1c0 create Controller 'target="tcp:127.0.0.1:1"' max_backoff=1000 -- --if-exists del-br s1 -- add-br s1 -- set bridge s1 controller=[@s1c0] other_config:datapath-id=0000000000000001 fail_mode=secure other-config:disable-in-band=true protocols=OpenFlow10,OpenFlow13 other-config:dp-desc=s1 -- add-port s1 s1-eth1 -- set Interface s1-eth1 ofport_request=1 -- add-port s1 s1-eth2 -- set Interface s1-eth2 ofport_request=2 type=patch options:peer=x
~vsctl show
vsctl -- get Bridge s1 Controller
vsctl -- get Bridge s1 protocols datapath_id other_config
vsctl -- get Controller @Controller@ target max_backoff
vsctl get Interface s1-eth1 ofport
vsctl --if-exists del-br s1 -- --if-exists del-br s2
vsctl --timeout=1 list-br
"""

NETPLAN = r"""
vsctl --may-exist add-br np0
vsctl --may-exist add-port np0 np1 -- set Interface np1 type=patch options:peer=np2
vsctl set Bridge np0 'external-ids:netplan="true"'
vsctl set Port np1 'external-ids:netplan/vlan_mode/x="a b"'
vsctl set-fail-mode np0 secure
vsctl get-fail-mode np0
vsctl del-fail-mode np0
vsctl set Bridge np0 mcast_snooping_enable=true rstp_enable=false protocols=OpenFlow13
vsctl set-controller np0 tcp:127.0.0.1:1 ptcp:0:127.0.0.1
vsctl get-controller np0
vsctl set Controller np0 connection-mode=out-of-band
vsctl set-controller np0 tcp:127.0.0.1:2
vsctl set Controller np0 connection-mode=out-of-band
vsctl get Controller np0 connection_mode
vsctl --inactivity-probe=5000 set-controller np0 tcp:127.0.0.1:3
vsctl get Controller np0 target inactivity_probe
vsctl set-ssl /k /c /a
vsctl get-ssl
vsctl --bootstrap set-ssl /k /c /a
vsctl get-ssl
~vsctl --columns=name,external-ids -f csv -d bare --no-headings list Port
~vsctl --columns=name,external-ids -f csv -d bare --no-headings list Bridge
vsctl --columns=external-ids -f csv -d bare --no-headings list Open_vSwitch
vsctl remove Bridge np0 external-ids 'netplan="true"'
vsctl remove Port np1 external-ids netplan/vlan_mode/x
vsctl del-ssl
vsctl del-ssl
vsctl get-ssl
vsctl del-controller np0
vsctl del-controller np0
vsctl get-controller np0
vsctl --may-exist add-bond np0 npb np3 np4
vsctl --if-exists del-bond-iface npb np3
vsctl del-br np0
"""

SCRIPTS = r"""
vsctl --no-wait -- init -- set Open_vSwitch . db-version=8.3.1
vsctl --no-wait set Open_vSwitch . ovs-version=3.1.0 'external-ids:system-id="abc-1"' 'system-type="debian"' 'system-version="12"'
vsctl add Open_vSwitch . external-ids hostname=h1
vsctl add Open_vSwitch . external-ids hostname=h2
vsctl get Open_vSwitch . external-ids
vsctl -- --real list-br
vsctl --bare -- --columns=name find port other_config:transient=true
vsctl --if-exists remove open_vswitch . other_config flow-restore-wait
vsctl list Open_vSwitch
~vsctl show
vsctl --no-wait add-br br0 -- set bridge br0 protocols=OpenFlow10
vsctl get bridge br0 protocols
vsctl --format=json get bridge br0 protocols
vsctl --timeout=60 -- --may-exist add-port br0 c0 -- set interface c0 external_ids:container_id=C external_ids:container_iface=I
vsctl --data=bare --no-heading --columns=name find interface external_ids:container_id=C external_ids:container_iface=I
vsctl set Interface c0 external-ids:pipework.interface=eth1
vsctl get Interface c0 external-ids:pipework.interface
vsctl port-to-br c0
vsctl --with-iface del-port c0
"""

SCENARIOS = {
    "libvirt": LIBVIRT,
    "openstack": OPENSTACK,
    "opennebula": OPENNEBULA,
    "debian": DEBIAN,
    "xen": XEN,
    "lxd": LXD,
    "mininet": MININET,
    "netplan": NETPLAN,
    "scripts": SCRIPTS,
}
