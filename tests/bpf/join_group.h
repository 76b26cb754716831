// Multicast membership as the agent writes it. Thread rule: as BpfSwitch.
#ifndef OUTRIDER_TESTS_BPF_JOIN_GROUP_H_
#define OUTRIDER_TESTS_BPF_JOIN_GROUP_H_

#include <algorithm>
#include <string>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

// `place`: a port's index, or a VTEP's with OR_MULTICAST_VTEP, which joins the group in kVni.
inline absl::Status JoinGroup(BpfSwitch* bpf_switch, const std::string& group, uint32_t place) {
  abi::or_multicast_member member = {.group = {.vni = kVni, .address = {}}, .place = place};
  const auto bytes = Ip(group).bytes();
  std::copy(bytes.begin(), bytes.end(), member.group.address);
  RETURN_IF_ERROR((bpf_switch->Map<abi::or_multicast_group, uint32_t>("or_multicast_groups")
                       .Update(member.group, 1)));
  return bpf_switch->Map<abi::or_multicast_member, uint64_t>("or_multicast_members")
      .Update(member, 0);
}

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_JOIN_GROUP_H_
