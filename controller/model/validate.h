// What a write must satisfy before it may reach the store, and the one canonical form of each
// object. Messages name object, field and remedy. Must not know who asks or how objects are stored.
//
// Pure; any thread (the model must not change meanwhile). Normalize first, then Validate.
#ifndef OUTRIDER_CONTROLLER_MODEL_VALIDATE_H_
#define OUTRIDER_CONTROLLER_MODEL_VALIDATE_H_

#include <string>

#include "controller/model/model.h"
#include "controller/model/status.h"

namespace outrider::controller {

// Brings text into canonical form (lower-case MACs and uuids, addresses as inet_ntop writes them,
// prefixes with length) and fills in defaults that do not depend on other fields. What cannot be
// parsed is left for Validate to refuse.
void Normalize(v1::Segment* segment);
void Normalize(v1::AddressGroup* group);
void Normalize(v1::PortGroup* group);
void Normalize(v1::Gateway* gateway);
void Normalize(v1::Profile* profile);
void Normalize(v1::Port* port);
void Normalize(v1::Host* host);

// Fills in the defaults of sections that are missing. Normalize does it for a profile without
// parent; with one, what is missing is the parent's.
void FillInSections(v1::Profile* profile);

// Whether the model with `candidate` in the place of the object of its name is sound, and whether
// what is there may change to it. InvalidArgument: the object itself is wrong, or refers to
// nothing. AlreadyExists: a VNI, MAC, IP or VTEP is taken. FailedPrecondition: what may not change
// does, or an MTU does not fit a host's underlay.
absl::Status Validate(const Model& model, const v1::Segment& candidate);
absl::Status Validate(const Model& model, const v1::AddressGroup& candidate);
absl::Status Validate(const Model& model, const v1::PortGroup& candidate);
absl::Status Validate(const Model& model, const v1::Gateway& candidate);
// With what it inherits, and what it makes of the profiles that inherit from it.
absl::Status Validate(const Model& model, const v1::Profile& candidate);
absl::Status Validate(const Model& model, const v1::Port& candidate);
absl::Status Validate(const Model& model, const v1::Host& candidate);

// Whether an existing object may go. FailedPrecondition names its users and the remedy.
absl::Status ValidateDelete(const Model& model, const v1::Segment& object);
absl::Status ValidateDelete(const Model& model, const v1::AddressGroup& object);
absl::Status ValidateDelete(const Model& model, const v1::PortGroup& object);
absl::Status ValidateDelete(const Model& model, const v1::Gateway& object);
// Of a profile: also whether it may be withdrawn.
absl::Status ValidateDelete(const Model& model, const v1::Profile& object);
absl::Status ValidateDelete(const Model& model, const v1::Port& object);
absl::Status ValidateDelete(const Model& model, const v1::Host& object);
absl::Status ValidateDelete(const Model& model, const v1::Migration& object);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_VALIDATE_H_
