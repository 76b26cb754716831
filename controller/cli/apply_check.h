// Checks several documents together, against what the controller has, before any is sent.
//
// Uses the controller's own model and rules, so that the answer is the one the controller would
// give. Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_APPLY_CHECK_H_
#define OUTRIDER_CONTROLLER_CLI_APPLY_CHECK_H_

#include <string>
#include <vector>

#include "controller/cli/client.h"
#include "controller/cli/yaml_decoder.h"

namespace outrider::controller::cli {

// Fetches the controller's objects and validates each document as if those before it were applied.
// The first refusal is returned with `file` and the document's line before it.
absl::Status CheckTogether(Client* client, const std::string& file,
                           const std::vector<YamlDocument>& documents);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_APPLY_CHECK_H_
