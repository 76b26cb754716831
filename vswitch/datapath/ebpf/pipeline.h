// The programs with their maps, and a table for each kind of row. Knows what belongs together when
// the datapath begins and when a segment changes; deltas are delta_writer.h's.
//
// Thread rule: the datapath's thread, but where a member says otherwise. Readers on other threads
// hold it by a shared pointer: it may be replaced meanwhile.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PIPELINE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PIPELINE_H_

#include <atomic>
#include <memory>

#include "vswitch/datapath/ebpf/departure_table.h"
#include "vswitch/datapath/ebpf/device_binder.h"
#include "vswitch/datapath/ebpf/ebpf_datapath.h"
#include "vswitch/datapath/ebpf/fdb_table.h"
#include "vswitch/datapath/ebpf/group_table.h"
#include "vswitch/datapath/ebpf/multicast_table.h"
#include "vswitch/datapath/ebpf/neighbor_table.h"
#include "vswitch/datapath/ebpf/port_table.h"
#include "vswitch/datapath/ebpf/port_tracer.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/rule_set_table.h"
#include "vswitch/datapath/ebpf/segment_table.h"
#include "vswitch/datapath/ebpf/underlay_paths.h"
#include "vswitch/datapath/ebpf/uplink_table.h"
#include "vswitch/datapath/ebpf/vlan_table.h"
#include "vswitch/datapath/ebpf/vtep_table.h"

namespace outrider::datapath::ebpf {

// What of the kernel the tables need.
struct Kernel {
  sys::NetlinkSocket* netlink = nullptr;
  sys::NextHops* next_hops = nullptr;
  sys::IpsecPolicies* ipsec = nullptr;
  // Of ports, the tunnel device and uplinks; of the underlay's devices, which may be uplinks, too.
  sys::TcFilters* filters = nullptr;
  sys::TcFilters* underlay_filters = nullptr;
  sys::TrafficShaper* shaper = nullptr;
};

// Programs, maps and what mirrors the maps in memory: made anew as a whole when the tunnel device
// had to be made anew.
struct Pipeline {
  // All but `loaded` must outlive this.
  Pipeline(const Options& options, std::unique_ptr<ProgramSet> loaded, const Kernel& kernel);

  // Rebuilds the indices from the maps, after removing what nobody refers to.
  absl::Status Load();

  // An uplink's way out is there before the segment leads to it, the way in when the segment is.
  absl::Status UpsertSegment(const Vni& vni, const state::Segment& segment);

  absl::Status DeleteSegment(const Vni& vni);

  // Once: after the first Apply, or when nothing was to apply.
  void UnbindUnclaimedDevices();

  // The underlay has changed, or only who `hop` is.
  void RefreshUnderlay(const std::optional<sys::NextHop>& hop);

  std::unique_ptr<ProgramSet> programs;
  DatapathMaps maps;
  DeviceBinder devices;
  UnderlayPaths underlay;
  VtepTable vteps;
  SegmentTable segments;
  GroupTable groups;
  RuleSetTable rule_sets;
  NeighborTable neighbors;
  VlanTable vlans;
  PortTable ports;
  DepartureTable departures;
  FdbTable fdb;
  MulticastTable multicast;
  PortTracer tracer;
  UplinkTable uplinks;
  bool may_have_unclaimed = true;  // devices, see sweeper.h
  // A connection may have begun while its port was deleted. Read by any thread.
  std::atomic<bool> sweep_anyway = false;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PIPELINE_H_
