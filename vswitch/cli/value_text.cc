#include "vswitch/cli/value_text.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "vswitch/cli/json_text.h"
#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::AtomType;
using ovsdb::BaseType;
using ovsdb::ColumnType;
using ovsdb::Datum;

// Most members of an integer range.
constexpr int64_t kMaxRange = 4096;

bool IsDelimiter(char c) { return std::strchr(":=, []{}!<>", c) != nullptr; }

const char* SkipSpaces(const char* text) {
  while (*text == ' ' || (*text >= '\t' && *text <= '\r')) ++text;
  return text;
}

// The number at the front of `text`; what follows goes to `tail`.
std::optional<int64_t> Integer(const char* text, const char** tail) {
  char* end = nullptr;
  errno = 0;
  const int64_t value = std::strtoll(text, &end, 10);
  if (errno != 0 || end == text) return std::nullopt;
  *tail = end;
  return value;
}

struct IntegerRange {
  int64_t first;
  int64_t last;
};

absl::StatusOr<IntegerRange> RangeFromText(const std::string& text, bool may_be_range) {
  const char* tail = nullptr;
  const std::optional<int64_t> first = Integer(text.c_str(), &tail);
  if (first && *tail == '\0') return IntegerRange{*first, *first};
  if (first && *tail == '-' && may_be_range) {
    const std::optional<int64_t> last = Integer(tail + 1, &tail);
    if (last && *tail == '\0') {
      if (*last < *first) {
        return absl::InvalidArgumentError(
            "\"" + text + "\" is not a valid range. Range end cannot be before start.");
      }
      return IntegerRange{*first, *last};
    }
  }
  return absl::InvalidArgumentError("\"" + text + "\" is not a valid integer or range");
}

absl::StatusOr<Atom> RealFromText(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(text.c_str(), &end);
  if (errno != 0 || end == text.c_str() || *end != '\0') {
    return absl::InvalidArgumentError("\"" + text + "\" is not a valid real number");
  }
  return Atom(value == 0.0 ? 0.0 : value);
}

absl::StatusOr<Atom> BooleanFromText(const std::string& text) {
  if (text == "true" || text == "yes" || text == "on" || text == "1") return Atom(true);
  if (text == "false" || text == "no" || text == "off" || text == "0") return Atom(false);
  return absl::InvalidArgumentError("\"" + text +
                                    "\" is not a valid boolean (use \"true\" or \"false\")");
}

absl::StatusOr<Atom> StringFromText(const std::string& text) {
  if (text.empty()) {
    return absl::InvalidArgumentError(
        "An empty string is not valid as input; use \"\" to represent the empty string");
  }
  if (text[0] != '"') return Atom(text);
  if (text.size() < 2 || text.back() != '"') {
    return absl::InvalidArgumentError(text + ": missing quote at end of quoted string");
  }
  absl::StatusOr<std::string> plain = UnescapeJson(text.substr(1, text.size() - 2));
  if (!plain.ok()) return Annotate(plain.status(), text);
  return Atom(*std::move(plain));
}

absl::StatusOr<Atom> UuidFromText(const BaseType& type, const std::string& text, RowNames* names) {
  if (names != nullptr && !text.empty() && text[0] == '@') {
    RowNames::Name& name = names->Of(text);
    name.strong |= type.ref == ovsdb::RefKind::kStrong;
    name.weak |= type.ref == ovsdb::RefKind::kWeak;
    return Atom(name.uuid);
  }
  const std::optional<ovsdb::Uuid> uuid = ovsdb::Uuid::Parse(text);
  if (!uuid) return absl::InvalidArgumentError("\"" + text + "\" is not a valid UUID");
  return Atom(*uuid);
}

absl::StatusOr<Atom> UncheckedAtom(const BaseType& type, const std::string& text, RowNames* names) {
  switch (type.type) {
    case AtomType::kInteger: {
      ASSIGN_OR_RETURN(const IntegerRange range, RangeFromText(text, false));
      return Atom(range.first);
    }
    case AtomType::kReal:
      return RealFromText(text);
    case AtomType::kBoolean:
      return BooleanFromText(text);
    case AtomType::kString:
      return StringFromText(text);
    case AtomType::kUuid:
      break;
  }
  return UuidFromText(type, text, names);
}

