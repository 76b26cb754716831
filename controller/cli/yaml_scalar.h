// One YAML scalar into one protobuf field, and the port ranges' short form.
//
// Functions return what is wrong, for the decoder to put file, line and path before it, or "" when
// all is well. Knows no yaml-cpp. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_YAML_SCALAR_H_
#define OUTRIDER_CONTROLLER_CLI_YAML_SCALAR_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>

namespace outrider::controller::cli {

struct YamlScalar {
  std::string text;
  // Quoted scalars are text only, never numbers, booleans or enum words' misspelling of them.
  bool quoted = false;
};

// "a number", "text", ... for messages about a wrong type.
std::string ScalarTypeWord(const google::protobuf::FieldDescriptor& field);

// Sets `field` of `out`, or appends to it when it is repeated. `field` is not a message.
std::string SetScalar(const YamlScalar& scalar, const google::protobuf::FieldDescriptor& field,
                      google::protobuf::Message* out);

// Reads "80" or "80-90" into a PortRange.
std::string SetPortRange(const std::string& text, google::protobuf::Message* range);

// Whether a PortRange holds at least one port.
std::string CheckPortRange(const google::protobuf::Message& range);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_YAML_SCALAR_H_
