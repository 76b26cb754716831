// How the programs find a key's class: a table of pages for 16-bit keys, a tree for wide ones.
// Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_FIELD_INDEX_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_FIELD_INDEX_H_

#include <vector>

#include "vswitch/datapath/ebpf/acl/classes.h"

namespace outrider::datapath::ebpf {

// Both append to the image and fill in the dimension's index. `classes` as of FindClasses().
void WriteTable(const std::vector<Interval>& classes, Image* image,
                abi::or_acl_dimension* dimension);
void WriteTree(const std::vector<Interval>& classes, Image* image,
               abi::or_acl_dimension* dimension);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_FIELD_INDEX_H_
