// Remote VTEPs: small stable indices for addresses, counted by who refers to them (members of
// segments, FDB entries, departures), and the ways there. Owns or_vteps. Thread rule: the
// datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_VTEP_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_VTEP_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/vtep_ways.h"

namespace outrider::datapath::ebpf {

class VtepTable {
 public:
  // Both must outlive this.
  VtepTable(const DatapathMaps* maps, VtepWays* ways) : maps_(maps), ways_(ways) {}

  // Takes over the rows of an inventory without orphans (sweeper.h), with their references.
  void Load(const Inventory& inventory);

  // Looks for the ways to all VTEPs, or to those by a neighbour, anew, and writes what is another.
  absl::Status Refresh();
  absl::Status Refresh(const sys::NextHop& hop);

  // The index of `address`, with one reference more; a new row where there is none.
  absl::StatusOr<uint32_t> Acquire(const IpAddress& address);
  // One reference less; the last one removes the row.
  absl::Status Release(uint32_t index);
  std::optional<uint32_t> IndexOf(const IpAddress& address) const;

 private:
  struct Entry {
    IpAddress address;
    uint64_t references = 0;
    // As last written; nullopt: by whoever was here before.
    std::optional<abi::or_vtep> row;
  };

  absl::Status RefreshEntry(uint32_t index, Entry* entry);

  // Goes round, so that an index is not reused while frames may still carry its old meaning.
  std::optional<uint32_t> FreeIndex();

  const DatapathMaps* const maps_;
  VtepWays* const ways_;
  std::map<uint32_t, Entry> entries_;
  std::map<IpAddress, uint32_t> indices_;
  uint32_t last_index_ = 0;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_VTEP_TABLE_H_
