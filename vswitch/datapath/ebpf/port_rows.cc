#include "vswitch/datapath/ebpf/port_rows.h"

#include <fmt/format.h>

#include <atomic>

namespace outrider::datapath::ebpf {
namespace {

absl::Status NoRow(uint32_t index) {
  return absl::NotFoundError(fmt::format("map or_ports: port {} has no row", index));
}

const abi::or_port& RowInForce(const abi::or_port_slot& slot) {
  return slot.rows[(slot.active - 1) & 1];
}

}  // namespace

absl::StatusOr<abi::or_port> PortRows::Lookup(uint32_t index) const {
  ASSIGN_OR_RETURN(const abi::or_port_slot slot, slots_.Lookup(index));
  if (slot.active == 0) return NoRow(index);
  return RowInForce(slot);
}

absl::StatusOr<std::vector<std::pair<uint32_t, abi::or_port>>> PortRows::Dump() const {
  std::vector<std::pair<uint32_t, abi::or_port>> rows;
  RETURN_IF_ERROR(slots_.Visit([&rows](uint32_t index, const abi::or_port_slot& slot) {
    if (slot.active != 0) rows.emplace_back(index, RowInForce(slot));
  }));
  return rows;
}

absl::Status PortRows::Update(uint32_t index, const abi::or_port& row) const {
  ASSIGN_OR_RETURN(abi::or_port_slot slot, slots_.Lookup(index));
  const uint32_t next = slot.active == 1 ? 2 : 1;
  slot.rows[next - 1] = row;
  RETURN_IF_ERROR(slots_.Update(index, slot));
  // The kernel copies a value in no order that it promises; what is copied again is the same bytes.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  slot.active = next;
  return slots_.Update(index, slot);
}

absl::Status PortRows::Delete(uint32_t index) const {
  ASSIGN_OR_RETURN(abi::or_port_slot slot, slots_.Lookup(index));
  if (slot.active == 0) return NoRow(index);
  slot.active = 0;
  return slots_.Update(index, slot);
}

}  // namespace outrider::datapath::ebpf
