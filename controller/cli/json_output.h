// JSON for programs: protobuf's mapping with the field names of the .proto files.
//
// Stable: every plain field is there even when zero, maps are sorted, enums are their full names,
// 64-bit numbers are strings (as protobuf's JSON mapping has it). Lists are {"items": [...]}.
// Each function returns a whole document that ends with a newline. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_JSON_OUTPUT_H_
#define OUTRIDER_CONTROLLER_CLI_JSON_OUTPUT_H_

#include <google/protobuf/message.h>

#include <string>
#include <utility>
#include <vector>

namespace outrider::controller::cli {

std::string Json(const google::protobuf::Message& message);

// On one line: streams are one object a line.
std::string JsonLine(const google::protobuf::Message& message);

// Works for any repeated message field.
std::string JsonItems(const std::vector<const google::protobuf::Message*>& items);
template <typename Items>
std::string JsonList(const Items& items) {
  std::vector<const google::protobuf::Message*> pointers;
  for (const auto& item : items) pointers.push_back(&item);
  return JsonItems(pointers);
}

// A list of rows of texts, for what is not a message.
using JsonRow = std::vector<std::pair<std::string, std::string>>;
std::string JsonRows(const std::vector<JsonRow>& rows);

// An object of messages; a null pointer is null.
std::string JsonObject(
    const std::vector<std::pair<std::string, const google::protobuf::Message*>>& members);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_JSON_OUTPUT_H_
