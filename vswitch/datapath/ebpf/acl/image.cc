#include "vswitch/datapath/ebpf/acl/image.h"

#include <algorithm>

namespace outrider::datapath::ebpf {

uint32_t Image::Record(const RuleBitmap& rules) {
  Slot* slot = Find(rules);
  if (slot->line != 0) return slot->line;
  abi::or_acl_record head{};
  size_t words = 0;
  for (size_t i = 0; i < OR_ACL_SUMMARY; ++i) {
    head.summary[i] = rules.summary()[i];
    head.ranks[i] = static_cast<uint8_t>(words);
    words += static_cast<size_t>(std::popcount(head.summary[i]));
  }
  const uint32_t line = Append((OR_ACL_RECORD_HEAD + words + 7) / 8);
  Write(line, head);
  size_t place = OR_ACL_RECORD_HEAD;
  rules.ForEachWord([&](uint32_t, uint64_t word) { SetWord(line, place++, word); });
  *slot = {.hash = rules.hash(), .line = line};
  if (2 * ++records_ > slots_.size()) GrowSlots();
  return line;
}

Image::Slot* Image::Find(const RuleBitmap& rules) {
  const size_t mask = slots_.size() - 1;
  size_t place = rules.hash() & mask;
  while (slots_[place].line != 0) {
    if (slots_[place].hash == rules.hash() && Holds(slots_[place].line, rules)) break;
    place = (place + 1) & mask;
  }
  return &slots_[place];
}

void Image::GrowSlots() {
  std::vector<Slot> old(2 * slots_.size());
  std::swap(old, slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.line == 0) continue;
    size_t place = slot.hash & mask;
    while (slots_[place].line != 0) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

bool Image::Holds(uint32_t line, const RuleBitmap& rules) const {
  abi::or_acl_record head;
  std::memcpy(&head, &lines_[line], sizeof(head));
  if (!std::equal(rules.summary().begin(), rules.summary().end(), head.summary)) return false;
  bool same = true;
  size_t place = OR_ACL_RECORD_HEAD;
  rules.ForEachWord([&](uint32_t, uint64_t word) {
    same = same && lines_[line + place / 8].words[place % 8] == word;
    ++place;
  });
  return same;
}

}  // namespace outrider::datapath::ebpf
