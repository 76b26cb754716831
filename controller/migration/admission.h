// Whether, and of which ports, a migration may be made. Internal to migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_ADMISSION_H_
#define OUTRIDER_CONTROLLER_MIGRATION_ADMISSION_H_

#include <string>

#include "controller/compute/profile_compiler.h"
#include "controller/migration/machine.h"
#include "controller/model/model.h"
#include "outrider/v1/api.pb.h"

namespace outrider::controller {

// The record of a migration that may begin, in PREPARING, under the given id. Errors as of
// MigrationDriver::Prepare. The store waits meanwhile: a compiler that is kept makes it short.
absl::StatusOr<v1::Migration> Admit(const Model& model, const v1::PrepareMigrationRequest& request,
                                    const std::string& id, int64_t now_us,
                                    ProfileCompiler* compiler);

// The ports that must move together. NotFound: there are none, or not the one that is named.
absl::StatusOr<NameSet> SelectPorts(const Model& model, const v1::PrepareMigrationRequest& request);

// Ports of one VM, all on one host, and where they are to go. Whoever plans has seen to that and to
// the destination's being there.
struct Plan {
  std::string id;
  NameSet ports;
  std::string source;
  std::string destination;
  int64_t lease_expires_us = 0;
};

// The same for a plan; the timeline is empty.
absl::StatusOr<v1::Migration> AdmitPlan(const Model& model, const Plan& plan,
                                        ProfileCompiler* compiler);

// Connected hosts of the segments the migration's ports are in, source and destination included.
Peers ConnectedPeers(const Model& model, const v1::Migration& migration);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_ADMISSION_H_
