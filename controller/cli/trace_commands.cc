// outrider trace: what a frame would do at a port of this host, by its agent's programs.
#include <fmt/format.h>

#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/frame_file.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/table.h"
#include "controller/cli/trace_defaults.h"
#include "outrider/v1/agent.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using AgentStub = v1::AgentLocalService::Stub;

struct TraceOptions {
  TraceQuestion question;
  std::string pcap;
  uint64_t frame = 1;
  std::string hex;
};

std::string TraceText(const v1::TraceResponse& trace) {
  Table table({"STAGE", "WHAT"});
  for (const v1::TraceStep& step : trace.steps()) table.AddRow({step.stage(), step.text()});
  std::string verdict = trace.verdict();
  if (!trace.drop_reason().empty()) verdict += ": " + trace.drop_reason();
  return table.Render() + "verdict: " + Cell(verdict) + "\n";
}

// A frame that is there as bytes needs no more than its entry.
absl::StatusOr<v1::TraceRequest> RequestOfBytes(const TraceOptions& options,
                                                const v1::LocalPort& port) {
  v1::TraceRequest request;
  request.set_port_id(port.attachment().port_id());
  request.set_from_vtep(options.question.from_vtep);
  request.set_vni(options.question.vni);
  if (options.pcap.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_frame(), FrameFromHex(options.hex));
  } else {
    ASSIGN_OR_RETURN(*request.mutable_frame(), ReadFrame(options.pcap, options.frame));
  }
  return request;
}

absl::StatusOr<v1::TraceRequest> RequestOfWords(Client* client, const TraceOptions& options,
                                                const v1::LocalPort& port) {
  v1::GetHostStateRequest get;
  get.set_view(v1::GetHostStateRequest::VIEW_DESIRED);
  ASSIGN_OR_RETURN(const auto state, client->Call(&AgentStub::GetHostState, get));
  v1::TraceRequest request;
  TraceQuestion question = options.question;
  RETURN_IF_ERROR(FillTrace(port, state.state(), &question, &request));
  ASSIGN_OR_RETURN(*request.mutable_frame(), BuildFrame(question.spec));
  return request;
}

absl::StatusOr<int> RunTrace(Invocation* cli, const TraceOptions& options) {
  const bool bytes = !options.pcap.empty() || !options.hex.empty();
  if (bytes && options.question.to) {
    return cli->UsageError(
        "--to is for frames that are described; bytes enter by PORT, or by "
        "--from-vtep");
  }
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto ports,
                   client->Call(&AgentStub::ListPorts, v1::ListLocalPortsRequest()));
  ASSIGN_OR_RETURN(const v1::LocalPort port, FindLocalPort(ports, options.question.port));
  absl::StatusOr<v1::TraceRequest> request =
      bytes ? RequestOfBytes(options, port) : RequestOfWords(client, options, port);
  RETURN_IF_ERROR(request.status());
  ASSIGN_OR_RETURN(const auto trace, client->Call(&AgentStub::Trace, *request));
  cli->Print(cli->json() ? Json(trace) : TraceText(trace));
  return trace.verdict() == "dropped" ? kExitDropped : kExitOk;
}

void AddAddresses(CLI::App* command, FrameSpec* spec) {
  command->add_option("--src-mac", spec->src_mac, "Source MAC (default: the port's)")
      ->type_name("MAC");
  command
      ->add_option("--dst-mac", spec->dst_mac,
                   "Destination MAC (default: that of --ip-dst in the segment)")
      ->type_name("MAC");
  command
      ->add_option("--vlan", spec->vlan,
                   "VLAN tag; of a trunk PORT that a frame is for, its segment (default: none)")
      ->type_name("N");
  command->add_option("--ip-src", spec->src_ip, "Source address (default: the port's)")
      ->type_name("IP");
  command->add_option("--ip-dst", spec->dst_ip, "Destination address")->type_name("IP");
}

void AddLayer4(CLI::App* command, FrameSpec* spec) {
  command
      ->add_option("--proto", spec->protocol,
                   "tcp, udp, sctp, icmp, icmp6, arp, nd or a number (default: tcp)")
      ->type_name("NAME");
  command->add_option("--src-port", spec->src_port, "Source port (default: 49152)")->type_name("N");
  command->add_option("--dst-port", spec->dst_port, "Destination port (default: 80)")
      ->type_name("N");
  command->add_option("--tcp-flags", spec->tcp_flags, "Letters of FSRPAUEC (default: S)")
      ->type_name("FLAGS");
  command->add_option("--icmp-type", spec->icmp_type, "ICMP type (default: echo request)")
      ->type_name("N");
  command->add_option("--icmp-code", spec->icmp_code, "ICMP code (default: 0)")->type_name("N");
  command->add_option("--ttl", spec->ttl, "TTL or hop limit (default: 64)")->type_name("N");
  command->add_option("--dscp", spec->dscp, "DSCP, 0..63 (default: 0)")
      ->type_name("N")
      ->check(CLI::Range(0, 63).description(""));
  command
      ->add_option("--length", spec->length,
                   "Bytes of the whole frame, to about 3500 (default: 60)")
      ->type_name("N");
}

void AddEntry(CLI::App* command, TraceOptions* options) {
  command->add_flag("--to", options->question.to,
                    "The frame is for PORT, from whoever has the source address");
  command
      ->add_option("--from-vtep", options->question.from_vtep,
                   "The frame comes by VXLAN from this tunnel end point, for PORT")
      ->type_name("IP");
  command
      ->add_option("--vni", options->question.vni,
                   "Its VNI (default: the port's segment of untagged frames)")
      ->type_name("N");
  CLI::Option* pcap =
      command->add_option("--pcap", options->pcap, "Take the frame from this pcap or pcapng file")
          ->type_name("FILE");
  command->add_option("--frame", options->frame, "Which frame of it (default: 1)")
      ->type_name("N")
      ->needs(pcap)
      ->check(CLI::Validator(CLI::PositiveNumber).description(""));
  command->add_option("--hex", options->hex, "The frame's bytes in hexadecimal, from the MACs on")
      ->type_name("DIGITS")
      ->excludes(pcap);
}

}  // namespace

void AddTraceCommand(Invocation* cli, CLI::App* root) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* command = cli->AddCommand(
      root, "trace", "Explain what a frame would do at a port of this host",
      {"outrider trace tap0 --ip-dst 10.0.0.2 --dst-port 22",
       "outrider trace 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001 --proto arp --ip-dst 10.0.0.2",
       "outrider trace tap0 --to --ip-src 10.0.0.2 --proto icmp",
       "outrider trace tap0 --from-vtep 192.0.2.7 --src-mac 52:54:00:00:00:07",
       "outrider trace tap0 --pcap guest.pcapng --frame 3 --json"},
      [cli, options] { return RunTrace(cli, *options); });
  command->footer(
      command->get_footer() +
      "\n\nThe datapath's own programs say it, over the tables in force; nothing is sent, "
      "counted\nor remembered.\n"
      "Exit codes: 0 forwarded, 1 not traced, 2 wrong command line, 3 dropped.");
  command->add_option("PORT", options->question.port, "uuid of the port, or its device")
      ->required();
  AddAddresses(command, &options->question.spec);
  AddLayer4(command, &options->question.spec);
  AddEntry(command, options.get());
}

}  // namespace outrider::controller::cli
