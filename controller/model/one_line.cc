#include "controller/model/one_line.h"

namespace outrider::controller {
namespace {

// The first byte of the control characters U+0080..U+009F in UTF-8, among others.
constexpr unsigned char kC1Lead = 0xc2;

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

}  // namespace

std::string OneLine(const std::string& text, size_t max_bytes) {
  size_t end = text.size();
  if (end > max_bytes) {
    end = max_bytes;
    while (end > 0 && IsContinuation(static_cast<unsigned char>(text[end]))) --end;
  }
  std::string line = text.substr(0, end);
  char* before = nullptr;
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    const bool c1 =
        byte < 0xa0 && before != nullptr && static_cast<unsigned char>(*before) == kC1Lead;
    // Both bytes go, so that what is left is UTF-8.
    if (c1) *before = '?';
    if (c1 || byte < 0x20 || byte == 0x7f) c = '?';
    before = &c;
  }
  return end < text.size() ? line + "..." : line;
}

}  // namespace outrider::controller
