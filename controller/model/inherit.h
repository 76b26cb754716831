// Inheritance of profiles: a section a profile leaves out is its parent's, as a whole. Knows no
// particular section: whatever message field of Profile the user may set is one.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_INHERIT_H_
#define OUTRIDER_CONTROLLER_MODEL_INHERIT_H_

#include <google/protobuf/descriptor.h>

#include <functional>
#include <string>
#include <vector>

#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

// Most profiles from one to the last of its ancestors, both included.
inline constexpr size_t kMaxProfileDepth = 8;

// A profile in force by name; null when there is none.
using ProfileLookup = std::function<const v1::Profile*(const std::string&)>;

// "vlan", "acl", ...: fields of Profile.
const std::vector<const google::protobuf::FieldDescriptor*>& ProfileSections();

// The profile's ancestors, nearest first. Ends where one is missing, where one comes a second time,
// and after kMaxProfileDepth; validation allows none of these.
std::vector<const v1::Profile*> Ancestors(const v1::Profile& profile, const ProfileLookup& find);

// The profile with every section it leaves out taken from the nearest ancestor that has it, and
// with the defaults of those nobody has. All other fields are the profile's own.
v1::Profile Inherit(const v1::Profile& profile, const ProfileLookup& find);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_INHERIT_H_
