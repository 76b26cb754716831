// ovs-appctl's commands about the switch itself, in ovs-vswitchd's layouts: fdb/*, dpif/*,
// ofproto/list, coverage/*, memory/show, bond/show, version, exit. They see SwitchFacts and the
// database only.
//
// Thread rule: one thread, which Look() may keep for milliseconds.
#ifndef OUTRIDER_VSWITCH_OVS_UNIXCTL_SWITCH_COMMANDS_H_
#define OUTRIDER_VSWITCH_OVS_UNIXCTL_SWITCH_COMMANDS_H_

#include <functional>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/switch_facts.h"
#include "vswitch/ovs/unixctl_commands.h"

namespace outrider::ovs {

// All outlive `commands`. `on_exit`: somebody asked the switch to end; the reply is not sent yet.
void AddSwitchCommands(SwitchFactsSource* source, const Database* database,
                       std::function<void()> on_exit, UnixctlCommands* commands);

// dpif/dump-flows and dpctl/dump-flows (unixctl_flow_commands.cc): what is in force, a line for
// each port's classification, each rule of its lists, and each station.
void AddFlowCommands(SwitchFactsSource* source, UnixctlCommands* commands);

// ofproto/trace (unixctl_trace_command.cc): the steps of our own trace.
void AddTraceCommand(SwitchFactsSource* source, UnixctlCommands* commands);

// "LOCAL" or the number.
std::string OfportText(uint16_t ofport);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_UNIXCTL_SWITCH_COMMANDS_H_
