#include "vswitch/datapath/ebpf/fdb_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "vswitch/sys/bpf/program_run.h"

namespace outrider::datapath::ebpf {
namespace {

abi::or_fdb RowOf(uint64_t where, uint64_t epoch) {
  return {.kind = static_cast<uint32_t>(where & OR_FDB_PLACE_MASK) >> OR_FDB_INDEX_BITS,
          .index = static_cast<uint32_t>(where & OR_FDB_INDEX_MASK),
          .epoch = epoch};
}

abi::or_fdb_key KeyOf(const abi::or_fdb_slot& slot) {
  const auto name = sys::FromBytes<abi::or_fdb_name>(sys::AsBytes(slot.key));
  constexpr uint64_t kHighVni = (1u << OR_FDB_VNI_BITS) - 1;
  const auto high = static_cast<uint32_t>(slot.where >> OR_FDB_PLACE_BITS & kHighVni);
  abi::or_fdb_key key{};
  key.vni = high << OR_FDB_VNI_BITS | name.vni;
  std::memcpy(key.mac, name.mac, sizeof(key.mac));
  return key;
}

}  // namespace

absl::Status FdbRows::VisitTable(const Visitor& visit) const {
  ASSIGN_OR_RETURN(const auto table, maps_->MapElements("or_fdb", sys::Mapping::kRead));
  ASSIGN_OR_RETURN(const auto epochs, maps_->MapElements("or_fdb_epochs", sys::Mapping::kRead));
  const auto* const buckets = reinterpret_cast<const abi::or_fdb_bucket*>(table->bytes());
  const auto* const of = reinterpret_cast<const abi::or_fdb_epochs*>(epochs->bytes());
  if (table->size() != sizeof(*buckets) * OR_FDB_BUCKETS ||
      epochs->size() != sizeof(*of) * OR_FDB_BUCKETS) {
    return absl::FailedPreconditionError("map or_fdb: of another size than the program's");
  }
  for (uint32_t bucket = 0; bucket < OR_FDB_BUCKETS; ++bucket) {
    for (uint32_t slot = 0; slot < OR_FDB_SLOTS; ++slot) {
      const abi::or_fdb_slot row = buckets[bucket].slots[slot];
      if (row.where != 0) visit(KeyOf(row), RowOf(row.where, of[bucket].of[slot]));
    }
  }
  return absl::OkStatus();
}

absl::Status FdbRows::Visit(const Visitor& visit) const {
  RETURN_IF_ERROR(VisitTable(visit));
  return more_.Visit([&](const abi::or_fdb_key& key, const abi::or_fdb_more& more) {
    visit(key, RowOf(more.where, more.epoch));
  });
}

absl::StatusOr<std::vector<std::pair<abi::or_fdb_key, abi::or_fdb>>> FdbRows::Dump() const {
  std::vector<std::pair<abi::or_fdb_key, abi::or_fdb>> rows;
  RETURN_IF_ERROR(Visit(
      [&](const abi::or_fdb_key& key, const abi::or_fdb& row) { rows.emplace_back(key, row); }));
  return rows;
}

absl::Status FdbRows::Write(int program, std::span<abi::or_fdb_write> writes) const {
  if (writes.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto batch, maps_->MapElements("or_fdb_batch", sys::Mapping::kReadWrite));
  if (batch->size() != sizeof(abi::or_fdb_write) * OR_FDB_BATCH) {
    return absl::FailedPreconditionError("map or_fdb_batch: of another size than the program's");
  }
  while (!writes.empty()) {
    const auto now = writes.first(std::min<size_t>(writes.size(), OR_FDB_BATCH));
    std::memcpy(batch->bytes(), now.data(), now.size_bytes());
    ASSIGN_OR_RETURN(const uint32_t done,
                     sys::RunProgram(program, {.cb0 = static_cast<uint32_t>(now.size())}));
    std::memcpy(now.data(), batch->bytes(), now.size_bytes());
    if (done != now.size()) {
      return absl::InternalError(fmt::format("fdb: {} of {} rows written", done, now.size()));
    }
    writes = writes.subspan(now.size());
  }
  return absl::OkStatus();
}

absl::Status FdbRows::Delete(int program, const std::vector<abi::or_fdb_key>& keys) const {
  std::vector<abi::or_fdb_write> writes(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    writes[i].key = keys[i];
    writes[i].action = abi::OR_FDB_REMOVE;
  }
  return Write(program, writes);
}

}  // namespace outrider::datapath::ebpf
