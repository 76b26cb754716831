// `apply -f`: a file of YAML documents made true on the controller.
//
// Owns reading the file, the check of all documents together before the first is sent, and the
// order of sending. Must not know the YAML format (yaml_decoder.h). Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_APPLY_H_
#define OUTRIDER_CONTROLLER_CLI_APPLY_H_

#include <string>
#include <vector>

#include "controller/cli/invocation.h"
#include "controller/cli/yaml_decoder.h"

namespace outrider::controller::cli {

// Reads `path` ("-": standard input), checks every document, and sends them: segments, groups,
// profiles (parents first), gateways, so that nothing refers to what is not there yet. A document
// without `kind:` is a `default_kind`. Prints what became of each.
//
// With several documents they are first checked against the controller's objects with the rules the
// controller itself has, so that a mistake in the last one keeps the first from being sent. What
// changes on the controller meanwhile can still refuse one; the message then says what was applied.
absl::StatusOr<int> ApplyFile(Invocation* cli, const std::string& path,
                              const std::string& default_kind);

// Keeps the profiles of a file as drafts. InvalidArgument when there is something else in it.
absl::StatusOr<int> SaveDrafts(Invocation* cli, const std::string& path);

// What messages call the file: "<stdin>" for "-".
std::string InputName(const std::string& path);

// The documents of a file ("-": standard input), in their order.
absl::StatusOr<std::vector<YamlDocument>> ReadDocuments(const std::string& path,
                                                        const std::string& default_kind);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_APPLY_H_
