#include "vswitch/datapath/ebpf/counter_bases.h"

#include "vswitch/abi/or_drop.h"
#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/datapath/ebpf/port_codec.h"

namespace outrider::datapath::ebpf {

static_assert(OR_DROP_REASON_COUNT <= OR_MAX_DROP_REASONS, "or_counter_base has no room");

absl::Status WriteCounterBase(const DatapathMaps& maps, uint32_t index, const PortCounters& base) {
  abi::or_counter_base row{};
  row.stats = {.rx_packets = base.rx_packets,
               .rx_bytes = base.rx_bytes,
               .tx_packets = base.tx_packets,
               .tx_bytes = base.tx_bytes};
  for (uint32_t reason = 1; reason < OR_DROP_REASON_COUNT; ++reason) {
    const auto drops = base.drops.find(DropReasonName(reason));
    if (drops != base.drops.end()) row.drops[reason] = drops->second;
  }
  RETURN_IF_ERROR(maps.counter_bases.Update(index, row));
  ASSIGN_OR_RETURN(std::vector<abi::or_rule_count_key> old, maps.rule_bases.Keys());
  std::erase_if(old, [index](const abi::or_rule_count_key& key) { return key.port != index; });
  RETURN_IF_ERROR(maps.rule_bases.DeleteBatch(old));
  const absl::StatusOr<abi::or_port> port = maps.ports.Lookup(index);
  if (!port.ok()) return OkIfAbsent(port.status());
  std::vector<std::pair<abi::or_rule_count_key, abi::or_rule_count>> rules;
  for (const auto& [rule, count] : base.rules) {
    const bool to_guest = rule.first == Direction::kEgress;
    const uint32_t set = to_guest ? port->egress_rule_set : port->ingress_rule_set;
    // More rules than a set has are nobody's.
    if (set == 0 || rule.second > state::kMaxRules) continue;
    rules.push_back({{.port = index, .set = set, .number = rule.second, .to_guest = to_guest},
                     {.packets = count.packets, .bytes = count.bytes}});
  }
  return maps.rule_bases.UpdateBatch(rules);
}

absl::StatusOr<std::map<PortId, std::map<std::string, uint64_t>>> ReadCarriedDrops(
    const DatapathMaps& maps) {
  ASSIGN_OR_RETURN(const auto rows, maps.counter_bases.Dump());
  std::map<PortId, std::map<std::string, uint64_t>> carried;
  for (const auto& [index, base] : rows) {
    const auto info = maps.port_info.Lookup(index);
    // Gone since the rows were read.
    if (absl::IsNotFound(info.status())) continue;
    RETURN_IF_ERROR(info.status());
    std::map<std::string, uint64_t>& drops = carried[DecodePortId(*info)];
    for (uint32_t reason = 1; reason < OR_DROP_REASON_COUNT; ++reason) {
      if (base.drops[reason] != 0) drops[DropReasonName(reason)] = base.drops[reason];
    }
  }
  return carried;
}

}  // namespace outrider::datapath::ebpf
