#include <fmt/format.h>

#include <algorithm>

#include "vswitch/cli/ofctl_port_text.h"
#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {
namespace {

using openflow::kVersion10;
using openflow::Message;

constexpr BitName kMeterBits[] = {{1, "kbps"}, {2, "pktps"}, {4, "burst"}, {8, "stats"}};

std::string MeterText(const openflow::MeterConfig& meter) {
  std::string text =
      fmt::format("meter={} {} bands=\n", meter.meter, BitsText(meter.flags, kMeterBits));
  for (const openflow::MeterBand& band : meter.bands) {
    text += band.type == openflow::kBandDscpRemark ? "type=dscp_remark" : "type=drop";
    text += fmt::format(" rate={}", band.rate);
    if ((meter.flags & openflow::kMeterBurst) != 0)
      text += fmt::format(" burst_size={}", band.burst);
    if (band.type == openflow::kBandDscpRemark)
      text += fmt::format(" prec_level={}", band.precedence);
    text += "\n";
  }
  return text;
}

std::string MeterStatsText(const openflow::MeterStats& meter) {
  std::string text =
      fmt::format("meter:{} flow_count:{} packet_in_count:{} byte_in_count:{} duration:{} bands:\n",
                  meter.meter, meter.flows, meter.packets, meter.bytes,
                  DurationText(meter.duration_s, meter.duration_ns));
  for (size_t i = 0; i < meter.bands.size(); ++i) {
    text += fmt::format("{}: packet_count:{} byte_count:{}\n", i, meter.bands[i].packets,
                        meter.bands[i].bytes);
  }
  return text;
}

std::string GroupText(const openflow::GroupDesc& group, uint8_t version, const OfNames& names) {
  static constexpr const char* kTypes[] = {"all", "select", "indirect", "ff"};
  std::string text =
      fmt::format(" group_id={},type={}", group.group, kTypes[static_cast<size_t>(group.type)]);
  for (const openflow::Bucket& bucket : group.buckets) {
    text += ",bucket=";
    if (group.type == openflow::GroupType::kSelect && bucket.weight != 1) {
      text += fmt::format("weight:{},", bucket.weight);
    }
    if (bucket.watch_port != openflow::kPortAny) {
      text += "watch_port:" + PortText(bucket.watch_port, names) + ",";
    }
    if (bucket.watch_group != openflow::kGroupAny) {
      text += fmt::format("watch_group:{},", bucket.watch_group);
    }
    text += "actions=" + ActionsText({.apply = bucket.actions}, version, names);
  }
  return text + "\n";
}

std::string FlowModText(const openflow::FlowMod& mod, uint8_t version, const OfNames& names) {
  static constexpr const char* kCommands[] = {"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"};
  std::string text = std::string(" ") + kCommands[mod.command];
  const bool any_table =
      mod.table == 0 || (mod.command >= openflow::kDelete && mod.table == openflow::kTableAll);
  if (!any_table) text += fmt::format(" table:{}", mod.table);
  const bool strict = mod.command != openflow::kModify && mod.command != openflow::kDelete;
  const std::string match = MatchText(mod.match, strict ? mod.priority : 0x8000, 0x8000, names);
  text += " " + match + (match.empty() ? "" : " ");
  if (mod.cookie_mask != 0) {
    text += fmt::format("cookie:{:#x}/{:#x} ", mod.match_cookie, mod.cookie_mask);
  }
  if (mod.cookie != 0 && mod.cookie != ~uint64_t{0})
    text += fmt::format("cookie:{:#x} ", mod.cookie);
  if (mod.idle_timeout != 0) text += fmt::format("idle:{} ", mod.idle_timeout);
  if (mod.hard_timeout != 0) text += fmt::format("hard:{} ", mod.hard_timeout);
  if (mod.out_port != openflow::kPortAny && mod.out_port != 0) {
    text += "out_port:" + PortText(mod.out_port, names) + " ";
  }
  return text + "actions=" + ActionsText(mod.actions, version, names) + "\n";
}

struct MessageWriter {
  const Message& message;
  const OfNames& names;

