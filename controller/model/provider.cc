#include "controller/model/provider.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/model/complaint.h"
#include "controller/model/names.h"
#include "controller/model/vlan_section.h"

namespace outrider::controller {
namespace {

// "vlan 100 of uplink \"physnet1\"", "the untagged frames of uplink \"physnet1\"".
std::string Text(const v1::Segment& segment) {
  if (!segment.has_provider()) return "VXLAN";
  const v1::Segment::Provider& provider = segment.provider();
  const std::string what = provider.vlan() == 0 ? std::string("the untagged frames")
                                                : fmt::format("vlan {}", provider.vlan());
  return fmt::format("{} of uplink \"{}\"", what, provider.uplink());
}

// Frames of running guests are in it: it cannot be exchanged on all hosts at once.
absl::Status CheckUnchanged(const Model& model, const v1::Segment& candidate) {
  const v1::Segment* present = model.Find<v1::Segment>(candidate.meta().name());
  if (present == nullptr || ProviderKey(*present) == ProviderKey(candidate)) {
    return absl::OkStatus();
  }
  return Refused(candidate,
                 "provider cannot change from {} to {}; delete the segment and create it anew",
                 Text(*present), Text(candidate));
}

}  // namespace

std::string ProviderKey(const v1::Segment& segment) {
  if (!segment.has_provider()) return {};
  return PairKey(segment.provider().uplink(), std::to_string(segment.provider().vlan()));
}

absl::Status CheckProvider(const Model& model, const v1::Segment& candidate) {
  const v1::Segment::Provider& provider = candidate.provider();
  if (candidate.has_provider() && !IsHostId(provider.uplink())) {
    return Invalid(
        candidate,
        "provider uplink \"{}\" is no name as hosts' agents have it (--uplink "
        "NAME=DEVICE): 1..63 characters of a-z, 0-9 and '-', beginning and ending with a "
        "letter or digit",
        OneLine(provider.uplink()));
  }
  if (provider.vlan() > kMaxVlan) {
    return Invalid(candidate, "provider vlan {} is not in 1..{}, or 0 for untagged",
                   provider.vlan(), kMaxVlan);
  }
  RETURN_IF_ERROR(CheckUnchanged(model, candidate));
  for (const auto& other : model.index().segments_with_provider.Get(ProviderKey(candidate))) {
    if (other == candidate.meta().name()) continue;
    return Taken(candidate, "provider: {} is that of segment \"{}\"; choose another",
                 Text(candidate), other);
  }
  return absl::OkStatus();
}

absl::Status CheckUplink(const v1::Segment& segment, const v1::Host& host) {
  // Every agent that has spoken has a VTEP.
  if (!segment.has_provider() || host.vteps().empty()) return absl::OkStatus();
  const std::string& uplink = segment.provider().uplink();
  if (std::find(host.uplinks().begin(), host.uplinks().end(), uplink) != host.uplinks().end()) {
    return absl::OkStatus();
  }
  return Refused(host,
                 "has no uplink \"{}\", which carries segment \"{}\"; start its agent with "
                 "--uplink {}=DEVICE, or keep the segment's ports on hosts that have it",
                 uplink, segment.meta().name(), uplink);
}

}  // namespace outrider::controller
