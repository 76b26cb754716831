#include "vswitch/ovs/row_reader.h"

#include <algorithm>
#include <variant>

namespace outrider::ovs {

const ovsdb::Datum* RowReader::Find(const std::string& column) const {
  const auto found = row_.columns.find(column);
  return found == row_.columns.end() ? nullptr : &found->second;
}

template <typename T>
std::optional<T> RowReader::First(const std::string& column) const {
  const ovsdb::Datum* const datum = Find(column);
  if (datum == nullptr || datum->empty()) return std::nullopt;
  const T* const value = std::get_if<T>(&datum->keys.front());
  return value == nullptr ? std::nullopt : std::optional<T>(*value);
}

std::string RowReader::Text(const std::string& column) const {
  return First<std::string>(column).value_or("");
}

std::optional<int64_t> RowReader::Integer(const std::string& column) const {
  return First<int64_t>(column);
}

bool RowReader::Flag(const std::string& column) const {
  return First<bool>(column).value_or(false);
}

std::set<int64_t> RowReader::Integers(const std::string& column) const {
  std::set<int64_t> result;
  const ovsdb::Datum* const datum = Find(column);
  if (datum == nullptr) return result;
  for (const ovsdb::Atom& atom : datum->keys) {
    if (const auto* const value = std::get_if<int64_t>(&atom)) result.insert(*value);
  }
  return result;
}

std::vector<ovsdb::Uuid> RowReader::References(const std::string& column) const {
  std::vector<ovsdb::Uuid> result;
  const ovsdb::Datum* const datum = Find(column);
  if (datum == nullptr) return result;
  for (const ovsdb::Atom& atom : datum->keys) {
    if (const auto* const value = std::get_if<ovsdb::Uuid>(&atom)) result.push_back(*value);
  }
  return result;
}

std::optional<std::string> RowReader::ValueOf(const std::string& column,
                                              const std::string& key) const {
  const ovsdb::Datum* const datum = Find(column);
  if (datum == nullptr || datum->values.size() != datum->keys.size()) return std::nullopt;
  const ovsdb::Atom* const value = datum->ValueOf(ovsdb::Atom(key));
  if (value == nullptr) return std::nullopt;
  const auto* const text = std::get_if<std::string>(value);
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

bool RowReader::IsSet(const std::string& column, const ovsdb::ColumnType& type) const {
  const ovsdb::Datum* const datum = Find(column);
  return datum != nullptr && !(*datum == ovsdb::DefaultDatum(type));
}

}  // namespace outrider::ovs
