#include "tests/bpf/packet_cuts.h"

#include <utility>

namespace outrider::tests {
namespace {

constexpr size_t kEthernet = 14;
constexpr size_t kTag = 4;

}  // namespace

Bytes Cut(const Bytes& frame, size_t length, bool honest) {
  Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
  size_t at = kEthernet;
  while (at + kTag <= length && (frame[at - 2] == 0x81 || frame[at - 2] == 0x88) &&
         (frame[at - 1] == 0x00 || frame[at - 1] == 0xa8)) {
    at += kTag;
  }
  const auto put = [&](size_t offset, size_t value) {
    cut[offset] = static_cast<uint8_t>(value >> 8);
    cut[offset + 1] = static_cast<uint8_t>(value);
  };
  if (!honest) return cut;
  if (frame[at - 2] == 0x08 && frame[at - 1] == 0x00 && length >= at + 4) put(at + 2, length - at);
  if (frame[at - 2] == 0x86 && frame[at - 1] == 0xdd && length >= at + 40) {
    put(at + 4, length - at - 40);
  }
  return cut;
}

std::vector<Bytes> AllCuts(const Bytes& frame) {
  constexpr size_t kLongest = 128;
  std::vector<Bytes> cuts;
  for (size_t length = 0; length <= kLongest && length < frame.size(); ++length) {
    cuts.push_back(Cut(frame, length, false));
    Bytes honest = Cut(frame, length, true);
    if (honest != cuts.back()) cuts.push_back(std::move(honest));
  }
  cuts.push_back(frame);
  return cuts;
}

}  // namespace outrider::tests
