// Objects as people read them: tables for lists, YAML or labelled fields for one.
//
// Pure functions of messages; must not call anything. Any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_OBJECT_TEXT_H_
#define OUTRIDER_CONTROLLER_CLI_OBJECT_TEXT_H_

#include <google/protobuf/map.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "outrider/v1/agent.pb.h"
#include "outrider/v1/api.pb.h"

namespace outrider::controller::cli {

// "physnet1:100", "physnet1" of its untagged frames (VLAN 0); empty without an uplink.
std::string ProviderText(const std::string& uplink, uint32_t vlan);
std::string SegmentTable(const v1::ListSegmentsResponse& list);
std::string AddressGroupTable(const v1::ListAddressGroupsResponse& list);
std::string PortGroupTable(const v1::ListPortGroupsResponse& list);
std::string GatewayTable(const v1::ListGatewaysResponse& list);
std::string ProfileTable(const v1::ListProfilesResponse& list);
std::string ProfileHistoryTable(const v1::ListProfileRevisionsResponse& list);
std::string PortTable(const std::vector<v1::Port>& ports);
std::string LocalPortTable(const v1::ListLocalPortsResponse& list);
std::string HostTable(const v1::ListHostsResponse& list);
std::string MigrationTable(const v1::ListMigrationsResponse& list);

// "1400", or "1450 (derived)".
std::string MtuText(const v1::Segment& segment);
// "snoop, unknown drop".
std::string MulticastText(const v1::Segment& segment);

// YAML that `apply` reads, after comment lines with what is the controller's.
std::string SegmentText(const v1::Segment& segment);
std::string AddressGroupText(const v1::AddressGroup& group);
std::string PortGroupText(const v1::PortGroup& group);
std::string GatewayText(const v1::Gateway& gateway);
std::string ProfileText(const v1::Profile& profile);
// With what it inherits; says so.
std::string EffectiveProfileText(const v1::Profile& profile);

std::string PortText(const v1::Port& port);
std::string PortCountersText(const v1::PortCountersResponse& counters);
std::string HostText(const v1::Host& host);
std::string ControllerStatusText(const v1::ControllerStatus& status);
std::string AgentStatusText(const v1::AgentStatus& status);
// What the agent says is desired or applied, a table for each kind of object.
std::string HostStateText(const v1::GetHostStateResponse& response);

// "20000 kb/s, 500 pps"; empty for no limit.
std::string RatesText(const v1::Policer& policer);

// The first 12 digits of a digest, enough to compare by eye.
std::string ShortDigest(const std::string& digest);

// A protobuf map in the order of its keys.
template <typename Value>
std::map<std::string, Value> Sorted(const google::protobuf::Map<std::string, Value>& map) {
  return std::map<std::string, Value>(map.begin(), map.end());
}

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_OBJECT_TEXT_H_
