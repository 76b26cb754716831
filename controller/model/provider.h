// Provider segments: VLANs of physical networks that hosts have an uplink to. Pure; any thread (the
// model must not change meanwhile).
#ifndef OUTRIDER_CONTROLLER_MODEL_PROVIDER_H_
#define OUTRIDER_CONTROLLER_MODEL_PROVIDER_H_

#include <string>

#include "controller/model/model.h"
#include "controller/model/status.h"

namespace outrider::controller {

// Key of Index::segments_with_provider; empty for a segment that VXLAN carries.
std::string ProviderKey(const v1::Segment& segment);

// What is wrong with the provider of a segment: its form, that another segment has the VLAN, that
// it is not the one the segment was created with.
absl::Status CheckProvider(const Model& model, const v1::Segment& candidate);

// FailedPrecondition, with the remedy, when the host has no uplink to the segment's network. OK for
// a segment without a provider, and for a host that has not reported yet.
absl::Status CheckUplink(const v1::Segment& segment, const v1::Host& host);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_PROVIDER_H_
