// Which moves nobody planned: those a host began by attaching a port that another host's guest goes
// on using. Internal to migration; counting them is the store's.
//
// A hypervisor that migrates a guest begins no differently. But it pauses the guest at the source,
// or takes its device out there: either makes the move a planned one, also when it comes late.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_FIGHTS_H_
#define OUTRIDER_CONTROLLER_MIGRATION_FIGHTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "controller/model/model.h"
#include "outrider/v1/migration.pb.h"

namespace outrider::controller {

// When the migration moved its ports without anybody's having planned it, as far as its timeline
// tells; 0: it was planned, or has moved nothing.
int64_t UnplannedAt(const v1::Migration& migration);

// When migrations that `host` was the source of moved the port, if nobody had planned them then:
// what the host's letting go of it makes planned.
std::vector<int64_t> MovesFrom(const Model& model, const std::string& host,
                               const std::string& port_id);

// Why `host` cannot have a frozen port: who fights for it, and what to do.
std::string FrozenText(const Model& model, const v1::Port& port, const std::string& host);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_FIGHTS_H_
