// Who may say what, naively: the model that IP anti-spoofing is held to, and the frames it judges.
// Pure; any thread.
#ifndef OUTRIDER_TESTS_BPF_SPOOF_MODEL_H_
#define OUTRIDER_TESTS_BPF_SPOOF_MODEL_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

inline constexpr char kLinkLocalA[] = "fe80::5054:ff:fe00:1";
inline constexpr char kLinkLocalB[] = "fe80::5054:ff:fe00:2";
inline constexpr char kIp6A[] = "fd00::a";
inline constexpr char kIp6B[] = "fd00::b";
inline constexpr char kAllNodes[] = "33:33:00:00:00:01";
// A MAC port A may use beside its own, with an address of its own.
inline constexpr char kMacVirtual[] = "00:00:5e:00:01:01";
inline constexpr char kIpVirtual[] = "10.0.0.254";

// Link-layer address option (RFC 4861, 4.6.1).
Bytes LinkLayerOption(uint8_t type, const std::string& mac);
Bytes Concat(Bytes a, const Bytes& b);
Bytes AddressBytes(const std::string& address);

// What a frame says of its sender.
struct Claim {
  int family = 4;  // 4, 6 or 0: ARP
  std::string mac;
  std::string source;
  // ARP and neighbour discovery.
  std::string target;
  std::string inner_mac;
  uint16_t operation = 1;  // ARP
  int type = 0;            // ICMPv6; 0: UDP
  bool has_option = false;
  bool fragment = false;
  uint16_t src_port = 1;
  uint16_t dst_port = 2;
};

std::string Text(const Claim& claim);
// The frame that says so.
Bytes Build(const Claim& claim);

class SpoofModel {
 public:
  void Allow(const std::string& mac, const std::string& prefix);
  bool Accepts(const Claim& claim) const;

 private:
  bool MayUse(const std::string& mac, const std::string& address) const;

  std::vector<std::pair<std::string, IpPrefix>> allowed_;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_SPOOF_MODEL_H_
