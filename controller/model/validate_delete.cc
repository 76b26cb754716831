#include "controller/model/complaint.h"
#include "controller/model/groups.h"
#include "controller/model/validate.h"

namespace outrider::controller {
namespace {

// `"a", "b", "c" and 4 more`
std::string List(const NameSet& names) {
  constexpr size_t kShown = 3;
  std::string text;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (shown == kShown) break;
    text += fmt::format("{}\"{}\"", shown++ == 0 ? "" : ", ", name);
  }
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

// Migrations that may yet give their ports back to the host, wherever they are now.
NameSet MigrationsFrom(const Model& model, const std::string& host) {
  NameSet ids;
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    if (model.Find<v1::Migration>(id)->source() == host) ids.insert(id);
  }
  return ids;
}

template <typename T>
absl::Status CheckUnused(const T& object, const NameSet& users, const char* kind,
                         const char* remedy) {
  if (users.empty()) return absl::OkStatus();
  return Refused(object, "in use by {} {}; {}", kind, List(users), remedy);
}

template <typename T>
absl::Status CheckGroupUnused(const Model& model, const T& group, const std::string& key) {
  return CheckUnused(group, model.index().profiles_of_group.Get(key), "profile",
                     "take the group out of their rules first");
}

}  // namespace

absl::Status ValidateDelete(const Model& model, const v1::Segment& object) {
  const std::string& name = object.meta().name();
  RETURN_IF_ERROR(CheckUnused(object, model.index().profiles_of_segment.Get(name), "profile",
                              "delete them or give them another segment first"));
  return CheckUnused(object, model.index().gateways_of_segment.Get(name), "gateway",
                     "take the segment out of them first");
}

absl::Status ValidateDelete(const Model& model, const v1::AddressGroup& object) {
  return CheckGroupUnused(model, object, AddressGroupKey(object.meta().name()));
}

absl::Status ValidateDelete(const Model& model, const v1::PortGroup& object) {
  return CheckGroupUnused(model, object, PortGroupKey(object.meta().name()));
}

absl::Status ValidateDelete(const Model&, const v1::Gateway&) { return absl::OkStatus(); }

absl::Status ValidateDelete(const Model& model, const v1::Profile& object) {
  const std::string& name = object.meta().name();
  RETURN_IF_ERROR(CheckUnused(object, model.index().ports_of_profile.Get(name), "port",
                              "give them another profile first"));
  return CheckUnused(object, model.index().children_of_profile.Get(name), "profile",
                     "give them another parent first");
}

absl::Status ValidateDelete(const Model& model, const v1::Port& object) {
  if (const v1::Migration* migration = model.RunningMigrationOf(object.meta().name())) {
    return Refused(object, "migration \"{}\" moves it; abort the migration first",
                   migration->meta().name());
  }
  RETURN_IF_ERROR(CheckUnused(object, model.index().groups_of_port.Get(object.meta().name()),
                              "port group", "take the port out of them first"));
  // A port of a host that is gone for good can only be released here.
  const v1::Host* host = model.Find<v1::Host>(object.location().host());
  if (host == nullptr || host->state() != v1::Host::STATE_CONNECTED) return absl::OkStatus();
  return Refused(object, "attached on host \"{}\"; detach it there first",
                 object.location().host());
}

absl::Status ValidateDelete(const Model& model, const v1::Host& object) {
  const std::string& id = object.meta().name();
  RETURN_IF_ERROR(CheckUnused(object, model.index().ports_located_at.Get(id), "port",
                              "detach, migrate or delete them first"));
  RETURN_IF_ERROR(CheckUnused(object, model.index().ports_expected_at.Get(id), "migrating port",
                              "abort the migrations first"));
  RETURN_IF_ERROR(CheckUnused(object, MigrationsFrom(model, id), "running migration",
                              "wait for them or abort them first"));
  if (object.state() == v1::Host::STATE_CONNECTED) {
    return Refused(object, "its agent is connected; stop it first");
  }
  return absl::OkStatus();
}

absl::Status ValidateDelete(const Model&, const v1::Migration& object) {
  if (!IsRunning(object)) return absl::OkStatus();
  return Refused(object, "it is running; abort it first");
}

}  // namespace outrider::controller
