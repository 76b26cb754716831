#include "controller/migration/owed_ack.h"

#include <fmt/format.h>

#include "controller/migration/machine.h"
#include "controller/model/one_line.h"

namespace outrider::controller {
namespace {

using Failures = google::protobuf::RepeatedPtrField<v1::ObjectFailure>;

// What of the move is not in force at a host that reports these failures; empty: all of it is.
std::string FailuresOfMove(const Model& model, const v1::Migration& migration,
                           const Failures& failures) {
  NameSet objects;
  for (const std::string& id : migration.port_ids()) {
    objects.insert("port " + id);
    const v1::Port* port = model.Find<v1::Port>(id);
    if (port == nullptr) continue;
    for (const std::string& name : model.SegmentsOf(*port)) {
      const v1::Segment* segment = model.Find<v1::Segment>(name);
      if (segment == nullptr) continue;
      objects.insert(fmt::format("segment {}", segment->vni()));
      objects.insert(fmt::format("fdb {}/{}", segment->vni(), port->mac()));
    }
  }
  std::string text;
  for (const v1::ObjectFailure& failure : failures) {
    const std::string object = failure.kind() + " " + failure.key();
    if (!objects.contains(object)) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", object, OneLine(failure.message()));
  }
  return OneLine(text, 2 * kMaxPeerText);
}

}  // namespace

std::vector<OwedAck> OwedBy(const Model& model, const std::string& host, const v1::Ack& ack) {
  std::vector<OwedAck> owed;
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    const v1::Migration& migration = *model.Find<v1::Migration>(id);
    if (migration.phase() != v1::MIGRATION_PHASE_SWITCHING) continue;
    const auto peer = migration.peers().find(host);
    const bool owes = peer != migration.peers().end() && peer->second == 0;
    if (!owes || ack.generation() < OwedRevision(migration, host)) continue;
    owed.push_back({id, FailuresOfMove(model, migration, ack.failures())});
  }
  return owed;
}

}  // namespace outrider::controller
