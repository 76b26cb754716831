// One Ethernet frame from what an operator says of it: headers, lengths and checksums as a guest's
// stack would write them. Knows no ports and no files. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_FRAME_BUILDER_H_
#define OUTRIDER_CONTROLLER_CLI_FRAME_BUILDER_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace outrider::controller::cli {

// Texts as on the command line; an absent one has the default that stands behind it.
struct FrameSpec {
  std::string src_mac;
  std::string dst_mac;
  // Tag of VLAN 0..4095; none.
  std::optional<uint16_t> vlan;
  // Both of one family; needed by all but "arp" of nothing. Empty: an Ethernet frame without IP.
  std::string src_ip;
  std::string dst_ip;
  // "tcp", "udp", "sctp", "icmp", "icmp6", "arp", "nd", or a number of IP.
  std::string protocol = "tcp";
  std::optional<uint16_t> src_port;  // 49152
  std::optional<uint16_t> dst_port;  // 80
  // Letters of FSRPAUEC: "S".
  std::optional<std::string> tcp_flags;
  std::optional<uint8_t> icmp_type;  // echo request
  std::optional<uint8_t> icmp_code;  // 0
  std::optional<uint8_t> ttl;        // 64, of neighbour discovery 255
  std::optional<uint8_t> dscp;       // 0
  // Bytes of the whole frame; 60, or as many as the headers need. What is more is payload.
  std::optional<uint32_t> length;
};

// Of what can be built. Kernels run programs on frames of about 3500 bytes at most; the agent says
// so of a longer one.
inline constexpr uint32_t kMaxFrame = 65535;

// InvalidArgument names the option and what it takes.
absl::StatusOr<std::string> BuildFrame(const FrameSpec& spec);

// Bytes of hexadecimal digits; spaces, colons and line ends between them are skipped.
absl::StatusOr<std::string> FrameFromHex(const std::string& digits);

// Whether it is an IPv6 address by its looks.
bool IsIpv6Text(const std::string& address);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_FRAME_BUILDER_H_