  std::string Head(const std::string& name) const {
    const char* version = message.version == kVersion10 ? "" : " (OF1.3)";
    return fmt::format("{}{} (xid={:#x}):", name, version, message.xid);
  }
  template <typename List, typename Each>
  std::string Lines(const std::string& head, const List& list, const Each& each) const {
    std::string text = Head(head) + "\n";
    for (const auto& one : list) text += each(one);
    return text;
  }
  std::string operator()(const openflow::FeaturesReply& features) const {
    const bool v10 = message.version == kVersion10;
    std::string text = Head("OFPT_FEATURES_REPLY");
    text += fmt::format(" dpid:{:016x}\nn_tables:{}, n_buffers:{}\n", features.datapath_id,
                        features.tables, features.buffers);
    if (features.auxiliary != 0) text += fmt::format("auxiliary_id:{}\n", features.auxiliary);
    text += "capabilities: " + CapabilitiesText(features.capabilities, message.version) + "\n";
    if (!v10) return text;
    text += "actions: " + Actions10Text(features.actions) + "\n";
    return text + Ports(features.ports);
  }
  std::string Ports(openflow::PortDescList ports) const {
    std::sort(ports.begin(), ports.end(),
              [](const auto& a, const auto& b) { return a.port < b.port; });
    std::string text;
    for (const auto& port : ports) text += PortDescText(port, message.version);
    return text;
  }
  std::string operator()(const openflow::PortDescList& ports) const {
    return Head("OFPST_PORT_DESC reply") + "\n" + Ports(ports);
  }
  std::string operator()(const openflow::SwitchConfig& config) const {
    return Head(config.set ? "OFPT_SET_CONFIG" : "OFPT_GET_CONFIG_REPLY") +
           fmt::format(" frags={} miss_send_len={}\n", FragsText(config.flags),
                       config.miss_send_len);
  }
  std::string operator()(const openflow::Error& error) const {
    // What 1.0 has no code for comes as Nicira's: vendor, type and code before the request.
    constexpr uint16_t kVendorError = 0xb0c2;
    if (error.code.type == kVendorError && error.data.size() >= 8) {
      openflow::WireReader in(error.data);
      in.Skip(4);
      openflow::Error inner{.code = {in.U16(), 0}};
      inner.code.code = in.U16();
      inner.data.assign(error.data.begin() + 8, error.data.end());
      return Text(inner, openflow::kVersion13);
    }
    return Text(error, message.version);
  }
  std::string Text(const openflow::Error& error, uint8_t version) const {
    std::string text = Head("OFPT_ERROR") + " " + ErrorName(error.code, version) + "\n";
    if (error.code.type == openflow::kHelloFailed) {
      return text + std::string(error.data.begin(), error.data.end()) + "\n";
    }
    if (error.data.size() < openflow::kHeaderBytes) return text;
    const auto request = openflow::Decode(error.data);
    if (request.ok()) return text + MessageText(*request, names);
    return text + "(***truncated to " + std::to_string(error.data.size()) + " bytes***)\n";
  }
  std::string operator()(const openflow::FlowMod& mod) const {
    const bool nicira = mod.form == openflow::FlowForm::kNicira;
    return Head(nicira ? "NXT_FLOW_MOD" : "OFPT_FLOW_MOD") +
           FlowModText(mod, message.version, names);
  }
  std::string operator()(const openflow::PortMod& mod) const {
    return Head("OFPT_PORT_MOD") +
           fmt::format(
               " port: {}: addr:{}\n     config: {}\n     mask:   {}\n     advertise: {}\n",
               PortText(mod.port, names), mod.mac.ToString(), ConfigText(mod.config),
               ConfigText(mod.mask),
               mod.advertise == 0 ? "UNCHANGED" : FeaturesText(mod.advertise, message.version));
  }
  std::string operator()(const openflow::PortList& ports) const {
    return Head("OFPST_PORT reply") + fmt::format(" {} ports\n", ports.size()) +
           Each(ports, [&](const auto& one) { return PortStatsText(one, message.version, names); });
  }
  std::string operator()(const openflow::QueueList& queues) const {
    return Head("OFPST_QUEUE reply") + fmt::format(" {} queues\n", queues.size()) +
           Each(queues, [&](const auto& one) { return QueueText(one, names); });
  }
  template <typename List, typename One>
  static std::string Each(const List& list, const One& one) {
    std::string text;
    for (const auto& entry : list) text += one(entry);
    return text;
  }
  std::string operator()(const openflow::TableList& tables) const {
    return Head("OFPST_TABLE reply") + "\n" + TablesText(tables, message.version, names);
  }
  std::string operator()(const openflow::Desc& desc) const {
    return Head("OFPST_DESC reply") +
           fmt::format(
               "\nManufacturer: {}\nHardware: {}\nSoftware: {}\nSerial Num: {}\nDP "
               "Description: {}\n",
               desc.manufacturer, desc.hardware, desc.software, desc.serial, desc.datapath);
  }
  std::string operator()(const openflow::FlowStatsReply& reply) const {
    const bool nicira = reply.form == openflow::FlowForm::kNicira;
    return Lines(nicira ? "NXST_FLOW reply" : "OFPST_FLOW reply", reply.flows,
                 [&](const openflow::FlowStats& flow) {
                   return " " + FlowText(flow, {.version = message.version}, names) + "\n";
                 });
  }
  std::string operator()(const openflow::AggregateReply& reply) const {
    const bool nicira = reply.form == openflow::FlowForm::kNicira;
    return Head(nicira ? "NXST_AGGREGATE reply" : "OFPST_AGGREGATE reply") +
           fmt::format(" packet_count={} byte_count={} flow_count={}\n", reply.stats.packets,
                       reply.stats.bytes, reply.stats.flows);
  }
  std::string operator()(const openflow::MeterConfigList& meters) const {
    std::string text = Head("OFPST_METER_CONFIG reply") + "\n";
    for (const auto& meter : meters) {
      if (&meter != &meters.front()) text += "\n";
      text += MeterText(meter);
    }
    return text;
  }
  std::string operator()(const openflow::MeterStatsList& meters) const {
    std::string text = Head("OFPST_METER reply") + "\n";
    for (const auto& meter : meters) {
      if (&meter != &meters.front()) text += "\n";
      text += MeterStatsText(meter);
    }
    return text;
  }
  std::string operator()(const openflow::MeterFeatures& features) const {
    std::string bands;
    if ((features.band_types & 1 << openflow::kBandDrop) != 0) bands += " drop";
    if ((features.band_types & 1 << openflow::kBandDscpRemark) != 0) bands += " dscp_remark";
    return Head("OFPST_METER_FEATURES reply") +
           fmt::format(
               "\nmax_meter:{} max_bands:{} max_color:{}\nband_types:{}\ncapabilities: {}\n",
               features.max_meter, features.max_bands, features.max_color,
               bands.empty() ? " 0" : bands, BitsText(features.capabilities, kMeterBits));
  }
  std::string operator()(const openflow::GroupDescList& list) const {
    return Lines(list.nicira ? "NXST_GROUP_DESC reply" : "OFPST_GROUP_DESC reply", list.groups,
                 [&](const auto& one) { return GroupText(one, message.version, names); });
  }
  std::string operator()(const openflow::GroupList& list) const {
    return Lines(list.nicira ? "NXST_GROUP reply" : "OFPST_GROUP reply", list.groups,
                 [](const openflow::GroupStats& group) {
                   std::string text = fmt::format(
                       " group_id={},duration={},ref_count={},packet_count={},byte_count={}",
                       group.group, DurationText(group.duration_s, group.duration_ns),
                       group.references, group.packets, group.bytes);
                   for (size_t i = 0; i < group.buckets.size(); ++i) {
                     text += fmt::format(",bucket{}:packet_count={},byte_count={}", i,
                                         group.buckets[i].packets, group.buckets[i].bytes);
                   }
                   return text + "\n";
                 });
  }
  std::string operator()(const openflow::StatsRequest& request) const {
    switch (request.type) {
      case openflow::kStatsQueue:
        return Head("OFPST_QUEUE request") +
               fmt::format(
                   " port={} queue={}\n", PortText(request.port, names),
                   request.queue == openflow::kQueueAll ? "ALL" : std::to_string(request.queue));
      case openflow::kStatsPort:
        return Head("OFPST_PORT request") +
               fmt::format(" port_no={}\n", PortText(request.port, names));
      case openflow::kStatsMeter:
        return Head("OFPST_METER request") + fmt::format(" meter={}\n", request.id);
      case openflow::kStatsMeterConfig:
        return Head("OFPST_METER_CONFIG request") + fmt::format(" meter={}\n", request.id);
      default:
        return Head(fmt::format("OFPST request {}", static_cast<unsigned>(request.type))) + "\n";
    }
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return Head("OpenFlow message") + "\n";
  }
};

}  // namespace