// Adds the members that one token of a set, or a map's key, means.
absl::StatusOr<std::vector<Atom>> KeysFromText(const BaseType& type, const std::string& text,
                                               RowNames* names) {
  std::vector<Atom> keys;
  if (type.type != AtomType::kInteger) {
    ASSIGN_OR_RETURN(Atom atom, AtomFromText(type, text, names));
    keys.push_back(std::move(atom));
    return keys;
  }
  ASSIGN_OR_RETURN(const IntegerRange range, RangeFromText(text, true));
  RETURN_IF_ERROR(ovsdb::CheckConstraints(type, Atom(range.first)));
  RETURN_IF_ERROR(ovsdb::CheckConstraints(type, Atom(range.last)));
  // As unsigned numbers: the difference of two int64 may not fit one.
  if (static_cast<uint64_t>(range.last) - static_cast<uint64_t>(range.first) >= kMaxRange) {
    return absl::InvalidArgumentError(
        "constraint violation: Range \"" + std::to_string(range.first) + "-" +
        std::to_string(range.last) + "\" is too big. Maximum allowed size is " +
        std::to_string(kMaxRange) + ".");
  }
  const int64_t count = range.last - range.first + 1;
  for (int64_t i = 0; i < count; ++i) {
    keys.emplace_back(range.first + i);
    RETURN_IF_ERROR(ovsdb::CheckConstraints(type, keys.back()));
  }
  return keys;
}

std::string TypeInWords(const ColumnType& type) {
  const std::string key = ovsdb::ToString(type.key.type);
  if (type.IsScalar()) return key;
  std::string words = type.IsMap() ? "map" : "set";
  if (type.max == ColumnType::kUnlimited) {
    words += type.min > 0 ? " of " + std::to_string(type.min) + " or more" : " of";
  } else if (type.min > 0) {
    words += " of " + std::to_string(type.min) + " to " + std::to_string(type.max);
  } else {
    words += " of up to " + std::to_string(type.max);
  }
  if (!type.IsMap()) return words + " " + key + "s";
  return words + " (" + key + ", " + ovsdb::ToString(type.value->type) + ") pairs";
}

// One member, or pair, at the front of `rest`.
absl::Status TakeMember(const ColumnType& type, const char** rest, RowNames* names, Datum* datum) {
  const char* const start = *rest;
  ASSIGN_OR_RETURN(const std::string token, TakeToken(rest));
  ASSIGN_OR_RETURN(std::vector<Atom> keys, KeysFromText(type.key, token, names));
  Atom value;
  if (type.IsMap()) {
    *rest = SkipSpaces(*rest);
    if (**rest != '=') {
      std::string message = std::string(start) + ": syntax error at \"";
      // At the end of the text the original prints a NUL, at which its message ends.
      if (**rest != '\0') (message += **rest).append("\" expecting \"=\"");
      return absl::InvalidArgumentError(message);
    }
    *rest = SkipSpaces(*rest + 1);
    ASSIGN_OR_RETURN(const std::string text, TakeToken(rest));
    ASSIGN_OR_RETURN(value, AtomFromText(*type.value, text, names));
  }
  for (Atom& key : keys) {
    datum->keys.push_back(std::move(key));
    if (type.IsMap()) datum->values.push_back(value);
  }
  return absl::OkStatus();
}

absl::Status CheckMembers(const ColumnType& type, const std::string& text, Datum* datum) {
  const char* const what = type.IsMap() ? " pair(s)" : " value(s)";
  const std::string have = text + ": " + std::to_string(datum->size()) + what;
  if (datum->size() < type.min) {
    return absl::InvalidArgumentError(have + " specified but the minimum number is " +
                                      std::to_string(type.min));
  }
  if (datum->size() > type.max) {
    return absl::InvalidArgumentError(have + " specified but the maximum number is " +
                                      std::to_string(type.max));
  }
  if (!ovsdb::Normalize(datum)) {
    return absl::InvalidArgumentError(
        text + (type.IsMap() ? ": map contains duplicate key" : ": set contains duplicate value"));
  }
  return absl::OkStatus();
}

absl::Status TakeMembers(const ColumnType& type, const std::string& text, const char* p, char end,
                         RowNames* names, Datum* datum) {
  while (*p != '\0' && *p != end) {
    if (IsDelimiter(*p)) {
      return absl::InvalidArgumentError(text + ": unexpected \"" + *p + "\" parsing " +
                                        TypeInWords(type));
    }
    RETURN_IF_ERROR(TakeMember(type, &p, names, datum));
    p = SkipSpaces(p);
    if (*p == ',') p = SkipSpaces(p + 1);
  }
  if (*p != end) {
    return absl::InvalidArgumentError(text + ": missing \"" + end + "\" at end of data");
  }
  if (end != '\0' && *SkipSpaces(p + 1) != '\0') {
    return absl::InvalidArgumentError(text + ": trailing garbage after \"" + end + "\"");
  }
  return absl::OkStatus();
}

