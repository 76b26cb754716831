#include "vswitch/datapath/ebpf/policy_codec.h"

#include <algorithm>

namespace outrider::datapath::ebpf {
namespace {

// Where the limit of a kind stands in a port.
template <typename Port>
auto& LimitOf(Port& port, uint32_t kind) {
  switch (kind) {
    case abi::OR_LIMIT_EGRESS:
      return port.egress_policer;
    case abi::OR_LIMIT_BROADCAST:
      return port.storm.broadcast;
    case abi::OR_LIMIT_MULTICAST:
      return port.storm.multicast;
    case abi::OR_LIMIT_UNKNOWN_UNICAST:
      return port.storm.unknown_unicast;
    default:
      return port.ingress_policer;
  }
}

abi::or_allowed_row MakeRow(const MacAddress& mac, uint8_t kind) {
  abi::or_allowed_row row{};
  CopyBytes(mac.bytes(), row.mac);
  row.kind = kind;
  return row;
}

void DecodeLimits(const abi::or_limits& limits, state::Port* port) {
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    const abi::or_limit& limit = limits.of[kind];
    LimitOf(*port, kind) = {.rate_kbps = limit.rate_kbps,
                            .burst_kb = limit.burst_kb,
                            .rate_pps = limit.rate_pps,
                            .burst_packets = limit.burst_packets};
  }
}

bool DecodeAllowed(const std::map<uint32_t, abi::or_allowed_row>& rows,
                   std::vector<state::AllowedAddress>* allowed) {
  for (const auto& [slot, row] : rows) {
    const MacAddress mac(ToArray(row.mac));
    if (row.kind == OR_ALLOWED_MAC) {
      allowed->push_back({.mac = mac, .prefixes = {}});
      continue;
    }
    if (allowed->empty() || allowed->back().mac != mac) return false;
    const IpAddress address(ToArray(row.address));
    const int shift = address.IsV4() ? 96 : 0;
    if (row.length < shift || row.length > 128) return false;
    allowed->back().prefixes.push_back(IpPrefix::Create(address, row.length - shift));
  }
  return true;
}

}  // namespace

abi::or_limits EncodeLimits(const state::Port& port) {
  abi::or_limits limits{};
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    const state::Policer& policer = LimitOf(port, kind);
    limits.of[kind] = {policer.rate_kbps, policer.burst_kb, policer.rate_pps,
                       policer.burst_packets};
  }
  return limits;
}

bool IsLimited(const abi::or_limit& limit) { return limit.rate_kbps != 0 || limit.rate_pps != 0; }

std::vector<abi::or_allowed_row> EncodeAllowed(const std::vector<state::AllowedAddress>& allowed) {
  std::vector<abi::or_allowed_row> rows;
  for (const state::AllowedAddress& entry : allowed) {
    rows.push_back(MakeRow(entry.mac, OR_ALLOWED_MAC));
    for (const IpPrefix& prefix : entry.prefixes) {
      abi::or_allowed_row row = MakeRow(entry.mac, OR_ALLOWED_PREFIX);
      row.length = static_cast<uint8_t>(prefix.mapped_length());
      CopyBytes(prefix.address().bytes(), row.address);
      rows.push_back(row);
    }
  }
  return rows;
}

std::optional<abi::or_allowed_mac> AllowedMac(uint32_t list, const abi::or_allowed_row& row) {
  if (row.kind != OR_ALLOWED_MAC) return std::nullopt;
  abi::or_allowed_mac key{};
  key.list = list;
  std::copy(std::begin(row.mac), std::end(row.mac), key.mac);
  return key;
}

std::optional<abi::or_allowed_key> AllowedKey(uint32_t list, const abi::or_allowed_row& row) {
  if (row.kind != OR_ALLOWED_PREFIX) return std::nullopt;
  abi::or_allowed_key key{};
  key.prefix_length = OR_ALLOWED_FIXED_BITS + row.length;
  key.list = list;
  std::copy(std::begin(row.mac), std::end(row.mac), key.mac);
  key.family = IpAddress(ToArray(row.address)).IsV4() ? 4 : 6;
  std::copy(std::begin(row.address), std::end(row.address), key.address);
  return key;
}

void EncodePolicy(const state::Port& port, const PolicyIds& ids, abi::or_port* row) {
  if (port.ip_anti_spoof) row->policy |= OR_POLICY_IP_ANTI_SPOOF;
  if (port.dhcp_server_guard) row->policy |= OR_POLICY_DHCP_GUARD;
  if (port.ra_guard) row->policy |= OR_POLICY_RA_GUARD;
  if (port.dscp.mark) row->policy |= OR_POLICY_MARK;
  if (port.dscp.outer) row->policy |= OR_POLICY_PIPE;
  row->limits = ids.limits;
  const abi::or_limits limits = EncodeLimits(port);
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    if (IsLimited(limits.of[kind])) row->limited |= 1u << kind;
  }
  row->allowed = ids.allowed;
  row->max_macs = port.max_macs;
  row->dscp = port.dscp.mark.value_or(0);
  row->outer_dscp = port.dscp.outer.value_or(0);
  row->traffic_class = port.traffic_class;
}

void EncodePolicyInfo(const state::Port& port, abi::or_port_info* info) {
  info->shaper_min_kbps = port.shaper.min_kbps;
  info->shaper_max_kbps = port.shaper.max_kbps;
  info->shaper_burst_kb = port.shaper.burst_kb;
}

bool DecodePolicy(const abi::or_port& row, const abi::or_port_info& info,
                  const Inventory& inventory, state::Port* port) {
  port->ip_anti_spoof = (row.policy & OR_POLICY_IP_ANTI_SPOOF) != 0;
  port->dhcp_server_guard = (row.policy & OR_POLICY_DHCP_GUARD) != 0;
  port->ra_guard = (row.policy & OR_POLICY_RA_GUARD) != 0;
  if ((row.policy & OR_POLICY_MARK) != 0) port->dscp.mark = row.dscp;
  if ((row.policy & OR_POLICY_PIPE) != 0) port->dscp.outer = row.outer_dscp;
  port->max_macs = row.max_macs;
  port->traffic_class = row.traffic_class;
  port->shaper = {.min_kbps = info.shaper_min_kbps,
                  .max_kbps = info.shaper_max_kbps,
                  .burst_kb = info.shaper_burst_kb};
  if (row.limits != 0) {
    const auto limits = inventory.limits.find(row.limits);
    if (limits == inventory.limits.end()) return false;
    DecodeLimits(limits->second, port);
  }
  if (row.allowed == 0) return true;
  const auto allowed = inventory.allowed.find(row.allowed);
  return allowed != inventory.allowed.end() && DecodeAllowed(allowed->second, &port->allowed);
}

}  // namespace outrider::datapath::ebpf
