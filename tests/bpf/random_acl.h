// Random rule sets, groups and packets that often meet. Deterministic for a seed. Thread rule: one
// thread per generator.
#ifndef OUTRIDER_TESTS_BPF_RANDOM_ACL_H_
#define OUTRIDER_TESTS_BPF_RANDOM_ACL_H_

#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

#include "tests/bpf/reference_acl.h"

namespace outrider::tests {

class RandomAcl {
 public:
  enum class Style {
    kMixed,     // few values, so that most rules meet most packets
    kDense,     // every field is used, and most by each rule
    kNested,    // prefixes of every length within each other, ranges of ports that overlap
    kSpecific,  // addresses and ports of their own: the last rule is as likely as the first
  };

  explicit RandomAcl(unsigned seed) : random_(seed) {}

  // `real`: without what BpfSwitch cannot have on a frame of port 1 (foreign MACs, VLANs).
  state::RuleSet RuleSet(Style style, size_t rules);
  PacketDescription Packet();
  // One that the rule matches in most fields, for rules of kSpecific in all.
  PacketDescription PacketNear(const state::AclRule& rule, const GroupMembers& groups);
  GroupMembers Groups(size_t members);
  state::GroupMember Member();

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(unsigned percent) { return Below(100) < percent; }

 private:
  template <typename T>
  T Pick(std::initializer_list<T> choices) {
    return *(choices.begin() + Below(choices.size()));
  }
  IpAddress Address(bool v4);
  IpAddress AddressIn(const IpPrefix& prefix);
  IpPrefix Prefix(bool v4, Style style);
  uint16_t Port() { return Pick<uint16_t>({22, 79, 80, 81, 443}); }
  state::PortRange Range(Style style);
  MacAddress MacOf(bool destination);
  state::AclAction Action();
  state::AclRule Rule(Style style);
  state::AclRule SpecificRule();
  void AddAddresses(Style style, state::AclRule* rule);
  void AddLayer4(Style style, state::AclRule* rule);
  void AddRest(unsigned percent, state::AclRule* rule);

  std::mt19937_64 random_;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_RANDOM_ACL_H_
