// When a device that is attached on one host is the intent to move its port there from another, as
// libvirt attaches it at the destination before it copies memory. Internal to migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_DETECTION_H_
#define OUTRIDER_CONTROLLER_MIGRATION_DETECTION_H_

#include <absl/status/statusor.h>

#include <string>

#include "controller/compute/profile_compiler.h"
#include "controller/model/model.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// Whether `host`, where the device was attached, is to become the destination of a new migration.
// False: the port is on no other host, has no device there, or is on its way to `host` already;
// what becomes of the attachment is not decided here. FailedPrecondition: the port is on its way to
// a third host, is frozen, or the device is not of this port (another MAC, another VM).
absl::StatusOr<bool> BeginsMigration(const Model& model, const std::string& host,
                                     const v1::PortAttachment& attachment);

// The record of the migration that BeginsMigration says is to be, in PREPARING, with the attachment
// in its timeline: it moves the ports of the VM that are on the port's host and in no migration
// yet. `time_us` by the clock of `host`. FailedPrecondition: admission, for who attached.
absl::StatusOr<v1::Migration> AdmitClaim(const Model& model, const std::string& host,
                                         const v1::PortAttachment& attachment,
                                         const std::string& id, int64_t time_us, int64_t now_us,
                                         ProfileCompiler* compiler);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_DETECTION_H_
