#include "controller/text/yaml_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "outrider/v1/objects.pb.h"

namespace outrider::controller {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;

constexpr std::array<const char*, 4> kOutputOnly = {
    "outrider.v1.Segment.mtu_in_force",
    "outrider.v1.Profile.state",
    "outrider.v1.Profile.profile_revision",
    "outrider.v1.Profile.digest",
};

struct FieldRange {
  const char* field;
  NumberRange range;
};

// The ranges objects.proto states; the controller checks them too, but only the file knows the
// line.
constexpr std::array<FieldRange, 21> kRanges = {{
    {"outrider.v1.Segment.vni", {1, 16'777'215}},
    {"outrider.v1.Segment.mtu", {576, 65'485}},
    {"outrider.v1.Segment.Provider.vlan", {0, 4'094}},
    {"outrider.v1.AclRule.priority", {0, 65'535}},
    {"outrider.v1.PortRange.first", {0, 65'535}},
    {"outrider.v1.PortRange.last", {0, 65'535}},
    {"outrider.v1.AclMatch.icmp_type", {0, 255}},
    {"outrider.v1.AclMatch.icmp_code", {0, 255}},
    {"outrider.v1.AclMatch.ether_number", {1'536, 65'535}},
    {"outrider.v1.AclMatch.vlan", {0, 4'094}},
    {"outrider.v1.AclLog.rate_per_s", {1, 1'000}},
    {"outrider.v1.AclSection.max_connections", {1, 1'048'576}},
    {"outrider.v1.VlanSection.native_vlan", {0, 4'094}},
    {"outrider.v1.VlanSection.customer_vlans", {1, 4'094}},
    {"outrider.v1.VlanSection.Vlan.vlan", {1, 4'094}},
    {"outrider.v1.Policer.rate_kbps", {0, 1'000'000'000}},
    {"outrider.v1.Policer.rate_pps", {0, 1'000'000'000}},
    {"outrider.v1.DscpPolicy.value", {0, 63}},
    {"outrider.v1.DscpPolicy.outer_value", {0, 63}},
    {"outrider.v1.QosSection.traffic_class", {0, 7}},
    {"outrider.v1.SecuritySection.max_macs", {0, 4096}},
}};

// MacAntiSpoof -> MAC_ANTI_SPOOF_: protobuf's naming rule for values.
std::string ValuePrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (char c : type.name()) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !prefix.empty()) prefix += '_';
    prefix += lower ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return prefix + "_";
}

}  // namespace

const std::vector<std::string>& YamlKinds() {
  static const auto* const kKinds =
      new std::vector<std::string>{"Segment", "AddressGroup", "PortGroup", "Profile", "Gateway"};
  return *kKinds;
}

std::unique_ptr<google::protobuf::Message> NewObjectOfKind(const std::string& kind) {
  if (kind == "Segment") return std::make_unique<v1::Segment>();
  if (kind == "AddressGroup") return std::make_unique<v1::AddressGroup>();
  if (kind == "PortGroup") return std::make_unique<v1::PortGroup>();
  if (kind == "Profile") return std::make_unique<v1::Profile>();
  if (kind == "Gateway") return std::make_unique<v1::Gateway>();
  return nullptr;
}

bool IsOutputOnly(const FieldDescriptor& field) {
  return std::find(kOutputOnly.begin(), kOutputOnly.end(), field.full_name()) != kOutputOnly.end();
}

NumberRange RangeOf(const FieldDescriptor& field) {
  for (const FieldRange& entry : kRanges) {
    if (field.full_name() == entry.field) return entry.range;
  }
  const bool wide = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
  return {0, wide ? std::numeric_limits<uint64_t>::max() : std::numeric_limits<uint32_t>::max()};
}

bool IsPortRange(const google::protobuf::Descriptor& type) {
  return type.full_name() == "outrider.v1.PortRange";
}

bool IsOneLiner(const google::protobuf::Descriptor& type) {
  return type.full_name() == "outrider.v1.AclMatch" ||
         type.full_name() == "outrider.v1.Segment.Provider" ||
         type.full_name() == "outrider.v1.VlanSection.Vlan";
}

std::string EnumWord(const EnumValueDescriptor& value) {
  std::string word = value.name();
  const std::string prefix = ValuePrefix(*value.type());
  if (word.compare(0, prefix.size(), prefix) == 0) word.erase(0, prefix.size());
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return word;
}

std::vector<std::string> EnumWords(const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (std::string word = EnumWord(*type.value(i)); word != "unspecified") {
      words.push_back(std::move(word));
    }
  }
  return words;
}

const EnumValueDescriptor* FindEnumWord(const EnumDescriptor& type, const std::string& word) {
  // allow-related and native-tagged, as other tools write them.
  std::string plain = word;
  std::replace(plain.begin(), plain.end(), '-', '_');
  for (int i = 0; i < type.value_count(); ++i) {
    if (plain != "unspecified" && EnumWord(*type.value(i)) == plain) return type.value(i);
  }
  return nullptr;
}

std::string WordOf(const EnumDescriptor& type, int number) {
  const EnumValueDescriptor* value = type.FindValueByNumber(number);
  // A newer server may know more values than this program.
  if (value == nullptr) return std::to_string(number);
  const std::string word = EnumWord(*value);
  return word == "unspecified" ? "" : word;
}

std::string PortRangeText(const google::protobuf::Message& range) {
  const auto& ports = static_cast<const v1::PortRange&>(range);
  if (ports.first() == ports.last()) return std::to_string(ports.first());
  return fmt::format("{}-{}", ports.first(), ports.last());
}

}  // namespace outrider::controller
