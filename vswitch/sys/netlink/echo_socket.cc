#include "vswitch/sys/netlink/echo_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <cstring>

#include "vswitch/types/unique_fd.h"

namespace outrider::sys {
namespace {

int64_t Micros(const timespec& time) { return time.tv_sec * 1'000'000LL + time.tv_nsec / 1000; }

int64_t NowMicros(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return Micros(time);
}

// The kernel stamps by the wall clock. What it stamped a moment ago is as old by any clock.
int64_t MonotonicOf(const timespec& stamp) {
  return NowMicros(CLOCK_MONOTONIC) - (NowMicros(CLOCK_REALTIME) - Micros(stamp));
}

class PacketEchoSocket final : public EchoSocket {
 public:
  PacketEchoSocket(UniqueFd fd, uint32_t ifindex) : fd_(std::move(fd)), ifindex_(ifindex) {}

  absl::Status Send(const std::vector<uint8_t>& frame) override {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(ifindex_);
    const ssize_t sent = sendto(fd_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    if (sent >= 0) return absl::OkStatus();
    if (errno == EAGAIN || errno == ENOBUFS) {
      return absl::UnavailableError("the device takes no frame now");
    }
    if (errno == ENETDOWN) return absl::FailedPreconditionError("the device is down");
    if (errno == ENODEV || errno == ENXIO) {
      return absl::FailedPreconditionError("the device is gone");
    }
    return ErrnoStatus(errno, "send an echo request");
  }

  std::optional<SeenFrame> Take() override {
    SeenFrame frame;
    frame.bytes.resize(kLongest);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
    iovec part{.iov_base = frame.bytes.data(), .iov_len = frame.bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t length = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    // A device that goes down says so here, once; sending tells it as well.
    if (length < 0) return std::nullopt;
    frame.bytes.resize(static_cast<size_t>(length));
    frame.time_us = NowMicros(CLOCK_MONOTONIC);
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET &&
        header->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(header), sizeof(stamp));
      frame.time_us = MonotonicOf(stamp);
    }
    return frame;
  }

 private:
  // Ours are shorter.
  static constexpr size_t kLongest = 256;
  const UniqueFd fd_;
  const uint32_t ifindex_;
};

constexpr uint32_t Ancillary(uint32_t offset) { return static_cast<uint32_t>(SKF_AD_OFF) + offset; }

// Passes what leaves by the device and is an echo reply with the identifier: of IPv4, the first
// fragment or the whole; of IPv6, without extension headers. Offsets from the Ethernet header.
absl::Status AttachFilter(int fd, uint16_t identifier) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, Ancillary(SKF_AD_PKTTYPE)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 18),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 10, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 15),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 13),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 11, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0000, 0, 8),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 18),
      // Both families end at the comparison of the identifier.
      BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 54),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x8100, 0, 2),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 58),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  const sock_fprog filter{.len = sizeof(program) / sizeof(program[0]), .filter = program};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "filter echo replies");
}

}  // namespace

absl::StatusOr<std::unique_ptr<EchoSocket>> EchoSocket::Open(uint32_t ifindex, uint32_t mark,
                                                             uint16_t identifier) {
  // Protocol 0: before it is bound it receives nothing, so nothing goes past the filter.
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "AF_PACKET socket");
  RETURN_IF_ERROR(AttachFilter(fd.get(), identifier));
  const int on = 1;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0 ||
      setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0) {
    return ErrnoStatus(errno, "set up an AF_PACKET socket");
  }
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  // What leaves by a device is seen by sockets of all protocols only.
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = static_cast<int>(ifindex);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) {
    if (errno == ENODEV) return absl::NotFoundError(fmt::format("device {} is gone", ifindex));
    return ErrnoStatus(errno, fmt::format("bind to device {}", ifindex));
  }
  return std::make_unique<PacketEchoSocket>(std::move(fd), ifindex);
}

}  // namespace outrider::sys
