// Protobuf objects as YAML that the decoder reads back to an equal object.
//
// Output-only fields and bookkeeping other than the name are left out: they are not the user's.
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_TEXT_YAML_PRINTER_H_
#define OUTRIDER_CONTROLLER_TEXT_YAML_PRINTER_H_

#include <google/protobuf/message.h>

#include <string>

namespace outrider::controller {

// A whole document, `kind:` and `name:` first. `object` is of one of YamlKinds().
std::string PrintYaml(const google::protobuf::Message& object);

// One message on one line: {protocol: tcp, dst_port: 80-90}.
std::string InlineYaml(const google::protobuf::Message& message);

// One value of a field: element `index` of a repeated one, -1 for a singular one.
std::string InlineYamlValue(const google::protobuf::Message& message,
                            const google::protobuf::FieldDescriptor& field, int index);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_TEXT_YAML_PRINTER_H_
