// JSON strings as Open vSwitch's tools read and print them outside of JSON documents, with the
// texts of its errors. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_CLI_JSON_TEXT_H_
#define OUTRIDER_VSWITCH_CLI_JSON_TEXT_H_

#include <string>

#include "vswitch/sys/ovsdb/json.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

// What stands between the quotes of a JSON string, unescaped. Control characters may stand there
// as they are.
absl::StatusOr<std::string> UnescapeJson(const std::string& text);

// With its quotes.
std::string QuotedJson(const std::string& text);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_JSON_TEXT_H_
