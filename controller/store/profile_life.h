// What becomes of a profile's revisions: saved as a draft, put in force, rolled back, withdrawn.
// Creating, updating and deleting profiles is objects.h.
//
// Thread-safe. A revision never changes; what is put in force is checked against the present model,
// and so is everything that inherits from it. Errors as of objects.h; NotFound also for a revision
// that is not kept, FailedPrecondition for what the profile's state does not allow.
#ifndef OUTRIDER_CONTROLLER_STORE_PROFILE_LIFE_H_
#define OUTRIDER_CONTROLLER_STORE_PROFILE_LIFE_H_

#include <string>
#include <vector>

#include "controller/store/repository.h"

namespace outrider::controller {

// The number the next new revision gets: numbers are not used twice, the draft's neither.
uint32_t NextProfileRevision(const Model& model, const std::string& name);

// All kept revisions and the draft, by number. Empty when nothing of that name is known.
std::vector<std::shared_ptr<const v1::Profile>> ProfileLine(const Model& model,
                                                            const std::string& name);

// Keeps `candidate` without putting it in force, in the place of the draft there is. It must be
// sound now. The draft is returned, also when it is the present one.
absl::StatusOr<v1::Profile> SaveProfileDraft(Repository* repository, v1::Profile candidate);

// Puts the draft in force and removes it. `revision`: 0, or the draft's number. A draft made before
// what is in force now gets a number of its own.
absl::StatusOr<v1::Profile> ActivateProfile(Repository* repository, const std::string& name,
                                            uint32_t revision);

// Puts the content of a kept revision in force, as a new revision. 0: the one that was in force
// before the present one; of a withdrawn profile, the last one that was.
absl::StatusOr<v1::Profile> RollbackProfile(Repository* repository, const std::string& name,
                                            uint32_t revision);

// Withdraws the profile: nothing is in force under its name, its revisions stay. Refused while
// ports or other profiles use it. Returns the revision retired.
absl::StatusOr<v1::Profile> RetireProfile(Repository* repository, const std::string& name);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_PROFILE_LIFE_H_
