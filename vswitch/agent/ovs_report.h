// What is told of an interface of the Open_vSwitch database: device, error, and how its port does.
// Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_OVS_REPORT_H_
#define OUTRIDER_VSWITCH_AGENT_OVS_REPORT_H_

#include <string>

#include "vswitch/agent/ovs_guests.h"
#include "vswitch/agent/reconciler.h"
#include "vswitch/ovs/switch_ports.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::agent {

// Why an interface is nothing that can be served, whatever this host has; empty: it can.
std::string RefusalOf(const ovs::InterfaceConfig& interface);

ovs::DeviceFacts FactsOf(const sys::CountedDevice& device);

// Fills in all but the device and the port data. `view`: the port as the host has it; nullptr: not
// at all.
void DescribeGuest(const OvsGuest& guest, const PortView* view,
                   const ovs::InterfaceConfig& interface, ovs::InterfaceReport* report);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OVS_REPORT_H_
