// The classes of one field: its keys as intervals in order, each with the record of the rules that
// accept it. Neighbours differ. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_CLASSES_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_CLASSES_H_

#include <cstdint>
#include <vector>

#include "vswitch/datapath/ebpf/acl/image.h"
#include "vswitch/datapath/ebpf/acl/rule_fields.h"

namespace outrider::datapath::ebpf {

struct Interval {
  FieldKey first;
  uint32_t record = 0;  // line in the image
};

// The first one begins at 0, the last one ends with the field's keys. `traits` are those of the
// rules, in their order. Writes the records.
std::vector<Interval> FindClasses(const std::vector<state::AclRule>& rules,
                                  const std::vector<RuleTraits>& traits, abi::or_acl_field field,
                                  Image* image);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_CLASSES_H_
