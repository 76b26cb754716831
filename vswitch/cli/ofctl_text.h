// OpenFlow's messages and their parts in the words of ovs-ofctl, which callers parse. Pure; any
// thread.
#ifndef OUTRIDER_VSWITCH_CLI_OFCTL_TEXT_H_
#define OUTRIDER_VSWITCH_CLI_OFCTL_TEXT_H_

#include <map>
#include <string>
#include <vector>

#include "vswitch/sys/openflow/message.h"

namespace outrider::cli {

// Names instead of numbers; empty maps: numbers.
struct OfNames {
  std::map<uint32_t, std::string> ports = {};
  std::map<uint8_t, std::string> tables = {};
};

// In quotes, unless it is of letters and digits only.
std::string NameText(const std::string& name);
// "1", "vnet0", "LOCAL", "CONTROLLER".
std::string PortText(uint32_t port, const OfNames& names);
std::string TableText(uint8_t table, const OfNames& names);

// "priority=5,tcp,in_port=1", each but the last with a comma behind; the priority unless it is
// `default_priority`.
std::string MatchText(const openflow::Match& match, int priority, int default_priority,
                      const OfNames& names);
// Without "actions=": "drop" for none. `version`: "strip_vlan" or "pop_vlan".
std::string ActionsText(const openflow::ActionList& actions, uint8_t version, const OfNames& names);
// Of a field: "0x64", "10.0.0.0/24", "LOCAL".
std::string ValueText(openflow::Field field, const openflow::FieldValue& value,
                      const OfNames& names);

// One flow as dump-flows shows it, without the blank before it.
struct FlowStyle {
  uint8_t version = openflow::kVersion10;
  bool stats = true;
  // The whole reply is printed: ages show, too.
  bool ages = true;
};
std::string FlowText(const openflow::FlowStats& flow, const FlowStyle& style, const OfNames& names);

// A whole message with its first line ("OFPST_PORT reply (xid=0x2): 5 ports"), ends with a line
// end.
std::string MessageText(const openflow::Message& message, const OfNames& names);
// "OFPFMFC_EPERM"; a number where the version has no name for it.
std::string ErrorName(const openflow::ErrorCode& code, uint8_t version);

// "normal", "drop", "reassemble", "nx-match".
std::string FragsText(uint16_t flags);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OFCTL_TEXT_H_
