#include "vswitch/sys/ovsdb/json.h"

namespace outrider::ovsdb {
namespace {

// The library reads nested values without recursion but writes, compares and frees them with it, so
// depth is looked at before a value exists.
bool IsTooDeep(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  bool escaped = false;
  for (const char c : text) {
    if (in_string) {
      if (!escaped && c == '"') in_string = false;
      escaped = !escaped && c == '\\';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// "[json.exception.parse_error.101] parse error at line 1, ..." without the library's own number.
std::string TextOf(const Json::exception& error) {
  const std::string text = error.what();
  const size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace

std::string ToText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<Json> ParseJson(std::string_view text) {
  if (IsTooDeep(text)) {
    return absl::InvalidArgumentError("JSON nested deeper than " + std::to_string(kMaxJsonDepth) +
                                      " levels");
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError("JSON: " + TextOf(error));
  }
}

}  // namespace outrider::ovsdb
