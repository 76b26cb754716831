#include "vswitch/ovs/openflow_replies.h"

#include <algorithm>

#include "vswitch/ovs/openflow_tables.h"
#include "vswitch/ovs/table_features.h"

namespace outrider::ovs {
namespace {

using openflow::ErrorCode;
using openflow::kVersion10;

constexpr uint64_t kNanoseconds = 1000000000;
// Bits of ofp_port_features.
constexpr uint32_t k10Mbit = 1 << 1;
constexpr uint32_t k100Mbit = 1 << 3;
constexpr uint32_t k1Gbit = 1 << 5;
constexpr uint32_t k10Gbit = 1 << 6;
constexpr uint32_t k13Other = 1 << 10;

constexpr uint16_t k10QueueOpFailed = 5;
constexpr uint16_t k13QueueOpFailed = 9;
constexpr uint16_t kBadQueuePort = 0;
constexpr uint16_t kBadQueue = 1;
constexpr uint16_t kUnknownMeter = 3;
// All wildcards of 1.0.
constexpr uint32_t kAllWildcards = 0x3fffff;
// Meter ids are ofport * 16 + kind.
constexpr uint32_t kMaxMeter = 65279u * 16 + 15;

uint32_t SpeedBits(uint32_t mbps, uint8_t version) {
  switch (mbps) {
    case 0:
      return 0;
    case 10:
      return k10Mbit;
    case 100:
      return k100Mbit;
    case 1000:
      return k1Gbit;
    case 10000:
      return k10Gbit;
    default:
      return version == kVersion10 ? 0 : k13Other;
  }
}

openflow::PortDesc DescOf(const PortFacts& facts, uint8_t version) {
  openflow::PortDesc desc{.port = openflow::PortFrom10(facts.ofport), .mac = facts.mac};
  desc.name = facts.name;
  if (!facts.admin_up) desc.config = openflow::kPortDown;
  if (!facts.link_up) desc.state = openflow::kLinkDown;
  if (version != kVersion10 && facts.admin_up && facts.link_up) desc.state = openflow::k13Live;
  desc.current = SpeedBits(facts.speed_mbps, version);
  if (version != kVersion10) desc.current_kbps = facts.speed_mbps * 1000;
  return desc;
}

bool IsEgressDrop(const std::string& reason) {
  return reason == "acl_egress" || reason == "acl_reject_egress" || reason == "policer_egress";
}

openflow::PortStats StatsOf(const SwitchFacts& facts, const PortFacts& port) {
  openflow::PortStats stats{.port = openflow::PortFrom10(port.ofport)};
  stats.duration_s = static_cast<uint32_t>(port.duration_ns / kNanoseconds);
  stats.duration_ns = static_cast<uint32_t>(port.duration_ns % kNanoseconds);
  const auto counted = port.id ? facts.counters.find(*port.id) : facts.counters.end();
  stats.rx_errors = port.rx_errors;
  stats.tx_errors = port.tx_errors;
  if (counted == facts.counters.end()) {
    stats.rx_packets = port.rx_packets;
    stats.rx_bytes = port.rx_bytes;
    stats.rx_dropped = port.rx_dropped;
    stats.tx_packets = port.tx_packets;
    stats.tx_bytes = port.tx_bytes;
    stats.tx_dropped = port.tx_dropped;
    return stats;
  }
  stats.rx_packets = counted->second.rx_packets;
  stats.rx_bytes = counted->second.rx_bytes;
  stats.tx_packets = counted->second.tx_packets;
  stats.tx_bytes = counted->second.tx_bytes;
  stats.rx_dropped = 0;
  stats.tx_dropped = 0;
  for (const auto& [reason, count] : counted->second.drops) {
    (IsEgressDrop(reason) ? stats.tx_dropped : stats.rx_dropped) += count;
  }
  return stats;
}

Answer AnswerPorts(const SwitchFacts& facts, const BridgeFacts& bridge, uint8_t version,
                   uint32_t port) {
  openflow::PortList list;
  for (const auto& [ofport, one] : bridge.ports) {
    if (port != openflow::kPortAny && port != openflow::PortFrom10(ofport)) continue;
    list.push_back(StatsOf(facts, one));
  }
  if (list.empty() && port != openflow::kPortAny && version != kVersion10) {
    return ErrorCode{openflow::kBadRequest, openflow::k13BadPort};
  }
  return openflow::Body{list};
}

// Each port has one queue: what its shaper lets pass.
Answer AnswerQueues(const SwitchFacts& facts, const BridgeFacts& bridge, uint8_t version,
                    const openflow::StatsRequest& request) {
  const uint16_t failed = version == kVersion10 ? k10QueueOpFailed : k13QueueOpFailed;
  openflow::QueueList list;
  for (const auto& [ofport, one] : bridge.ports) {
    const uint32_t number = openflow::PortFrom10(ofport);
    if (request.port != openflow::kPortAny && request.port != number) continue;
    if (request.queue != openflow::kQueueAll && request.queue != 0) {
      if (request.port == openflow::kPortAny) continue;
      return ErrorCode{failed, kBadQueue};
    }
    openflow::QueueStats stats{.port = number, .queue = 0};
    const openflow::PortStats port = StatsOf(facts, one);
    if (one.id && facts.counters.contains(*one.id)) {
      stats.tx_bytes = port.tx_bytes;
      stats.tx_packets = port.tx_packets;
      stats.duration_s = port.duration_s;
      stats.duration_ns = port.duration_ns;
    }
    list.push_back(stats);
  }
  if (list.empty() && request.port != openflow::kPortAny) return ErrorCode{failed, kBadQueuePort};
  return openflow::Body{list};
}

openflow::Desc DescOfSwitch(const SwitchFacts& facts, const BridgeFacts& bridge) {
  return {.manufacturer = "Outrider",
          .hardware = "eBPF virtual switch",
          .software = facts.version,
          .serial = "None",
          .datapath = bridge.name};
}

openflow::TableList TablesOf(const SwitchFacts& facts, const BridgeFacts& bridge) {
  openflow::TableList tables;
  for (uint8_t table = 0; table < kFlowTables; ++table) {
    tables.push_back({.table = table,
                      .name = kFlowTableNames[table],
                      .wildcards = kAllWildcards,
                      .max_entries = kMostFlows});
  }
  for (const auto& flow : RenderPipeline(facts, bridge).flows) ++tables[flow.table].active;
  // Every frame from a port is looked up in the first table.
  for (const auto& [ofport, port] : bridge.ports) {
    const auto counted = port.id ? facts.counters.find(*port.id) : facts.counters.end();
    if (counted == facts.counters.end()) continue;
    tables[kClassify].lookups += counted->second.rx_packets;
    tables[kClassify].matches += counted->second.rx_packets;
  }
  return tables;
}

// All, or the one asked for.
template <typename Meter>
Answer Meters(const std::vector<Meter>& meters, uint32_t id) {
  if (id == openflow::kMeterAll) return openflow::Body{meters};
  for (const Meter& meter : meters) {
    if (meter.meter == id) return openflow::Body{std::vector<Meter>{meter}};
  }
  return ErrorCode{openflow::k13MeterModFailed, kUnknownMeter};
}

openflow::MeterFeatures FeaturesOfMeters() {
  return {.max_meter = kMaxMeter,
          .band_types = 1 << openflow::kBandDrop,
          .capabilities = openflow::kMeterKbps | openflow::kMeterPktps | openflow::kMeterBurst |
                          openflow::kMeterStats,
          .max_bands = 1,
          .max_color = 0};
}

}  // namespace

openflow::PortDescList PortsOf(const BridgeFacts& bridge, uint8_t version) {
  openflow::PortDescList list;
  for (const auto& [ofport, port] : bridge.ports) {
    if (ofport != kLocalOfport) list.push_back(DescOf(port, version));
  }
  PortFacts tunnel;
  tunnel.name = kTunnelName;
  tunnel.ofport = kTunnelOfport;
  tunnel.admin_up = true;
  tunnel.link_up = true;
  list.push_back(DescOf(tunnel, version));
  const auto local = bridge.ports.find(kLocalOfport);
  if (local != bridge.ports.end()) list.push_back(DescOf(local->second, version));
  return list;
}

openflow::FeaturesReply FeaturesOf(const BridgeFacts& bridge, uint8_t version) {
  openflow::FeaturesReply features{.datapath_id = bridge.datapath_id, .tables = kFlowTables};
  features.capabilities =
      openflow::kFlowStats | openflow::kTableStats | openflow::kPortStats | openflow::kQueueStats;
  if (version != kVersion10) return features;
  features.capabilities |= openflow::k10ArpMatchIp;
  // What flows use of 1.0's own actions: output, set VLAN, strip VLAN.
  features.actions = 1 << 0 | 1 << 1 | 1 << 3;
  features.ports = PortsOf(bridge, version);
  // A message's length has 16 bits; whoever needs the rest asks for port descriptions.
  constexpr size_t kMostPorts = 1300;
  if (features.ports.size() > kMostPorts) features.ports.resize(kMostPorts);
  return features;
}

openflow::Body AnswerFlows(const SwitchFacts& facts, const BridgeFacts& bridge,
                           const openflow::FlowStatsRequest& request) {
  std::vector<openflow::FlowStats> flows = Select(RenderPipeline(facts, bridge).flows, request);
  if (!request.aggregate) {
    return openflow::FlowStatsReply{.form = request.form, .flows = std::move(flows)};
  }
  openflow::AggregateReply reply{.form = request.form};
  reply.stats.flows = static_cast<uint32_t>(flows.size());
  for (const openflow::FlowStats& flow : flows) {
    reply.stats.packets += flow.packets;
    reply.stats.bytes += flow.bytes;
  }
  return reply;
}

Answer AnswerStats(const SwitchFacts& facts, const BridgeFacts& bridge, uint8_t version,
                   const openflow::StatsRequest& request) {
  switch (request.type) {
    case openflow::kStatsDesc:
      return openflow::Body{DescOfSwitch(facts, bridge)};
    case openflow::kStatsTable:
      return openflow::Body{TablesOf(facts, bridge)};
    case openflow::kStatsPort:
      return AnswerPorts(facts, bridge, version, request.port);
    case openflow::kStatsQueue:
      return AnswerQueues(facts, bridge, version, request);
    case openflow::kStatsPortDesc:
      return openflow::Body{PortsOf(bridge, version)};
    case openflow::kStatsTableFeatures:
      if (!request.tables.empty()) return Refusal(openflow::Body{request}, version);
      return openflow::Body{FeaturesOfTables()};
    case openflow::kStatsMeter:
      return Meters(RenderPipeline(facts, bridge).meter_stats, request.id);
    case openflow::kStatsMeterConfig:
      return Meters(RenderPipeline(facts, bridge).meters, request.id);
    case openflow::kStatsMeterFeatures:
      return openflow::Body{FeaturesOfMeters()};
    case openflow::kStatsGroup:
      return openflow::Body{openflow::GroupList{.nicira = request.nicira}};
    case openflow::kStatsGroupDesc:
      return openflow::Body{openflow::GroupDescList{.nicira = request.nicira}};
    case openflow::kStatsGroupFeatures:
      return openflow::Body{openflow::GroupFeaturesReply{.nicira = request.nicira}};
    default:
      return ErrorCode{openflow::kBadRequest, openflow::kBadStat};
  }
}

ErrorCode Refusal(const openflow::Body& request, uint8_t version) {
  const ErrorCode general{openflow::kBadRequest, openflow::kEperm};
  // 1.0.0, 5.4.4 and 1.3.5, 7.5.4: the type of what failed, and its "not permitted".
  if (std::holds_alternative<openflow::FlowMod>(request)) {
    return version == kVersion10 ? ErrorCode{3, 2} : ErrorCode{5, 4};
  }
  if (version == kVersion10) return general;
  if (std::holds_alternative<openflow::PortMod>(request)) return {7, 4};
  if (std::holds_alternative<openflow::SwitchConfig>(request)) return {10, 2};
  if (std::holds_alternative<openflow::Role>(request)) return {11, 1};
  if (std::holds_alternative<openflow::StatsRequest>(request)) {
    return {openflow::k13TableFeaturesFailed, 5};
  }
  if (const auto* opaque = std::get_if<openflow::Opaque>(&request)) {
    if (opaque->type == openflow::k13GroupMod) return {6, 14};
    if (opaque->type == openflow::k13TableMod) return {8, 2};
  }
  return general;
}

}  // namespace outrider::ovs
