#include "controller/text/message_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>
#include <unordered_map>
#include <utility>

#include "controller/text/yaml_printer.h"
#include "controller/text/yaml_schema.h"

namespace outrider::controller {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::vector<std::string> Elements(const Message& message, const FieldDescriptor& field) {
  std::vector<std::string> elements;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    elements.push_back(InlineYamlValue(message, field, i));
  }
  return elements;
}

// Pairs of places of equal elements, ordered by the place in `from`: the first "x" here with the
// first there, the second with the second.
std::vector<std::pair<size_t, size_t>> EqualPairs(const std::vector<std::string>& from,
                                                  const std::vector<std::string>& to) {
  std::unordered_map<std::string, std::deque<size_t>> places;
  for (size_t j = 0; j < to.size(); ++j) places[to[j]].push_back(j);
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < from.size(); ++i) {
    const auto found = places.find(from[i]);
    if (found == places.end() || found->second.empty()) continue;
    pairs.emplace_back(i, found->second.front());
    found->second.pop_front();
  }
  return pairs;
}

// The longest run of pairs that grows on both sides, by patience sorting (Fredman 1975): lists of
// 10,000 rules are too long for a table of all pairs.
std::vector<std::pair<size_t, size_t>> LongestRun(
    const std::vector<std::pair<size_t, size_t>>& pairs) {
  constexpr size_t kNone = std::numeric_limits<size_t>::max();
  std::vector<size_t> tails;  // tails[n]: the pair that ends the best run of n + 1 pairs
  std::vector<size_t> previous(pairs.size(), kNone);
  for (size_t p = 0; p < pairs.size(); ++p) {
    const auto at =
        std::lower_bound(tails.begin(), tails.end(), pairs[p].second,
                         [&](size_t tail, size_t second) { return pairs[tail].second < second; });
    if (at != tails.begin()) previous[p] = *std::prev(at);
    if (at == tails.end()) {
      tails.push_back(p);
    } else {
      *at = p;
    }
  }
  std::vector<std::pair<size_t, size_t>> run;
  for (size_t p = tails.empty() ? kNone : tails.back(); p != kNone; p = previous[p]) {
    run.push_back(pairs[p]);
  }
  std::reverse(run.begin(), run.end());
  return run;
}

void DiffLists(const std::string& path, const std::vector<std::string>& from,
               const std::vector<std::string>& to, std::vector<FieldChange>* changes) {
  std::vector<std::pair<size_t, size_t>> common = LongestRun(EqualPairs(from, to));
  common.emplace_back(from.size(), to.size());
  size_t i = 0;
  size_t j = 0;
  for (const auto& [same_from, same_to] : common) {
    for (; i < same_from; ++i) {
      changes->push_back({fmt::format("{}[{}]", path, i), from[i], ""});
    }
    for (; j < same_to; ++j) changes->push_back({fmt::format("{}[{}]", path, j), "", to[j]});
    ++i;
    ++j;
  }
}

// "" for an absent field, so that 0 given and nothing given differ where that means something.
// Empty text is none.
std::string Value(const Message& message, const FieldDescriptor& field) {
  const bool optional = field.has_presence() || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  const bool present = !optional || message.GetReflection()->HasField(message, &field);
  return present ? InlineYamlValue(message, field, -1) : "";
}

// An absent message is compared as an empty one: its fields are then what was added or removed.
void DiffInto(const std::string& path, const Message& from, const Message& to,
              std::vector<FieldChange>* changes) {
  const auto& type = *from.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.name() == "meta" || IsOutputOnly(field)) continue;
    const std::string at = Join(path, field.name());
    if (field.is_repeated()) {
      DiffLists(at, Elements(from, field), Elements(to, field), changes);
    } else if (field.message_type() != nullptr && !IsPortRange(*field.message_type())) {
      DiffInto(at, from.GetReflection()->GetMessage(from, &field),
               to.GetReflection()->GetMessage(to, &field), changes);
    } else if (Value(from, field) != Value(to, field)) {
      changes->push_back({at, Value(from, field), Value(to, field)});
    }
  }
}

}  // namespace

std::vector<FieldChange> DiffMessages(const Message& from, const Message& to) {
  std::vector<FieldChange> changes;
  DiffInto("", from, to, &changes);
  return changes;
}

std::string DiffText(const std::vector<FieldChange>& changes) {
  if (changes.empty()) return "  no difference\n";
  std::string out;
  for (const auto& [path, from, to] : changes) {
    if (from.empty()) {
      out += fmt::format("+ {}: {}\n", path, to);
    } else if (to.empty()) {
      out += fmt::format("- {}: {}\n", path, from);
    } else {
      out += fmt::format("  {}: {} -> {}\n", path, from, to);
    }
  }
  return out;
}

}  // namespace outrider::controller
