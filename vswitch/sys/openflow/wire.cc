#include "vswitch/sys/openflow/wire.h"

#include <algorithm>

namespace outrider::openflow {

ByteSpan WireReader::Take(size_t count) {
  if (!ok_ || count > bytes_.size()) {
    ok_ = false;
    return {};
  }
  const ByteSpan taken = bytes_.first(count);
  bytes_ = bytes_.subspan(count);
  return taken;
}

uint64_t WireReader::Number(size_t count) {
  uint64_t value = 0;
  for (const uint8_t byte : Take(count)) value = value << 8 | byte;
  return value;
}

std::string WireReader::Text(size_t count) {
  const ByteSpan field = Take(count);
  const auto end = std::find(field.begin(), field.end(), 0);
  return {field.begin(), end};
}

void WireWriter::Number(uint64_t value, size_t count) {
  for (size_t i = count; i > 0; --i) bytes_.push_back(static_cast<uint8_t>(value >> 8 * (i - 1)));
}

void WireWriter::Text(const std::string& text, size_t count) {
  const size_t used = std::min(text.size(), count - 1);
  bytes_.insert(bytes_.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(used));
  Zeros(count - used);
}

void WireWriter::PatchU16(size_t at, size_t value) {
  bytes_[at] = static_cast<uint8_t>(value >> 8);
  bytes_[at + 1] = static_cast<uint8_t>(value);
}

}  // namespace outrider::openflow
