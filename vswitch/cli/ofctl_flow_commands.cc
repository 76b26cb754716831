#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>

#include "vswitch/cli/ofctl_commands.h"

namespace outrider::cli {
namespace {

using openflow::Field;
using openflow::FlowForm;
using openflow::FlowStats;
using openflow::Message;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

absl::Status PrintRefusal(const std::optional<Message>& error) {
  if (!error) return absl::OkStatus();
  std::fputs(MessageText(*error, {}).c_str(), stderr);
  return Refused();
}

// How flows are listed by this connection; in 1.0 the switch is told.
absl::StatusOr<FlowForm> DumpForm(Ofctl& ofctl, OfctlConnection& connection) {
  if (connection.version() != openflow::kVersion10) return FlowForm::kOpenFlow13;
  if ((ofctl.options().formats & kFormatNxm) != 0) {
    ASSIGN_OR_RETURN(const auto error, connection.Order({openflow::SetFlowFormat{}}));
    if (!error) return FlowForm::kNicira;
  }
  if ((ofctl.options().formats & kFormat10) != 0) return FlowForm::kOpenFlow10;
  return Invalid("switch does not support any of the usable flow formats (any)");
}

absl::StatusOr<openflow::FlowStatsRequest> ParseRequest(Ofctl& ofctl, const OfctlArgs& args,
                                                        bool aggregate) {
  openflow::FlowStatsRequest request{.aggregate = aggregate};
  if (args.size() < 2) return request;
  ASSIGN_OR_RETURN(const OfNumbers numbers, ofctl.Numbers(args[0]));
  ASSIGN_OR_RETURN(ParsedFlow parsed, ParseFlow(args[1], FlowOrder::kStats, numbers));
  ofctl.TellNormalized(parsed);
  request.table = parsed.mod.table;
  request.out_port = parsed.mod.out_port;
  request.cookie = parsed.mod.match_cookie;
  request.cookie_mask = parsed.mod.cookie_mask;
  request.match = parsed.mod.match;
  return request;
}

int Compare(const FlowStats& a, const FlowStats& b, const SortKey& key) {
  const int sign = key.ascending ? 1 : -1;
  if (key.field == nullptr) return sign * (a.priority < b.priority ? -1 : a.priority > b.priority);
  const auto* in_a = a.match.Find(key.field->field);
  const auto* in_b = b.match.Find(key.field->field);
  // Flows that do not match the field come last in either order.
  if (in_a == nullptr || in_b == nullptr) return (in_a == nullptr) - (in_b == nullptr);
  return sign * (in_a->value < in_b->value ? -1 : in_a->value > in_b->value);
}

void Sort(std::vector<SortKey> keys, std::vector<FlowStats>& flows) {
  if (keys.empty()) return;
  // What the keys leave open is decided by priority, highest first.
  keys.push_back({.field = nullptr, .ascending = false});
  std::stable_sort(flows.begin(), flows.end(), [&](const FlowStats& a, const FlowStats& b) {
    for (const SortKey& key : keys) {
      const int order = Compare(a, b, key);
      if (order != 0) return order < 0;
    }
    return false;
  });
}

absl::StatusOr<std::vector<Message>> Ask(Ofctl& ofctl, OfctlConnection& connection,
                                         openflow::FlowStatsRequest request) {
  ASSIGN_OR_RETURN(request.form, DumpForm(ofctl, connection));
  return connection.Transact(request);
}

absl::Status Dump(Ofctl& ofctl, const OfctlArgs& args, bool aggregate) {
  ASSIGN_OR_RETURN(const openflow::FlowStatsRequest request, ParseRequest(ofctl, args, aggregate));
  const bool raw =
      aggregate || (ofctl.options().sort.empty() && !ofctl.ShowsNames() && ofctl.options().stats);
  OfNames names;
  if (!raw) {
    ASSIGN_OR_RETURN(names, ofctl.Names(args[0], true));
  }
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
  ASSIGN_OR_RETURN(const std::vector<Message> parts, Ask(ofctl, *connection, request));
  std::vector<FlowStats> flows;
  for (const Message& part : parts) {
    const auto* reply = std::get_if<openflow::FlowStatsReply>(&part.body);
    if (reply == nullptr || raw) {
      std::fputs(MessageText(part, names).c_str(), stdout);
    } else {
      flows.insert(flows.end(), reply->flows.begin(), reply->flows.end());
    }
  }
  Sort(ofctl.options().sort, flows);
  const FlowStyle style{
      .version = connection->version(), .stats = ofctl.options().stats, .ages = false};
  for (const FlowStats& flow : flows) {
    std::fputs((" " + FlowText(flow, style, names) + "\n").c_str(), stdout);
  }
  return absl::OkStatus();
}

absl::Status DumpFlows(Ofctl& ofctl, const OfctlArgs& args) { return Dump(ofctl, args, false); }
absl::Status DumpAggregate(Ofctl& ofctl, const OfctlArgs& args) { return Dump(ofctl, args, true); }

// 1.0's words in those of 1.3: fields are set by name, a tag is pushed before it is written.
void AdaptTo13(openflow::FlowMod& mod) {
  bool tagged = mod.match.Has(Field::kVlanTci);
  const uint64_t proto = mod.match.Exact(Field::kIpProto).value_or(6);
  std::vector<openflow::Action> adapted;
  for (openflow::Action& action : mod.actions.apply) {
    if (std::holds_alternative<openflow::PushVlan>(action)) tagged = true;
    const bool writes_tag = std::holds_alternative<openflow::SetVlanVid>(action) ||
                            std::holds_alternative<openflow::SetVlanPcp>(action);
    if (writes_tag && !tagged) adapted.emplace_back(openflow::PushVlan{});
    if (writes_tag) tagged = true;
    if (auto* set = std::get_if<openflow::SetField>(&action); set != nullptr && set->old) {
      set->old = false;
      const bool source = set->field == Field::kTcpSrc;
      if (source || set->field == Field::kTcpDst) {
        if (proto == 17) set->field = source ? Field::kUdpSrc : Field::kUdpDst;
        if (proto == 132) set->field = source ? Field::kSctpSrc : Field::kSctpDst;
      }
    }
    adapted.push_back(std::move(action));
  }
  mod.actions.apply = std::move(adapted);
}

// Puts the orders into the form that this connection needs; in 1.0 the switch is told about it.
absl::Status SetForms(OfctlConnection& connection, std::vector<ParsedFlow>& flows) {
  if (connection.version() != openflow::kVersion10) {
    for (ParsedFlow& flow : flows) AdaptTo13(flow.mod);
    return absl::OkStatus();
  }
  bool nicira = false;
  bool tables = false;
  for (ParsedFlow& flow : flows) {
    nicira = nicira || flow.mod.cookie_mask != 0 || !openflow::FitsMatch10(flow.mod.match);
    const bool any = flow.mod.table == openflow::kTableAll || flow.mod.table == 0;
    tables = tables || !any;
  }
  for (ParsedFlow& flow : flows) {
    flow.mod.form = nicira ? FlowForm::kNicira : FlowForm::kOpenFlow10;
    if (!tables) flow.mod.table = 0;
  }
  if (tables) {
    ASSIGN_OR_RETURN(const auto error, connection.Order({openflow::FlowModTableId{true}}));
    RETURN_IF_ERROR(PrintRefusal(error));
  }
  if (nicira) {
    ASSIGN_OR_RETURN(const auto error, connection.Order({openflow::SetFlowFormat{}}));
    RETURN_IF_ERROR(PrintRefusal(error));
  }
  return absl::OkStatus();
}

absl::Status SendFlows(Ofctl& ofctl, const std::string& target, std::vector<ParsedFlow> flows) {
  const bool only_13 =
      std::any_of(flows.begin(), flows.end(), [](const ParsedFlow& flow) { return flow.needs_13; });
  if (only_13 && (ofctl.options().versions & 1u << openflow::kVersion13) == 0) {
    return Invalid(
        "none of the usable flow formats (OXM-OpenFlow13,OXM-OpenFlow14,OXM-OpenFlow15) is among "
        "the allowed flow formats (OpenFlow10,NXM)");
  }
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(target));
  RETURN_IF_ERROR(SetForms(*connection, flows));
  for (const ParsedFlow& flow : flows) {
    ASSIGN_OR_RETURN(const auto error, connection->Order({flow.mod}));
    RETURN_IF_ERROR(PrintRefusal(error));
  }
  return absl::OkStatus();
}

absl::StatusOr<ParsedFlow> Parse(Ofctl& ofctl, const std::string& text, FlowOrder kind,
                                 const OfNumbers& numbers) {
  ASSIGN_OR_RETURN(ParsedFlow flow, ParseFlow(text, kind, numbers));
  ofctl.TellNormalized(flow);
  if (kind == FlowOrder::kModify && ofctl.options().strict)
    flow.mod.command = openflow::kModifyStrict;
  return flow;
}

// One flow a line; "-" is standard input. Blank lines and what is behind '#' do not count.
absl::StatusOr<std::vector<ParsedFlow>> ReadFile(Ofctl& ofctl, const std::string& name,
                                                 FlowOrder kind, const OfNumbers& numbers) {
  std::ifstream file;
  if (name != "-") {
    errno = 0;
    file.open(name);
    if (!file) return Invalid(fmt::format("{}: open failed ({})", name, std::strerror(errno)));
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::vector<ParsedFlow> flows;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto flow = Parse(ofctl, line, kind, numbers);
    if (!flow.ok())
      return Invalid(fmt::format("{}:{}: {}", name, number, outrider::Message(flow.status())));
    flows.push_back(*std::move(flow));
  }
  return flows;
}

absl::Status Modify(Ofctl& ofctl, const OfctlArgs& args, FlowOrder kind) {
  ASSIGN_OR_RETURN(const OfNumbers numbers, ofctl.Numbers(args[0]));
  const std::string text = args.size() > 1 ? args[1] : "";
  std::vector<ParsedFlow> flows;
  if (text == "-") {
    ASSIGN_OR_RETURN(flows, ReadFile(ofctl, text, kind, numbers));
  } else {
    ASSIGN_OR_RETURN(ParsedFlow flow, Parse(ofctl, text, kind, numbers));
    flows.push_back(std::move(flow));
  }
  return SendFlows(ofctl, args[0], std::move(flows));
}

absl::Status AddFlow(Ofctl& ofctl, const OfctlArgs& args) {
  return Modify(ofctl, args, FlowOrder::kAdd);
}
absl::Status ModFlows(Ofctl& ofctl, const OfctlArgs& args) {
  return Modify(ofctl, args, FlowOrder::kModify);
}
absl::Status DelFlows(Ofctl& ofctl, const OfctlArgs& args) {
  return Modify(ofctl, args,
                ofctl.options().strict ? FlowOrder::kDeleteStrict : FlowOrder::kDelete);
}

absl::Status AddFlows(Ofctl& ofctl, const OfctlArgs& args) {
  ASSIGN_OR_RETURN(const OfNumbers numbers, ofctl.Numbers(args[0]));
  ASSIGN_OR_RETURN(std::vector<ParsedFlow> flows,
                   ReadFile(ofctl, args[1], FlowOrder::kAdd, numbers));
  return SendFlows(ofctl, args[0], std::move(flows));
}

// Adds what the file has and the switch has not, or otherwise, then deletes what it has not.
absl::Status ReplaceFlows(Ofctl& ofctl, const OfctlArgs& args) {
  ASSIGN_OR_RETURN(const OfNumbers numbers, ofctl.Numbers(args[0]));
  ASSIGN_OR_RETURN(std::vector<ParsedFlow> wanted,
                   ReadFile(ofctl, args[1], FlowOrder::kAdd, numbers));
  std::vector<FlowStats> there;
  {
    ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
    ASSIGN_OR_RETURN(const auto parts, Ask(ofctl, *connection, {}));
    for (const Message& part : parts) {
      const auto* reply = std::get_if<openflow::FlowStatsReply>(&part.body);
      if (reply != nullptr) there.insert(there.end(), reply->flows.begin(), reply->flows.end());
    }
  }
  const auto same_place = [](const FlowStats& flow, const openflow::FlowMod& mod) {
    return flow.table == mod.table && flow.priority == mod.priority && flow.match == mod.match;
  };
  std::vector<ParsedFlow> orders;
  for (const ParsedFlow& flow : wanted) {
    const bool unchanged = std::any_of(there.begin(), there.end(), [&](const FlowStats& old) {
      return same_place(old, flow.mod) && old.cookie == flow.mod.cookie &&
             old.actions == flow.mod.actions && old.idle_timeout == flow.mod.idle_timeout &&
             old.hard_timeout == flow.mod.hard_timeout;
    });
    if (!unchanged) orders.push_back(flow);
  }
  for (const FlowStats& old : there) {
    const bool kept = std::any_of(wanted.begin(), wanted.end(), [&](const ParsedFlow& flow) {
      return same_place(old, flow.mod);
    });
    if (kept) continue;
    ParsedFlow gone;
    gone.mod.command = openflow::kDeleteStrict;
    gone.mod.table = old.table;
    gone.mod.priority = old.priority;
    gone.mod.match = old.match;
    orders.push_back(std::move(gone));
  }
  return SendFlows(ofctl, args[0], std::move(orders));
}

struct PortWord {
  const char* word;
  uint32_t bit;
  bool set;
};
constexpr PortWord kPortWords[] = {{"up", openflow::kPortDown, false},
                                   {"down", openflow::kPortDown, true},
                                   {"stp", openflow::k10NoStp, false},
                                   {"receive", openflow::kNoRecv, false},
                                   {"receive-stp", openflow::k10NoRecvStp, false},
                                   {"flood", openflow::k10NoFlood, false},
                                   {"forward", openflow::kNoForward, false},
                                   {"packet-in", openflow::kNoPacketIn, false}};

absl::Status ModPort(Ofctl& ofctl, const OfctlArgs& args) {
  const bool negated = args[2].rfind("no-", 0) == 0;
  const std::string word = negated ? args[2].substr(3) : args[2];
  const auto* found = std::find_if(std::begin(kPortWords), std::end(kPortWords),
                                   [&](const PortWord& one) { return word == one.word; });
  ASSIGN_OR_RETURN(const openflow::PortDescList ports, ofctl.Ports(args[0]));
  // A number is never a name here, nor is a word like LOCAL a number.
  uint32_t decimal = 0;
  const bool by_number = ParseDecimal(args[1], &decimal);
  const auto number = ParsePort(args[1], {});
  const auto port = std::find_if(ports.begin(), ports.end(), [&](const openflow::PortDesc& one) {
    return by_number ? number.ok() && *number == one.port : one.name == args[1];
  });
  if (port == ports.end()) {
    return Invalid(fmt::format("{}: couldn't find port `{}'", args[0], args[1]));
  }
  if (found == std::end(kPortWords)) {
    return Invalid(fmt::format("unknown mod-port command '{}'", args[2]));
  }
  openflow::PortMod mod{.port = port->port, .mac = port->mac};
  mod.mask = found->bit;
  mod.config = found->set != negated ? found->bit : 0;
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
  ASSIGN_OR_RETURN(const auto error, connection->Order({mod}));
  return PrintRefusal(error);
}

}  // namespace

const std::vector<OfctlCommand>& FlowCommands() {
  static const std::vector<OfctlCommand> kCommands = {
      {"mod-port", "SWITCH IFACE ACT   modify port behavior", 3, 3, ModPort},
      {"dump-flows", "SWITCH [FLOW]    print all flow entries, or matching FLOWs", 1, 2, DumpFlows},
      {"dump-aggregate", "SWITCH [FLOW]  print aggregate flow statistics", 1, 2, DumpAggregate},
      {"add-flow", "SWITCH FLOW        add flow described by FLOW", 2, 2, AddFlow},
      {"add-flows", "SWITCH FILE       add flows from FILE", 2, 2, AddFlows},
      {"mod-flows", "SWITCH FLOW       modify actions of matching FLOWs", 2, 2, ModFlows},
      {"del-flows", "SWITCH [FLOW]     delete matching FLOWs", 1, 2, DelFlows},
      {"replace-flows", "SWITCH FILE   replace flows with those in FILE", 2, 2, ReplaceFlows}};
  return kCommands;
}

}  // namespace outrider::cli
