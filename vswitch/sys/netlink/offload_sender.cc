#include "vswitch/sys/netlink/offload_sender.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <cerrno>

namespace outrider::sys {
namespace {

// virtio_net_hdr (Virtual I/O Device 1.2, 5.1.6) in the host's byte order. The kernel's
// linux/virtio_net.h is no C++.
struct OffloadHeader {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t hdr_len;
  uint16_t gso_size;
  uint16_t csum_start;
  uint16_t csum_offset;
};
static_assert(sizeof(OffloadHeader) == 10);

constexpr uint8_t kNeedsChecksum = 1;
constexpr uint8_t kGsoNone = 0;
constexpr uint8_t kGsoTcpV4 = 1;
constexpr uint8_t kGsoTcpV6 = 4;
// Linux 6.2 and later.
constexpr uint8_t kGsoUdp = 5;

constexpr timeval kSendTimeout = {.tv_sec = 0, .tv_usec = 100'000};

uint8_t TypeOf(Segmentation segmentation) {
  switch (segmentation) {
    case Segmentation::kTcpV4:
      return kGsoTcpV4;
    case Segmentation::kTcpV6:
      return kGsoTcpV6;
    case Segmentation::kUdp:
      return kGsoUdp;
    case Segmentation::kNone:
      break;
  }
  return kGsoNone;
}

OffloadHeader HeaderOf(const OffloadFrame& frame) {
  OffloadHeader header{};
  header.gso_type = TypeOf(frame.segmentation);
  header.gso_size = frame.segment_size;
  header.hdr_len = frame.header_length;
  if (frame.checksum) {
    header.flags = kNeedsChecksum;
    header.csum_start = frame.checksum->start;
    header.csum_offset = frame.checksum->offset;
  }
  return header;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OffloadSender>> OffloadSender::Create() {
  // Protocol 0: it receives nothing.
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "AF_PACKET socket");
  const int on = 1;
  if (setsockopt(fd.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) != 0 ||
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof(kSendTimeout)) != 0) {
    return ErrnoStatus(errno, "AF_PACKET socket: offloads");
  }
  return std::unique_ptr<OffloadSender>(new OffloadSender(std::move(fd)));
}

absl::Status OffloadSender::SetLabels(const FrameLabels& labels) {
  if (labels_ == labels) return absl::OkStatus();
  labels_.reset();
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_MARK, &labels.mark, sizeof(labels.mark)) != 0 ||
      setsockopt(fd_.get(), SOL_SOCKET, SO_PRIORITY, &labels.priority, sizeof(labels.priority)) !=
          0) {
    return ErrnoStatus(errno, "AF_PACKET socket: mark and priority");
  }
  labels_ = labels;
  return absl::OkStatus();
}

absl::Status OffloadSender::Send(uint32_t ifindex, const FrameLabels& labels,
                                 const OffloadFrame& frame) {
  RETURN_IF_ERROR(SetLabels(labels));
  OffloadHeader header = HeaderOf(frame);
  iovec parts[] = {
      {.iov_base = &header, .iov_len = sizeof(header)},
      {.iov_base = const_cast<uint8_t*>(frame.bytes.data()), .iov_len = frame.bytes.size()}};
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(ifindex);
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof(to);
  message.msg_iov = parts;
  message.msg_iovlen = std::size(parts);
  if (sendmsg(fd_.get(), &message, 0) >= 0) return absl::OkStatus();
  const std::string what = fmt::format("send to device {}", ifindex);
  if (errno == EAGAIN || errno == ENOBUFS || errno == ENETDOWN) {
    return absl::UnavailableError(what + ": it takes no frame now");
  }
  return ErrnoStatus(errno, what);
}

}  // namespace outrider::sys
