#include "tests/controller/cli/object_generator.h"

#include <vector>

#include "controller/text/yaml_schema.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

}  // namespace

std::unique_ptr<Message> ObjectGenerator::Next(const std::string& kind) {
  std::unique_ptr<Message> object = NewObjectOfKind(kind);
  const auto* meta_field = object->GetDescriptor()->FindFieldByName("meta");
  auto* meta = static_cast<v1::ObjectMeta*>(
      object->GetReflection()->MutableMessage(object.get(), meta_field));
  do {
    meta->set_name(Text());
  } while (meta->name().empty());
  Fill(object.get());
  return object;
}

uint64_t ObjectGenerator::Number(uint64_t min, uint64_t max) {
  // The ends of a range are where mistakes are.
  switch (random_() % 4) {
    case 0:
      return min;
    case 1:
      return max;
    default:
      return std::uniform_int_distribution<uint64_t>(min, max)(random_);
  }
}

// Names, addresses, and what YAML could take for something else than text.
std::string ObjectGenerator::Text() {
  static const auto* const kTexts = new std::vector<std::string>{"web",
                                                                 "52:54:00:12:34:56",
                                                                 "10.0.0.0/8",
                                                                 "2001:db8::/32",
                                                                 "80",
                                                                 "0x10",
                                                                 "1e3",
                                                                 "null",
                                                                 "~",
                                                                 "true",
                                                                 "on",
                                                                 "No",
                                                                 "",
                                                                 " lead",
                                                                 "trail ",
                                                                 "a: b",
                                                                 "a #b",
                                                                 "- dash",
                                                                 "[x]",
                                                                 "{y}",
                                                                 "&a",
                                                                 "*a",
                                                                 "!tag",
                                                                 "%x",
                                                                 "'",
                                                                 "\"",
                                                                 "\\",
                                                                 "\\n",
                                                                 "two\nlines",
                                                                 "tab\there",
                                                                 "\x01\x1f\x7f",
                                                                 "Stra\xc3\x9f"
                                                                 "e",
                                                                 "\xe6\xbc\xa2\xe5\xad\x97",
                                                                 "\xf0\x9f\x9a\x80",
                                                                 "<<",
                                                                 "a,b",
                                                                 "\xc2\x85",
                                                                 "\xe2\x80\xa8x",
                                                                 "\xef\xbb\xbf",
                                                                 "---",
                                                                 "...",
                                                                 "x\r\ny",
                                                                 "?",
                                                                 "? x",
                                                                 ": ",
                                                                 "@",
                                                                 "`"};
  return (*kTexts)[random_() % kTexts->size()];
}

void ObjectGenerator::Fill(Message* message) {
  if (IsPortRange(*message->GetDescriptor())) {
    auto* range = static_cast<v1::PortRange*>(message);
    range->set_first(static_cast<uint32_t>(Number(0, 65'535)));
    range->set_last(static_cast<uint32_t>(Number(range->first(), 65'535)));
    return;
  }
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message->GetDescriptor()->field(i);
    if (field.name() == "meta" || IsOutputOnly(field)) continue;
    const uint64_t times = field.is_repeated() ? Number(0, 3) : (Chance(60) ? 1 : 0);
    for (uint64_t n = 0; n < times; ++n) Set(message, field);
  }
}

void ObjectGenerator::Set(Message* message, const FieldDescriptor& field) {
  const auto& reflection = *message->GetReflection();
  const NumberRange range = RangeOf(field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Fill(field.is_repeated() ? reflection.AddMessage(message, &field)
                                      : reflection.MutableMessage(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return field.is_repeated() ? reflection.AddString(message, &field, Text())
                                 : reflection.SetString(message, &field, Text());
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto words = EnumWords(*field.enum_type());
      const auto* value = FindEnumWord(*field.enum_type(), words[random_() % words.size()]);
      return field.is_repeated() ? reflection.AddEnum(message, &field, value)
                                 : reflection.SetEnum(message, &field, value);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(message, &field, Number(range.min, range.max));
    default: {
      const auto number = static_cast<uint32_t>(Number(range.min, range.max));
      return field.is_repeated() ? reflection.AddUInt32(message, &field, number)
                                 : reflection.SetUInt32(message, &field, number);
    }
  }
}

}  // namespace outrider::controller::cli
