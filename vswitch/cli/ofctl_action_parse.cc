#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

#include "vswitch/cli/ofctl_parse.h"

namespace outrider::cli {
namespace {

using openflow::Action;
using openflow::Field;
using openflow::FieldValue;
using openflow::InfoOf;
using openflow::Match;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

struct Subfield {
  Field field = Field::kReg0;
  uint16_t offset = 0;
  uint16_t bits = 0;
};

// "NXM_NX_REG0[]", "NXM_NX_REG0[0..15]", "reg0[3]", "reg0".
absl::StatusOr<Subfield> ParseSubfield(const std::string& text) {
  const size_t bracket = text.find('[');
  const std::string name = text.substr(0, bracket);
  const openflow::FieldInfo* info = openflow::FindField(name);
  if (info == nullptr) return Invalid(fmt::format("{}: unknown field `{}'", text, name));
  Subfield sub{.field = info->field, .offset = 0, .bits = info->bits};
  if (info->field == Field::kInPort) sub.bits = 16;
  if (bracket == std::string::npos) return sub;
  const size_t close = text.find(']', bracket);
  if (close == std::string::npos) {
    return Invalid(fmt::format("{}: missing []", text));
  }
  const std::string range = text.substr(bracket + 1, close - bracket - 1);
  if (range.empty()) return sub;
  const size_t dots = range.find("..");
  uint64_t first = 0;
  uint64_t last = 0;
  const bool ok = ParseNumber(range.substr(0, dots), 1023, &first) &&
                  (dots == std::string::npos || ParseNumber(range.substr(dots + 2), 1023, &last));
  if (dots == std::string::npos) last = first;
  if (!ok || first > last || last >= info->bits) {
    return Invalid(fmt::format("{}: start bit {} and end bit {} are not within a {}-bit field",
                               text, first, last, info->bits));
  }
  sub.offset = static_cast<uint16_t>(first);
  sub.bits = static_cast<uint16_t>(last - first + 1);
  return sub;
}

class ActionParser {
 public:
  ActionParser(const Match& match, const OfNumbers& numbers) : match_(match), numbers_(numbers) {}

  absl::Status One(const std::string& key, const std::string& value) {
    if (strcasecmp(key.c_str(), "drop") == 0) {
      drops_ = true;
      return absl::OkStatus();
    }
    if (const auto reserved = Reserved(key); reserved.has_value()) return Out(*reserved, value);
    if (key == "output") return OutputTo(value);
    if (key == "resubmit") return ResubmitTo(value);
    if (key == "enqueue") return EnqueueTo(value);
    if (key == "set_field" || key == "load") return SetOrLoad(key == "load", value);
    if (key == "move") return MoveBits(value);
    if (key == "note") return NoteText(value);
    if (key == "ct") return Track(value);
    if (key == "write_actions") return Write(value);
    if (key.rfind("mod_", 0) == 0) return Mod(key, value);
    if (const auto simple = Simple(key); simple.has_value()) return Push(*simple);
    if (Numbered(key)) return Number(key, value);
    // A port by its number or name alone.
    const auto port = ParsePort(key, numbers_);
    if (port.ok() && value.empty()) return Push(openflow::Output{.port = *port});
    return Invalid("unknown action " + key);
  }

  absl::StatusOr<openflow::ActionList> Finish() {
    if (drops_ && (!list_.apply.empty() || !list_.write.empty())) {
      return Invalid("\"drop\" must not be accompanied by any other action or instruction");
    }
    return std::move(list_);
  }

 private:
  absl::Status Push(Action action) {
    list_.apply.push_back(std::move(action));
    return absl::OkStatus();
  }

  static std::optional<uint32_t> Reserved(const std::string& key) {
    static constexpr std::pair<const char*, uint32_t> kPorts[] = {
        {"in_port", openflow::kPortInPort},
        {"table", openflow::kPortTable},
        {"normal", openflow::kPortNormal},
        {"flood", openflow::kPortFlood},
        {"all", openflow::kPortAll},
        {"local", openflow::kPortLocal},
        {"controller", openflow::kPortController}};
    for (const auto& [name, port] : kPorts) {
      if (strcasecmp(key.c_str(), name) == 0) return port;
    }
    return std::nullopt;
  }

