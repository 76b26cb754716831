// The JSON library under one name, and how this project writes JSON on the wire. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_JSON_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "vswitch/types/status.h"

namespace outrider::ovsdb {

// Objects are ordered by key, as Open vSwitch prints them.
using Json = nlohmann::json;

// Deepest nesting that is read.
inline constexpr size_t kMaxJsonDepth = 100;

// One line, no spaces, non-ASCII as UTF-8; what is not UTF-8 is replaced by U+FFFD.
std::string ToText(const Json& json);

// InvalidArgument says where and what. Nothing but white space may follow the value.
absl::StatusOr<Json> ParseJson(std::string_view text);

}  // namespace outrider::ovsdb

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_JSON_H_
