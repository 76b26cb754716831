#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "vswitch/cli/ofctl_commands.h"

namespace outrider::cli {
namespace {

using openflow::Message;
using openflow::Plain;
using openflow::StatsRequest;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

void Say(const std::string& text) { std::fputs(text.c_str(), stdout); }

absl::Status Show(Ofctl& ofctl, const OfctlArgs& args) {
  {
    ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
    ASSIGN_OR_RETURN(const auto features, connection->Transact(Plain::kFeaturesRequest));
    for (const Message& part : features) Say(MessageText(part, {}));
    const auto* reply = std::get_if<openflow::FeaturesReply>(&features[0].body);
    // Both 1.3 and a 1.0 reply with no room left for all ports.
    constexpr size_t kRoom = 1364;
    const bool apart = connection->version() != openflow::kVersion10 ||
                       (reply != nullptr && reply->ports.size() >= kRoom);
    if (apart) {
      ASSIGN_OR_RETURN(const auto ports,
                       connection->Transact(StatsRequest{.type = openflow::kStatsPortDesc}));
      for (const Message& part : ports) Say(MessageText(part, {}));
    }
  }
  return ofctl.Print(args[0], Plain::kGetConfigRequest, {});
}

// A port by number, or by name after looking it up, unless --no-names says that nobody writes any.
absl::StatusOr<uint32_t> PortArgument(Ofctl& ofctl, const OfctlArgs& args) {
  const auto known = ParsePort(args[1], {});
  if (known.ok()) return *known;
  if (ofctl.options().names != false) {
    ASSIGN_OR_RETURN(const openflow::PortDescList ports, ofctl.Ports(args[0]));
    for (const auto& port : ports) {
      if (port.name == args[1]) return port.port;
    }
  }
  return Invalid(fmt::format("{}: unknown port `{}'", args[0], args[1]));
}

absl::Status DumpPorts(Ofctl& ofctl, const OfctlArgs& args) {
  StatsRequest request{.type = openflow::kStatsPort};
  if (args.size() > 1) {
    ASSIGN_OR_RETURN(request.port, PortArgument(ofctl, args));
  }
  ASSIGN_OR_RETURN(const OfNames names, ofctl.Names(args[0], false));
  return ofctl.Print(args[0], request, names);
}

absl::Status DumpPortsDesc(Ofctl& ofctl, const OfctlArgs& args) {
  // Before 1.5 a switch always tells of all its ports.
  if (args.size() > 1) RETURN_IF_ERROR(PortArgument(ofctl, args).status());
  return ofctl.Print(args[0], StatsRequest{.type = openflow::kStatsPortDesc}, {});
}

absl::Status DumpTables(Ofctl& ofctl, const OfctlArgs& args) {
  OfNames names;
  if (ofctl.ShowsNames()) {
    ASSIGN_OR_RETURN(names, ofctl.Names(args[0], true));
  }
  return ofctl.Print(args[0], StatsRequest{.type = openflow::kStatsTable}, names);
}

absl::Status DumpDesc(Ofctl& ofctl, const OfctlArgs& args) {
  return ofctl.Print(args[0], StatsRequest{.type = openflow::kStatsDesc}, {});
}

absl::Status QueueStats(Ofctl& ofctl, const OfctlArgs& args) {
  StatsRequest request{.type = openflow::kStatsQueue};
  const auto all = [](const std::string& word) { return word == "all" || word == "ALL"; };
  if (args.size() > 1 && !all(args[1])) {
    ASSIGN_OR_RETURN(request.port, PortArgument(ofctl, args));
  }
  if (args.size() > 2 && !all(args[2])) {
    uint64_t queue = 0;
    ParseNumber(args[2], 0xffffffff, &queue);
    request.queue = static_cast<uint32_t>(queue);
  }
  ASSIGN_OR_RETURN(const OfNames names, ofctl.Names(args[0], false));
  return ofctl.Print(args[0], request, names);
}

absl::StatusOr<openflow::SwitchConfig> GetConfig(OfctlConnection& connection) {
  ASSIGN_OR_RETURN(const auto parts, connection.Transact(Plain::kGetConfigRequest));
  const auto* config = std::get_if<openflow::SwitchConfig>(&parts[0].body);
  if (config == nullptr) return Invalid("bad reply to config request");
  return *config;
}

absl::Status GetFrags(Ofctl& ofctl, const OfctlArgs& args) {
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
  ASSIGN_OR_RETURN(const openflow::SwitchConfig config, GetConfig(*connection));
  Say(FragsText(config.flags) + "\n");
  return absl::OkStatus();
}

absl::Status SetFrags(Ofctl& ofctl, const OfctlArgs& args) {
  uint16_t mode = 0;
  while (mode < 4 && FragsText(mode) != args[1]) ++mode;
  if (mode == 4) return Invalid(args[1] + ": unknown fragment handling mode");
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
  ASSIGN_OR_RETURN(openflow::SwitchConfig config, GetConfig(*connection));
  if (config.flags == mode) return absl::OkStatus();
  config.set = true;
  config.flags = mode;
  ASSIGN_OR_RETURN(const auto error, connection->Order({config}));
  if (error) {
    std::fputs(MessageText(*error, {}).c_str(), stderr);
    return Refused();
  }
  ASSIGN_OR_RETURN(config, GetConfig(*connection));
  if (config.flags == mode) return absl::OkStatus();
  return Invalid(
      fmt::format("{}: setting fragment handling mode failed (this switch probably "
                  "doesn't support mode \"{}\")",
                  args[0], args[1]));
}

// "meter=5"; nothing: all.
absl::StatusOr<uint32_t> MeterArgument(const OfctlArgs& args) {
  if (args.size() < 2) return openflow::kMeterAll;
  uint32_t meter = openflow::kMeterAll;
  for (const auto& [key, value] : KeyValues(args[1])) {
    uint64_t number = 0;
    if (value.empty()) return Invalid(fmt::format("field {} missing value", key));
    if (key != "meter") return Invalid("unknown keyword " + key);
    if (value != "all" && !ParseNumber(value, 0xffffffff, &number)) {
      return Invalid(fmt::format("invalid meter \"{}\"", value));
    }
    if (value != "all") meter = static_cast<uint32_t>(number);
  }
  return meter;
}

absl::Status Meters(Ofctl& ofctl, const OfctlArgs& args, openflow::StatsType type) {
  StatsRequest request{.type = type};
  if (type != openflow::kStatsMeterFeatures) {
    ASSIGN_OR_RETURN(request.id, MeterArgument(args));
  }
  if ((ofctl.options().versions & 1u << openflow::kVersion13) == 0) {
    return Invalid(
        fmt::format("none of the usable flow formats ({}) is among the allowed flow formats ({})",
                    FlowFormatsText(kFormatOxm13 | kFormatOxm14 | kFormatOxm15),
                    FlowFormatsText(ofctl.options().formats)));
  }
  return ofctl.Print(args[0], request, {});
}

absl::Status DumpMeters(Ofctl& ofctl, const OfctlArgs& args) {
  return Meters(ofctl, args, openflow::kStatsMeterConfig);
}
absl::Status MeterStats(Ofctl& ofctl, const OfctlArgs& args) {
  return Meters(ofctl, args, openflow::kStatsMeter);
}
absl::Status MeterFeatures(Ofctl& ofctl, const OfctlArgs& args) {
  return Meters(ofctl, args, openflow::kStatsMeterFeatures);
}

absl::Status DumpGroups(Ofctl& ofctl, const OfctlArgs& args) {
  const bool v10 = (ofctl.options().versions & 1u << openflow::kVersion13) == 0;
  StatsRequest request{.type = openflow::kStatsGroupDesc, .id = openflow::kGroupAll, .nicira = v10};
  ASSIGN_OR_RETURN(const OfNames names, ofctl.Names(args[0], true));
  return ofctl.Print(args[0], request, names);
}

absl::Status Probe(Ofctl& ofctl, const OfctlArgs& args) {
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
  ASSIGN_OR_RETURN(const auto parts, connection->Transact(openflow::Echo{}));
  const auto* echo = std::get_if<openflow::Echo>(&parts[0].body);
  if (echo == nullptr || !echo->data.empty()) return Invalid("reply does not match request");
  return absl::OkStatus();
}

absl::Status Ping(Ofctl& ofctl, const OfctlArgs& args) {
  constexpr size_t kMost = 65535 - openflow::kHeaderBytes;
  constexpr int kTimes = 10;
  uint64_t size = 64;
  if (args.size() > 1 && !ParseNumber(args[1], kMost, &size)) {
    return Invalid(fmt::format("payload must be between 0 and {} bytes", kMost));
  }
  ASSIGN_OR_RETURN(const auto connection, ofctl.Open(args[0]));
  for (int i = 0; i < kTimes; ++i) {
    openflow::Echo request;
    for (uint64_t at = 0; at < size; ++at)
      request.data.push_back(static_cast<uint8_t>(at * 37 + i));
    const auto begin = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(const auto parts, connection->Transact(request));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    const auto* reply = std::get_if<openflow::Echo>(&parts[0].body);
    if (reply == nullptr || reply->data != request.data) {
      Say("Reply does not match request.\n");
    }
    Say(fmt::format("{} bytes from {}: xid={:08x} time={:.1f} ms\n", size, args[0], parts[0].xid,
                    took.count()));
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<OfctlCommand>& ReadCommands() {
  static const std::vector<OfctlCommand> kCommands = {
      {"show", "SWITCH                 show OpenFlow information", 1, 1, Show},
      {"dump-desc", "SWITCH            print switch description", 1, 1, DumpDesc},
      {"dump-tables", "SWITCH          print table stats", 1, 1, DumpTables},
      {"get-frags", "SWITCH            print fragment handling behavior", 1, 1, GetFrags},
      {"set-frags", "SWITCH FRAG_MODE  set fragment handling behavior", 2, 2, SetFrags},
      {"dump-ports", "SWITCH [PORT]    print port statistics", 1, 2, DumpPorts},
      {"dump-ports-desc", "SWITCH [PORT]  print port descriptions", 1, 2, DumpPortsDesc},
      {"queue-stats", "SWITCH [PORT [QUEUE]]  dump queue stats", 1, 3, QueueStats},
      {"dump-groups", "SWITCH [GROUP]  print group description", 1, 2, DumpGroups},
      {"dump-meter", "SWITCH METER     print METER configuration", 2, 2, DumpMeters},
      {"dump-meters", "SWITCH [METER]  print METER configuration", 1, 2, DumpMeters},
      {"meter-stats", "SWITCH [METER]  print meter statistics", 1, 2, MeterStats},
      {"meter-features", "SWITCH       print meter features", 1, 1, MeterFeatures},
      {"probe", "TARGET                probe whether TARGET is up", 1, 1, Probe},
      {"ping", "TARGET [N]             latency of N-byte echos", 1, 2, Ping}};
  return kCommands;
}

}  // namespace outrider::cli