bool IsPlainWord(const std::string& text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !is_letter(text[0])) return false;
  for (const char c : text) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.') return false;
  }
  return text != "true" && text != "false" && !ovsdb::Uuid::Parse(text);
}

std::string Joined(const Datum& datum, const char* between, std::string (*text)(const Atom&)) {
  std::string out;
  for (size_t i = 0; i < datum.size(); ++i) {
    if (i > 0) out += between;
    out += text(datum.keys[i]);
    if (!datum.values.empty()) out += "=" + text(datum.values[i]);
  }
  return out;
}

std::string BareAtomText(const Atom& atom) {
  const auto* const string = std::get_if<std::string>(&atom);
  return string != nullptr ? *string : AtomText(atom);
}

}  // namespace

RowNames::Name& RowNames::Of(const std::string& name) {
  const auto [it, is_new] = names_.try_emplace(name);
  if (is_new) it->second.uuid = ovsdb::Uuid::Random();
  return it->second;
}

absl::StatusOr<std::string> TakeToken(const char** rest) {
  std::string token;
  bool quoted = false;
  const char* p = *rest;
  while (*p != '\0' && (quoted || !IsDelimiter(*p))) {
    const char c = *p++;
    if (c == '\\') {
      // Within quotes the escape is JSON's, and is read later.
      if (quoted) token += c;
      if (*p == '\0') {
        return absl::InvalidArgumentError(std::string(*rest) + ": backslash at end of argument");
      }
      token += *p++;
      continue;
    }
    if (c == '"') quoted = !quoted;
    token += c;
  }
  if (quoted) {
    return absl::InvalidArgumentError(std::string(*rest) +
                                      ": quoted string extends past end of argument");
  }
  *rest = p;
  return token;
}

absl::StatusOr<Atom> AtomFromText(const BaseType& type, const std::string& text, RowNames* names) {
  ASSIGN_OR_RETURN(Atom atom, UncheckedAtom(type, text, names));
  RETURN_IF_ERROR(ovsdb::CheckConstraints(type, atom));
  return atom;
}

absl::StatusOr<Datum> DatumFromText(const ColumnType& type, const std::string& text,
                                    RowNames* names) {
  Datum datum;
  const char* p = SkipSpaces(text.c_str());
  char end = '\0';
  if (*p == (type.IsMap() ? '{' : '[')) {
    end = type.IsMap() ? '}' : ']';
    p = SkipSpaces(p + 1);
  } else if (*p == '\0') {
    return absl::InvalidArgumentError(type.IsMap() ? "use \"{}\" to specify the empty map"
                                                   : "use \"[]\" to specify the empty set");
  }
  RETURN_IF_ERROR(TakeMembers(type, text, p, end, names, &datum));
  RETURN_IF_ERROR(CheckMembers(type, text, &datum));
  return datum;
}

std::string AtomText(const Atom& atom) {
  switch (ovsdb::TypeOf(atom)) {
    case AtomType::kInteger:
      return std::to_string(std::get<int64_t>(atom));
    case AtomType::kReal: {
      std::array<char, 40> text = {};
      (void)std::snprintf(text.data(), text.size(), "%.15g", std::get<double>(atom));
      return text.data();
    }
    case AtomType::kBoolean:
      return std::get<bool>(atom) ? "true" : "false";
    case AtomType::kString: {
      const auto& text = std::get<std::string>(atom);
      return IsPlainWord(text) ? text : QuotedJson(text);
    }
    case AtomType::kUuid:
      break;
  }
  return std::get<ovsdb::Uuid>(atom).ToString();
}

std::string DatumText(const ColumnType& type, const Datum& datum) {
  std::string text = Joined(datum, ", ", AtomText);
  if (type.max == 1 && !datum.empty()) return text;
  return type.IsMap() ? "{" + text + "}" : "[" + text + "]";
}

std::string DatumBareText(const Datum& datum) { return Joined(datum, " ", BareAtomText); }

size_t UuidPrefixLength(const std::string& text) {
  static constexpr size_t kLength = 36;
  if (text.size() > kLength) return 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (dash ? text[i] != '-' : !hex) return 0;
  }
  return text.size();
}

std::string QuotedArguments(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty() || &argument != &arguments.front()) line += ' ';
    if (argument.find_first_of(" \t\r\n\v\\'\"") == std::string::npos) {
      line += argument;
      continue;
    }
    line += '"';
    for (const char c : argument) {
      if (c == '\\' || c == '"') line += '\\';
      line += c;
    }
    line += '"';
  }
  return line;
}

}  // namespace outrider::cli
