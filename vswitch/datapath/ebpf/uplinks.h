// Uplinks of a host, as an operator names them. A value; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_UPLINKS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_UPLINKS_H_

#include <map>
#include <string>

namespace outrider::datapath::ebpf {

// Name of the physical network -> device that leads to it.
using Uplinks = std::map<std::string, std::string>;

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_UPLINKS_H_
