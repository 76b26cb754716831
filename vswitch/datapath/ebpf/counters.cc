#include "vswitch/datapath/ebpf/counters.h"

#include "vswitch/abi/or_drop.h"
#include "vswitch/datapath/ebpf/port_codec.h"

namespace outrider::datapath::ebpf {
namespace {

// Drops that belong to no port are counted under this index.
constexpr uint32_t kNoPort = 0;

// Packets by reason name, by port index.
absl::StatusOr<std::map<uint32_t, std::map<std::string, uint64_t>>> ReadDrops(
    const DatapathMaps& maps) {
  std::map<uint32_t, std::map<std::string, uint64_t>> drops;
  ASSIGN_OR_RETURN(const auto keys, maps.drops.Keys());
  for (const abi::or_drop_key& key : keys) {
    const absl::StatusOr<abi::or_drop_count> count = maps.drops.LookupSum(key);
    // Deleted with its port since the keys were read.
    if (absl::IsNotFound(count.status())) continue;
    RETURN_IF_ERROR(count.status());
    if (count->packets > 0) drops[key.port][DropReasonName(key.reason)] = count->packets;
  }
  return drops;
}

using RuleCounts = std::map<std::pair<Direction, uint32_t>, RuleCount>;

void AddRule(const abi::or_rule_count_key& key, const abi::or_rule_count& count,
             const std::map<uint32_t, abi::or_port>& rows, std::map<uint32_t, RuleCounts>* rules) {
  const auto row = rows.find(key.port);
  if (row == rows.end()) return;
  const bool to_guest = key.to_guest != 0;
  if (key.set != (to_guest ? row->second.egress_rule_set : row->second.ingress_rule_set)) return;
  const Direction direction = to_guest ? Direction::kEgress : Direction::kIngress;
  RuleCount& sum = (*rules)[key.port][{direction, key.number}];
  sum.packets += count.packets;
  sum.bytes += count.bytes;
}

// By port index. What rule sets decided that the port has left is told no more.
absl::StatusOr<std::map<uint32_t, RuleCounts>> ReadRules(const DatapathMaps& maps) {
  std::map<uint32_t, RuleCounts> rules;
  ASSIGN_OR_RETURN(const auto ports, maps.ports.Dump());
  const std::map<uint32_t, abi::or_port> rows(ports.begin(), ports.end());
  ASSIGN_OR_RETURN(const auto keys, maps.rule_counts.Keys());
  for (const abi::or_rule_count_key& key : keys) {
    if (!rows.contains(key.port)) continue;
    const absl::StatusOr<abi::or_rule_count> count = maps.rule_counts.LookupSum(key);
    if (absl::IsNotFound(count.status())) continue;
    RETURN_IF_ERROR(count.status());
    AddRule(key, *count, rows, &rules);
  }
  ASSIGN_OR_RETURN(const auto bases, maps.rule_bases.Dump());
  for (const auto& [key, count] : bases) AddRule(key, count, rows, &rules);
  return rules;
}

void AddBase(const abi::or_counter_base& base, PortCounters* counters) {
  counters->rx_packets += base.stats.rx_packets;
  counters->rx_bytes += base.stats.rx_bytes;
  counters->tx_packets += base.stats.tx_packets;
  counters->tx_bytes += base.stats.tx_bytes;
  for (uint32_t reason = 1; reason < OR_DROP_REASON_COUNT; ++reason) {
    if (base.drops[reason] != 0) counters->drops[DropReasonName(reason)] += base.drops[reason];
  }
}

}  // namespace

std::string DropReasonName(uint32_t reason) {
  switch (reason) {
#define OR_DROP_NAME(code, number, name, text) \
  case number:                                 \
    return name;
    OR_DROP_REASONS(OR_DROP_NAME)
#undef OR_DROP_NAME
    default:
      return "reason_" + std::to_string(reason);
  }
}

absl::StatusOr<std::map<PortId, PortCounters>> ReadPortCounters(const DatapathMaps& maps) {
  ASSIGN_OR_RETURN(auto drops, ReadDrops(maps));
  ASSIGN_OR_RETURN(auto rules, ReadRules(maps));
  ASSIGN_OR_RETURN(const auto ports, maps.port_info.Dump());
  ASSIGN_OR_RETURN(const auto rows, maps.counter_bases.Dump());
  const std::map<uint32_t, abi::or_counter_base> bases(rows.begin(), rows.end());
  std::map<PortId, PortCounters> counters;
  for (const auto& [index, info] : ports) {
    const absl::StatusOr<abi::or_port_stats> stats = maps.port_stats.LookupSum(index);
    if (absl::IsNotFound(stats.status())) continue;
    RETURN_IF_ERROR(stats.status());
    const absl::StatusOr<uint32_t> connections = maps.connection_counts.Lookup(index);
    if (!connections.ok() && !absl::IsNotFound(connections.status())) return connections.status();
    PortCounters& port = counters[DecodePortId(info)];
    port = {.rx_packets = stats->rx_packets,
            .rx_bytes = stats->rx_bytes,
            .tx_packets = stats->tx_packets,
            .tx_bytes = stats->tx_bytes,
            .drops = std::move(drops[index]),
            .rules = std::move(rules[index]),
            .connections = connections.value_or(0),
            .local = info.local != 0};
    if (const auto base = bases.find(index); base != bases.end()) AddBase(base->second, &port);
  }
  return counters;
}

absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDropCounters(const DatapathMaps& maps) {
  ASSIGN_OR_RETURN(auto drops, ReadDrops(maps));
  return std::move(drops[kNoPort]);
}

absl::StatusOr<UnderlayCounters> ReadUnderlayCounters(const DatapathMaps& maps) {
  UnderlayCounters counters;
#define OR_DETOUR_COUNTER(name, number, text, meaning) \
  { ASSIGN_OR_RETURN(counters.detours[text], maps.detours.LookupSum(uint32_t{number})); }
  OR_DETOURS(OR_DETOUR_COUNTER)
#undef OR_DETOUR_COUNTER
  ASSIGN_OR_RETURN(counters.cache_hits, maps.flow_counts.LookupSum(abi::OR_FLOW_HITS));
  ASSIGN_OR_RETURN(counters.cache_fills, maps.flow_counts.LookupSum(abi::OR_FLOW_KEPT));
  return counters;
}

absl::Status DeleteRuleCounts(const DatapathMaps& maps,
                              const std::function<bool(const abi::or_rule_count_key&)>& is_gone) {
  const auto delete_from = [&](const auto& map) -> absl::Status {
    ASSIGN_OR_RETURN(std::vector<abi::or_rule_count_key> keys, map.Keys());
    std::erase_if(keys, [&](const abi::or_rule_count_key& key) { return !is_gone(key); });
    return map.DeleteBatch(keys);
  };
  RETURN_IF_ERROR(delete_from(maps.rule_counts));
  RETURN_IF_ERROR(delete_from(maps.rule_bases));
  return delete_from(maps.quotas);
}

}  // namespace outrider::datapath::ebpf
