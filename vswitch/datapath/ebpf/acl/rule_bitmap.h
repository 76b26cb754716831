// A set of rules as a bit vector with a summary, in the form of the images (vswitch/abi/or_acl.h).
// A value; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_BITMAP_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_BITMAP_H_

#include <array>
#include <bit>
#include <cstdint>

#include "vswitch/abi/or_acl.h"

namespace outrider::datapath::ebpf {

class RuleBitmap {
 public:
  using Summary = std::array<uint64_t, OR_ACL_SUMMARY>;
  using Words = std::array<uint64_t, OR_ACL_BLOCKS>;

  // `rule` < OR_MAX_RULES. Adding what is there, or removing what is not, changes nothing.
  void Add(uint32_t rule) {
    uint64_t& word = words_[rule / 64];
    const uint64_t bit = uint64_t{1} << (rule % 64);
    if ((word & bit) != 0) return;
    word |= bit;
    summary_[rule / 4096] |= BlockBit(rule);
    hash_ ^= Mix(rule);
  }
  void Remove(uint32_t rule) {
    uint64_t& word = words_[rule / 64];
    const uint64_t bit = uint64_t{1} << (rule % 64);
    if ((word & bit) == 0) return;
    word &= ~bit;
    if (word == 0) summary_[rule / 4096] &= ~BlockBit(rule);
    hash_ ^= Mix(rule);
  }

  bool Contains(uint32_t rule) const { return (words_[rule / 64] >> (rule % 64) & 1) != 0; }
  bool empty() const { return summary_ == Summary{}; }
  const Words& words() const { return words_; }
  // A bit for each word that is not 0.
  const Summary& summary() const { return summary_; }
  // Of the content, kept up with each change. Whoever can choose the rules can make two contents
  // meet: compare before relying on it.
  uint64_t hash() const { return hash_; }

  // Calls function(block, word) for each word that is not 0, in order.
  template <typename Function>
  void ForEachWord(Function function) const {
    for (uint32_t i = 0; i < summary_.size(); ++i) {
      for (uint64_t left = summary_[i]; left != 0; left &= left - 1) {
        const uint32_t block = i * 64 + static_cast<uint32_t>(std::countr_zero(left));
        function(block, words_[block]);
      }
    }
  }

 private:
  static uint64_t BlockBit(uint32_t rule) { return uint64_t{1} << (rule / 64 % 64); }
  // splitmix64 (Steele, Lea, Flood 2014).
  static uint64_t Mix(uint64_t value) {
    value = (value + 1) * 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  Words words_{};
  Summary summary_{};
  uint64_t hash_ = 0;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_BITMAP_H_