std::string FragsText(uint16_t flags) {
  static constexpr const char* kNames[] = {"normal", "drop", "reassemble", "nx-match"};
  return kNames[flags & 3];
}

std::string FlowText(const openflow::FlowStats& flow, const FlowStyle& style,
                     const OfNames& names) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += part + ", "; };
  if (style.stats || flow.cookie != 0) add(fmt::format("cookie={:#x}", flow.cookie));
  if (style.stats) add("duration=" + DurationText(flow.duration_s, flow.duration_ns));
  if (style.stats || flow.table != 0 || names.tables.contains(flow.table)) {
    add("table=" + TableText(flow.table, names));
  }
  if (style.stats) add(fmt::format("n_packets={}, n_bytes={}", flow.packets, flow.bytes));
  if (flow.idle_timeout != 0) add(fmt::format("idle_timeout={}", flow.idle_timeout));
  if (flow.hard_timeout != 0) add(fmt::format("hard_timeout={}", flow.hard_timeout));
  static constexpr BitName kFlags[] = {{1, "send_flow_rem "},
                                       {2, "check_overlap "},
                                       {4, "reset_counts "},
                                       {8, "no_packet_counts "},
                                       {16, "no_byte_counts "}};
  for (const BitName& flag : kFlags) {
    if ((flow.flags & flag.bit) != 0) text += flag.name;
  }
  if (style.stats && style.ages) {
    if (flow.idle_age >= 0) add(fmt::format("idle_age={}", flow.idle_age));
    // Only when it says more than the duration.
    if (flow.hard_age >= 0 && static_cast<uint32_t>(flow.hard_age) != flow.duration_s) {
      add(fmt::format("hard_age={}", flow.hard_age));
    }
  }
  const std::string match = MatchText(flow.match, flow.priority, 0x8000, names);
  text += match + (match.empty() ? "" : " ");
  return text + "actions=" + ActionsText(flow.actions, style.version, names);
}

std::string MessageText(const Message& message, const OfNames& names) {
  return std::visit(MessageWriter{message, names}, message.body);
}

}  // namespace outrider::cli
