"""What clients say that speak OVSDB themselves (RFC 7047), in ovsdb-client's words. There is none of
ours: these lines compare servers alone."""

from __future__ import annotations

_START = r"""
vsctl add-br br0 -- set bridge br0 other_config:hwaddr="52:54:00:00:00:01"
vsctl add-port br0 p1 tag=10 -- add-port br0 p2 trunks=20,30
vsctl set Open_vSwitch . external_ids:k=v
"""

_SCHEMA = r"""
db-client list-dbs
db-client get-schema-version unix:$RUN/db.sock Open_vSwitch
db-client get-schema-version
db-client get-schema-version unix:$RUN/db.sock _Server
db-client get-schema-version unix:$RUN/db.sock nosuch
~db-client list-tables
~db-client list-tables unix:$RUN/db.sock Open_vSwitch
~db-client list-tables unix:$RUN/db.sock _Server
~db-client list-columns
~db-client list-columns unix:$RUN/db.sock Open_vSwitch Bridge
~db-client list-columns unix:$RUN/db.sock Open_vSwitch Nosuch
~db-client list-columns unix:$RUN/db.sock _Server
db-client get-schema unix:$RUN/db.sock _Server
db-client get-schema
db-client get-schema-cksum
db-client dump unix:$RUN/db.sock Open_vSwitch Port name tag trunks
db-client -f csv dump unix:$RUN/db.sock Open_vSwitch Bridge name other_config
db-client -f json dump unix:$RUN/db.sock Open_vSwitch Interface name type options
db-client dump unix:$RUN/db.sock Open_vSwitch QoS
db-client dump unix:$RUN/db.sock Open_vSwitch Nosuch
db-client dump unix:$RUN/db.sock Open_vSwitch Port nosuch
db-client wait unix:$RUN/db.sock Open_vSwitch connected
~db-client -t 1 monitor unix:$RUN/db.sock Open_vSwitch Port name,tag,trunks
db-client -t 1 monitor-cond unix:$RUN/db.sock Open_vSwitch '[["name","==","p1"]]' Port name,tag
db-client monitor unix:$RUN/db.sock Open_vSwitch Nosuch
db-client monitor unix:$RUN/db.sock nosuch Port
"""

