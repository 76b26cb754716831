#include "controller/text/yaml_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "controller/text/yaml_schema.h"

namespace outrider::controller {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Words other YAML readers take for something else than text.
constexpr std::array<const char*, 10> kReserved = {"null", "true", "false", "yes", "no",
                                                   "on",   "off",  "y",     "n",   "nan"};

// Conservative: whatever is not plainly a word or a path is quoted, numbers and MACs included.
bool IsPlain(const std::string& text) {
  if (text.empty()) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text[0])) return false;
  const bool safe = std::all_of(text.begin(), text.end(), [&letter](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/' ||
           c == ' ';
  });
  if (!safe || text.back() == ' ') return false;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kReserved.begin(), kReserved.end(), lower) == kReserved.end();
}

// Escapes every YAML 1.1 and 1.2 reader knows; UTF-8 stays as it is.
std::string Quote(const std::string& text) {
  if (IsPlain(text)) return text;
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string ScalarText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(index < 0 ? reflection.GetUInt32(message, &field)
                                      : reflection.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return WordOf(*field.enum_type(),
                    index < 0 ? reflection.GetEnumValue(message, &field)
                              : reflection.GetRepeatedEnumValue(message, &field, index));
    default:
      return Quote(index < 0 ? reflection.GetString(message, &field)
                             : reflection.GetRepeatedString(message, &field, index));
  }
}

const Message& Inner(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  return index < 0 ? reflection.GetMessage(message, &field)
                   : reflection.GetRepeatedMessage(message, &field, index);
}

// Fields that are set, in the order of the .proto, without what a user does not write.
std::vector<const FieldDescriptor*> UserFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  const auto hidden = [](const FieldDescriptor* field) {
    return field->name() == "meta" || IsOutputOnly(*field);
  };
  fields.erase(std::remove_if(fields.begin(), fields.end(), hidden), fields.end());
  std::sort(fields.begin(), fields.end(), [](const FieldDescriptor* a, const FieldDescriptor* b) {
    return a->index() < b->index();
  });
  return fields;
}

// A rule's match reads best in one line; an empty message has no block form at all.
bool FitsOneLine(const Message& message) {
  const auto& type = *message.GetDescriptor();
  return IsPortRange(type) || IsOneLiner(type) || UserFields(message).empty();
}

void PrintFields(const Message& message, const std::string& indent, std::string* out);

// "- key: value" and further keys below: the dash takes the place of two blanks of indent.
void PrintList(const Message& message, const FieldDescriptor& field, const std::string& indent,
               std::string* out) {
  const int size = message.GetReflection()->FieldSize(message, &field);
  for (int i = 0; i < size; ++i) {
    if (field.message_type() == nullptr || FitsOneLine(Inner(message, field, i))) {
      *out += fmt::format("{}- {}\n", indent, InlineYamlValue(message, field, i));
      continue;
    }
    std::string element;
    PrintFields(Inner(message, field, i), indent + "  ", &element);
    element.replace(indent.size(), 2, "- ");
    *out += element;
  }
}

void PrintFields(const Message& message, const std::string& indent, std::string* out) {
  for (const FieldDescriptor* field : UserFields(message)) {
    *out += fmt::format("{}{}:", indent, field->name());
    if (field->is_repeated()) {
      *out += "\n";
      PrintList(message, *field, indent + "  ", out);
    } else if (field->message_type() != nullptr && !FitsOneLine(Inner(message, *field, -1))) {
      *out += "\n";
      PrintFields(Inner(message, *field, -1), indent + "  ", out);
    } else {
      *out += " " + InlineYamlValue(message, *field, -1) + "\n";
    }
  }
}

}  // namespace

std::string InlineYamlValue(const Message& message, const FieldDescriptor& field, int index) {
  if (field.message_type() == nullptr) return ScalarText(message, field, index);
  return InlineYaml(Inner(message, field, index));
}

std::string InlineYaml(const Message& message) {
  if (IsPortRange(*message.GetDescriptor())) return PortRangeText(message);
  std::vector<std::string> parts;
  for (const FieldDescriptor* field : UserFields(message)) {
    if (!field->is_repeated()) {
      parts.push_back(fmt::format("{}: {}", field->name(), InlineYamlValue(message, *field, -1)));
      continue;
    }
    std::vector<std::string> elements;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
      elements.push_back(InlineYamlValue(message, *field, i));
    }
    parts.push_back(fmt::format("{}: [{}]", field->name(), fmt::join(elements, ", ")));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string PrintYaml(const Message& object) {
  const Message& meta =
      object.GetReflection()->GetMessage(object, object.GetDescriptor()->FindFieldByName("meta"));
  const std::string name =
      meta.GetReflection()->GetString(meta, meta.GetDescriptor()->FindFieldByName("name"));
  std::string out =
      fmt::format("kind: {}\nname: {}\n", object.GetDescriptor()->name(), Quote(name));
  PrintFields(object, "", &out);
  return out;
}

}  // namespace outrider::controller
