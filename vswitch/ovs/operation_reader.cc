#include "vswitch/ovs/operation_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <utility>

#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::ToText;

// <id> of RFC 7047.
bool IsId(const Json& json) {
  if (!json.is_string()) return false;
  const auto& text = json.get_ref<const std::string&>();
  const auto is_part = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), is_part);
}

bool IsOf(OperationReader::Kind kind, const Json& json) {
  switch (kind) {
    case OperationReader::Kind::kId:
      return IsId(json);
    case OperationReader::Kind::kString:
      return json.is_string();
    case OperationReader::Kind::kInteger:
      // 2.0 is one: to JSON there is one kind of number.
      return json.is_number_integer() ||
             (json.is_number_float() && json.get<double>() == std::floor(json.get<double>()));
    case OperationReader::Kind::kBoolean:
      return json.is_boolean();
    case OperationReader::Kind::kArray:
      return json.is_array();
    case OperationReader::Kind::kObject:
      return json.is_object();
  }
  return false;
}

}  // namespace

OperationReader::OperationReader(const Json& json, std::string title)
    : json_(json), title_(std::move(title)) {
  if (!json_.is_object()) {
    status_ = ovsdb::OvsdbError("syntax error",
                                fmt::format("Parsing {} failed: Object expected.", title_));
  }
}

void OperationReader::Fail(const std::string& details) {
  if (!status_.ok()) return;
  status_ = ovsdb::OvsdbError("syntax error", fmt::format("Parsing {} failed: {}", title_, details),
                              ToText(json_));
}

const Json* OperationReader::Optional(const char* name, Kind kind) {
  asked_.insert(name);
  if (!json_.is_object()) return nullptr;
  const auto at = json_.find(name);
  if (at == json_.end()) return nullptr;
  if (IsOf(kind, *at)) return &*at;
  Fail(fmt::format("Type mismatch for member '{}'.", name));
  return nullptr;
}

const Json* OperationReader::Required(const char* name, Kind kind) {
  if (json_.is_object() && !json_.contains(name)) {
    Fail(fmt::format("Required '{}' member is missing.", name));
  }
  return Optional(name, kind);
}

absl::Status OperationReader::Finish() {
  if (!status_.ok() || !json_.is_object()) return status_;
  std::string first;
  size_t count = 0;
  for (const auto& [name, value] : json_.items()) {
    if (asked_.count(name) != 0) continue;
    if (count++ == 0) first = name;
  }
  if (count == 1) {
    Fail(fmt::format("Member '{}' is present but not allowed here.", first));
  } else if (count > 1) {
    Fail(fmt::format("Member '{}' and {} other member{} are present but not allowed here.", first,
                     count - 1, count > 2 ? "s" : ""));
  }
  return status_;
}

}  // namespace outrider::ovs