  absl::Status Out(uint32_t port, const std::string& value) {
    openflow::Output output{.port = port};
    if (port == openflow::kPortController) {
      std::string length = value;
      for (const auto& [key, of] : KeyValues(value)) {
        if (key == "max_len") length = of;
      }
      uint64_t number = 0xffff;
      if (!length.empty() && !ParseNumber(length, 0xffff, &number)) {
        return Invalid(fmt::format("invalid max_len \"{}\"", length));
      }
      output.max_len = static_cast<uint16_t>(number);
    }
    return Push(output);
  }

  absl::Status OutputTo(const std::string& value) {
    if (value.find('[') != std::string::npos) {
      ASSIGN_OR_RETURN(const Subfield sub, ParseSubfield(value));
      return Push(
          openflow::OutputField{.field = sub.field, .offset = sub.offset, .bits = sub.bits});
    }
    const auto port = ParsePort(value, numbers_);
    if (!port.ok()) return Invalid(value + ": output to unknown port");
    return Out(*port, "");
  }

  absl::Status ResubmitTo(const std::string& value) {
    openflow::Resubmit resubmit{.port = openflow::kPortInPort, .table = openflow::kTableAll};
    const size_t comma = value.find(',');
    const std::string port_text = value.substr(0, comma);
    if (!port_text.empty()) {
      const auto port = ParsePort(port_text, numbers_);
      if (!port.ok()) return Invalid(port_text + ": resubmit to unknown port");
      resubmit.port = *port;
    }
    if (comma != std::string::npos && comma + 1 < value.size()) {
      const std::string table = value.substr(comma + 1);
      uint64_t number = 0;
      if (const auto named = numbers_.tables.find(table); named != numbers_.tables.end()) {
        number = named->second;
      } else if (!ParseNumber(table, 255, &number)) {
        return Invalid(table + ": resubmit to unknown table");
      }
      resubmit.table = static_cast<uint8_t>(number);
    }
    if (resubmit.port == openflow::kPortInPort && resubmit.table == openflow::kTableAll) {
      return Invalid("at least one \"in_port\" or \"table\" must be specified  on resubmit");
    }
    return Push(resubmit);
  }

