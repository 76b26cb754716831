// `apply -f`: a file of YAML documents made true on the controller.
//
// Owns reading the file, the check of all documents together before the first is sent, and the
// order of sending. Must not know the YAML format (yaml_decoder.h). Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_APPLY_H_
#define OUTRIDER_CONTROLLER_CLI_APPLY_H_

#include <string>

#include "controller/cli/invocation.h"

namespace outrider::controller::cli {

// Reads `path` ("-": standard input), checks every document, and sends them: segments, groups,
// profiles, gateways, so that nothing refers to what is not there yet. A document without `kind:`
// is a `default_kind`. Prints what became of each.
//
// With several documents they are first checked against the controller's objects with the rules the
// controller itself has, so that a mistake in the last one keeps the first from being sent. What
// changes on the controller meanwhile can still refuse one; the message then says what was applied.
absl::StatusOr<int> ApplyFile(Invocation* cli, const std::string& path,
                              const std::string& default_kind);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_APPLY_H_
