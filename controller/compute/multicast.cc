#include "controller/compute/multicast.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/model/ip_prefix.h"
#include "controller/model/one_line.h"
#include "controller/model/underlay.h"

namespace outrider::controller {
namespace {

// Canonical; empty: not one.
std::string CanonicalGroup(const std::string& text) {
  const auto address = ParseAddress(text);
  if (!address) return {};
  const uint8_t first = address->bytes[0];
  const bool multicast = address->family == 4 ? first >> 4 == 14 : first == 0xff;
  return multicast ? address->AddressText() : std::string();
}

std::string SegmentOf(const Model& model, uint32_t vni) {
  const NameSet& names = model.index().segments_with_vni.Get(std::to_string(vni));
  return names.empty() ? std::string() : *names.begin();
}

using Vteps = std::map<std::string, std::set<std::string>>;  // by group

// `vteps` are those the state has: a group never leads to another.
void Add(const std::string& group, const std::string& vtep, const v1::SegmentState& segment,
         Vteps* groups) {
  if (vtep.empty()) return;
  const auto& known = segment.vteps();
  if (std::find(known.begin(), known.end(), vtep) != known.end()) (*groups)[group].insert(vtep);
}

Vteps GroupsOf(const Model& model, const MulticastMembers& members, const v1::Host& host,
               const v1::SegmentState& segment) {
  Vteps groups;
  const std::string name = SegmentOf(model, segment.vni());
  for (const std::string& id : model.index().hosts_of_segment.Get(name)) {
    const v1::Host* other = model.Find<v1::Host>(id);
    const auto said = members.find(id);
    if (other == nullptr || id == host.meta().name()) continue;
    const std::string vtep = VtepTowards(host, *other);
    if (said == members.end()) {
      Add("", vtep, segment, &groups);
      continue;
    }
    for (auto entry = said->second.lower_bound({segment.vni(), ""});
         entry != said->second.end() && entry->first == segment.vni(); ++entry) {
      Add(entry->second, vtep, segment, &groups);
    }
  }
  for (const std::string& gateway : model.index().gateways_of_segment.Get(name)) {
    Add("", VtepTowards(host, *model.Find<v1::Gateway>(gateway)), segment, &groups);
  }
  return groups;
}

NameSet SegmentsAt(const Model& model, const std::string& host) {
  NameSet segments;
  for (const Relation* ports : {&model.index().ports_located_at, &model.index().ports_expected_at,
                                &model.index().ports_departed_from}) {
    for (const std::string& id : ports->Get(host)) {
      // A migration may name a port that is gone.
      if (const v1::Port* port = model.Find<v1::Port>(id)) segments.merge(model.SegmentsOf(*port));
    }
  }
  return segments;
}

NameSet SegmentsOfChange(const Model& model, const MulticastGroups& before,
                         const MulticastGroups& after) {
  MulticastGroups changed;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::inserter(changed, changed.end()));
  NameSet segments;
  uint32_t last_vni = 0;
  for (const auto& [vni, group] : changed) {
    if (std::exchange(last_vni, vni) != vni) segments.insert(SegmentOf(model, vni));
  }
  return segments;
}

}  // namespace

absl::StatusOr<MulticastGroups> ReadMemberships(const v1::MulticastMemberships& message) {
  if (message.memberships_size() > kMaxMemberships) {
    return absl::InvalidArgumentError(fmt::format("{} multicast memberships are more than {}",
                                                  message.memberships_size(), kMaxMemberships));
  }
  MulticastGroups groups;
  for (const auto& entry : message.memberships()) {
    const std::string group = entry.group().empty() ? "" : CanonicalGroup(entry.group());
    if (group.empty() && !entry.group().empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "multicast membership: group \"{}\" is no multicast address", OneLine(entry.group())));
    }
    groups.emplace(entry.vni(), group);
  }
  return groups;
}

void AddMulticastGroups(const Model& model, const MulticastMembers& members,
                        const std::string& host_id, v1::HostState* state) {
  const v1::Host* host = model.Find<v1::Host>(host_id);
  if (host == nullptr) return;
  for (const v1::SegmentState& segment : state->segments()) {
    if (!segment.snoop_multicast()) continue;
    for (const auto& [group, vteps] : GroupsOf(model, members, *host, segment)) {
      v1::MulticastGroup* added = state->add_multicast_groups();
      added->set_vni(segment.vni());
      added->set_group(group);
      for (const std::string& vtep : vteps) added->add_vteps(vtep);
    }
  }
}

std::set<std::string> HostsOfMulticast(const Model& model, const std::string& host,
                                       const MulticastGroups* before,
                                       const MulticastGroups* after) {
  std::set<std::string> hosts;
  const bool as_router = before == nullptr || after == nullptr;
  for (const std::string& segment :
       as_router ? SegmentsAt(model, host) : SegmentsOfChange(model, *before, *after)) {
    const v1::Segment* found = model.Find<v1::Segment>(segment);
    if (found == nullptr || found->multicast() != v1::Segment::MULTICAST_SNOOP) continue;
    const NameSet& more = model.index().hosts_of_segment.Get(segment);
    if (more.contains(host)) hosts.insert(more.begin(), more.end());
  }
  return hosts;
}

}  // namespace outrider::controller
