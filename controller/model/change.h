// The unit in which the model changes and is observed: one object, before and after. Knows the
// kinds of objects; must not know how they are stored.
//
// Values; the messages they point to are immutable and may be shared between threads.
#ifndef OUTRIDER_CONTROLLER_MODEL_CHANGE_H_
#define OUTRIDER_CONTROLLER_MODEL_CHANGE_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "outrider/v1/migration.pb.h"
#include "outrider/v1/objects.pb.h"
#include "outrider/v1/stored.pb.h"

namespace outrider::controller {

enum class Kind {
  kSegment,
  kAddressGroup,
  kPortGroup,
  kGateway,
  kProfile,
  kPort,
  kHost,
  kMigration,
  kToken,
  // A profile saved and not in force: a v1::Profile, but not one that KindOf finds.
  kDraft,
};

// The kind of a message type: KindOf<v1::Port>::value.
template <typename T>
struct KindOf;
template <>
struct KindOf<v1::Segment> : std::integral_constant<Kind, Kind::kSegment> {};
template <>
struct KindOf<v1::AddressGroup> : std::integral_constant<Kind, Kind::kAddressGroup> {};
template <>
struct KindOf<v1::PortGroup> : std::integral_constant<Kind, Kind::kPortGroup> {};
template <>
struct KindOf<v1::Gateway> : std::integral_constant<Kind, Kind::kGateway> {};
template <>
struct KindOf<v1::Profile> : std::integral_constant<Kind, Kind::kProfile> {};
template <>
struct KindOf<v1::Port> : std::integral_constant<Kind, Kind::kPort> {};
template <>
struct KindOf<v1::Host> : std::integral_constant<Kind, Kind::kHost> {};
template <>
struct KindOf<v1::Migration> : std::integral_constant<Kind, Kind::kMigration> {};
template <>
struct KindOf<v1::EnrollmentToken> : std::integral_constant<Kind, Kind::kToken> {};

// For messages to people: "segment", "address group", "gateway", ...
std::string KindName(Kind kind);

// What a change of a profile does to one in force: to itself, or to one that inherits from it. With
// what is inherited; null: not in force.
struct ProfileEffect {
  std::string name;
  std::shared_ptr<const v1::Profile> before;
  std::shared_ptr<const v1::Profile> after;
};

// One object created (no before), changed, or deleted (no after). The messages are of the type the
// kind says. For profiles they are the revisions in force.
struct Change {
  Kind kind = Kind::kSegment;
  std::string name;
  std::shared_ptr<const google::protobuf::Message> before;
  std::shared_ptr<const google::protobuf::Message> after;
  // Of a profile that is no more in force: its revisions stay.
  bool withdraws = false;
  // Of profiles: what Model::Apply said, once it was applied.
  std::vector<ProfileEffect> effects = {};

  // Null when there is none. `T` must be the kind's type.
  template <typename T>
  const T* Before() const {
    return kind == KindOf<T>::value ? static_cast<const T*>(before.get()) : nullptr;
  }
  template <typename T>
  const T* After() const {
    return kind == KindOf<T>::value ? static_cast<const T*>(after.get()) : nullptr;
  }
};

// All changes of one commit. The objects' meta.revision is `revision`.
struct ChangeSet {
  uint64_t revision = 0;
  // False: a change of what is not stored (a host's presence); `revision` is the present one then
  // and does not grow.
  bool durable = true;
  std::vector<Change> changes;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_CHANGE_H_
