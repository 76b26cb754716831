// Bytes of a test, written as people read them.
#ifndef OUTRIDER_TESTS_SYS_OPENFLOW_HEX_BYTES_H_
#define OUTRIDER_TESTS_SYS_OPENFLOW_HEX_BYTES_H_

#include <fmt/format.h>

#include <string>

#include "vswitch/sys/openflow/wire.h"

namespace outrider::openflow {

// Hexadecimal digits; blanks between them are skipped.
inline Bytes FromHex(const std::string& text) {
  Bytes bytes;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    digits.push_back(c);
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<uint8_t>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

inline std::string ToHex(ByteSpan bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace outrider::openflow

#endif  // OUTRIDER_TESTS_SYS_OPENFLOW_HEX_BYTES_H_
