#include "controller/cli/yaml_scalar.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "controller/cli/suggest.h"
#include "controller/text/yaml_schema.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

enum class Parse { kOk, kNotANumber, kTooLarge };

Parse ParseNumber(const std::string& text, uint64_t* number) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, *number);
  if (parsed.ec == std::errc::result_out_of_range) return Parse::kTooLarge;
  return parsed.ec == std::errc() && parsed.ptr == end ? Parse::kOk : Parse::kNotANumber;
}

// A negative number is a number out of range, not text.
bool LooksNegative(const std::string& text) {
  return text.size() > 1 && text[0] == '-' &&
         text.find_first_not_of("0123456789", 1) == std::string::npos;
}

// Decimal only: what other YAML readers make of 010 or 0x10 differs.
std::string SetNumber(const YamlScalar& scalar, const FieldDescriptor& field, Message* out) {
  const NumberRange range = RangeOf(field);
  uint64_t number = 0;
  const Parse parsed = scalar.quoted ? Parse::kNotANumber : ParseNumber(scalar.text, &number);
  if (parsed == Parse::kNotANumber && !(LooksNegative(scalar.text) && !scalar.quoted)) {
    return fmt::format("expected a number, got {}\"{}\"", scalar.quoted ? "the text " : "",
                       scalar.text);
  }
  if (parsed != Parse::kOk || number < range.min || number > range.max) {
    return fmt::format("{} is out of range {}..{}", scalar.text, range.min, range.max);
  }
  const Reflection& reflection = *out->GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    reflection.SetUInt64(out, &field, number);
  } else if (field.is_repeated()) {
    reflection.AddUInt32(out, &field, static_cast<uint32_t>(number));
  } else {
    reflection.SetUInt32(out, &field, static_cast<uint32_t>(number));
  }
  return "";
}

// Quoted or not makes no difference: "on" in quotes is what some tools write for the word on.
std::string SetEnum(const YamlScalar& scalar, const FieldDescriptor& field, Message* out) {
  const auto* value = FindEnumWord(*field.enum_type(), scalar.text);
  if (value == nullptr) {
    const std::vector<std::string> words = EnumWords(*field.enum_type());
    return fmt::format("\"{}\" is not one of {}", scalar.text, fmt::join(words, ", "));
  }
  const Reflection& reflection = *out->GetReflection();
  if (field.is_repeated()) {
    reflection.AddEnum(out, &field, value);
  } else {
    reflection.SetEnum(out, &field, value);
  }
  return "";
}

// Plain numbers are fine as text: `protocol: 47`, `name: 7`.
std::string SetText(const YamlScalar& scalar, const FieldDescriptor& field, Message* out) {
  const Reflection& reflection = *out->GetReflection();
  if (field.is_repeated()) {
    reflection.AddString(out, &field, scalar.text);
  } else {
    reflection.SetString(out, &field, scalar.text);
  }
  return "";
}

}  // namespace

std::string ScalarTypeWord(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return "text";
    case FieldDescriptor::CPPTYPE_ENUM:
      return fmt::format("one of {}", fmt::join(EnumWords(*field.enum_type()), ", "));
    default:
      return "a number";
  }
}

std::string SetScalar(const YamlScalar& scalar, const FieldDescriptor& field, Message* out) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(scalar, field, out);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(scalar, field, out);
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetNumber(scalar, field, out);
    default:
      // The objects of YamlKinds() have no other types; a test walks their descriptors.
      return fmt::format("fields of type {} are not supported", field.cpp_type_name());
  }
}

// Quoted or plain: "80-90" is not a number to YAML anyhow.
std::string SetPortRange(const std::string& text, Message* range) {
  auto* ports = static_cast<v1::PortRange*>(range);
  const size_t dash = text.find('-');
  const std::string first = text.substr(0, dash);
  const std::string last = dash == std::string::npos ? first : text.substr(dash + 1);
  uint64_t from = 0;
  uint64_t to = 0;
  const Parse from_parsed = ParseNumber(first, &from);
  const Parse to_parsed = ParseNumber(last, &to);
  if (from_parsed == Parse::kNotANumber || to_parsed == Parse::kNotANumber) {
    return fmt::format(
        "\"{}\" is not a port or a range; write 80, 80-90 or {{first: 80, last: 90}}", text);
  }
  const uint64_t max = RangeOf(*ports->GetDescriptor()->FindFieldByName("last")).max;
  if (from_parsed != Parse::kOk || to_parsed != Parse::kOk || from > max || to > max) {
    return fmt::format("port {} is out of range 0..{}", text, max);
  }
  ports->set_first(static_cast<uint32_t>(from));
  ports->set_last(static_cast<uint32_t>(to));
  return CheckPortRange(*range);
}

std::string CheckPortRange(const Message& range) {
  const auto& ports = static_cast<const v1::PortRange&>(range);
  if (ports.first() <= ports.last()) return "";
  return fmt::format("port range {}-{} is empty; write the smaller port first", ports.first(),
                     ports.last());
}

}  // namespace outrider::controller::cli
