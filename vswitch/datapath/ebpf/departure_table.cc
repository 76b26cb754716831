#include "vswitch/datapath/ebpf/departure_table.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/departure_codec.h"
#include "vswitch/datapath/ebpf/move_commands.h"
#include "vswitch/datapath/ebpf/port_codec.h"
#include "vswitch/datapath/ebpf/record_sender.h"
#include "vswitch/datapath/move_path.h"

namespace outrider::datapath::ebpf {
namespace {

// `first` of a redirect that replays nothing.
constexpr uint64_t kNoFrame = ~uint64_t{0};

}  // namespace

void DepartureTable::Load(const Inventory& inventory) {
  for (const auto& [index, info] : inventory.departure_info) {
    const auto port = inventory.ports.find(index);
    const auto port_info = inventory.port_info.find(index);
    if (port == inventory.ports.end() || port_info == inventory.port_info.end()) continue;
    Entry& entry = entries_[DecodePortId(port_info->second)];
    entry.index = index;
    entry.departure = DecodeDeparture(info);
    entry.vtep = VtepOf(inventory, index);
    entry.watched = HasWay(entry.departure) && (port->second.flags & OR_PORT_MOVING) != 0;
    entry.departed = port->second.phase == abi::OR_PORT_DEPARTED;
    if (!entry.watched) continue;
    // Whoever died may have left either half done.
    absl::Status status = SendAfterGuest(*maps_, *programs_, index, MovePath::kNoPause);
    if (!entry.departed) status.Update(GiveToGuest(*maps_, *programs_, index));
    if (!status.ok()) {
      spdlog::error("port index {}: frames of its guest are not sent: {}", index, Message(status));
    }
  }
}

absl::Status DepartureTable::Upsert(const PortId& id, const state::Departure& departure) {
  const auto index = ports_->IndexOf(id);
  if (!index) {
    return absl::FailedPreconditionError("port " + id.ToString() + ": is not in force");
  }
  const auto old = entries_.find(id);
  if (old != entries_.end() && old->second.departure.migration_id != departure.migration_id) {
    RETURN_IF_ERROR(Delete(id));
  }
  Entry& entry = entries_[id];
  entry.index = *index;
  RETURN_IF_ERROR(WriteRows(departure, &entry));
  if (HasWay(departure) != entry.watched) {
    RETURN_IF_ERROR(entry.watched ? EndWatch(id, &entry) : Watch(id, &entry));
  }
  return FollowPort(id);
}

absl::Status DepartureTable::WriteRows(const state::Departure& departure, Entry* entry) {
  uint32_t vtep = 0;
  if (departure.vtep) {
    ASSIGN_OR_RETURN(vtep, vteps_->Acquire(*departure.vtep));
  }
  const uint32_t before = std::exchange(entry->vtep, vtep);
  entry->departure = departure;
  RETURN_IF_ERROR(maps_->departures.Update(entry->index, {.vtep = vtep, .label = departure.label}));
  if (before != 0) RETURN_IF_ERROR(vteps_->Release(before));
  return maps_->departure_info.Update(entry->index, EncodeDeparture(departure));
}

absl::Status DepartureTable::Watch(const PortId& id, Entry* entry) {
  // One that an interrupted change has left would show frames of then.
  RETURN_IF_ERROR(OkIfAbsent(maps_->records.Delete(entry->index)));
  RETURN_IF_ERROR(
      maps_->records.Insert(entry->index, std::vector<abi::or_record_slot>(OR_RECORD_SLOTS)));
  RETURN_IF_ERROR(maps_->move_counts.Update(entry->index, {}));
  RETURN_IF_ERROR(RunMove(*programs_, entry->index, abi::OR_MOVE_WATCH).status());
  RETURN_IF_ERROR(ports_->SetMoving(id, true));
  entry->watched = true;
  entry->departed = false;
  return absl::OkStatus();
}

absl::Status DepartureTable::TakePortBack(uint32_t index) const {
  return RunMove(*programs_, index, abi::OR_MOVE_TAKE_BACK, ReturnDeadline()).status();
}

absl::Status DepartureTable::EndWatch(const PortId& id, Entry* entry) {
  if (!entry->departed) {
    RETURN_IF_ERROR(TakePortBack(entry->index));
    RETURN_IF_ERROR(GiveToGuest(*maps_, *programs_, entry->index));
  }
  RETURN_IF_ERROR(ports_->SetMoving(id, false));
  RETURN_IF_ERROR(RunMove(*programs_, entry->index, abi::OR_MOVE_END).status());
  entry->watched = false;
  return OkIfAbsent(maps_->records.Delete(entry->index));
}

absl::Status DepartureTable::Delete(const PortId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return absl::OkStatus();
  Entry& entry = found->second;
  if (entry.watched) RETURN_IF_ERROR(EndWatch(id, &entry));
  RETURN_IF_ERROR(OkIfAbsent(maps_->departure_info.Delete(entry.index)));
  RETURN_IF_ERROR(maps_->departures.Update(entry.index, {}));
  if (entry.vtep != 0) RETURN_IF_ERROR(vteps_->Release(entry.vtep));
  entries_.erase(found);
  return absl::OkStatus();
}

absl::Status DepartureTable::FollowPort(const PortId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.watched) return absl::OkStatus();
  Entry& entry = found->second;
  RETURN_IF_ERROR(RunMove(*programs_, entry.index, abi::OR_MOVE_HEARD).status());
  const bool departed = ports_->PhaseOf(id) == abi::OR_PORT_DEPARTED;
  const bool was = std::exchange(entry.departed, departed);
  if (departed) return Redirect(id, std::nullopt, MovePath::kNoPause);
  return was ? TakeBack(id) : GiveToGuest(*maps_, *programs_, entry.index);
}

absl::StatusOr<const DepartureTable::Entry*> DepartureTable::Find(const PortId& id) const {
  const auto found = entries_.find(id);
  if (found != entries_.end()) return &found->second;
  return absl::NotFoundError(fmt::format("port {}: has no departure", id.ToString()));
}

absl::Status DepartureTable::Redirect(const PortId& id, std::optional<uint64_t> first,
                                      uint64_t paused_boot_ns) {
  ASSIGN_OR_RETURN(const Entry* entry, Find(id));
  if (!entry->watched) {
    return absl::FailedPreconditionError(
        fmt::format("port {}: its departure has no VTEP or no label", id.ToString()));
  }
  RETURN_IF_ERROR(
      RunMove(*programs_, entry->index, abi::OR_MOVE_REDIRECT, first.value_or(kNoFrame)).status());
  return SendAfterGuest(*maps_, *programs_, entry->index, paused_boot_ns);
}

absl::Status DepartureTable::TakeBack(const PortId& id) {
  ASSIGN_OR_RETURN(const Entry* entry, Find(id));
  if (!entry->watched || entry->departed) return absl::OkStatus();
  RETURN_IF_ERROR(TakePortBack(entry->index));
  return GiveToGuest(*maps_, *programs_, entry->index);
}

}  // namespace outrider::datapath::ebpf
