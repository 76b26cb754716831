#include "vswitch/datapath/ebpf/uplink_table.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "vswitch/datapath/ebpf/absent_row.h"

namespace outrider::datapath::ebpf {
namespace {

// The row without its device.
abi::or_provider Encode(const state::Provider& provider) {
  abi::or_provider row{};
  row.vlan = provider.vlan;
  std::copy_n(provider.uplink.begin(), std::min(provider.uplink.size(), sizeof(row.uplink) - 1),
              row.uplink);
  return row;
}

bool Same(const abi::or_provider& a, const abi::or_provider& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

abi::or_uplink_vlan ToRow(const std::pair<uint32_t, uint32_t>& key) {
  return {.ifindex = key.first, .vlan = key.second};
}

// Interface indices of the devices that are promiscuous by our doing, from rows by VNI.
std::set<uint32_t> MadePromiscuous(const std::map<uint32_t, abi::or_provider>& rows) {
  std::set<uint32_t> devices;
  for (const auto& [vni, row] : rows) {
    if ((row.flags & OR_PROVIDER_MADE_PROMISCUOUS) != 0) devices.insert(row.ifindex);
  }
  return devices;
}

// nullopt: what is pinned is of a release that did not write it down.
absl::StatusOr<std::optional<std::set<uint32_t>>> ReadMadePromiscuous(const std::string& bpffs) {
  constexpr char kProviders[] = "or_providers";
  const auto maps = sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(bpffs), {kProviders});
  if (absl::IsNotFound(maps.status())) return std::optional<std::set<uint32_t>>();
  RETURN_IF_ERROR(maps.status());
  const sys::TypedMap<uint32_t, abi::or_provider> providers(maps->get(), kProviders);
  ASSIGN_OR_RETURN(const auto rows, providers.Dump());
  return std::optional<std::set<uint32_t>>(MadePromiscuous({rows.begin(), rows.end()}));
}

}  // namespace

UplinkTable::UplinkTable(const DatapathMaps* maps, sys::NetlinkSocket* netlink,
                         sys::TcFilters* filters, const ProgramSet* programs,
                         const Uplinks& uplinks)
    : maps_(maps), netlink_(netlink), filters_(filters), programs_(programs), grace_(maps->raw) {
  for (const auto& [name, device] : uplinks) devices_[name].name = device;
}

absl::Status UplinkTable::Load(const Inventory& inventory) {
  for (const auto& [number, row] : inventory.providers) {
    const auto vni = Vni::FromValue(number);
    const auto segment = inventory.segments.find(number);
    if (!vni.ok() || segment == inventory.segments.end() ||
        (segment->second.flags & OR_SEGMENT_PROVIDER) == 0) {
      continue;
    }
    Entry& entry = entries_[*vni];
    entry.provider = DecodeProvider(row);
    entry.segment_mtu = segment->second.mtu;
    entry.open = true;
    entry.row = row;
  }
  std::set<uint32_t> devices;
  RETURN_IF_ERROR(RemoveOrphans(inventory, &devices));
  const std::set<uint32_t> made_promiscuous = MadePromiscuous(inventory.providers);
  for (auto& [uplink, device] : devices_) {
    const absl::StatusOr<sys::Link> link = netlink_->FindLink(device.name);
    if (!link.ok() || !made_promiscuous.contains(static_cast<uint32_t>(link->ifindex))) continue;
    device.ifindex = link->ifindex;
    device.made_promiscuous = true;
  }
  Refresh();
  for (auto& [uplink, device] : devices_) {
    if (device.in_use) {
      devices.erase(static_cast<uint32_t>(device.ifindex));
    } else {
      device.made_promiscuous = false;
    }
  }
  for (const uint32_t ifindex : devices) {
    RETURN_IF_ERROR(LetGo(static_cast<int>(ifindex), made_promiscuous.contains(ifindex)));
  }
  return absl::OkStatus();
}

// `devices` gets all that any row names.
absl::Status UplinkTable::RemoveOrphans(const Inventory& inventory, std::set<uint32_t>* devices) {
  for (const auto& [key, number] : inventory.uplink_vlans) {
    devices->insert(key.ifindex);
    const auto vni = Vni::FromValue(number);
    const auto entry = vni.ok() ? entries_.find(*vni) : entries_.end();
    const bool claimed = entry != entries_.end() && entry->second.row->ifindex == key.ifindex &&
                         entry->second.row->vlan == key.vlan;
    if (claimed) {
      entry->second.way_in = {key.ifindex, key.vlan};
      ways_in_.insert_or_assign({key.ifindex, key.vlan}, *vni);
    } else {
      RETURN_IF_ERROR(OkIfAbsent(maps_->uplink_vlans.Delete(key)));
    }
  }
  for (const auto& [number, row] : inventory.providers) {
    if (row.ifindex != 0) devices->insert(row.ifindex);
    const auto vni = Vni::FromValue(number);
    if (vni.ok() && entries_.contains(*vni)) continue;
    RETURN_IF_ERROR(OkIfAbsent(maps_->providers.Delete(number)));
    grace_.MarkFreed();
  }
  return absl::OkStatus();
}

absl::Status UplinkTable::Prepare(const Vni& vni, const state::Segment& segment) {
  if (!segment.provider) return absl::OkStatus();
  const std::string& uplink = segment.provider->uplink;
  const auto device = devices_.find(uplink);
  if (device == devices_.end()) {
    return absl::FailedPreconditionError(
        fmt::format("segment {}: this host has no uplink \"{}\"; start the agent with --uplink "
                    "{}=DEVICE",
                    vni.ToString(), uplink, uplink));
  }
  Entry& entry = entries_[vni];
  entry.provider = *segment.provider;
  entry.segment_mtu = segment.mtu;
  RETURN_IF_ERROR(Look(uplink, &device->second));
  return WriteWayOut(vni, &device->second, &entry);
}

absl::Status UplinkTable::Open(const Vni& vni, const state::Segment& segment) {
  if (!segment.provider) {
    RETURN_IF_ERROR(Close(vni));
    return Forget(vni);
  }
  Entry& entry = entries_.at(vni);
  entry.open = true;
  RETURN_IF_ERROR(WriteWayIn(vni, FindDevice(entry), &entry));
  entry.problem = absl::OkStatus();
  return Check(vni, entry);
}

absl::Status UplinkTable::Close(const Vni& vni) {
  const auto found = entries_.find(vni);
  if (found == entries_.end()) return absl::OkStatus();
  found->second.open = false;
  return RemoveWayIn(vni, &found->second);
}

absl::Status UplinkTable::Forget(const Vni& vni) {
  const auto found = entries_.find(vni);
  if (found == entries_.end()) return absl::OkStatus();
  RETURN_IF_ERROR(OkIfAbsent(maps_->providers.Delete(vni.value())));
  grace_.MarkFreed();
  const std::string uplink = found->second.provider.uplink;
  entries_.erase(found);
  const auto device = devices_.find(uplink);
  return device == devices_.end() ? absl::OkStatus() : Look(uplink, &device->second);
}

// What is wrong with one device or segment is no reason to leave the others.
void UplinkTable::Refresh() {
  for (auto& [uplink, device] : devices_) {
    if (const absl::Status status = Look(uplink, &device); !status.ok()) device.problem = status;
  }
  for (auto& [vni, entry] : entries_) entry.problem = Sync(vni, &entry);
}

std::set<Vni> UplinkTable::Lost() const {
  std::set<Vni> lost;
  for (const auto& [vni, entry] : entries_) {
    if (!Check(vni, entry).ok()) lost.insert(vni);
  }
  return lost;
}

absl::Status UplinkTable::Sync(const Vni& vni, Entry* entry) {
  const Device* const device = FindDevice(*entry);
  RETURN_IF_ERROR(WriteWayOut(vni, device, entry));
  return entry->open ? WriteWayIn(vni, device, entry) : absl::OkStatus();
}

absl::Status UplinkTable::WriteWayOut(const Vni& vni, const Device* device, Entry* entry) {
  abi::or_provider row = Encode(entry->provider);
  if (device != nullptr) {
    row.ifindex = static_cast<uint32_t>(device->ifindex);
    row.mtu = device->mtu;
    row.flags = device->made_promiscuous ? OR_PROVIDER_MADE_PROMISCUOUS : 0;
  }
  if (entry->row && Same(*entry->row, row)) return absl::OkStatus();
  // A frame must not take the VLAN of another segment.
  RETURN_IF_ERROR(grace_.Wait());
  RETURN_IF_ERROR(maps_->providers.Update(vni.value(), row));
  if (entry->row) grace_.MarkFreed();
  entry->row = row;
  return absl::OkStatus();
}

absl::Status UplinkTable::WriteWayIn(const Vni& vni, const Device* device, Entry* entry) {
  const int ifindex = device == nullptr ? 0 : device->ifindex;
  if (ifindex == 0) return RemoveWayIn(vni, entry);
  const VlanKey key(static_cast<uint32_t>(ifindex), entry->provider.vlan);
  if (entry->way_in == key) return absl::OkStatus();
  RETURN_IF_ERROR(maps_->uplink_vlans.Update(ToRow(key), vni.value()));
  ways_in_.insert_or_assign(key, vni);
  RETURN_IF_ERROR(RemoveWayIn(vni, entry));
  entry->way_in = key;
  return absl::OkStatus();
}

// Another segment may have taken over the VLAN meanwhile.
absl::Status UplinkTable::RemoveWayIn(const Vni& vni, Entry* entry) {
  if (!entry->way_in) return absl::OkStatus();
  const auto row = ways_in_.find(*entry->way_in);
  if (row != ways_in_.end() && row->second == vni) {
    RETURN_IF_ERROR(OkIfAbsent(maps_->uplink_vlans.Delete(ToRow(row->first))));
    ways_in_.erase(row);
  }
  entry->way_in.reset();
  return absl::OkStatus();
}

absl::Status UplinkTable::Check(const Vni& vni, const Entry& entry) const {
  const std::string name =
      fmt::format("segment {}: uplink \"{}\"", vni.ToString(), entry.provider.uplink);
  const Device* const device = FindDevice(entry);
  if (device == nullptr) return absl::FailedPreconditionError(name + " is none of this host's");
  if (!device->problem.ok()) return Annotate(device->problem, name);
  if (device->ifindex == 0) {
    return absl::NotFoundError(fmt::format(
        "{}: device {} does not exist; create it, or name another by --uplink {}=DEVICE", name,
        device->name, entry.provider.uplink));
  }
  if (!entry.problem.ok()) return Annotate(entry.problem, name);
  // What is larger stays among the ports of a local segment.
  if (vni.IsLocal() || device->mtu >= entry.segment_mtu) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{}: device {} has MTU {}, the segment {}; raise the device's or lower the "
                  "segment's mtu",
                  name, device->name, device->mtu, entry.segment_mtu));
}

