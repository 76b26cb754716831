#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "vswitch/ovs/trace_flow.h"
#include "vswitch/ovs/unixctl_switch_commands.h"

namespace outrider::ovs {
namespace {

struct Question {
  const BridgeFacts* bridge = nullptr;
  TraceFlow flow;
  std::optional<std::vector<uint8_t>> packet;
};

std::optional<uint16_t> FindPort(const BridgeFacts& bridge, const std::string& text) {
  if (text == "LOCAL") return kLocalOfport;
  for (const auto& [ofport, port] : bridge.ports) {
    if (port.name == text) return ofport;
  }
  uint16_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// The arguments, of which options may stand anywhere.
absl::StatusOr<Question> Read(const SwitchFacts& facts, const UnixctlArguments& arguments) {
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    // The frame is made from the flow anyway.
    if (argument == "-generate" || argument == "--generate") continue;
    if (argument.starts_with("--")) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: not supported; give a bridge, a flow and perhaps a packet in hex", argument));
    }
    words.push_back(argument);
  }
  if (words.size() < 2) {
    return absl::InvalidArgumentError(fmt::format(
        "syntax error at {} (or the bridge name was omitted)", words.empty() ? "" : words[0]));
  }
  if (words.size() > 3) return absl::InvalidArgumentError("too many arguments");
  const auto bridge = facts.bridges.find(words[0]);
  if (bridge == facts.bridges.end()) {
    return absl::NotFoundError(fmt::format("{}: unknown bridge", words[0]));
  }
  Question question{&bridge->second, {}, std::nullopt};
  ASSIGN_OR_RETURN(question.flow, TraceFlow::Parse(words[1]));
  if (words.size() == 3) {
    ASSIGN_OR_RETURN(question.packet, FrameFromHex(words[2]));
  }
  return question;
}

std::string Render(const Question& question, const datapath::Trace& trace) {
  std::string text = question.packet ? fmt::format("Flow: in_port={}, a packet of {} bytes\n",
                                                   question.flow.in_port, question.packet->size())
                                     : fmt::format("Flow: {}\n", question.flow.ToString());
  const std::string title = fmt::format("bridge(\"{}\")", question.bridge->name);
  text += fmt::format("\n{}\n{}\n", title, std::string(title.size(), '-'));
  for (size_t i = 0; i < trace.steps.size(); ++i) {
    text += fmt::format("{:>2}. {}: {}\n", i, trace.steps[i].stage, trace.steps[i].text);
  }
  const std::string verdict =
      trace.drop_reason.empty() ? trace.verdict : fmt::format("drop ({})", trace.drop_reason);
  return text + fmt::format("\nDatapath actions: {}\n", verdict);
}

absl::StatusOr<std::string> Trace(SwitchFactsSource* source, const UnixctlArguments& arguments) {
  const SwitchFacts facts = source->Look();
  ASSIGN_OR_RETURN(Question question, Read(facts, arguments));
  TraceFlow& flow = question.flow;
  const auto wrong = [&](const std::string& why) {
    return absl::InvalidArgumentError(
        fmt::format("Bad openflow flow syntax: {}: {}", arguments[1], why));
  };
  if (flow.in_port.empty()) return wrong("in_port is missing; a frame comes from some port");
  const auto ofport = FindPort(*question.bridge, flow.in_port);
  if (!ofport) {
    return wrong(fmt::format("bad value for in_port ({}: invalid or unknown port for in_port)",
                             flow.in_port));
  }
  flow.in_port = OfportText(*ofport);
  auto trace = source->Trace(question.bridge->name, *ofport,
                             question.packet ? *question.packet : flow.Frame());
  if (trace.ok()) return Render(question, *trace);
  return Annotate(trace.status(),
                  fmt::format("{}: in_port={}", question.bridge->name, flow.in_port));
}

}  // namespace

void AddTraceCommand(SwitchFactsSource* source, UnixctlCommands* commands) {
  commands->Add("ofproto/trace",
                {.usage = "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]",
                 .min_arguments = 1,
                 .max_arguments = UnixctlCommand::kAny,
                 .run = [source](const UnixctlArguments& a) { return Trace(source, a); }});
}

}  // namespace outrider::ovs
