// What a rule says of each field of frames, as ranges of the field's keys: the meaning of
// state::AclRule for the compiler. Knows nothing of images. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_FIELDS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_FIELDS_H_

#include <absl/numeric/int128.h>

#include <cstdint>
#include <vector>

#include "vswitch/abi/or_acl.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// A field's value: addresses as 128-bit numbers (IPv4 mapped), MACs in the lower 48 bits.
using FieldKey = absl::uint128;

// A range of keys that rule number `rule` accepts. first <= last.
struct Claim {
  FieldKey first;
  FieldKey last;
  uint32_t rule = 0;
};

// What is asked of a rule again and again, in few bytes: a pass over large rules is slow.
struct RuleTraits {
  uint16_t fields = 0;  // that it names: bit 1 << abi::or_acl_field
  bool denies = false;
  bool decides_on_exempt = false;
  bool names(abi::or_acl_field field) const { return (fields >> field & 1) != 0; }
};
RuleTraits TraitsOf(const state::AclRule& rule);

// 128-bit keys are looked up in a tree, 16-bit ones in a table.
bool HasWideKeys(abi::or_acl_field field);

// Whether the rule looks at the field at all.
bool Names(const state::AclRule& rule, abi::or_acl_field field);

// Keys of a field with so few that its classes are found one by one; 0: it has ranges of many.
uint32_t SmallKeys(abi::or_acl_field field);
// What of a rule decides on such keys, and whether it accepts one.
struct SmallMatch {
  uint32_t rule = 0;
  uint8_t tcp_flags_mask = 0;
  uint8_t tcp_flags_value = 0;
  state::FragmentMatch fragment = state::FragmentMatch::kAny;
  uint8_t extensions = 0;
  bool denies = false;
};
SmallMatch SmallMatchOf(const state::AclRule& rule, uint32_t number);
bool AcceptsSmallKey(const SmallMatch& match, abi::or_acl_field field, uint32_t key);

// Appends the keys that a rule which names a field without SmallKeys accepts; none: it never
// matches.
void AppendClaims(const state::AclRule& rule, uint32_t number, abi::or_acl_field field,
                  std::vector<Claim>* claims);

// Name of the group that the rule asks for in that field; empty: none.
const std::string& GroupOf(const state::AclRule& rule, abi::or_acl_field field);

// Drops or rejects. What is not known of a later fragment does not keep such a rule from matching.
bool Denies(const state::AclRule& rule);

// Whether the rule may decide on ARP and neighbour discovery, which a rule that does not name them
// cannot deny.
bool DecidesOnExempt(const state::AclRule& rule);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_FIELDS_H_
