// Whether, and from where, a migration may be probed. Internal to migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_PROBE_ADMISSION_H_
#define OUTRIDER_CONTROLLER_MIGRATION_PROBE_ADMISSION_H_

#include <absl/status/status.h>

#include <string>

#include "controller/model/model.h"
#include "outrider/v1/migration.pb.h"

namespace outrider::controller {

// Makes a record that may begin one that is probed from the port: sets probe_from and probe_host,
// and a failure for each of its ports that cannot be asked. NotFound: the port; InvalidArgument: it
// moves itself; FailedPrecondition: it is on no third host that is connected, is in a migration,
// has no profile in force, or can ask none of the ports.
absl::Status AdmitProbe(const Model& model, const std::string& port_id, v1::Migration* migration);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_PROBE_ADMISSION_H_