const UplinkTable::Device* UplinkTable::FindDevice(const Entry& entry) const {
  const auto found = devices_.find(entry.provider.uplink);
  return found == devices_.end() ? nullptr : &found->second;
}

absl::Status UplinkTable::Look(const std::string& uplink, Device* device) {
  const absl::StatusOr<sys::Link> link = netlink_->FindLink(device->name);
  if (absl::IsNotFound(link.status())) {
    if (device->ifindex != 0) {
      spdlog::warn("uplink \"{}\": device {} is gone", uplink, device->name);
    }
    *device = Device{.name = device->name, .problem = {}};
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(link.status());
  const bool used = IsUsed(uplink);
  if (device->ifindex != link->ifindex) *device = Device{.name = device->name, .problem = {}};
  if (device->in_use && !used) {
    RETURN_IF_ERROR(LetGo(device->ifindex, device->made_promiscuous));
    device->made_promiscuous = false;
  }
  device->ifindex = link->ifindex;
  device->mtu = link->mtu;
  device->in_use = used;
  device->problem = used ? Use(*link, device) : absl::OkStatus();
  return absl::OkStatus();
}

bool UplinkTable::IsUsed(const std::string& uplink) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return entry.second.provider.uplink == uplink; });
}

// Frames for the guests' MACs have to get past the device's own filter. In promiscuous mode drivers
// take the filter of VLANs off, too.
absl::Status UplinkTable::Use(const sys::Link& link, Device* device) {
  ASSIGN_OR_RETURN(const auto id, filters_->Query(link.ifindex, sys::TcDirection::kIngress));
  if (id != programs_->Id(Program::kFromUplink)) {
    RETURN_IF_ERROR(filters_->Attach(link.ifindex, sys::TcDirection::kIngress,
                                     programs_->Descriptor(Program::kFromUplink)));
  }
  if (link.promiscuous) return absl::OkStatus();
  RETURN_IF_ERROR(netlink_->SetPromiscuous(link.ifindex, true));
  device->made_promiscuous = true;
  return absl::OkStatus();
}