  absl::Status EnqueueTo(const std::string& value) {
    const size_t at = value.find_first_of(":,");
    if (at == std::string::npos) {
      return Invalid("\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"");
    }
    const auto port = ParsePort(value.substr(0, at), numbers_);
    if (!port.ok()) return Invalid(value.substr(0, at) + ": enqueue to unknown port");
    uint64_t queue = 0;
    if (!ParseNumber(value.substr(at + 1), 0xffffffff, &queue)) {
      return Invalid(fmt::format("invalid queue \"{}\"", value.substr(at + 1)));
    }
    return Push(openflow::Enqueue{.port = *port, .queue = static_cast<uint32_t>(queue)});
  }

  absl::Status SetOrLoad(bool load, const std::string& value) {
    const size_t arrow = value.find("->");
    if (arrow == std::string::npos) return Invalid(value + ": missing `->'");
    const std::string from = value.substr(0, arrow);
    const std::string to = value.substr(arrow + 2);
    if (!load) return SetWhole(from, to);
    ASSIGN_OR_RETURN(const Subfield sub, ParseSubfield(to));
    uint64_t number = 0;
    if (!ParseNumber(from, ~uint64_t{0}, &number)) {
      return Invalid(fmt::format("{}->{}: missing `->' following value", from, to));
    }
    if (sub.bits < 64 && number >> sub.bits != 0) {
      return Invalid(
          fmt::format("{}->{}: value {} does not fit into {} bits", from, to, from, sub.bits));
    }
    return Push(openflow::Load{
        .field = sub.field, .offset = sub.offset, .bits = sub.bits, .value = number});
  }

  absl::Status SetWhole(const std::string& from, const std::string& to) {
    const bool dscp = to == "ip_dscp";
    const openflow::FieldInfo* info = dscp ? &InfoOf(Field::kIpTos) : openflow::FindField(to);
    if (info == nullptr) return Invalid(to + " is not a valid OXM field name");
    openflow::SetField set{.field = info->field, .value = {}};
    RETURN_IF_ERROR(ParseField(*info, from, numbers_, &set.value));
    if (dscp) set.value.value[0] = static_cast<uint8_t>(set.value.value[0] << 2);
    return Push(set);
  }

  absl::Status MoveBits(const std::string& value) {
    const size_t arrow = value.find("->");
    if (arrow == std::string::npos) return Invalid(value + ": missing `->' following source");
    ASSIGN_OR_RETURN(const Subfield from, ParseSubfield(value.substr(0, arrow)));
    ASSIGN_OR_RETURN(const Subfield to, ParseSubfield(value.substr(arrow + 2)));
    if (from.bits != to.bits) {
      return Invalid(fmt::format("{}: source field is {} bits wide but destination is {} bits wide",
                                 value, from.bits, to.bits));
    }
    return Push(openflow::Move{.source = from.field,
                               .target = to.field,
                               .source_offset = from.offset,
                               .target_offset = to.offset,
                               .bits = from.bits});
  }

  absl::Status NoteText(const std::string& value) {
    openflow::Note note;
    std::string digits;
    for (const char c : value) {
      if (c == '.') continue;
      if (std::string("0123456789abcdefABCDEF").find(c) == std::string::npos) {
        return Invalid("bad hex digit in `note' argument");
      }
      digits.push_back(c);
      if (digits.size() < 2) continue;
      note.text.push_back(static_cast<uint8_t>(std::stoi(digits, nullptr, 16)));
      digits.clear();
    }
    if (!digits.empty()) return Invalid("bad hex digit in `note' argument");
    return Push(note);
  }

  absl::Status Track(const std::string& value) {
    openflow::ConnTrack ct;
    for (const auto& [key, of] : KeyValues(value)) {
      uint64_t number = 0;
      if (key == "commit") {
        ct.commit = true;
      } else if (key == "force") {
        ct.force = true;
      } else if (key == "table") {
        if (!ParseNumber(of, 254, &number)) return Invalid(fmt::format("unknown table {}", of));
        ct.table = static_cast<uint8_t>(number);
      } else if (key == "zone") {
        if (!ParseNumber(of, 0xffff, &number))
          return Invalid(fmt::format("invalid zone \"{}\"", of));
        ct.zone = static_cast<uint16_t>(number);
      } else {
        return Invalid("invalid argument to \"ct\" action: `" + key + "'");
      }
    }
    return Push(ct);
  }

  absl::Status Write(const std::string& value) {
    ASSIGN_OR_RETURN(openflow::ActionList inner, ParseActions(value, match_, numbers_));
    list_.write = std::move(inner.apply);
    return absl::OkStatus();
  }

  absl::Status Mod(const std::string& key, const std::string& value) {
    uint64_t number = 0;
    if (key == "mod_vlan_vid") {
      if (!ParseNumber(value, 0xffff, &number)) {
        return Invalid(fmt::format("invalid VLAN VID \"{}\"", value));
      }
      if (number > 0xfff) return Invalid(value + ": not a valid VLAN VID");
      return Push(openflow::SetVlanVid{static_cast<uint16_t>(number)});
    }
    if (key == "mod_vlan_pcp") {
      if (!ParseNumber(value, 0xff, &number)) {
        return Invalid(fmt::format("invalid VLAN PCP \"{}\"", value));
      }
      if (number > 7) return Invalid(value + ": not a valid VLAN PCP");
      return Push(openflow::SetVlanPcp{static_cast<uint8_t>(number)});
    }
    return ModField(key, value);
  }

  absl::Status ModField(const std::string& key, const std::string& value) {
    static constexpr std::pair<const char*, Field> kOld[] = {
        {"mod_dl_src", Field::kEthSrc},  {"mod_dl_dst", Field::kEthDst},
        {"mod_nw_src", Field::kIpv4Src}, {"mod_nw_dst", Field::kIpv4Dst},
        {"mod_nw_tos", Field::kIpTos},   {"mod_tp_src", Field::kTcpSrc},
        {"mod_tp_dst", Field::kTcpDst}};
    for (const auto& [name, field] : kOld) {
      if (key != name) continue;
      openflow::SetField set{.field = field, .value = {}, .old = true};
      const absl::Status status = ParseField(InfoOf(field), value, numbers_, &set.value);
      if (!status.ok() && InfoOf(field).format == openflow::FieldFormat::kMac) {
        return Invalid("invalid mac address " + value);
      }
      if (!status.ok() && field == Field::kIpTos) return Invalid(value + ": not a valid TOS");
      RETURN_IF_ERROR(status);
      return Push(set);
    }
    return Invalid("unknown action " + key);
  }

  static std::optional<Action> Simple(const std::string& key) {
    if (key == "strip_vlan" || key == "pop_vlan") return openflow::PopVlan{};
    if (key == "dec_ttl") return openflow::DecTtl{};
    if (key == "pop_queue") return openflow::PopQueue{};
    if (key == "clear_actions") return openflow::ClearActions{};
    return std::nullopt;
  }

  static bool Numbered(const std::string& key) {
    static constexpr const char* kKeys[] = {"set_tunnel", "set_tunnel64",  "set_queue",
                                            "group",      "meter",         "goto_table",
                                            "push_vlan",  "write_metadata"};
    return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
  }

  absl::Status Number(const std::string& key, const std::string& value) {
    uint64_t number = 0;
    if (key == "goto_table") {
      const auto named = numbers_.tables.find(value);
      if (named != numbers_.tables.end()) return Push(openflow::GotoTable{named->second});
      if (!ParseNumber(value, 255, &number))
        return Invalid(fmt::format("unknown table \"{}\"", value));
      return Push(openflow::GotoTable{static_cast<uint8_t>(number)});
    }
    const size_t slash = value.find('/');
    if (!ParseNumber(value.substr(0, slash), ~uint64_t{0}, &number)) {
      return Invalid(fmt::format("invalid {} \"{}\"", key, value));
    }
    if (key == "set_tunnel") {
      return Push(openflow::SetTunnel{.id = number, .wide = number > 0xffffffff});
    }
    if (key == "set_tunnel64") return Push(openflow::SetTunnel{.id = number, .wide = true});
    if (key == "set_queue") return Push(openflow::SetQueue{static_cast<uint32_t>(number)});
    if (key == "group") return Push(openflow::GroupAction{static_cast<uint32_t>(number)});
    if (key == "meter") return Push(openflow::Meter{static_cast<uint32_t>(number)});
    if (key == "push_vlan") return Push(openflow::PushVlan{static_cast<uint16_t>(number)});
    openflow::WriteMetadata write{.value = number};
    if (slash != std::string::npos &&
        !ParseNumber(value.substr(slash + 1), ~uint64_t{0}, &write.mask)) {
      return Invalid(fmt::format("invalid mask \"{}\"", value));
    }
    return Push(write);
  }

  const Match& match_;
  const OfNumbers& numbers_;
  openflow::ActionList list_;
  bool drops_ = false;
};

}  // namespace

absl::StatusOr<openflow::ActionList> ParseActions(const std::string& text, const Match& match,
                                                  const OfNumbers& numbers) {
  ActionParser parser(match, numbers);
  for (const auto& [key, value] : KeyValues(text)) RETURN_IF_ERROR(parser.One(key, value));
  return parser.Finish();
}

}  // namespace outrider::cli
