// How frames get over the underlay without the tunnel device: the paths to a VTEP, our program
// where frames come from there, and the time for which that holds. Owns or_underlay and the filters
// on the underlay's devices. Whose VTEPs they are is vtep_table.h's.
//
// Where it does not know a path there is none, and frames go by the tunnel device.
//
// Thread rule: the datapath's thread, in its network namespace.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_UNDERLAY_PATHS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_UNDERLAY_PATHS_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/vtep_ways.h"
#include "vswitch/sys/bpf/tc_filters.h"
#include "vswitch/sys/netlink/ipsec_policies.h"
#include "vswitch/sys/netlink/netlink_socket.h"
#include "vswitch/sys/netlink/next_hops.h"

namespace outrider::datapath::ebpf {

class UnderlayPaths final : public VtepWays {
 public:
  // How long paths are used after the last Renew(): longer than an agent is busy.
  static constexpr uint64_t kLeaseNs = 3'000'000'000;

  struct Dependencies {
    sys::NetlinkSocket* netlink;
    sys::NextHops* next_hops;
    // Null: paths are never used.
    sys::IpsecPolicies* ipsec;
    // Of our own on the underlay's devices.
    sys::TcFilters* filters;
    // A path carries packets of this size, bytes.
    uint32_t mtu;
  };

  // All must outlive this.
  UnderlayPaths(const DatapathMaps* maps, const Dependencies& dependencies,
                const ProgramSet* programs)
      : maps_(maps), dependencies_(dependencies), programs_(programs) {}

  // The kernel is asked to keep what they are made of.
  abi::or_vtep RowOf(const IpAddress& vtep) override;
  std::set<IpAddress> Behind(const sys::NextHop& hop) const override;
  void Forget(const IpAddress& vtep) override { hops_.erase(vtep); }

  // Our program on the devices that frames come from: those of all paths, and those with our own
  // VTEPs; on no other of which it once was. What fails is logged: frames come by the tunnel
  // device.
  void AttachPrograms();
  // Paths hold from now on, unless the host has IPsec policies, which they would pass by.
  absl::Status Renew();

 private:
  std::optional<abi::or_path> PathOf(const sys::NextHop& hop);
  std::set<int> Devices() const;
  // Of devices where a former process attached it.
  void LetGoOfFormer(const std::set<int>& devices);

  const DatapathMaps* const maps_;
  const Dependencies dependencies_;
  const ProgramSet* const programs_;
  std::map<IpAddress, std::vector<sys::NextHop>> hops_;
  std::set<int> attached_;
  bool looked_for_former_ = false;
  bool has_ipsec_ = false;  // when it was looked at last
};

// Removes our program from a device; one of somebody else stays. Ok without one.
absl::Status LetGoOfUnderlay(int ifindex, const std::set<uint32_t>& ours, sys::TcFilters* filters);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_UNDERLAY_PATHS_H_