absl::Status UplinkTable::LetGo(int ifindex, bool made_promiscuous) {
  const auto id = filters_->Query(ifindex, sys::TcDirection::kIngress);
  if (absl::IsNotFound(id.status())) return absl::OkStatus();
  RETURN_IF_ERROR(id.status());
  // The index may be that of a port's device by now.
  if (!*id || !programs_->IsOurs(**id, Program::kFromUplink)) return absl::OkStatus();
  RETURN_IF_ERROR(filters_->Detach(ifindex, sys::TcDirection::kIngress));
  if (!made_promiscuous) return absl::OkStatus();
  return OkIfAbsent(netlink_->SetPromiscuous(ifindex, false));
}

absl::Status LetGoOfUplinks(const std::vector<sys::Link>& links, const std::string& bpffs,
                            sys::TcFilters* filters, sys::NetlinkSocket* netlink) {
  ASSIGN_OR_RETURN(const std::set<uint32_t> programs,
                   PinnedProgramIds(bpffs, Program::kFromUplink));
  ASSIGN_OR_RETURN(const auto made_promiscuous, ReadMadePromiscuous(bpffs));
  for (const sys::Link& link : links) {
    const auto ifindex = static_cast<uint32_t>(link.ifindex);
    if (made_promiscuous && !made_promiscuous->contains(ifindex)) continue;
    const auto id = filters->Query(link.ifindex, sys::TcDirection::kIngress);
    if (!id.ok() || !*id || !programs.contains(**id)) continue;
    RETURN_IF_ERROR(netlink->SetPromiscuous(link.ifindex, false));
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
