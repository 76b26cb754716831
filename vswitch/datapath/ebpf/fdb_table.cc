#include "vswitch/datapath/ebpf/fdb_table.h"

#include <fmt/format.h>

#include <variant>

#include "vswitch/datapath/datapath.h"

namespace outrider::datapath::ebpf {
namespace {

abi::or_fdb_write WriteOf(const state::FdbKey& key, abi::or_fdb_action action,
                          const abi::or_fdb& row) {
  abi::or_fdb_write write{};
  write.key.vni = key.vni.value();
  CopyBytes(key.mac.bytes(), write.key.mac);
  write.action = static_cast<uint16_t>(action);
  write.row = row;
  return write;
}

absl::Status StatusOf(const state::FdbKey& key, const abi::or_fdb& wanted,
                      const abi::or_fdb_write& write, const absl::Status& run) {
  switch (write.result) {
    case abi::OR_FDB_DONE:
      return absl::OkStatus();
    case abi::OR_FDB_OLDER:
      return absl::FailedPreconditionError(
          fmt::format("fdb {}: epoch {} is older than {}, which is in force", KeyText(key),
                      wanted.epoch, write.row.epoch));
    case abi::OR_FDB_FULL:
      return absl::ResourceExhaustedError(fmt::format(
          "fdb {}: no room in the table, which is for {} MACs", KeyText(key), OR_MAX_FDB));
    case abi::OR_FDB_NO_MEMORY:
      return absl::UnavailableError(
          fmt::format("fdb {}: the kernel has no memory for it now", KeyText(key)));
    default:
      return run.ok() ? absl::InternalError(fmt::format("fdb {}: not written", KeyText(key))) : run;
  }
}

}  // namespace

void FdbTable::Load(const Inventory& inventory) {
  for (const auto& [key, row] : inventory.fdb) Count(row);
}

std::vector<absl::Status> FdbTable::Upsert(std::span<const FdbUpsert> upserts) {
  std::vector<absl::Status> statuses(upserts.size());
  std::vector<size_t> tried;
  std::vector<abi::or_fdb_write> writes;
  tried.reserve(upserts.size());
  writes.reserve(upserts.size());
  for (size_t i = 0; i < upserts.size(); ++i) {
    const auto row = Encode(upserts[i]);
    statuses[i] = row.status();
    if (!row.ok()) continue;
    tried.push_back(i);
    writes.push_back(WriteOf(*upserts[i].key, abi::OR_FDB_PUT, *row));
  }
  std::vector<abi::or_fdb> rows;
  rows.reserve(writes.size());
  for (const abi::or_fdb_write& write : writes) rows.push_back(write.row);
  const absl::Status run = maps_->fdb.Write(program(), writes);
  for (size_t n = 0; n < tried.size(); ++n) {
    statuses[tried[n]] = Finish(*upserts[tried[n]].key, rows[n], writes[n], run);
  }
  return statuses;
}

absl::Status FdbTable::Finish(const state::FdbKey& key, const abi::or_fdb& row,
                              const abi::or_fdb_write& write, const absl::Status& run) {
  const absl::Status status = StatusOf(key, row, write, run);
  if (!status.ok()) {
    // The error that matters is the first one.
    if (row.kind == abi::OR_FDB_REMOTE) vteps_->Release(row.index).IgnoreError();
    return status;
  }
  if (row.kind == abi::OR_FDB_LOCAL) Count(row);
  return Discount(write.row);
}

std::vector<absl::Status> FdbTable::Delete(std::span<const state::FdbKey> keys) {
  std::vector<abi::or_fdb_write> writes;
  writes.reserve(keys.size());
  for (const state::FdbKey& key : keys) writes.push_back(WriteOf(key, abi::OR_FDB_REMOVE, {}));
  const absl::Status run = maps_->fdb.Write(program(), writes);
  std::vector<absl::Status> statuses;
  statuses.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) statuses.push_back(Finish(keys[i], {}, writes[i], run));
  return statuses;
}

absl::Status FdbTable::DropPort(uint32_t port_index) {
  if (!local_references_.contains(port_index)) return absl::OkStatus();
  std::vector<abi::or_fdb_key> keys;
  RETURN_IF_ERROR(maps_->fdb.Visit([&](const abi::or_fdb_key& key, const abi::or_fdb& row) {
    if (row.kind == abi::OR_FDB_LOCAL && row.index == port_index) keys.push_back(key);
  }));
  RETURN_IF_ERROR(maps_->fdb.Delete(program(), keys));
  local_references_.erase(port_index);
  return absl::OkStatus();
}

absl::StatusOr<abi::or_fdb> FdbTable::Encode(const FdbUpsert& upsert) {
  abi::or_fdb row{};
  row.epoch = static_cast<uint64_t>(upsert.entry->epoch);
  if (const auto* port = std::get_if<PortId>(&upsert.entry->where)) {
    if (!upsert.local_port) {
      return absl::FailedPreconditionError("port " + port->ToString() + ": is not in force");
    }
    row.kind = abi::OR_FDB_LOCAL;
    row.index = *upsert.local_port;
    return row;
  }
  row.kind = abi::OR_FDB_REMOTE;
  ASSIGN_OR_RETURN(row.index, vteps_->Acquire(std::get<IpAddress>(upsert.entry->where)));
  return row;
}

void FdbTable::Count(const abi::or_fdb& row) {
  if (row.kind == abi::OR_FDB_LOCAL) ++local_references_[row.index];
}

absl::Status FdbTable::Discount(const abi::or_fdb& row) {
  if (row.kind == abi::OR_FDB_REMOTE) return vteps_->Release(row.index);
  if (row.kind != abi::OR_FDB_LOCAL) return absl::OkStatus();
  const auto found = local_references_.find(row.index);
  if (found != local_references_.end() && --found->second == 0) local_references_.erase(found);
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
