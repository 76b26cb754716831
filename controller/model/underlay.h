// What the underlay means for hosts: which address leads from one VTEP to another, and whether a
// host can carry a segment. Pure; any thread (the model must not change meanwhile).
#ifndef OUTRIDER_CONTROLLER_MODEL_UNDERLAY_H_
#define OUTRIDER_CONTROLLER_MODEL_UNDERLAY_H_

#include <cstdint>
#include <string>

#include "controller/model/model.h"
#include "controller/model/status.h"

namespace outrider::controller {

// Layer-3 bytes VXLAN adds to a guest's packet: inner Ethernet 14, VXLAN 8, UDP 8, IP 20 or 40.
inline constexpr uint32_t kOverheadIpv4 = 50;
inline constexpr uint32_t kOverheadIpv6 = 70;

// Overhead on a host: hosts that have IPv4 use it among each other.
uint32_t EncapsulationOverhead(const v1::Host& host);
// Largest overhead between the hosts of a segment and to its gateways: that of IPv6 as soon as one
// of them has IPv6 alone, for the others use it towards that one.
uint32_t EncapsulationOverhead(const Model& model, const std::string& segment);

// InvalidArgument unless `text` can be a VTEP: a unicast address that is routed.
absl::Status CheckVtep(const std::string& text);

// Where `from` sends what is for `to`: IPv4 when both have it, else IPv6. The same choice in both
// directions. Empty: no common family, or nothing reported yet.
std::string VtepTowards(const v1::Host& from, const v1::Host& to);
// The gateway's address, empty when `from` has none of that family.
std::string VtepTowards(const v1::Host& from, const v1::Gateway& to);

// Largest layer-3 packet of the segment's ports: its `mtu`, or without one the largest that the
// underlays of all its hosts carry, to each other and to its gateways; kDefaultMtu while no host
// has reported. Costs as much as the segment has hosts.
uint32_t MtuInForce(const Model& model, const v1::Segment& segment);

inline constexpr uint32_t kMinMtu = 576;
// An IPv4 underlay packet is at most 65535 bytes.
inline constexpr uint32_t kMaxMtu = 65535 - kOverheadIpv4;
inline constexpr uint32_t kDefaultMtu = 1450;

// FailedPrecondition, with the numbers and the remedy, when packets of the segment do not fit the
// host's underlay, or would not fit that of another host because this one has IPv6 alone, or when
// the host has no address family in common with another host or gateway of the segment, or no
// uplink to the network of a provider segment. OK when either is unknown or has not reported.
absl::Status CheckUnderlayFits(const Model& model, const std::string& segment,
                               const std::string& host);
// The same of each host a port is on, or is expected at by a migration.
absl::Status CheckUnderlayFits(const Model& model, const std::string& segment,
                               const v1::Port& port);
// The same of a segment's present hosts, when it is changed to `candidate`.
absl::Status CheckHostsCarry(const Model& model, const v1::Segment& candidate);
// The same from the gateway's side: FailedPrecondition names a host that could not reach it, or not
// with packets of the segment's MTU.
absl::Status CheckHostsReach(const Model& model, const v1::Gateway& gateway);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_UNDERLAY_H_
