// Frames out of capture files: pcap and pcapng, by libpcap. Any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_FRAME_FILE_H_
#define OUTRIDER_CONTROLLER_CLI_FRAME_FILE_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

namespace outrider::controller::cli {

// Frame `number` (from 1) of the file. NotFound: there is no such file or frame. InvalidArgument:
// no capture, or not of Ethernet. FailedPrecondition: the frame was cut short when captured.
absl::StatusOr<std::string> ReadFrame(const std::string& path, uint64_t number);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_FRAME_FILE_H_
