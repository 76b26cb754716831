// How objects look in the store: keys and values.
//
//   /segments/<name> /address_groups/<name> /port_groups/<name> /gateways/<name> /ports/<id>
//   /hosts/<id> /migrations/<id> /tokens/<host id> /drafts/<profile>
//   and, one per revision, /profiles/<name>/<%08u>
//
// Values are the serialised messages without meta.revision, which is the key's mod_revision.
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_STORE_CODEC_H_
#define OUTRIDER_CONTROLLER_STORE_CODEC_H_

#include <memory>
#include <string>

#include "controller/model/change.h"
#include "controller/model/status.h"
#include "controller/store/store.h"

namespace outrider::controller {

std::string KeyOf(Kind kind, const std::string& name);
// Of one revision.
std::string ProfileKey(const std::string& name, uint32_t profile_revision);

// Clears the fields that live elsewhere, and serialises.
std::string EncodeValue(const google::protobuf::Message& object, v1::ObjectMeta* meta);

struct DecodedKey {
  Kind kind = Kind::kSegment;
  std::string name;
  // Profiles only.
  uint32_t profile_revision = 0;
};

// DataLoss when the key is none of ours.
absl::StatusOr<DecodedKey> DecodeKey(const std::string& key);

struct DecodedObject {
  DecodedKey key;
  std::shared_ptr<google::protobuf::Message> object;
};

// DataLoss, naming the key, when the value is not what the key says. meta.revision is set.
absl::StatusOr<DecodedObject> Decode(const KeyValue& item);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_CODEC_H_
