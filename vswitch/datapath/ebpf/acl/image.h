// An image under construction: its lines, and records that are written once per content. Knows the
// layout of records only; the compiler decides where things are. Thread rule: a value.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_IMAGE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_IMAGE_H_

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "vswitch/abi/or_acl.h"
#include "vswitch/datapath/ebpf/acl/rule_bitmap.h"

namespace outrider::datapath::ebpf {

// How many lines an array takes of which a line holds `per_line` elements.
inline uint32_t LinesFor(size_t elements, size_t per_line) {
  return static_cast<uint32_t>((elements + per_line - 1) / per_line);
}

class Image {
 public:
  // Appends `count` lines of zeros and returns the first one's number.
  uint32_t Append(size_t count) {
    const size_t first = lines_.size();
    lines_.resize(first + count);
    return static_cast<uint32_t>(first);
  }
  size_t size() const { return lines_.size(); }
  void Reserve(size_t lines) { lines_.reserve(lines); }
  std::vector<abi::or_acl_line> Take() && { return std::move(lines_); }

  // Overwrites a line with one of the structs of or_acl.h.
  template <typename Struct>
  void Write(uint32_t line, const Struct& content) {
    static_assert(sizeof(Struct) == sizeof(abi::or_acl_line));
    std::memcpy(&lines_[line], &content, sizeof(content));
  }
  // Overwrites bytes from the beginning of a line on.
  void WriteBytes(uint32_t line, const void* bytes, size_t size) {
    if (size > 0) std::memcpy(&lines_[line], bytes, size);
  }
  // Element `index` of an array of u64 or u32 that begins with `line`.
  void SetWord(uint32_t line, size_t index, uint64_t value) {
    lines_[line + index / 8].words[index % 8] = value;
  }
  void SetInt(uint32_t line, size_t index, uint32_t value) {
    uint64_t& word = lines_[line + index / 16].words[index / 2 % 8];
    const int shift = index % 2 == 0 ? 0 : 32;
    word = (word & ~(uint64_t{0xffffffff} << shift)) | uint64_t{value} << shift;
  }

  // The line of the record with this content; appended when there is none yet. Not before the first
  // line, which is no record's.
  uint32_t Record(const RuleBitmap& rules);

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t line = 0;  // 0: free
  };

  bool Holds(uint32_t line, const RuleBitmap& rules) const;
  // Where the record with this content is, or belongs.
  Slot* Find(const RuleBitmap& rules);
  void GrowSlots();

  std::vector<abi::or_acl_line> lines_;
  // The records by content: open addressing, a power of two, at most half full.
  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  size_t records_ = 0;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_IMAGE_H_
