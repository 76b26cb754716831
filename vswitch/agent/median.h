// The median of many durations, in bounded memory: a histogram whose classes are as wide as 1/128
// of what they hold; below 256 each value has its own. Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_MEDIAN_H_
#define OUTRIDER_VSWITCH_AGENT_MEDIAN_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace outrider::agent {

class Median {
 public:
  // Microseconds, say; negative ones count as 0, those of 2^40 and more as the longest.
  void Add(int64_t value) {
    ++counts_[ClassOf(value)];
    ++total_;
  }

  // Of an even number the lower one of the two in the middle; the middle of its class. 0: none.
  int64_t Value() const {
    if (total_ == 0) return 0;
    uint64_t below = 0;
    size_t index = 0;
    while (below + counts_[index] < (total_ + 1) / 2) below += counts_[index++];
    return MiddleOf(index);
  }

 private:
  static constexpr int kBits = 40;
  static constexpr int kExactBits = 8;
  static constexpr size_t kHalf = size_t{1} << (kExactBits - 1);
  static constexpr size_t kClasses = (kBits - kExactBits + 2) * kHalf;

  // The highest kExactBits bits of a value, and how many there are below.
  static size_t ClassOf(int64_t value) {
    const auto bounded =
        static_cast<uint64_t>(std::clamp<int64_t>(value, 0, (int64_t{1} << kBits) - 1));
    const int shift = std::max(0, static_cast<int>(std::bit_width(bounded)) - kExactBits);
    return static_cast<size_t>(shift) * kHalf + static_cast<size_t>(bounded >> shift);
  }
  static int64_t MiddleOf(size_t index) {
    if (index < 2 * kHalf) return static_cast<int64_t>(index);
    const size_t shift = index / kHalf - 1;
    const auto low = static_cast<int64_t>((index - shift * kHalf) << shift);
    return low + (int64_t{1} << shift) / 2;
  }

  std::array<uint64_t, kClasses> counts_{};
  uint64_t total_ = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MEDIAN_H_