# One transaction each: the operations, without the name of the database.
_TRANSACTIONS = r"""
{"op":"select","table":"Port","where":[["name","==","p1"]],"columns":["name","tag","trunks"]}
{"op":"select","table":"Port","where":[["tag","==",10]],"columns":["name"]}
{"op":"select","table":"Port","where":[["trunks","includes",["set",[20]]]],"columns":["name"]}
{"op":"select","table":"Port","where":[["trunks","excludes",["set",[20]]],["name","!=","br0"]],"columns":["name"]}
{"op":"select","table":"Port","where":[false],"columns":["name"]}
{"op":"select","table":"Port","where":[["name","==","p1"]],"columns":[]}
{"op":"select","table":"Port","where":[["tag","<",11]],"columns":["name"]}
{"op":"select","table":"Port","where":[["name","<","p2"]],"columns":["name"]}
{"op":"select","table":"Port","where":[["name","==",5]],"columns":["name"]}
{"op":"select","table":"Port","where":[["name","like","p"]],"columns":["name"]}
{"op":"select","table":"Port","where":[["nosuch","==",5]],"columns":["name"]}
{"op":"select","table":"Port","where":[["name","==","p1"]],"columns":["nosuch"]}
{"op":"select","table":"Port","where":["name"]}
{"op":"select","table":"Port"}
{"op":"select","table":"Nosuch","where":[]}
{"op":"select","where":[]}
{"op":"nosuch"}
{"table":"Port"}
{}
5
{"op":"select","table":"Port","where":[],"columns":["name"],"more":1}
{"op":"insert","table":"Port","row":{"name":"q1"}}
{"op":"insert","table":"Port","row":{"name":"q1","interfaces":["named-uuid","i"]}},{"op":"insert","table":"Interface","uuid-name":"i","row":{"name":"q1"}}
{"op":"insert","table":"Port","row":{"name":"q1","interfaces":["named-uuid","nosuch"]}}
{"op":"insert","table":"Interface","uuid-name":"i","row":{"name":"q1"}},{"op":"insert","table":"Interface","uuid-name":"i","row":{"name":"q2"}}
{"op":"insert","table":"Interface","uuid-name":"1 2","row":{"name":"q1"}}
{"op":"insert","table":"QoS","row":{"type":"t"}},{"op":"abort"}
{"op":"insert","table":"QoS","row":{"type":5}}
{"op":"insert","table":"QoS","row":{"nosuch":5}}
{"op":"insert","table":"QoS","row":{"_uuid":["uuid","11111111-1111-4111-8111-111111111111"]}}
{"op":"insert","table":"QoS","row":{"queues":["map",[[1,["uuid","11111111-1111-4111-8111-111111111111"]]]]}}
{"op":"insert","table":"Queue","row":{"dscp":64}}
{"op":"insert","table":"Queue","row":{"dscp":["set",[1,2]]}}
{"op":"insert","table":"Open_vSwitch","row":{}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"tag":11}}
{"op":"update","table":"Port","where":[["name","==","nosuch"]],"row":{"tag":11}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"tag":5000}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"tag":"x"}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"vlan_mode":"x"}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"name":"p3"}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"interfaces":["set",[]]}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"trunks":["set",[1,1]]}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"external_ids":["map",[["a","1"],["a","2"]]]}}
{"op":"update","table":"Port","where":[["name","==","p1"]],"row":{"external_ids":["map",[["a"]]]}}
{"op":"update","table":"Port","where":[["name","==","p1"]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["tag","+=",1]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["tag","/=",0]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["tag","*=",1000]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["trunks","insert",["set",[7,8]]],["trunks","delete",7]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["external_ids","insert",["map",[["a","1"]]]]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["external_ids","delete",["set",["a"]]]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["name","insert","x"]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["tag","nosuch",1]]}
{"op":"mutate","table":"Port","where":[["name","==","p1"]],"mutations":[["tag"]]}
{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["next_cfg","+=",9223372036854775807]]}
{"op":"delete","table":"Port","where":[["name","==","nosuch"]]}
{"op":"delete","table":"Interface","where":[["name","==","p1"]]}
{"op":"insert","table":"Bridge","row":{"name":"br0"}}
{"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0"}},{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["bridges","insert",["named-uuid","b"]]]}
{"op":"insert","table":"Manager","uuid-name":"m","row":{"target":"punix:/nosuch"}},{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["manager_options","insert",["named-uuid","m"]]]}
{"op":"insert","table":"Manager","uuid-name":"m","row":{"target":"punix:/nosuch"}},{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["manager_options","insert",["named-uuid","m"]]]}
{"op":"update","table":"Open_vSwitch","where":[],"row":{"manager_options":["set",[]]}}
{"op":"insert","table":"Mirror","uuid-name":"m","row":{"name":"m","output_port":["uuid","11111111-1111-4111-8111-111111111111"]}},{"op":"mutate","table":"Bridge","where":[],"mutations":[["mirrors","insert",["named-uuid","m"]]]}
{"op":"select","table":"Mirror","where":[],"columns":["name","output_port"]}
{"op":"delete","table":"Open_vSwitch","where":[]},{"op":"insert","table":"Open_vSwitch","row":{}},{"op":"abort"}
{"op":"insert","table":"Flow_Sample_Collector_Set","row":{"id":1,"bridge":["uuid","11111111-1111-4111-8111-111111111111"]}}
{"op":"insert","table":"Flow_Sample_Collector_Set","uuid-name":"f","row":{"id":-1}}
{"op":"delete","table":"Port","where":[["name","==","p1"]]}
{"op":"wait","timeout":0,"table":"Port","where":[["name","==","p1"]],"columns":["tag"],"until":"==","rows":[{"tag":12}]}
{"op":"wait","timeout":0,"table":"Port","where":[["name","==","p1"]],"columns":["tag"],"until":"!=","rows":[{"tag":99}]}
{"op":"wait","timeout":0,"table":"Port","where":[["name","==","p1"]],"columns":["tag"],"until":"==","rows":[{"tag":99}]}
{"op":"wait","timeout":10,"table":"Port","where":[["name","==","p1"]],"columns":["tag"],"until":"==","rows":[{"tag":99}]}
{"op":"wait","timeout":-1,"table":"Port","where":[],"columns":["tag"],"until":"==","rows":[]}
{"op":"wait","timeout":0,"table":"Port","where":[],"columns":["tag"],"until":"<","rows":[]}
{"op":"assert","lock":"mine"}
{"op":"comment","comment":"hello"}
{"op":"comment"}
{"op":"commit","durable":true}
{"op":"commit","durable":1}
{"op":"abort"}
{"op":"comment","comment":"x"},{"op":"abort"},{"op":"comment","comment":"y"}
"""

_SHAPES = r"""
db-client transact '[]'
db-client transact '["Open_vSwitch"]'
db-client transact '["nosuch"]'
db-client transact '["_Server",{"op":"select","table":"Database","where":[["name","==","Open_vSwitch"]],"columns":["name","model","connected","leader"]}]'
db-client transact '["_Server",{"op":"delete","table":"Database","where":[]}]'
db-client transact '{}'
db-client transact '[5]'
db-client query '["Open_vSwitch",{"op":"select","table":"Bridge","where":[],"columns":["name"]}]'
db-client query '["Open_vSwitch",{"op":"delete","table":"Port","where":[]}]'
~vsctl show
"""

SCENARIOS = {
    "native schema": _START + _SCHEMA,
    "native transactions": _START
    + "\n".join(
        f"db-client transact '[\"Open_vSwitch\",{line}]'"
        for line in _TRANSACTIONS.strip().splitlines()
    )
    + _SHAPES,
}
