#include "vswitch/sys/ovsdb/uuid.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace outrider::ovsdb {
namespace {

constexpr size_t kTextLength = 36;

bool IsDash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

// -1: not a hexadecimal digit.
int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Uuid Uuid::Random() {
  uint64_t words[2];
  // 16 bytes come whole or not at all once the kernel's source is seeded; only a signal before that
  // interrupts. Without random identifiers no row can be made, so there is nothing to go on with.
  while (getrandom(words, sizeof(words), 0) != static_cast<ssize_t>(sizeof(words))) {
    if (errno != EINTR) std::abort();
  }
  Uuid uuid{words[0], words[1]};
  uuid.high = (uuid.high & ~uint64_t{0xf000}) | 0x4000;
  uuid.low = (uuid.low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);
  return uuid;
}

std::optional<Uuid> Uuid::Parse(const std::string& text) {
  if (text.size() != kTextLength) return std::nullopt;
  Uuid uuid;
  int digits = 0;
  for (size_t i = 0; i < kTextLength; ++i) {
    if (IsDash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = DigitOf(text[i]);
    if (digit < 0) return std::nullopt;
    uint64_t& half = digits++ < 16 ? uuid.high : uuid.low;
    half = half << 4 | static_cast<uint64_t>(digit);
  }
  return uuid;
}

std::string Uuid::ToString() const {
  std::string text(kTextLength, '-');
  int digits = 0;
  for (size_t i = 0; i < kTextLength; ++i) {
    if (IsDash(i)) continue;
    const uint64_t half = digits < 16 ? high : low;
    text[i] = "0123456789abcdef"[half >> (60 - 4 * (digits % 16)) & 0xf];
    ++digits;
  }
  return text;
}

}  // namespace outrider::ovsdb
