#include "vswitch/sys/ovsdb/datum_json.h"

#include <absl/strings/cord.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

namespace outrider::ovsdb {
namespace {

// Where a Status keeps the members of its <error>.
constexpr char kErrorUrl[] = "outrider/ovsdb-error";
constexpr char kDetailsUrl[] = "outrider/ovsdb-details";
constexpr char kSyntaxUrl[] = "outrider/ovsdb-syntax";

// Whole numbers up to here are the same as real and as integer.
constexpr double kExactReal = 9007199254740992.0;  // 2^53

absl::Status SyntaxError(const std::string& details, const Json& json) {
  return OvsdbError("syntax error", details, ToText(json));
}

absl::Status Violation(const std::string& details) {
  return OvsdbError("constraint violation", details);
}

std::optional<std::string> PayloadOf(const absl::Status& status, const char* url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  if (!payload) return std::nullopt;
  return std::string(*payload);
}

// As Open vSwitch shows a string among others: quoted unless it is a plain word.
std::string WordText(const std::string& text) {
  const auto is_word = [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  };
  const bool plain = !text.empty() &&
                     (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '_') &&
                     std::all_of(text.begin(), text.end(), is_word) && text != "true" &&
                     text != "false" && !Uuid::Parse(text);
  return plain ? text : ToText(text);
}

absl::Status NotAllowed(const BaseType& type, const Atom& atom) {
  std::string list;
  for (const Atom& one : type.allowed) list += (list.empty() ? "" : ", ") + DisplayText(one);
  return Violation(
      fmt::format("{} is not one of the allowed values ([{}])", DisplayText(atom), list));
}

// Limits that are not set do not show in the text.
template <typename Number>
absl::Status CheckRange(Number number, Number min, Number max, Number lowest, Number highest) {
  if (number >= min && number <= max) return absl::OkStatus();
  const std::string text = DisplayText(number);
  if (min != lowest && max != highest) {
    return Violation(fmt::format("{} is not in the valid range {} to {} (inclusive)", text,
                                 DisplayText(min), DisplayText(max)));
  }
  if (min != lowest) {
    return Violation(
        fmt::format("{} is less than minimum allowed value {}", text, DisplayText(min)));
  }
  return Violation(
      fmt::format("{} is greater than maximum allowed value {}", text, DisplayText(max)));
}

absl::Status CheckLength(const BaseType& type, const std::string& text) {
  // Bytes 10xxxxxx continue a UTF-8 character.
  const auto length = static_cast<uint64_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
  if (length < type.min_length) {
    return Violation(fmt::format("\"{}\" length {} is less than minimum allowed length {}", text,
                                 length, type.min_length));
  }
  if (length > type.max_length) {
    return Violation(fmt::format("\"{}\" length {} is greater than maximum allowed length {}", text,
                                 length, type.max_length));
  }
  return absl::OkStatus();
}

bool IsTagged(const Json& json, const char* tag) {
  return json.is_array() && !json.empty() && json[0].is_string() &&
         json[0].get_ref<const std::string&>() == tag;
}

// <id> of RFC 7047.
bool IsId(const std::string& text) {
  const auto is_part = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), is_part);
}

absl::StatusOr<Atom> UuidFromJson(const Json& json, const NamedUuids& names) {
  const bool is_pair = json.is_array() && json.size() == 2 && json[1].is_string();
  if (is_pair && IsTagged(json, "uuid")) {
    const auto& text = json[1].get_ref<const std::string&>();
    const std::optional<Uuid> uuid = Uuid::Parse(text);
    if (!uuid) return SyntaxError("\"" + text + "\" is not a valid UUID", json);
    return *uuid;
  }
  if (is_pair && IsTagged(json, "named-uuid") && names) {
    const auto& name = json[1].get_ref<const std::string&>();
    if (!IsId(name)) return SyntaxError("named-uuid string is not a valid <id>", json);
    ASSIGN_OR_RETURN(const Uuid uuid, names(name));
    return uuid;
  }
  return SyntaxError("expected [\"uuid\", <string>]", json);
}

