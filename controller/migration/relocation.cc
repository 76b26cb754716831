#include "controller/migration/relocation.h"

#include <string>
#include <vector>

#include "controller/migration/fights.h"
#include "controller/migration/timeline.h"
#include "controller/store/port_location.h"

namespace outrider::controller {
namespace {

PortMove MoveTo(const std::string& port_id, const v1::PortLocation& from, const std::string& host,
                uint64_t epoch) {
  PortMove move{port_id, from, {}};
  move.to.set_host(host);
  move.to.set_epoch(epoch);
  return move;
}

std::vector<PortMove> MovesToDestination(const v1::Migration& migration) {
  std::vector<PortMove> moves;
  for (const std::string& id : migration.port_ids()) {
    v1::PortLocation from;
    from.set_host(migration.source());
    from.set_epoch(migration.source_epochs().at(id));
    moves.push_back(MoveTo(id, from, migration.destination(), from.epoch() + 1));
    moves.back().unplanned_us = UnplannedAt(migration);
  }
  return moves;
}

// Ports the destination had and maybe let go of; what moved elsewhere since is left alone.
std::vector<PortMove> MovesToSource(const Model& model, const v1::Migration& migration) {
  std::vector<PortMove> moves;
  for (const std::string& id : migration.port_ids()) {
    const v1::Port* port = model.Find<v1::Port>(id);
    const uint64_t moved_epoch = migration.source_epochs().at(id) + 1;
    if (port == nullptr || port->location().epoch() != moved_epoch) continue;
    const std::string& host = port->location().host();
    if (!host.empty() && host != migration.destination()) continue;
    const std::string home = SourceLetGo(migration, id) ? std::string() : migration.source();
    moves.push_back(MoveTo(id, port->location(), home, moved_epoch + 1));
    moves.back().undone_us = RecordedAt(migration, "switchover");
    if (SourceWasEvacuated(migration, id)) moves.back().taken_from = migration.source();
  }
  return moves;
}

}  // namespace

absl::Status StageRelocation(const Model& model, const v1::Migration& migration,
                             Relocation relocation, Transaction* transaction) {
  switch (relocation) {
    case Relocation::kNone:
      return absl::OkStatus();
    case Relocation::kToDestination:
      return MovePorts(model, MovesToDestination(migration), transaction);
    case Relocation::kToSource:
      return MovePorts(model, MovesToSource(model, migration), transaction);
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
