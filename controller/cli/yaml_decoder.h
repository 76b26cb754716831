// YAML documents to protobuf objects, driven by the descriptors.
//
// Owns every rule of the file format; must not know servers or commands. What is wrong is reported
// with file, line and path, and nothing is returned of a file with a mistake in it:
//   web.yaml:12: acl.ingress[3].match: unknown key "portt"; did you mean "src_port"?
// Input is untrusted: size, nesting and what aliases can expand to are bounded. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_YAML_DECODER_H_
#define OUTRIDER_CONTROLLER_CLI_YAML_DECODER_H_

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <vector>

namespace outrider::controller::cli {

// Largest file accepted, bytes.
inline constexpr size_t kMaxYamlBytes = 8 << 20;
// Most values read from one file, aliases counted each time they are used.
inline constexpr size_t kMaxYamlValues = 500'000;

struct YamlDocument {
  // One of YamlKinds().
  std::string kind;
  std::string name;
  // 1-based line where the document begins.
  int line = 0;
  std::unique_ptr<google::protobuf::Message> object;
};

// Reads all documents of `text`. A document's `kind:` says what it is; without one it is
// `default_kind`. `file` is what messages call the input. InvalidArgument for anything that is not
// exactly the format, for no documents, and for two documents of one kind and name.
absl::StatusOr<std::vector<YamlDocument>> DecodeYaml(const std::string& text,
                                                     const std::string& file,
                                                     const std::string& default_kind);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_YAML_DECODER_H_
