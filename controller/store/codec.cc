#include "controller/store/codec.h"

#include <fmt/format.h>

#include <charconv>

namespace outrider::controller {
namespace {

struct Folder {
  Kind kind;
  const char* prefix;
};

// In the order of Kind, which indexes it.
constexpr Folder kFolders[] = {
    {Kind::kSegment, "/segments/"},
    {Kind::kAddressGroup, "/address_groups/"},
    {Kind::kPortGroup, "/port_groups/"},
    {Kind::kGateway, "/gateways/"},
    {Kind::kProfile, "/profiles/"},
    {Kind::kPort, "/ports/"},
    {Kind::kHost, "/hosts/"},
    {Kind::kMigration, "/migrations/"},
    {Kind::kToken, "/tokens/"},
    {Kind::kDraft, "/drafts/"},
};

template <typename T>
std::shared_ptr<google::protobuf::Message> Parse(const KeyValue& item) {
  auto object = std::make_shared<T>();
  if (!object->ParseFromString(item.value)) return nullptr;
  object->mutable_meta()->set_revision(item.mod_revision);
  return object;
}

std::shared_ptr<google::protobuf::Message> ParseAs(Kind kind, const KeyValue& item) {
  switch (kind) {
    case Kind::kSegment:
      return Parse<v1::Segment>(item);
    case Kind::kAddressGroup:
      return Parse<v1::AddressGroup>(item);
    case Kind::kPortGroup:
      return Parse<v1::PortGroup>(item);
    case Kind::kGateway:
      return Parse<v1::Gateway>(item);
    case Kind::kProfile:
    case Kind::kDraft:
      return Parse<v1::Profile>(item);
    case Kind::kPort:
      return Parse<v1::Port>(item);
    case Kind::kHost:
      return Parse<v1::Host>(item);
    case Kind::kMigration:
      return Parse<v1::Migration>(item);
    case Kind::kToken:
      return Parse<v1::EnrollmentToken>(item);
  }
  return nullptr;
}

}  // namespace

std::string KeyOf(Kind kind, const std::string& name) {
  return kFolders[static_cast<int>(kind)].prefix + name;
}

std::string ProfileKey(const std::string& name, uint32_t profile_revision) {
  return KeyOf(Kind::kProfile, name) + fmt::format("/{:08}", profile_revision);
}

std::string EncodeValue(const google::protobuf::Message& object, v1::ObjectMeta* meta) {
  meta->clear_revision();
  return object.SerializeAsString();
}

absl::StatusOr<DecodedKey> DecodeKey(const std::string& key) {
  for (const Folder& folder : kFolders) {
    const std::string prefix = folder.prefix;
    if (key.compare(0, prefix.size(), prefix) != 0) continue;
    DecodedKey decoded{folder.kind, key.substr(prefix.size()), 0};
    if (folder.kind != Kind::kProfile) return decoded;
    const size_t slash = decoded.name.find('/');
    if (slash == std::string::npos) break;
    const char* const end = decoded.name.data() + decoded.name.size();
    const auto parsed =
        std::from_chars(decoded.name.data() + slash + 1, end, decoded.profile_revision);
    if (parsed.ec != std::errc() || parsed.ptr != end) break;
    decoded.name.resize(slash);
    return decoded;
  }
  return absl::DataLossError(fmt::format("stored key \"{}\" is not one of this release", key));
}

absl::StatusOr<DecodedObject> Decode(const KeyValue& item) {
  ASSIGN_OR_RETURN(DecodedKey key, DecodeKey(item.key));
  std::shared_ptr<google::protobuf::Message> object = ParseAs(key.kind, item);
  if (object == nullptr) {
    return absl::DataLossError(fmt::format(
        "stored object \"{}\" cannot be read ({} bytes); restore the store from a backup", item.key,
        item.value.size()));
  }
  return DecodedObject{std::move(key), std::move(object)};
}

}  // namespace outrider::controller
