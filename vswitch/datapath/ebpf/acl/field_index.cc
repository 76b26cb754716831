#include "vswitch/datapath/ebpf/acl/field_index.h"

#include <algorithm>
#include <array>
#include <map>

namespace outrider::datapath::ebpf {
namespace {

constexpr uint32_t kPageKeys = 256;
constexpr uint32_t kIntsPerLine = 16;
constexpr uint32_t kKeysPerLine = 4;

using Page = std::array<uint32_t, kPageKeys>;

// One level of the tree: the first keys of its lines' separators.
std::vector<FieldKey> FirstKeysOfLines(const std::vector<Interval>& classes) {
  std::vector<FieldKey> keys;
  for (size_t i = 0; i < classes.size(); i += kKeysPerLine) keys.push_back(classes[i].first);
  return keys;
}

void SetKey(uint32_t line, uint32_t place, FieldKey key, Image* image) {
  image->SetWord(line, 2 * place, absl::Uint128High64(key));
  image->SetWord(line, 2 * place + 1, absl::Uint128Low64(key));
}

void FillLine(uint32_t line, Image* image) {
  for (uint32_t place = 0; place < kKeysPerLine; ++place) {
    SetKey(line, place, absl::Uint128Max(), image);
  }
}

// The last level: every interval's first key.
uint32_t WriteLeaves(const std::vector<Interval>& classes, Image* image) {
  const uint32_t lines = LinesFor(classes.size(), kKeysPerLine);
  const uint32_t first = image->Append(lines);
  for (uint32_t i = 0; i < lines; ++i) FillLine(first + i, image);
  for (uint32_t i = 0; i < classes.size(); ++i) {
    SetKey(first + i / kKeysPerLine, i % kKeysPerLine, classes[i].first, image);
  }
  return first;
}

// `children`: the smallest key under each line of the level below. Becomes that of this level.
uint32_t WriteInner(std::vector<FieldKey>* children, Image* image) {
  const uint32_t lines = LinesFor(children->size(), OR_ACL_FANOUT);
  const uint32_t first = image->Append(lines);
  std::vector<FieldKey> smallest;
  for (uint32_t n = 0; n < lines; ++n) {
    FillLine(first + n, image);
    const uint32_t child = n * OR_ACL_FANOUT;
    smallest.push_back((*children)[child]);
    for (uint32_t i = 1; i < OR_ACL_FANOUT && child + i < children->size(); ++i) {
      SetKey(first + n, i - 1, (*children)[child + i], image);
    }
  }
  *children = std::move(smallest);
  return first;
}

// The record of each of the 16-bit keys.
std::vector<uint32_t> RecordsByKey(const std::vector<Interval>& classes) {
  std::vector<uint32_t> records(kPageKeys * kPageKeys);
  for (size_t i = 0; i < classes.size(); ++i) {
    const uint64_t begin = absl::Uint128Low64(classes[i].first);
    const uint64_t end =
        i + 1 < classes.size() ? absl::Uint128Low64(classes[i + 1].first) : records.size();
    if (begin >= records.size()) break;
    std::fill(records.begin() + static_cast<ptrdiff_t>(begin),
              records.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(end, records.size())),
              classes[i].record);
  }
  return records;
}

}  // namespace

void WriteTable(const std::vector<Interval>& classes, Image* image,
                abi::or_acl_dimension* dimension) {
  dimension->index = image->Append(LinesFor(kPageKeys, kIntsPerLine));
  std::map<Page, uint32_t> pages;
  const std::vector<uint32_t> records = RecordsByKey(classes);
  for (uint32_t high = 0; high < kPageKeys; ++high) {
    Page page;
    std::copy_n(records.begin() + high * kPageKeys, kPageKeys, page.begin());
    const auto [entry, is_new] = pages.try_emplace(page, 0);
    if (is_new) {
      entry->second = image->Append(LinesFor(kPageKeys, kIntsPerLine));
      image->WriteBytes(entry->second, page.data(), sizeof(page));
    }
    image->SetInt(dimension->index, high, entry->second);
  }
}

void WriteTree(const std::vector<Interval>& classes, Image* image,
               abi::or_acl_dimension* dimension) {
  // From the last level up; turned round below.
  std::vector<uint32_t> line = {WriteLeaves(classes, image)};
  std::vector<uint32_t> lines = {LinesFor(classes.size(), kKeysPerLine)};
  std::vector<FieldKey> keys = FirstKeysOfLines(classes);
  while (keys.size() > 1) {
    line.push_back(WriteInner(&keys, image));
    lines.push_back(static_cast<uint32_t>(keys.size()));
  }
  abi::or_acl_levels levels{};
  const size_t depth = line.size();
  for (size_t i = 0; i < depth; ++i) {
    levels.line[i] = line[depth - 1 - i];
    levels.lines[i] = lines[depth - 1 - i];
  }
  dimension->depth = static_cast<uint8_t>(depth);
  dimension->index = image->Append(1);
  image->Write(dimension->index, levels);
  dimension->intervals = static_cast<uint32_t>(classes.size());
  dimension->classes = image->Append(LinesFor(classes.size(), kIntsPerLine));
  for (uint32_t i = 0; i < classes.size(); ++i) {
    image->SetInt(dimension->classes, i, classes[i].record);
  }
}

}  // namespace outrider::datapath::ebpf
