#include "vswitch/datapath/ebpf/acl/image.h"

#include <algorithm>

namespace outrider::datapath::ebpf {

uint32_t Image::Record(const RuleBitmap& rules) {
  const auto [begin, end] = records_.equal_range(rules.hash());
  for (auto it = begin; it != end; ++it) {
    if (Holds(it->second, rules)) return it->second;
  }
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
  records_.emplace(rules.hash(), line);
  return line;
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
