// Where a migration's ports go when its phase changes. Internal to migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_RELOCATION_H_
#define OUTRIDER_CONTROLLER_MIGRATION_RELOCATION_H_

#include <absl/status/status.h>

#include "controller/migration/machine.h"
#include "controller/model/model.h"
#include "controller/store/repository.h"

namespace outrider::controller {

// Locations change in the commit that changes the phase, or neither does. `migration`: the record
// as it will be. Aborted: a port is not where the migration knows it to be; nothing is staged.
absl::Status StageRelocation(const Model& model, const v1::Migration& migration,
                             Relocation relocation, Transaction* transaction);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_RELOCATION_H_
