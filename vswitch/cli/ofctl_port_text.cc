#include "vswitch/cli/ofctl_port_text.h"

#include <fmt/format.h>

namespace outrider::cli {
namespace {

using openflow::kVersion10;

constexpr uint64_t kUnknown = openflow::kUnknownCount;

std::string CountText(uint64_t count) { return count == kUnknown ? "?" : fmt::format("{}", count); }

constexpr BitName kConfigBits[] = {
    {openflow::kPortDown, "PORT_DOWN"},     {openflow::k10NoStp, "NO_STP"},
    {openflow::kNoRecv, "NO_RECV"},         {openflow::k10NoRecvStp, "NO_RECV_STP"},
    {openflow::k10NoFlood, "NO_FLOOD"},     {openflow::kNoForward, "NO_FWD"},
    {openflow::kNoPacketIn, "NO_PACKET_IN"}};
constexpr BitName kState10Bits[] = {{1, "LINK_DOWN"}};
constexpr BitName kState13Bits[] = {{1, "LINK_DOWN"}, {2, "BLOCKED"}, {4, "LIVE"}};
constexpr BitName kFeature10Bits[] = {
    {1 << 0, "10MB-HD"},  {1 << 1, "10MB-FD"},     {1 << 2, "100MB-HD"},
    {1 << 3, "100MB-FD"}, {1 << 4, "1GB-HD"},      {1 << 5, "1GB-FD"},
    {1 << 6, "10GB-FD"},  {1 << 7, "COPPER"},      {1 << 8, "FIBER"},
    {1 << 9, "AUTO_NEG"}, {1 << 10, "AUTO_PAUSE"}, {1 << 11, "AUTO_PAUSE_ASYM"}};
constexpr BitName kFeature13Bits[] = {
    {1 << 0, "10MB-HD"},         {1 << 1, "10MB-FD"},   {1 << 2, "100MB-HD"},
    {1 << 3, "100MB-FD"},        {1 << 4, "1GB-HD"},    {1 << 5, "1GB-FD"},
    {1 << 6, "10GB-FD"},         {1 << 7, "40GB-FD"},   {1 << 8, "100GB-FD"},
    {1 << 9, "1TB-FD"},          {1 << 10, "OTHER"},    {1 << 11, "COPPER"},
    {1 << 12, "FIBER"},          {1 << 13, "AUTO_NEG"}, {1 << 14, "AUTO_PAUSE"},
    {1 << 15, "AUTO_PAUSE_ASYM"}};
constexpr BitName kCapabilities10[] = {
    {1 << 0, "FLOW_STATS"}, {1 << 1, "TABLE_STATS"}, {1 << 2, "PORT_STATS"},  {1 << 3, "STP"},
    {1 << 5, "IP_REASM"},   {1 << 6, "QUEUE_STATS"}, {1 << 7, "ARP_MATCH_IP"}};
constexpr BitName kCapabilities13[] = {{1 << 0, "FLOW_STATS"},  {1 << 1, "TABLE_STATS"},
                                       {1 << 2, "PORT_STATS"},  {1 << 3, "GROUP_STATS"},
                                       {1 << 5, "IP_REASM"},    {1 << 6, "QUEUE_STATS"},
                                       {1 << 8, "PORT_BLOCKED"}};
constexpr BitName kActions10[] = {
    {1 << 0, "output"},       {1 << 11, "enqueue"},   {1 << 1, "set_vlan_vid"},
    {1 << 2, "set_vlan_pcp"}, {1 << 3, "strip_vlan"}, {1 << 4, "mod_dl_src"},
    {1 << 5, "mod_dl_dst"},   {1 << 6, "mod_nw_src"}, {1 << 7, "mod_nw_dst"},
    {1 << 8, "mod_nw_tos"},   {1 << 9, "mod_tp_src"}, {1 << 10, "mod_tp_dst"}};

std::string SpeedText(uint32_t bits, uint32_t kbps, uint8_t version) {
  if (version != kVersion10) return fmt::format("{} Mbps", kbps / 1000);
  const uint32_t mbps = (bits & (1 << 6)) != 0 ? 10000
                        : (bits & 0x30) != 0   ? 1000
                        : (bits & 0x0c) != 0   ? 100
                        : (bits & 0x03) != 0   ? 10
                                               : 0;
  return fmt::format("{} Mbps", mbps);
}

// ' ("classify")', by what the switch calls it; 1.0 says it with the table.
std::string TitleText(const openflow::TableStats& table, const OfNames& names) {
  const auto named = names.tables.find(table.table);
  const std::string& name = named != names.tables.end() ? named->second : table.name;
  return name.empty() ? "" : fmt::format(" (\"{}\")", name);
}

}  // namespace

std::string DurationText(uint32_t seconds, uint32_t nanoseconds) {
  std::string text = fmt::format("{}.{:09}", seconds, nanoseconds);
  while (text.back() == '0' && text[text.size() - 4] != '.') text.pop_back();
  return text + "s";
}

std::string BitsText(uint32_t bits, std::span<const BitName> names) {
  std::string text;
  for (const BitName& name : names) {
    if ((bits & name.bit) == 0) continue;
    text += (text.empty() ? "" : " ") + std::string(name.name);
    bits &= ~name.bit;
  }
  if (bits != 0) text += (text.empty() ? "" : " ") + fmt::format("{:#x}", bits);
  return text.empty() ? "0" : text;
}

std::string CapabilitiesText(uint32_t capabilities, uint8_t version) {
  return version == kVersion10 ? BitsText(capabilities, kCapabilities10)
                               : BitsText(capabilities, kCapabilities13);
}

std::string Actions10Text(uint32_t actions) { return BitsText(actions, kActions10); }

std::string ConfigText(uint32_t config) { return BitsText(config, kConfigBits); }

std::string FeaturesText(uint32_t features, uint8_t version) {
  return version == kVersion10 ? BitsText(features, kFeature10Bits)
                               : BitsText(features, kFeature13Bits);
}

std::string PortDescText(const openflow::PortDesc& port, uint8_t version) {
  const bool v10 = version == kVersion10;
  std::string text =
      fmt::format(" {}({}): addr:{}\n", PortText(port.port, {}), port.name, port.mac.ToString());
  text += "     config:     " + BitsText(port.config, kConfigBits) + "\n";
  text += "     state:      " +
          (v10 ? BitsText(port.state, kState10Bits) : BitsText(port.state, kState13Bits)) + "\n";
  const auto features = [&](const char* label, uint32_t bits) {
    if (bits == 0) return;
    text += label + (v10 ? BitsText(bits, kFeature10Bits) : BitsText(bits, kFeature13Bits)) + "\n";
  };
  features("     current:    ", port.current);
  features("     advertised: ", port.advertised);
  features("     supported:  ", port.supported);
  features("     peer:       ", port.peer);
  text += fmt::format("     speed: {} now, {} max\n",
                      SpeedText(port.current, port.current_kbps, version),
                      SpeedText(port.supported, port.max_kbps, version));
  return text;
}

std::string PortStatsText(const openflow::PortStats& stats, uint8_t version, const OfNames& names) {
  std::string port = PortText(stats.port, names);
  if (port.size() < 2) port.insert(0, " ");
  // Names have one blank more before them.
  if (stats.port < openflow::kPortMax && names.ports.contains(stats.port)) port.insert(0, " ");
  std::string text = fmt::format(
      "  port {}: rx pkts={}, bytes={}, drop={}, errs={}, frame={}, over={}, crc={}\n", port,
      CountText(stats.rx_packets), CountText(stats.rx_bytes), CountText(stats.rx_dropped),
      CountText(stats.rx_errors), CountText(stats.rx_frame_errors), CountText(stats.rx_overruns),
      CountText(stats.rx_crc_errors));
  text += fmt::format("           tx pkts={}, bytes={}, drop={}, errs={}, coll={}\n",
                      CountText(stats.tx_packets), CountText(stats.tx_bytes),
                      CountText(stats.tx_dropped), CountText(stats.tx_errors),
                      CountText(stats.collisions));
  if (version != kVersion10 && stats.duration_s != ~uint32_t{0}) {
    text += "           duration=" + DurationText(stats.duration_s, stats.duration_ns) + "\n";
  }
  return text;
}

std::string QueueText(const openflow::QueueStats& queue, const OfNames& names) {
  const std::string duration =
      queue.duration_s == ~uint32_t{0} ? "?" : DurationText(queue.duration_s, queue.duration_ns);
  return fmt::format("  port {} queue {}: bytes={}, pkts={}, errors={}, duration={}\n",
                     PortText(queue.port, names), queue.queue, CountText(queue.tx_bytes),
                     CountText(queue.tx_packets), CountText(queue.tx_errors), duration);
}

std::string TablesText(const openflow::TableList& tables, uint8_t version, const OfNames& names) {
  const bool v10 = version == kVersion10;
  std::string text;
  for (size_t i = 0; i < tables.size(); ++i) {
    const openflow::TableStats& table = tables[i];
    const bool same_features = i > 0 && table.wildcards == tables[i - 1].wildcards &&
                               table.max_entries == tables[i - 1].max_entries;
    const auto like = [&](const openflow::TableStats& other) {
      return other.active == table.active && other.lookups == table.lookups &&
             other.matches == table.matches && other.wildcards == table.wildcards &&
             other.max_entries == table.max_entries;
    };
    // The second of a run is told, those behind it are not.
    size_t end = i + 1;
    if (i > 1 && like(tables[i - 1])) {
      // Tables with names have a line each.
      while (table.name.empty() && end < tables.size() && like(tables[end])) ++end;
      text += end - i == 1
                  ? fmt::format("  table {}{}: ditto\n", table.table, TitleText(table, names))
                  : fmt::format("  tables {}...{}: ditto\n", table.table, tables[end - 1].table);
      if (end < tables.size() && table.name.empty()) text += "\n";
      i = end - 1;
      continue;
    }
    text += fmt::format("  table {}{}:\n    active={}, lookup={}, matched={}\n", table.table,
                        TitleText(table, names), table.active, table.lookups, table.matches);
    if (v10 && i > 0 && same_features) {
      text += "    (same features)\n";
    } else if (v10) {
      text += fmt::format(
          "    max_entries={}\n    matching:\n      exact match or wildcard: in_port "
          "eth_{{src,dst,type}} vlan_{{vid,pcp}} ip_{{src,dst}} nw_{{proto,tos}} "
          "tcp_{{src,dst}}\n",
          table.max_entries);
    }
    if (i + 1 < tables.size()) text += "\n";
  }
  return text;
}

}  // namespace outrider::cli
