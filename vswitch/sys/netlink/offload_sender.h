// Frames out of network devices with what a driver would know of them: segmentation and checksums
// still to be done, mark and priority. AF_PACKET with PACKET_VNET_HDR. Knows nothing of what is in
// them.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_OFFLOAD_SENDER_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_OFFLOAD_SENDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "vswitch/types/status.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::sys {

// The kernel sums from `start` to the end and puts the sum at `start` + `offset`, which has that of
// the pseudo header by now.
struct UnfinishedChecksum {
  uint16_t start = 0;
  uint16_t offset = 0;
  bool operator==(const UnfinishedChecksum&) const = default;
};

enum class Segmentation : uint8_t { kNone, kTcpV4, kTcpV6, kUdp };

struct OffloadFrame {
  // Without FCS; VLAN tags are among them.
  std::vector<uint8_t> bytes;
  Segmentation segmentation = Segmentation::kNone;
  // Of a super-packet: payload of a segment, and what comes before it.
  uint16_t segment_size = 0;
  uint16_t header_length = 0;
  std::optional<UnfinishedChecksum> checksum = {};
  bool operator==(const OffloadFrame&) const = default;
};

// skb->mark and skb->priority.
struct FrameLabels {
  uint32_t mark = 0;
  uint32_t priority = 0;
  bool operator==(const FrameLabels&) const = default;
};

// Thread rule: one thread at a time.
class OffloadSender {
 public:
  // In the calling thread's network namespace for its whole life.
  static absl::StatusOr<std::unique_ptr<OffloadSender>> Create();

  // Returns when the device has taken the frame. Unavailable when it does not within 100 ms.
  absl::Status Send(uint32_t ifindex, const FrameLabels& labels, const OffloadFrame& frame);

 private:
  explicit OffloadSender(UniqueFd fd) : fd_(std::move(fd)) {}
  absl::Status SetLabels(const FrameLabels& labels);

  const UniqueFd fd_;
  std::optional<FrameLabels> labels_;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_OFFLOAD_SENDER_H_
