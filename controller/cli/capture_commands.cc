// outrider capture: frames of this host's ports, before and after the pipeline, as pcapng.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "controller/cli/commands.h"
#include "controller/cli/duration.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/pcapng_writer.h"
#include "controller/cli/trace_defaults.h"
#include "outrider/v1/agent.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using AgentStub = v1::AgentLocalService::Stub;

struct CaptureOptions {
  std::string port;
  std::string file;
  uint64_t count = 0;
  std::optional<std::chrono::milliseconds> duration;
  uint32_t snap_length = 0;
};

const char* PointName(v1::CapturedFrame::Point point) {
  switch (point) {
    case v1::CapturedFrame::POINT_FROM_GUEST:
      return "from-guest";
    case v1::CapturedFrame::POINT_FROM_GUEST_OUT:
      return "from-guest-out";
    case v1::CapturedFrame::POINT_TO_GUEST:
      return "to-guest";
    default:
      return "to-guest-out";
  }
}

std::string CommentOf(const v1::CapturedFrame& frame) {
  std::string comment = "port " + frame.port_id();
  if (frame.vni() != 0) comment += fmt::format(", VNI {}", frame.vni());
  if (!frame.drop_reason().empty()) comment += ", dropped: " + frame.drop_reason();
  return comment;
}

struct Written {
  uint64_t frames = 0;
  uint64_t dropped = 0;
  uint64_t missed = 0;
};

std::string SummaryOf(const Written& written, const std::string& file) {
  std::string text = fmt::format("{} frames in {}, of which {} were dropped", written.frames,
                                 file == "-" ? "the output" : file, written.dropped);
  if (written.missed > 0) {
    text += fmt::format("; {} more were missed: name one PORT, or cut frames by --snaplen",
                        written.missed);
  }
  return text + "\n";
}

absl::StatusOr<v1::CaptureRequest> RequestOf(Client* client, const CaptureOptions& options) {
  v1::CaptureRequest request;
  request.set_snap_length(options.snap_length);
  if (options.port == "all") return request;
  ASSIGN_OR_RETURN(const auto ports,
                   client->Call(&AgentStub::ListPorts, v1::ListLocalPortsRequest()));
  ASSIGN_OR_RETURN(const v1::LocalPort port, FindLocalPort(ports, options.port));
  request.set_port_id(port.attachment().port_id());
  return request;
}

absl::StatusOr<int> Capture(Invocation* cli, const CaptureOptions& options) {
  // From here on an interrupt ends the capture, not the program: the summary is to come.
  StreamWatch watch(options.duration);
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const v1::CaptureRequest request, RequestOf(client, options));
  ASSIGN_OR_RETURN(const auto writer, PcapngWriter::Create(options.file, options.snap_length));
  Written written;
  absl::Status kept;
  const absl::Status status = client->Stream<AgentStub, v1::CaptureRequest, v1::CapturedFrame>(
      &AgentStub::Capture, request,
      [&](const v1::CapturedFrame& frame) {
        kept = writer->Write({.interface = PointName(frame.point()),
                              .time_ns = frame.time_ns(),
                              .data = frame.data(),
                              .length = frame.length(),
                              .comment = CommentOf(frame)});
        if (!kept.ok()) return false;
        ++written.frames;
        if (!frame.drop_reason().empty()) ++written.dropped;
        written.missed = frame.missed();
        return options.count == 0 || written.frames < options.count;
      },
      &watch);
  RETURN_IF_ERROR(kept);
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(writer->Finish());
  cli->Hint(SummaryOf(written, options.file));
  return Done();
}

}  // namespace

void AddCaptureCommand(Invocation* cli, CLI::App* root) {
  auto options = std::make_shared<CaptureOptions>();
  CLI::App* command = cli->AddCommand(
      root, "capture", "Write frames of this host's ports to a file (pcapng)",
      {"outrider capture tap0 -w tap0.pcapng",
       "outrider capture 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001 -w - --seconds 10 | tcpdump -nr -",
       "outrider capture all -w all.pcapng --count 1000 --snaplen 128"},
      [cli, options] { return Capture(cli, *options); });
  command->footer(
      command->get_footer() +
      "\n\nInterfaces of the file: from-guest, from-guest-out, to-guest, to-guest-out. "
      "A frame's comment\nhas its port and, where it ended, the drop reason. Frames are "
      "forwarded as ever; what comes\nfaster than it is read is missed, and counted.");
  command->add_option("PORT", options->port, "uuid of the port, or its device, or all")->required();
  command->add_option("-w,--write", options->file, "pcapng file; -: standard output")
      ->type_name("FILE")
      ->required();
  command->add_option("--count", options->count, "End after so many frames")
      ->type_name("N")
      ->check(CLI::Validator(CLI::PositiveNumber).description(""));
  command
      ->add_option_function<uint32_t>(
          "--seconds",
          [options](uint32_t seconds) { options->duration = std::chrono::seconds(seconds); },
          "End after so long (default: until interrupted)")
      ->type_name("N")
      ->check(CLI::Range(1, 86400).description(""));
  command->add_option("--snaplen", options->snap_length, "Keep so many bytes of a frame at most")
      ->type_name("N")
      ->check(CLI::Range(1, 262144).description(""));
}

}  // namespace outrider::controller::cli
