// The controller's objects in memory, by name, with indices. The truth about intent between loads
// of the store. Must not know the store, hosts' sessions or how host states are computed.
//
// Not synchronised: the Repository guards it. Objects are immutable and shared, so a reader may
// keep one after it let go of the model. The cost of one change grows with what refers to the
// object changed, never with all objects.
#ifndef OUTRIDER_CONTROLLER_MODEL_MODEL_H_
#define OUTRIDER_CONTROLLER_MODEL_MODEL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "controller/model/change.h"
#include "controller/model/index.h"

namespace outrider::controller {

// Objects of a kind, ordered by name.
template <typename T>
using Table = std::map<std::string, std::shared_ptr<const T>>;

// A profile keeps this many revisions, with the one in force.
inline constexpr size_t kKeptProfileRevisions = 100;

// How many of `count` revisions, the oldest, are too many.
constexpr size_t ExcessRevisions(size_t count) {
  return count > kKeptProfileRevisions ? count - kKeptProfileRevisions : 0;
}

class Model {
 public:
  // Store revision this is the state of.
  uint64_t revision() const { return revision_; }

  // All objects of a kind. Of profiles: the revisions in force.
  template <typename T>
  const Table<T>& All() const {
    return std::get<Table<T>>(tables_);
  }

  // Null when there is none. The pointer is valid until the model changes; Share's as long as held.
  template <typename T>
  const T* Find(const std::string& name) const {
    return Share<T>(name).get();
  }
  template <typename T>
  std::shared_ptr<const T> Share(const std::string& name) const {
    const auto found = All<T>().find(name);
    return found == All<T>().end() ? nullptr : found->second;
  }

  // The revisions of a profile that are kept, oldest first, without the draft; those replaced, and
  // the last one of a profile that was withdrawn, are STATE_RETIRED.
  std::vector<std::shared_ptr<const v1::Profile>> Revisions(const std::string& profile) const;

  // What was saved and is not in force; null: nothing.
  std::shared_ptr<const v1::Profile> Draft(const std::string& profile) const;

  // The profile in force with what it inherits (inherit.h); null when none is in force.
  std::shared_ptr<const v1::Profile> Effective(const std::string& profile) const;

  // The profile and all that inherit from it, through others too.
  NameSet Heirs(const std::string& profile) const;

  const Index& index() const { return index_; }

  // Names of the segments the port belongs to by its profile; empty when the profile is empty or
  // unknown.
  NameSet SegmentsOf(const v1::Port& port) const;
  // The one among them in which its IP addresses live (vlan_section.h); may be empty.
  std::string AddressSegmentOf(const v1::Port& port) const;

  // The migration in PREPARING, ARMED or SWITCHING that moves the port; null when there is none.
  const v1::Migration* RunningMigrationOf(const std::string& port_id) const;

  // Makes the change: the object becomes `after` (or goes), indices follow. `before` must be the
  // present object. `revision` is what revision() returns from now on. Returns what happened to
  // profiles.
  std::vector<ProfileEffect> Apply(uint64_t revision, const Change& change);

  // For a load, which finds revisions oldest first: one that is not in force.
  void AddRetired(uint64_t revision, std::shared_ptr<const v1::Profile> retired);

  // For a load that finds no objects: the store's revision.
  void SetRevision(uint64_t revision) { revision_ = revision; }

 private:
  // Ports whose index entries depend on the changed object.
  NameSet DependentPorts(const Change& change, const std::vector<ProfileEffect>& effects) const;
  // With `after` computed from the tables, `before` from what was computed last.
  std::vector<ProfileEffect> EffectsOn(const NameSet& profiles) const;
  std::shared_ptr<const v1::Profile> ComputeEffective(const std::string& profile) const;
  void Install(const std::vector<ProfileEffect>& effects);
  void Swap(const Change& change);
  void IndexObject(const Change& change);
  void IndexPort(const std::string& port_id, bool add);
  // `beside`: where a migration has the port besides its location; may be empty.
  void IndexPortInSegments(const v1::Port& port, const std::string& beside, bool add);
  void ArchiveProfile(const Change& change);

  uint64_t revision_ = 0;
  std::tuple<Table<v1::Segment>, Table<v1::AddressGroup>, Table<v1::PortGroup>, Table<v1::Gateway>,
             Table<v1::Profile>, Table<v1::Port>, Table<v1::Host>, Table<v1::Migration>,
             Table<v1::EnrollmentToken>>
      tables_;
  Table<v1::Profile> drafts_;
  // Of each profile in force; the profile itself when it has no parent.
  Table<v1::Profile> effective_;
  // Revisions of profiles that are no more in force, oldest first.
  std::map<std::string, std::vector<std::shared_ptr<const v1::Profile>>> retired_;
  Index index_;
};

// PREPARING or ARMED: the destination expects the ports.
bool IsExpecting(const v1::Migration& migration);
// SWITCHING: the location is the destination, and the source sends after the guest.
bool IsSwitching(const v1::Migration& migration);
// ARMED or SWITCHING: the guest may arrive at the destination at any moment.
bool IsUnderWay(const v1::Migration& migration);
// PREPARING, ARMED or SWITCHING.
bool IsRunning(const v1::Migration& migration);
// Whether the port is to be probed: the migration has no result for it.
bool IsProbed(const v1::Migration& migration, const std::string& port_id);
// Whether any of its ports is. Ended migrations may be, for a while.
bool IsProbing(const v1::Migration& migration);

// A Change that puts `after` in the place of what the model has.
template <typename T>
Change MakePut(const Model& model, std::shared_ptr<const T> after) {
  const std::string name = after->meta().name();
  return Change{KindOf<T>::value, name, model.Share<T>(name), std::move(after)};
}
template <typename T>
Change MakeErase(const Model& model, const std::string& name) {
  return Change{KindOf<T>::value, name, model.Share<T>(name), nullptr};
}

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_MODEL_H_
