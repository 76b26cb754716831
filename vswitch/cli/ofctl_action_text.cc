#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {
namespace {

using openflow::Field;
using openflow::InfoOf;

const char* Reserved(uint32_t port) {
  switch (port) {
    case openflow::kPortInPort:
      return "IN_PORT";
    case openflow::kPortTable:
      return "TABLE";
    case openflow::kPortNormal:
      return "NORMAL";
    case openflow::kPortFlood:
      return "FLOOD";
    case openflow::kPortAll:
      return "ALL";
    case openflow::kPortController:
      return "CONTROLLER";
    case openflow::kPortLocal:
      return "LOCAL";
    case openflow::kPortAny:
      return "ANY";
    default:
      return nullptr;
  }
}

// "NXM_NX_REG1[0..15]"; all of it: "[]".
std::string Subfield(Field field, unsigned offset, unsigned bits) {
  const openflow::FieldInfo& info = InfoOf(field);
  std::string text = *info.nxm_name != 0 ? info.nxm_name : info.oxm_name;
  // NXM's in_port has half the bits.
  const unsigned whole = field == Field::kInPort ? 16 : info.bits;
  if (offset == 0 && bits == whole) return text + "[]";
  if (bits == 1) return text + fmt::format("[{}]", offset);
  return text + fmt::format("[{}..{}]", offset, offset + bits - 1);
}

// 1.0's own names: the values in decimal.
const char* OldName(Field field) {
  switch (field) {
    case Field::kEthSrc:
      return "mod_dl_src";
    case Field::kEthDst:
      return "mod_dl_dst";
    case Field::kIpv4Src:
      return "mod_nw_src";
    case Field::kIpv4Dst:
      return "mod_nw_dst";
    case Field::kIpTos:
      return "mod_nw_tos";
    case Field::kTcpSrc:
      return "mod_tp_src";
    default:
      return "mod_tp_dst";
  }
}

std::string HexText(const openflow::Bytes& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : ".", byte);
  return text;
}

struct Writer {
  uint8_t version;
  const OfNames& names;

