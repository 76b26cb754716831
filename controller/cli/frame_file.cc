#include "controller/cli/frame_file.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <array>
#include <memory>

namespace outrider::controller::cli {
namespace {

struct CloseCapture {
  void operator()(pcap_t* capture) const { pcap_close(capture); }
};

}  // namespace

absl::StatusOr<std::string> ReadFrame(const std::string& path, uint64_t number) {
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  const std::unique_ptr<pcap_t, CloseCapture> capture(
      pcap_open_offline(path.c_str(), problem.data()));
  // libpcap's words name the file.
  if (capture == nullptr) return absl::InvalidArgumentError(problem.data());
  if (pcap_datalink(capture.get()) != DLT_EN10MB) {
    return absl::InvalidArgumentError(fmt::format("{}: its frames are not Ethernet", path));
  }
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  for (uint64_t at = 1;; ++at) {
    const int result = pcap_next_ex(capture.get(), &header, &bytes);
    if (result == PCAP_ERROR_BREAK) {
      return absl::NotFoundError(
          fmt::format("{}: has {} frames, no frame {}", path, at - 1, number));
    }
    if (result != 1) {
      return absl::InvalidArgumentError(fmt::format("{}: {}", path, pcap_geterr(capture.get())));
    }
    if (at == number) break;
  }
  if (header->caplen < header->len) {
    return absl::FailedPreconditionError(
        fmt::format("{}: frame {} was cut to {} of {} bytes when captured; capture whole frames",
                    path, number, header->caplen, header->len));
  }
  return std::string(reinterpret_cast<const char*>(bytes), header->caplen);
}

}  // namespace outrider::controller::cli
