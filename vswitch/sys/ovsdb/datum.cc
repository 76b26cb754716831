#include "vswitch/sys/ovsdb/datum.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace outrider::ovsdb {

const char* ToString(AtomType type) {
  switch (type) {
    case AtomType::kInteger:
      return "integer";
    case AtomType::kReal:
      return "real";
    case AtomType::kBoolean:
      return "boolean";
    case AtomType::kString:
      return "string";
    case AtomType::kUuid:
      return "uuid";
  }
  return "unknown";
}

Atom DefaultAtom(AtomType type) {
  switch (type) {
    case AtomType::kReal:
      return 0.0;
    case AtomType::kBoolean:
      return false;
    case AtomType::kString:
      return std::string();
    case AtomType::kUuid:
      return Uuid();
    case AtomType::kInteger:
      break;
  }
  return int64_t{0};
}

std::optional<size_t> Datum::Find(const Atom& key) const {
  const auto at = std::lower_bound(keys.begin(), keys.end(), key);
  if (at == keys.end() || *at != key) return std::nullopt;
  return static_cast<size_t>(at - keys.begin());
}

const Atom* Datum::ValueOf(const Atom& key) const {
  const std::optional<size_t> at = Find(key);
  return at && *at < values.size() ? &values[*at] : nullptr;
}

void Datum::Put(Atom key) {
  const auto at = std::lower_bound(keys.begin(), keys.end(), key);
  if (at == keys.end() || *at != key) keys.insert(at, std::move(key));
}

void Datum::Put(Atom key, Atom value) {
  const auto at = std::lower_bound(keys.begin(), keys.end(), key);
  const auto offset = at - keys.begin();
  if (at != keys.end() && *at == key) {
    values[static_cast<size_t>(offset)] = std::move(value);
    return;
  }
  keys.insert(at, std::move(key));
  values.insert(values.begin() + offset, std::move(value));
}

bool Datum::Erase(const Atom& key) {
  const std::optional<size_t> at = Find(key);
  if (!at) return false;
  const auto offset = static_cast<std::ptrdiff_t>(*at);
  keys.erase(keys.begin() + offset);
  if (!values.empty()) values.erase(values.begin() + offset);
  return true;
}

bool Datum::operator<(const Datum& other) const {
  if (size() != other.size()) return size() < other.size();
  if (keys != other.keys) return keys < other.keys;
  return values < other.values;
}

bool Normalize(Datum* datum) {
  // What comes from a database is in order already.
  const bool sorted = std::adjacent_find(datum->keys.begin(), datum->keys.end(),
                                         [](const Atom& a, const Atom& b) { return !(a < b); }) ==
                      datum->keys.end();
  if (sorted) return true;
  std::vector<size_t> order(datum->keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [datum](size_t a, size_t b) { return datum->keys[a] < datum->keys[b]; });
  Datum result;
  result.keys.reserve(order.size());
  result.values.reserve(datum->values.size());
  for (const size_t i : order) {
    if (!result.keys.empty() && result.keys.back() == datum->keys[i]) continue;
    result.keys.push_back(std::move(datum->keys[i]));
    if (!datum->values.empty()) result.values.push_back(std::move(datum->values[i]));
  }
  const bool unique = result.keys.size() == order.size();
  *datum = std::move(result);
  return unique;
}

}  // namespace outrider::ovsdb
