// Big-endian bytes of a message, read within bounds and written. Knows no OpenFlow.
//
// A reader that was asked for more than there is gives zeros, says so by ok() for ever after and
// reads nothing further, so that a decoder checks once at the end of a structure instead of at each
// field. Loops over what a peer says end by remaining(). Values; one thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_WIRE_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_WIRE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace outrider::openflow {

using Bytes = std::vector<uint8_t>;
using ByteSpan = std::span<const uint8_t>;

class WireReader {
 public:
  explicit WireReader(ByteSpan bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return ok_ ? bytes_.size() : 0; }

  uint8_t U8() { return static_cast<uint8_t>(Number(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Number(4)); }
  // An Ethernet address.
  uint64_t U48() { return Number(6); }
  uint64_t U64() { return Number(8); }
  void Skip(size_t count) { Take(count); }
  // Refers to the reader's bytes; empty when there are too few.
  ByteSpan Take(size_t count);
  ByteSpan Rest() { return Take(remaining()); }
  // A field of `count` bytes that ends at the first NUL, if any.
  std::string Text(size_t count);
  template <size_t kCount>
  std::array<uint8_t, kCount> Array() {
    std::array<uint8_t, kCount> array{};
    const ByteSpan taken = Take(kCount);
    for (size_t i = 0; i < taken.size(); ++i) array[i] = taken[i];
    return array;
  }

 private:
  uint64_t Number(size_t count);

  ByteSpan bytes_;
  bool ok_ = true;
};

class WireWriter {
 public:
  size_t size() const { return bytes_.size(); }
  const Bytes& bytes() const { return bytes_; }
  Bytes Finish() { return std::move(bytes_); }

  void U8(uint64_t value) { Number(value, 1); }
  void U16(uint64_t value) { Number(value, 2); }
  void U32(uint64_t value) { Number(value, 4); }
  void U48(uint64_t value) { Number(value, 6); }
  void U64(uint64_t value) { Number(value, 8); }
  void Zeros(size_t count) { bytes_.insert(bytes_.end(), count, 0); }
  void Append(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // NUL-padded to `count` bytes; what is too long is cut, the last byte is always NUL.
  void Text(const std::string& text, size_t count);
  // Zeros until what was written from `start` on is a multiple of `unit`.
  void PadFrom(size_t start, size_t unit) { Zeros((unit - (size() - start) % unit) % unit); }
  // A length field written before it was known.
  void PatchU16(size_t at, size_t value);

 private:
  void Number(uint64_t value, size_t count);

  Bytes bytes_;
};

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_WIRE_H_
