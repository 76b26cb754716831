// What a dry run found, as people read it. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_DRY_RUN_TEXT_H_
#define OUTRIDER_CONTROLLER_CLI_DRY_RUN_TEXT_H_

#include <string>

#include "outrider/v1/api.pb.h"

namespace outrider::controller::cli {

// Ports that change alike stand together, above what changes.
std::string DryRunText(const v1::DryRunProfileResponse& response);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_DRY_RUN_TEXT_H_
