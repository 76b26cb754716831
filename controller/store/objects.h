// The operator's writes: normalise, validate, compare-and-swap. What the API's Create, Update,
// Apply and Delete do, for every kind.
//
// Thread-safe. Errors: InvalidArgument, AlreadyExists, NotFound, FailedPrecondition (in use, may
// not change), Aborted (meta.revision is stale), and those of the store. What was in force stays.
#ifndef OUTRIDER_CONTROLLER_STORE_OBJECTS_H_
#define OUTRIDER_CONTROLLER_STORE_OBJECTS_H_

#include <string>

#include "controller/store/repository.h"

namespace outrider::controller {

// T: Segment, AddressGroup, PortGroup, Gateway, Profile, Port. Output-only fields of the candidate
// are ignored. Returns the object as stored.
template <typename T>
absl::StatusOr<T> CreateObject(Repository* repository, T candidate);

// The same, of an existing object; a non-zero meta.revision must be its present one. What is in
// force already is not written: revision and time of the last write stay.
template <typename T>
absl::StatusOr<T> UpdateObject(Repository* repository, T candidate);

// Creates or updates.
absl::StatusOr<v1::Profile> ApplyProfile(Repository* repository, v1::Profile candidate);

// T: as above, Host and Migration (finished ones). `revision`: 0, or the object's present one.
// Returns the revision of the delete. With a host goes its enrolment token, with a profile its
// draft; a profile that is not in force is deleted by its revisions or draft.
template <typename T>
absl::StatusOr<uint64_t> DeleteObject(Repository* repository, const std::string& name,
                                      uint64_t revision);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_OBJECTS_H_
