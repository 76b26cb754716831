#include "vswitch/datapath/ebpf/fdb_table.h"

#include <fmt/format.h>

#include <variant>

#include "vswitch/datapath/datapath.h"

namespace outrider::datapath::ebpf {
namespace {

abi::or_fdb_key EncodeKey(const state::FdbKey& key) {
  abi::or_fdb_key row{};
  row.vni = key.vni.value();
  CopyBytes(key.mac.bytes(), row.mac);
  return row;
}

}  // namespace

void FdbTable::Load(const Inventory& inventory) {
  for (const auto& [key, row] : inventory.fdb) Count(row);
}

absl::Status FdbTable::Upsert(const state::FdbKey& key, const state::FdbEntry& entry,
                              std::optional<uint32_t> local_port) {
  const abi::or_fdb_key row_key = EncodeKey(key);
  const absl::StatusOr<abi::or_fdb> old = maps_->fdb.Lookup(row_key);
  if (!old.ok() && !absl::IsNotFound(old.status())) return old.status();
  const auto epoch = static_cast<uint64_t>(entry.epoch);
  if (old.ok() && epoch != 0 && epoch < old->epoch) {
    return absl::FailedPreconditionError(fmt::format(
        "fdb {}: epoch {} is older than {}, which is in force", KeyText(key), epoch, old->epoch));
  }
  ASSIGN_OR_RETURN(const abi::or_fdb row, Encode(entry, local_port));
  if (const absl::Status status = maps_->fdb.Update(row_key, row); !status.ok()) {
    // The error that matters is the first one.
    if (row.kind == abi::OR_FDB_REMOTE) vteps_->Release(row.index).IgnoreError();
    return status;
  }
  if (row.kind == abi::OR_FDB_LOCAL) Count(row);
  return old.ok() ? Discount(*old) : absl::OkStatus();
}

absl::Status FdbTable::Delete(const state::FdbKey& key) {
  const abi::or_fdb_key row_key = EncodeKey(key);
  const absl::StatusOr<abi::or_fdb> old = maps_->fdb.Lookup(row_key);
  if (absl::IsNotFound(old.status())) return absl::OkStatus();
  RETURN_IF_ERROR(old.status());
  RETURN_IF_ERROR(maps_->fdb.Delete(row_key));
  return Discount(*old);
}

absl::Status FdbTable::DropPort(uint32_t port_index) {
  if (!local_references_.contains(port_index)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto rows, maps_->fdb.Dump());
  std::vector<abi::or_fdb_key> keys;
  for (const auto& [key, row] : rows) {
    if (row.kind == abi::OR_FDB_LOCAL && row.index == port_index) keys.push_back(key);
  }
  RETURN_IF_ERROR(maps_->fdb.DeleteBatch(keys));
  local_references_.erase(port_index);
  return absl::OkStatus();
}

absl::StatusOr<abi::or_fdb> FdbTable::Encode(const state::FdbEntry& entry,
                                             std::optional<uint32_t> local_port) {
  abi::or_fdb row{};
  row.epoch = static_cast<uint64_t>(entry.epoch);
  if (const auto* port = std::get_if<PortId>(&entry.where)) {
    if (!local_port) {
      return absl::FailedPreconditionError("port " + port->ToString() + ": is not in force");
    }
    row.kind = abi::OR_FDB_LOCAL;
    row.index = *local_port;
    return row;
  }
  row.kind = abi::OR_FDB_REMOTE;
  ASSIGN_OR_RETURN(row.index, vteps_->Acquire(std::get<IpAddress>(entry.where)));
  return row;
}

void FdbTable::Count(const abi::or_fdb& row) {
  if (row.kind == abi::OR_FDB_LOCAL) ++local_references_[row.index];
}

absl::Status FdbTable::Discount(const abi::or_fdb& row) {
  if (row.kind == abi::OR_FDB_REMOTE) return vteps_->Release(row.index);
  const auto found = local_references_.find(row.index);
  if (found != local_references_.end() && --found->second == 0) local_references_.erase(found);
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
