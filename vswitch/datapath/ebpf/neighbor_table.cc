#include "vswitch/datapath/ebpf/neighbor_table.h"

#include "vswitch/datapath/ebpf/inventory.h"

namespace outrider::datapath::ebpf {
namespace {

abi::or_neighbor_key Encode(const state::NeighborKey& key) {
  abi::or_neighbor_key row{};
  row.vni = key.vni.value();
  CopyBytes(key.ip.bytes(), row.address);
  return row;
}

}  // namespace

absl::Status NeighborTable::Upsert(const state::NeighborKey& key, const MacAddress& mac) {
  abi::or_neighbor row{};
  CopyBytes(mac.bytes(), row.mac);
  return maps_->neighbors.Update(Encode(key), row);
}

absl::Status NeighborTable::Delete(const state::NeighborKey& key) {
  const absl::Status status = maps_->neighbors.Delete(Encode(key));
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace outrider::datapath::ebpf