  std::string operator()(const openflow::Output& output) const {
    if (output.port == openflow::kPortController) {
      return fmt::format("CONTROLLER:{}", output.max_len);
    }
    const char* reserved = Reserved(output.port);
    return reserved != nullptr ? reserved : "output:" + PortText(output.port, names);
  }
  std::string operator()(const openflow::Enqueue& enqueue) const {
    return fmt::format("enqueue:{}:{}", PortText(enqueue.port, names), enqueue.queue);
  }
  std::string operator()(const openflow::SetVlanVid& set) const {
    return fmt::format("mod_vlan_vid:{}", set.vid);
  }
  std::string operator()(const openflow::SetVlanPcp& set) const {
    return fmt::format("mod_vlan_pcp:{}", set.pcp);
  }
  std::string operator()(const openflow::PopVlan&) const {
    return version == openflow::kVersion10 ? "strip_vlan" : "pop_vlan";
  }
  std::string operator()(const openflow::PushVlan& push) const {
    return fmt::format("push_vlan:{:#06x}", push.ethertype);
  }
  std::string operator()(const openflow::SetField& set) const {
    if (set.old)
      return fmt::format("{}:{}", OldName(set.field), ValueText(set.field, set.value, {}));
    if (set.field == Field::kIpTos) {
      return fmt::format("set_field:{}->ip_dscp", set.value.value[0] >> 2);
    }
    return fmt::format("set_field:{}->{}", ValueText(set.field, set.value, names),
                       InfoOf(set.field).oxm_style_name);
  }
  std::string operator()(const openflow::Load& load) const {
    return fmt::format("load:{:#x}->{}", load.value, Subfield(load.field, load.offset, load.bits));
  }
  std::string operator()(const openflow::Move& move) const {
    return fmt::format("move:{}->{}", Subfield(move.source, move.source_offset, move.bits),
                       Subfield(move.target, move.target_offset, move.bits));
  }
  std::string operator()(const openflow::OutputField& output) const {
    return "output:" + Subfield(output.field, output.offset, output.bits);
  }
  std::string operator()(const openflow::Resubmit& resubmit) const {
    const bool here = resubmit.port == openflow::kPortInPort;
    if (resubmit.table == openflow::kTableAll && !here) {
      return "resubmit:" + PortText(resubmit.port, names);
    }
    std::string text = "resubmit(";
    if (!here) text += PortText(resubmit.port, names);
    text += ",";
    if (resubmit.table != openflow::kTableAll) text += TableText(resubmit.table, names);
    return text + ")";
  }
  std::string operator()(const openflow::Note& note) const { return "note:" + HexText(note.text); }
  std::string operator()(const openflow::SetTunnel& tunnel) const {
    return fmt::format("set_tunnel{}:{:#x}", tunnel.wide ? "64" : "", tunnel.id);
  }
  std::string operator()(const openflow::GroupAction& group) const {
    return fmt::format("group:{}", group.group);
  }
  std::string operator()(const openflow::SetQueue& queue) const {
    return fmt::format("set_queue:{}", queue.queue);
  }
  std::string operator()(const openflow::PopQueue&) const { return "pop_queue"; }
  std::string operator()(const openflow::DecTtl&) const { return "dec_ttl"; }
  std::string operator()(const openflow::ConnTrack& ct) const {
    std::string text;
    if (ct.commit) text += "commit,";
    if (ct.force) text += "force,";
    if (ct.table != openflow::kTableAll) text += "table=" + TableText(ct.table, names) + ",";
    if (ct.zone != 0) text += fmt::format("zone={},", ct.zone);
    if (!text.empty()) text.pop_back();
    return "ct(" + text + ")";
  }
  std::string operator()(const openflow::Meter& meter) const {
    return fmt::format("meter:{}", meter.meter);
  }
  std::string operator()(const openflow::GotoTable& table) const {
    return "goto_table:" + TableText(table.table, names);
  }
  std::string operator()(const openflow::WriteMetadata& write) const {
    std::string text = fmt::format("write_metadata:{:#x}", write.value);
    if (write.mask != ~uint64_t{0}) text += fmt::format("/{:#x}", write.mask);
    return text;
  }
  std::string operator()(const openflow::ClearActions&) const { return "clear_actions"; }
  // In no form that could be taken for one of the others.
  std::string operator()(const openflow::RawAction& raw) const {
    return "unknown(" + HexText(raw.bytes) + ")";
  }
};

std::string Joined(const std::vector<openflow::Action>& actions, const Writer& writer) {
  std::string text;
  for (const openflow::Action& action : actions) {
    text += (text.empty() ? "" : ",") + std::visit(writer, action);
  }
  return text;
}

}  // namespace

std::string NameText(const std::string& name) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0; };
  const bool bare = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                    std::all_of(name.begin(), name.end(), plain);
  return bare ? name : "\"" + name + "\"";
}

std::string PortText(uint32_t port, const OfNames& names) {
  const auto named = names.ports.find(port);
  if (port == openflow::kPortLocal) return "LOCAL";
  if (named != names.ports.end()) return NameText(named->second);
  const char* reserved = Reserved(port);
  return reserved != nullptr ? reserved : fmt::format("{}", port);
}

std::string TableText(uint8_t table, const OfNames& names) {
  const auto named = names.tables.find(table);
  return named != names.tables.end() ? NameText(named->second) : fmt::format("{}", table);
}

std::string ActionsText(const openflow::ActionList& actions, uint8_t version,
                        const OfNames& names) {
  const Writer writer{version, names};
  std::string text = Joined(actions.apply, writer);
  if (!actions.write.empty()) {
    text +=
        (text.empty() ? "" : ",") + fmt::format("write_actions({})", Joined(actions.write, writer));
  }
  return text.empty() ? "drop" : text;
}

}  // namespace outrider::cli
