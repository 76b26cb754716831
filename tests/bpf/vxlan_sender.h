// Another host, as far as its VXLAN packets go: a socket on loopback. Knows nothing of what becomes
// of them. Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_VXLAN_SENDER_H_
#define OUTRIDER_TESTS_BPF_VXLAN_SENDER_H_

#include <memory>
#include <string>

#include "tests/support/packet_builder.h"
#include "vswitch/types/status.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::tests {

// VXLAN header and inner frame (RFC 7348, section 5).
Bytes VxlanPayload(uint32_t vni, const Bytes& inner);
// With a group policy (draft-smith-vxlan-group-policy, section 2.1): the G and A bits, and its id.
Bytes MarkedVxlanPayload(uint32_t vni, uint16_t label, const Bytes& inner);

class VxlanSender {
 public:
  // Sends from `source`, an address of 127.0.0.0/8, to the VXLAN port of `target`.
  static absl::StatusOr<VxlanSender> Create(const std::string& source, const std::string& target);

  // One UDP datagram, whatever is in it.
  absl::Status Send(const Bytes& payload) const;

 private:
  explicit VxlanSender(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_VXLAN_SENDER_H_
