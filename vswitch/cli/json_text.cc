#include "vswitch/cli/json_text.h"

#include <cstdint>
#include <cstdlib>

namespace outrider::cli {
namespace {

void AppendUtf8(uint32_t code, std::string* out) {
  const auto byte = [out](uint32_t value) { *out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3f));
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

// The four digits at `at`, which moves past them.
absl::StatusOr<uint32_t> TakeHex(const std::string& text, size_t* at) {
  if (*at + 4 > text.size()) {
    return absl::InvalidArgumentError("quoted string ends within \\u escape");
  }
  const std::string digits = text.substr(*at, 4);
  if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
    return absl::InvalidArgumentError("malformed \\u escape");
  }
  *at += 4;
  const auto code = static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, 16));
  if (code == 0) {
    return absl::InvalidArgumentError("null bytes not supported in quoted strings");
  }
  return code;
}

// What follows "\u".
absl::Status TakeUnicode(const std::string& text, size_t* at, std::string* out) {
  ASSIGN_OR_RETURN(uint32_t code, TakeHex(text, at));
  if (code >= 0xd800 && code < 0xdc00) {
    if (text.compare(*at, 2, "\\u") != 0) {
      return absl::InvalidArgumentError("malformed escaped surrogate pair");
    }
    *at += 2;
    ASSIGN_OR_RETURN(const uint32_t trail, TakeHex(text, at));
    if (trail < 0xdc00 || trail > 0xdfff) {
      return absl::InvalidArgumentError(
          "second half of escaped surrogate pair is not trailing surrogate");
    }
    code = 0x10000 + ((code - 0xd800) << 10) + (trail - 0xdc00);
  }
  AppendUtf8(code, out);
  return absl::OkStatus();
}

// What follows a backslash at `at`.
absl::Status TakeEscape(const std::string& text, size_t* at, std::string* out) {
  const char c = text[(*at)++];
  static const std::string kLetters = "bfnrt\"\\/";
  static const std::string kMeanings = "\b\f\n\r\t\"\\/";
  if (c == 'u') return TakeUnicode(text, at, out);
  const size_t which = kLetters.find(c);
  if (which == std::string::npos) {
    return absl::InvalidArgumentError(std::string("bad escape \\") + c);
  }
  *out += kMeanings[which];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> UnescapeJson(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c == '"') {
      return absl::InvalidArgumentError("quoted string may not include unescaped \"");
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    if (at == text.size()) {
      return absl::InvalidArgumentError("quoted string may not end with backslash");
    }
    RETURN_IF_ERROR(TakeEscape(text, &at, &out));
  }
  return out;
}

std::string QuotedJson(const std::string& text) { return ovsdb::ToText(ovsdb::Json(text)); }

}  // namespace outrider::cli
