// What the YAML form of an object is, beyond what its protobuf descriptor says: which fields belong
// to the controller, which numbers are in range, how enum words read, and what has a short form.
//
// Decoder and printer both ask here, so that they cannot disagree. Knows descriptors, not YAML.
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_TEXT_YAML_SCHEMA_H_
#define OUTRIDER_CONTROLLER_TEXT_YAML_SCHEMA_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace outrider::controller {

// The kinds a document may have, in the order they have to be sent: what is referred to comes
// first.
const std::vector<std::string>& YamlKinds();

// An empty object of `kind`; null when there is no such kind.
std::unique_ptr<google::protobuf::Message> NewObjectOfKind(const std::string& kind);

// True for fields the controller sets. They are refused in YAML and not printed.
bool IsOutputOnly(const google::protobuf::FieldDescriptor& field);

// Inclusive range of a number field: the contract of objects.proto where it names one, else the
// type's own.
struct NumberRange {
  uint64_t min = 0;
  uint64_t max = 0;
};
NumberRange RangeOf(const google::protobuf::FieldDescriptor& field);

// True for outrider.v1.PortRange, which is also written 80 or "80-90".
bool IsPortRange(const google::protobuf::Descriptor& type);

// "80", or "80-90"; of a PortRange.
std::string PortRangeText(const google::protobuf::Message& range);

// True for messages printed on one line, {like: this}.
bool IsOneLiner(const google::protobuf::Descriptor& type);

// ACL_ACTION_ALLOW is "allow", ETHER_TYPE_IPV4 is "ipv4": the name without its type, in lower case.
std::string EnumWord(const google::protobuf::EnumValueDescriptor& value);

// All words of the enum a user may write; *_UNSPECIFIED is none.
std::vector<std::string> EnumWords(const google::protobuf::EnumDescriptor& type);

// Null when `word`, with '_' for '-', is none of EnumWords.
const google::protobuf::EnumValueDescriptor* FindEnumWord(
    const google::protobuf::EnumDescriptor& type, const std::string& word);

// The word of an enum's value by its number: "" for the unspecified one, the number itself for one
// this program does not know.
std::string WordOf(const google::protobuf::EnumDescriptor& type, int number);

// The same for a generated enum.
template <typename Enum>
std::string Word(Enum value) {
  return WordOf(*google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value));
}

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_TEXT_YAML_SCHEMA_H_
