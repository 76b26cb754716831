#include "controller/model/underlay.h"

#include <algorithm>

#include "controller/model/complaint.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/provider.h"

namespace outrider::controller {
namespace {

// The host's address of a family; empty when it has none.
std::string VtepOf(const v1::Host& host, int family) {
  for (const std::string& text : host.vteps()) {
    const auto vtep = ParseAddress(text);
    if (vtep && vtep->family == family) return text;
  }
  return {};
}

// Why an address can be nobody's VTEP; nullptr: it can.
const char* Unusable(const IpPrefix& address) {
  const auto& bytes = address.bytes;
  if (bytes == decltype(address.bytes){} || (address.family == 4 && bytes[0] == 0)) {
    return "is no host's address";
  }
  if (address.family == 4 ? bytes[0] >= 224 : bytes[0] == 0xff) return "is no unicast address";
  const bool link_local = address.family == 4 ? bytes[0] == 169 && bytes[1] == 254
                                              : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  return link_local ? "is link-local; others need an address they can route to" : nullptr;
}

// Smallest mtu the segment can have; a derived one follows its hosts down to that.
uint32_t LeastMtu(const v1::Segment& segment) {
  return segment.mtu() == 0 ? kMinMtu : segment.mtu();
}

bool Carries(const v1::Host& host, const v1::Segment& segment, uint32_t overhead) {
  return host.underlay_mtu() == 0 || host.underlay_mtu() >= LeastMtu(segment) + overhead;
}

// What else helps than a larger underlay MTU; empty: nothing does.
std::string LowerMtu(const v1::Host& host, const v1::Segment& segment, uint32_t overhead) {
  if (segment.mtu() == 0 || host.underlay_mtu() < kMinMtu + overhead) return {};
  return fmt::format(" or lower the segment's mtu to {}", host.underlay_mtu() - overhead);
}

std::string MtuText(const v1::Segment& segment) {
  return segment.mtu() == 0 ? fmt::format("the least mtu of a segment, {},", kMinMtu)
                            : fmt::format("its mtu {}", segment.mtu());
}

absl::Status CheckMtu(const Model& model, const v1::Segment& segment, const v1::Host& host) {
  const uint32_t present = EncapsulationOverhead(model, segment.meta().name());
  const uint32_t overhead = std::max(present, EncapsulationOverhead(host));
  if (!Carries(host, segment, overhead)) {
    return Refused(
        host, "underlay MTU {} cannot carry segment \"{}\": {} needs {}; raise the underlay MTU{}",
        host.underlay_mtu(), segment.meta().name(), MtuText(segment), LeastMtu(segment) + overhead,
        LowerMtu(host, segment, overhead));
  }
  if (overhead == present) return absl::OkStatus();
  for (const std::string& id : model.index().hosts_of_segment.Get(segment.meta().name())) {
    const v1::Host* other = model.Find<v1::Host>(id);
    const bool concerned = other != nullptr && id != host.meta().name();
    if (!concerned || Carries(*other, segment, overhead)) continue;
    return Refused(host,
                   "has IPv6 alone, over which segment \"{}\" takes more: {} needs an underlay MTU "
                   "of {}, but host \"{}\" has {}; give this host an IPv4 VTEP, or raise that "
                   "underlay MTU{}",
                   segment.meta().name(), MtuText(segment), LeastMtu(segment) + overhead, id,
                   other->underlay_mtu(), LowerMtu(*other, segment, overhead));
  }
  return absl::OkStatus();
}

// The same when a gateway over IPv6 comes into the segment.
absl::Status CheckMtu(const Model& model, const v1::Segment& segment, const v1::Gateway& gateway) {
  const auto vtep = ParseAddress(gateway.vtep());
  if (!vtep || vtep->family == 4) return absl::OkStatus();
  for (const std::string& id : model.index().hosts_of_segment.Get(segment.meta().name())) {
    const v1::Host* host = model.Find<v1::Host>(id);
    if (host == nullptr || Carries(*host, segment, kOverheadIpv6)) continue;
    return Refused(gateway,
                   "over IPv6 segment \"{}\" takes more: {} needs an underlay MTU of {}, but host "
                   "\"{}\" has {}; raise that{}",
                   segment.meta().name(), MtuText(segment), LeastMtu(segment) + kOverheadIpv6, id,
                   host->underlay_mtu(), LowerMtu(*host, segment, kOverheadIpv6));
  }
  return absl::OkStatus();
}

constexpr char kGiveBoth[] = "start the agent of one of them with both, --vtep IPV4,IPV6";

absl::Status CheckReachesAll(const Model& model, const std::string& segment, const v1::Host& host) {
  if (host.vteps().empty()) return absl::OkStatus();
  for (const std::string& id : model.index().hosts_of_segment.Get(segment)) {
    const v1::Host* other = model.Find<v1::Host>(id);
    if (other == nullptr || other->vteps().empty() || id == host.meta().name()) continue;
    if (!VtepTowards(host, *other).empty()) continue;
    return Refused(host,
                   "no VTEP of the address family of host \"{}\", which has ports in segment "
                   "\"{}\"; {}",
                   id, segment, kGiveBoth);
  }
  for (const std::string& name : model.index().gateways_of_segment.Get(segment)) {
    const v1::Gateway& gateway = *model.Find<v1::Gateway>(name);
    if (!VtepTowards(host, gateway).empty()) continue;
    return Refused(host,
                   "no VTEP of the address family of gateway \"{}\" ({}), which is in segment "
                   "\"{}\"; start the host's agent with both, --vtep IPV4,IPV6",
                   name, gateway.vtep(), segment);
  }
  return absl::OkStatus();
}

}  // namespace

uint32_t EncapsulationOverhead(const v1::Host& host) {
  const bool only_v6 = !host.vteps().empty() && VtepOf(host, 4).empty();
  return only_v6 ? kOverheadIpv6 : kOverheadIpv4;
}

uint32_t EncapsulationOverhead(const Model& model, const std::string& segment) {
  for (const std::string& name : model.index().gateways_of_segment.Get(segment)) {
    const auto vtep = ParseAddress(model.Find<v1::Gateway>(name)->vtep());
    if (vtep && vtep->family == 6) return kOverheadIpv6;
  }
  uint32_t overhead = kOverheadIpv4;
  for (const std::string& id : model.index().hosts_of_segment.Get(segment)) {
    const v1::Host* host = model.Find<v1::Host>(id);
    if (host == nullptr || host->underlay_mtu() == 0) continue;
    overhead = std::max(overhead, EncapsulationOverhead(*host));
  }
  return overhead;
}

uint32_t MtuInForce(const Model& model, const v1::Segment& segment) {
  if (segment.mtu() != 0) return segment.mtu();
  uint32_t underlay = 0;
  for (const std::string& id : model.index().hosts_of_segment.Get(segment.meta().name())) {
    const v1::Host* host = model.Find<v1::Host>(id);
    if (host == nullptr || host->underlay_mtu() == 0) continue;
    underlay = underlay == 0 ? host->underlay_mtu() : std::min(underlay, host->underlay_mtu());
  }
  if (underlay == 0) return kDefaultMtu;
  const uint32_t overhead = EncapsulationOverhead(model, segment.meta().name());
  if (underlay < kMinMtu + overhead) return kMinMtu;
  return std::min(underlay - overhead, kMaxMtu);
}

absl::Status CheckVtep(const std::string& text) {
  const auto vtep = ParseAddress(text);
  if (!vtep) {
    return absl::InvalidArgumentError(
        fmt::format("vtep \"{}\" is neither an IPv4 nor an IPv6 address", OneLine(text)));
  }
  if (const char* const why = Unusable(*vtep)) {
    return absl::InvalidArgumentError(fmt::format("vtep {} {}", text, why));
  }
  return absl::OkStatus();
}

std::string VtepTowards(const v1::Host& from, const v1::Host& to) {
  for (const int family : {4, 6}) {
    if (VtepOf(from, family).empty()) continue;
    if (std::string vtep = VtepOf(to, family); !vtep.empty()) return vtep;
  }
  return {};
}

std::string VtepTowards(const v1::Host& from, const v1::Gateway& to) {
  const auto vtep = ParseAddress(to.vtep());
  return vtep && !VtepOf(from, vtep->family).empty() ? to.vtep() : std::string();
}

absl::Status CheckHostsReach(const Model& model, const v1::Gateway& gateway) {
  for (const std::string& segment : gateway.segments()) {
    for (const std::string& id : model.index().hosts_of_segment.Get(segment)) {
      const v1::Host* host = model.Find<v1::Host>(id);
      if (host == nullptr || host->vteps().empty()) continue;
      if (!VtepTowards(*host, gateway).empty()) continue;
      return Refused(gateway,
                     "host \"{}\", which has ports in segment \"{}\", has no VTEP of the address "
                     "family of {}; start its agent with both, --vtep IPV4,IPV6",
                     id, segment, gateway.vtep());
    }
    RETURN_IF_ERROR(CheckMtu(model, *model.Find<v1::Segment>(segment), gateway));
  }
  return absl::OkStatus();
}

// What an uplink carries is between the host and its network: the agent checks it.
absl::Status CheckHostsCarry(const Model& model, const v1::Segment& candidate) {
  if (candidate.has_provider()) return absl::OkStatus();
  const std::string& name = candidate.meta().name();
  const uint32_t overhead = EncapsulationOverhead(model, name);
  for (const std::string& id : model.index().hosts_of_segment.Get(name)) {
    const v1::Host* host = model.Find<v1::Host>(id);
    if (host == nullptr || Carries(*host, candidate, overhead)) continue;
    const bool too_small = candidate.mtu() == 0 || host->underlay_mtu() < kMinMtu + overhead;
    return Refused(
        candidate,
        "{} needs an underlay MTU of {}, but host \"{}\" has {}; {}raise the host's "
        "underlay MTU",
        candidate.mtu() == 0 ? fmt::format("the least mtu of a segment, {},", kMinMtu)
                             : fmt::format("mtu {}", candidate.mtu()),
        LeastMtu(candidate) + overhead, id, host->underlay_mtu(),
        too_small ? ""
                  : fmt::format("use an mtu of at most {} or ", host->underlay_mtu() - overhead));
  }
  return absl::OkStatus();
}

absl::Status CheckUnderlayFits(const Model& model, const std::string& segment,
                               const std::string& host) {
  const v1::Segment* found = model.Find<v1::Segment>(segment);
  const v1::Host* carrier = model.Find<v1::Host>(host);
  if (found == nullptr || carrier == nullptr) return absl::OkStatus();
  if (found->has_provider()) return CheckUplink(*found, *carrier);
  RETURN_IF_ERROR(CheckMtu(model, *found, *carrier));
  return CheckReachesAll(model, segment, *carrier);
}

absl::Status CheckUnderlayFits(const Model& model, const std::string& segment,
                               const v1::Port& port) {
  RETURN_IF_ERROR(CheckUnderlayFits(model, segment, port.location().host()));
  const v1::Migration* migration = model.RunningMigrationOf(port.meta().name());
  if (migration == nullptr || !IsExpecting(*migration)) return absl::OkStatus();
  return CheckUnderlayFits(model, segment, migration->destination());
}

}  // namespace outrider::controller
