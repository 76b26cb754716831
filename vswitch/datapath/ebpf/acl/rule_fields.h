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

// 128-bit keys are looked up in a tree, 16-bit ones in a table.
bool HasWideKeys(abi::or_acl_field field);

// Whether the rule looks at the field at all.
bool Names(const state::AclRule& rule, abi::or_acl_field field);

// Keys of a field with so few that its classes are found one by one; 0: it has ranges of many.
uint32_t SmallKeys(abi::or_acl_field field);
// Whether a rule that names a field with SmallKeys accepts the key.
bool AcceptsSmallKey(const state::AclRule& rule, abi::or_acl_field field, uint32_t key);

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