// Also 1.0 is an integer: to JSON there is one kind of number.
std::optional<int64_t> IntegerFromJson(const Json& json) {
  if (json.is_number_unsigned()) {
    const auto number = json.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (json.is_number_integer()) return json.get<int64_t>();
  if (!json.is_number_float()) return std::nullopt;
  const auto number = json.get<double>();
  // 2^63 is the first double that does not fit.
  if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0)) return std::nullopt;
  if (number != std::floor(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

absl::StatusOr<Atom> StringFromJson(const Json& json) {
  if (!json.is_string()) return SyntaxError("expected string", json);
  auto text = json.get<std::string>();
  if (text.find('\0') != std::string::npos) {
    return SyntaxError("null bytes not supported in quoted strings", json);
  }
  return text;
}

absl::StatusOr<Atom> RawAtom(AtomType type, const Json& json, const NamedUuids& names) {
  switch (type) {
    case AtomType::kInteger:
      if (const std::optional<int64_t> number = IntegerFromJson(json)) return *number;
      break;
    case AtomType::kReal:
      // + 0.0 makes one zero of the two.
      if (json.is_number() && std::isfinite(json.get<double>())) return json.get<double>() + 0.0;
      break;
    case AtomType::kBoolean:
      if (json.is_boolean()) return json.get<bool>();
      break;
    case AtomType::kString:
      return StringFromJson(json);
    case AtomType::kUuid:
      return UuidFromJson(json, names);
  }
  return SyntaxError(std::string("expected ") + ToString(type), json);
}

absl::StatusOr<Atom> AtomOf(const BaseType& type, const Json& json, const NamedUuids& names,
                            bool loose) {
  ASSIGN_OR_RETURN(Atom atom, RawAtom(type.type, json, names));
  if (!loose) RETURN_IF_ERROR(CheckConstraints(type, atom));
  return atom;
}

// "exactly one" and "4294967295" are how Open vSwitch writes it.
absl::Status CheckCount(const ColumnType& type, size_t count, const Json& json) {
  if (count >= type.min && count <= type.max) return absl::OkStatus();
  const char* kind = type.IsMap() ? "map" : "set";
  if (type.min == type.max) {
    return SyntaxError(
        fmt::format("{} must have exactly one member but {} are present", kind, count), json);
  }
  return SyntaxError(fmt::format("{} must have {} to {} members but {} are present", kind, type.min,
                                 type.max, count),
                     json);
}

absl::StatusOr<Datum> DatumOf(const ColumnType& type, const Json& json, const NamedUuids& names,
                              bool loose) {
  const char* tag = type.IsMap() ? "map" : "set";
  Datum datum;
  // A set of one may be written as its member.
  if (!type.IsMap() && !IsTagged(json, "set")) {
    ASSIGN_OR_RETURN(Atom atom, AtomOf(type.key, json, names, loose));
    return Datum::Of(std::move(atom));
  }
  if (!IsTagged(json, tag) || json.size() != 2 || !json[1].is_array()) {
    return SyntaxError(fmt::format("expected [\"{}\", <array>]", tag), json);
  }
  const Json& members = json[1];
  if (!loose) RETURN_IF_ERROR(CheckCount(type, members.size(), json));
  datum.keys.reserve(members.size());
  for (const Json& member : members) {
    if (!type.IsMap()) {
      ASSIGN_OR_RETURN(Atom atom, AtomOf(type.key, member, names, loose));
      datum.keys.push_back(std::move(atom));
      continue;
    }
    if (!member.is_array() || member.size() != 2) {
      return SyntaxError("expected 2-element array", member);
    }
    ASSIGN_OR_RETURN(Atom key, AtomOf(type.key, member[0], names, loose));
    ASSIGN_OR_RETURN(Atom value, AtomOf(*type.value, member[1], names, loose));
    datum.keys.push_back(std::move(key));
    datum.values.push_back(std::move(value));
  }
  if (!Normalize(&datum)) {
    return OvsdbError("ovsdb error",
                      type.IsMap() ? "map contains duplicate key" : "set contains duplicate");
  }
  return datum;
}

}  // namespace

std::string DisplayText(const Atom& atom) {
  switch (TypeOf(atom)) {
    case AtomType::kInteger:
      return std::to_string(std::get<int64_t>(atom));
    case AtomType::kReal:
      return fmt::format("{:.15g}", std::get<double>(atom));
    case AtomType::kBoolean:
      return std::get<bool>(atom) ? "true" : "false";
    case AtomType::kString:
      return WordText(std::get<std::string>(atom));
    case AtomType::kUuid:
      return std::get<Uuid>(atom).ToString();
  }
  return {};
}

std::string DisplayText(const ColumnType& type, const Datum& datum) {
  std::string text;
  for (size_t i = 0; i < datum.size(); ++i) {
    text += (i == 0 ? "" : ", ") + DisplayText(datum.keys[i]);
    if (type.IsMap()) text += "=" + DisplayText(datum.values[i]);
  }
  if (type.max == 1 && !datum.empty()) return text;
  return type.IsMap() ? "{" + text + "}" : "[" + text + "]";
}

absl::Status OvsdbError(const std::string& error, const std::string& details,
                        const std::optional<std::string>& syntax) {
  absl::Status status = absl::InvalidArgumentError(error + ": " + details);
  status.SetPayload(kErrorUrl, absl::Cord(error));
  status.SetPayload(kDetailsUrl, absl::Cord(details));
  if (syntax) status.SetPayload(kSyntaxUrl, absl::Cord(*syntax));
  return status;
}

Json ErrorJson(const absl::Status& status) {
  const std::optional<std::string> error = PayloadOf(status, kErrorUrl);
  if (!error) return {{"details", Message(status)}, {"error", "internal error"}};
  Json json = {{"error", *error}};
  if (const auto details = PayloadOf(status, kDetailsUrl)) json["details"] = *details;
  if (const auto syntax = PayloadOf(status, kSyntaxUrl)) json["syntax"] = *syntax;
  return json;
}

absl::StatusOr<Atom> AtomFromJson(const BaseType& type, const Json& json, const NamedUuids& names) {
  return AtomOf(type, json, names, /*loose=*/false);
}

absl::StatusOr<Datum> DatumFromJson(const ColumnType& type, const Json& json,
                                    const NamedUuids& names) {
  return DatumOf(type, json, names, /*loose=*/false);
}

absl::StatusOr<Datum> LooseDatumFromJson(const ColumnType& type, const Json& json,
                                         const NamedUuids& names) {
  return DatumOf(type, json, names, /*loose=*/true);
}

absl::Status CheckConstraints(const BaseType& type, const Atom& atom) {
  if (!type.allowed.empty()) {
    const bool allowed =
        std::find(type.allowed.begin(), type.allowed.end(), atom) != type.allowed.end();
    return allowed ? absl::OkStatus() : NotAllowed(type, atom);
  }
  switch (type.type) {
    case AtomType::kInteger:
      return CheckRange(std::get<int64_t>(atom), type.min_integer, type.max_integer,
                        std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
    case AtomType::kReal:
      return CheckRange(std::get<double>(atom), type.min_real, type.max_real,
                        std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
    case AtomType::kString:
      return CheckLength(type, std::get<std::string>(atom));
    case AtomType::kBoolean:
    case AtomType::kUuid:
      break;
  }
  return absl::OkStatus();
}

absl::Status CheckConstraints(const ColumnType& type, const Datum& datum) {
  for (const Atom& key : datum.keys) RETURN_IF_ERROR(CheckConstraints(type.key, key));
  if (!type.value) return absl::OkStatus();
  for (const Atom& value : datum.values) RETURN_IF_ERROR(CheckConstraints(*type.value, value));
  return absl::OkStatus();
}

Json ToJson(const Atom& atom) {
  switch (TypeOf(atom)) {
    case AtomType::kInteger:
      return std::get<int64_t>(atom);
    case AtomType::kReal: {
      const double number = std::get<double>(atom);
      // 3 and not 3.0, as Open vSwitch writes it.
      if (std::abs(number) <= kExactReal && number == std::floor(number)) {
        return static_cast<int64_t>(number);
      }
      return number;
    }
    case AtomType::kBoolean:
      return std::get<bool>(atom);
    case AtomType::kString:
      return std::get<std::string>(atom);
    case AtomType::kUuid:
      return Json::array({"uuid", std::get<Uuid>(atom).ToString()});
  }
  return nullptr;
}

Json ToJson(const ColumnType& type, const Datum& datum) {
  if (!type.IsMap() && datum.size() == 1) return ToJson(datum.keys[0]);
  Json members = Json::array();
  for (size_t i = 0; i < datum.size(); ++i) {
    Json key = ToJson(datum.keys[i]);
    if (!type.IsMap()) {
      members.push_back(std::move(key));
    } else {
      members.push_back(Json::array({std::move(key), ToJson(datum.values[i])}));
    }
  }
  return Json::array({type.IsMap() ? "map" : "set", std::move(members)});
}

}  // namespace outrider::ovsdb
