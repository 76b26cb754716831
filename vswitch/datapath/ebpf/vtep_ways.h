// The ways to VTEPs, as who writes their rows asks for them. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_VTEP_WAYS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_VTEP_WAYS_H_

#include <set>

#include "vswitch/abi/or_abi.h"
#include "vswitch/sys/netlink/next_hops.h"

namespace outrider::datapath::ebpf {

class VtepWays {
 public:
  virtual ~VtepWays() = default;

  // The row of `vtep` with what is known of the way; without paths frames go by the tunnel device.
  virtual abi::or_vtep RowOf(const IpAddress& vtep) = 0;
  // Of the addresses that rows were made for, those which a change of the neighbour concerns.
  virtual std::set<IpAddress> Behind(const sys::NextHop& hop) const = 0;
  // `vtep` is of no interest any more.
  virtual void Forget(const IpAddress& vtep) = 0;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_VTEP_WAYS_H_
