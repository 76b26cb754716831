// Tells a request that may be libvirt's `ovs-vsctl get Interface X external_ids:PortData`, which it
// runs at the source of every migration while the guest stands still. Neither the key nor, with
// Open vSwitch's own ovs-vsctl, the interface is on the wire, and `set` begins alike: it is a hint
// to look, no more.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_PORT_DATA_READ_H_
#define OUTRIDER_VSWITCH_OVS_PORT_DATA_READ_H_

#include "vswitch/sys/ovsdb/json_rpc.h"

namespace outrider::ovs {

// Whether it asks for names and external_ids of interfaces and for nothing else: as a monitor (Open
// vSwitch 3.1, which then sends nothing more), or in a transaction that only reads (ours).
bool MayReadPortData(const ovsdb::JsonRpcMessage& request);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_PORT_DATA_READ_H_
