#include "controller/migration/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "controller/compute/compute.h"
#include "controller/migration/admission.h"
#include "controller/migration/capacity.h"
#include "controller/migration/detection.h"
#include "controller/migration/owed_ack.h"
#include "controller/migration/relocation.h"
#include "controller/model/names.h"
#include "controller/store/unplanned_moves.h"
#include "proto/failpoint.h"

namespace outrider::controller {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

// For fault runs: beside the commit of a record of this phase.
absl::Status PassCommit(const std::string& side, v1::MigrationPhase phase) {
  if (!FailpointsArmed()) return absl::OkStatus();
  const std::string name = v1::MigrationPhase_Name(phase);
  const std::string word = ToLower(name.substr(name.rfind('_') + 1));
  return Failpoint(fmt::format("controller.{}-commit.{}", side, word).c_str());
}

NameSet Running(const Repository& repository) {
  return repository.Read(
      [](const Model& model) { return model.index().running_migrations.Get(Index::kAll); });
}

// Those for which time passes: ended ones that are probed, too.
NameSet Ticking(const Repository& repository) {
  return repository.Read([](const Model& model) {
    NameSet all = model.index().running_migrations.Get(Index::kAll);
    const NameSet& probing = model.index().probing_migrations.Get(Index::kAll);
    all.insert(probing.begin(), probing.end());
    return all;
  });
}

}  // namespace

MigrationDriver::MigrationDriver(Repository* repository, const Clock* clock, bool detect,
                                 const MigrationTimes& times, uint64_t guarantee_kbps)
    : repository_(repository),
      clock_(clock),
      detect_(detect),
      times_(times),
      guarantee_kbps_(guarantee_kbps),
      started_us_(clock->NowUs()) {
  subscription_ = repository_->Subscribe([this](const ChangeSet& set) { OnChanges(set); });
}

MigrationDriver::~MigrationDriver() = default;

absl::Status MigrationDriver::CheckDestinationRoom(const Model& model,
                                                   const v1::Migration& migration) const {
  const std::string& destination = migration.destination();
  const v1::Host* host = model.Find<v1::Host>(destination);
  if (host == nullptr) return Repository::NotFound(Kind::kHost, destination);
  const NameSet ports(migration.port_ids().begin(), migration.port_ids().end());
  return CheckRoom(model, ports, destination, RoomOf(*host, guarantee_kbps_));
}

absl::StatusOr<std::string> MigrationDriver::Begin(const MakeRecord& make_record) {
  const std::string id = "mig-" + NewUuid().substr(0, 8);
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    ASSIGN_OR_RETURN(v1::Migration migration, make_record(model, id));
    RETURN_IF_ERROR(CheckDestinationRoom(model, migration));
    if (model.Find<v1::Migration>(id) != nullptr) {
      return absl::UnavailableError("migration id \"" + id + "\" is taken; try again");
    }
    RETURN_IF_ERROR(PassCommit("before", migration.phase()));
    transaction->Put(std::move(migration));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(repository_->Transact(fn).status());
  RETURN_IF_ERROR(PassCommit("after", v1::MIGRATION_PHASE_PREPARING));
  return id;
}

// A guest that has just come may go on at once.
absl::Status MigrationDriver::EndDrains(const v1::PrepareMigrationRequest& request) {
  const auto ports =
      repository_->Read([&](const Model& model) { return SelectPorts(model, request); });
  // Admission says it better.
  if (!ports.ok()) return absl::OkStatus();
  for (const std::string& port : *ports) RETURN_IF_ERROR(EndDrain(port, ""));
  return absl::OkStatus();
}

absl::Status MigrationDriver::EndDrain(const std::string& port_id, const std::string& host) {
  return FeedPort(port_id, [&](const Model&, const v1::Migration&) {
    return std::vector<MigrationInput>{NextMoveEvent{host}};
  });
}

absl::StatusOr<v1::Migration> MigrationDriver::Prepare(const v1::PrepareMigrationRequest& given) {
  v1::PrepareMigrationRequest request = given;
  if (request.lease_s() == 0) request.set_lease_s(times_.lease_us / kUsPerSecond);
  RETURN_IF_ERROR(EndDrains(request));
  ASSIGN_OR_RETURN(const std::string id, Begin([&](const Model& model, const std::string& id) {
                     return Admit(model, request, id, clock_->NowUs(), &compiler_);
                   }));
  return repository_->Get<v1::Migration>(id);
}

absl::StatusOr<std::string> MigrationDriver::OnClaim(const std::string& host,
                                                     const v1::PortAttachment& attachment,
                                                     int64_t time_us) {
  if (!detect_) return std::string();
  RETURN_IF_ERROR(EndDrain(ToLower(attachment.port_id()), host));
  // Most claims are of ports that are on no host: find that out without the writer's lock.
  ASSIGN_OR_RETURN(const bool begins, repository_->Read([&](const Model& model) {
    return BeginsMigration(model, host, attachment);
  }));
  if (!begins) return std::string();
  const auto make = [&](const Model& model,
                        const std::string& id) -> absl::StatusOr<v1::Migration> {
    ASSIGN_OR_RETURN(const bool still, BeginsMigration(model, host, attachment));
    // It was let go of this moment, and is there to be claimed.
    if (!still) return absl::CancelledError("no migration is needed");
    const int64_t now_us = clock_->NowUs();
    ASSIGN_OR_RETURN(v1::Migration migration,
                     AdmitClaim(model, host, attachment, id, time_us, now_us, &compiler_));
    migration.set_lease_expires_us(now_us + times_.lease_us);
    return migration;
  };
  auto id = Begin(make);
  if (absl::IsCancelled(id.status())) return std::string();
  return id;
}

absl::StatusOr<v1::Migration> MigrationDriver::Switchover(const std::string& id,
                                                          int64_t paused_us) {
  return Feed(id, [&](const Model& model, const v1::Migration& migration) {
    return std::vector<MigrationInput>{
        SwitchoverEvent{paused_us, ConnectedPeers(model, migration)}};
  });
}

absl::StatusOr<v1::Migration> MigrationDriver::Abort(const std::string& id,
                                                     const std::string& reason) {
  const std::string why = reason.empty() ? "asked for by the operator" : reason;
  return Feed(id, [&](const Model&, const v1::Migration&) {
    return std::vector<MigrationInput>{AbortEvent{why}};
  });
}

std::vector<MigrationInput> MigrationDriver::Reassess(const Model& model,
                                                      const v1::Migration& migration) const {
  std::vector<MigrationInput> inputs;
  for (const std::string& id : migration.port_ids()) {
    const auto digest = ExpectedPortDigest(model, id, &compiler_);
    if (digest.ok()) inputs.push_back(ExpectationEvent{id, *digest});
  }
  const std::lock_guard lock(mutex_);
  const auto received = receipts_.find(migration.meta().name());
  if (received == receipts_.end()) return inputs;
  for (const auto& [id, receipt] : received->second) inputs.push_back(ReceiptEvent{receipt});
  return inputs;
}

absl::Status MigrationDriver::OnAck(const std::string& host, const v1::Ack& ack) {
  const auto owed = repository_->Read([&](const Model& model) { return OwedBy(model, host, ack); });
  for (const OwedAck& each : owed) {
    const AckEvent event{host, ack.generation(), ack.time_us(), clock_->NowUs(), each.failures};
    if (!each.failures.empty()) {
      RETURN_IF_ERROR(Feed(each.migration, [&](const Model&, const v1::Migration&) {
                        return std::vector<MigrationInput>{event};
                      }).status());
      continue;
    }
    {
      std::lock_guard lock(mutex_);
      acks_[each.migration].emplace(host, event);
    }
    if (IsLastAck(each.migration)) RETURN_IF_ERROR(FlushAcks(each.migration));
  }
  return absl::OkStatus();
}

// With it the record can be written once for all peers.
bool MigrationDriver::IsLastAck(const std::string& id) const {
  const auto migration =
      repository_->Read([&](const Model& model) { return model.Share<v1::Migration>(id); });
  if (migration == nullptr) return false;
  std::lock_guard lock(mutex_);
  const auto acks = acks_.find(id);
  if (acks == acks_.end()) return false;
  return std::all_of(migration->peers().begin(), migration->peers().end(), [&](const auto& peer) {
    return peer.second != 0 || acks->second.contains(peer.first);
  });
}

absl::Status MigrationDriver::FlushAcks(const std::string& id) {
  std::map<std::string, AckEvent> acks;
  {
    std::lock_guard lock(mutex_);
    if (const auto node = acks_.extract(id)) acks = node.mapped();
  }
  if (acks.empty()) return absl::OkStatus();
  const auto fed = Feed(id, [&](const Model&, const v1::Migration&) {
    std::vector<MigrationInput> inputs;
    for (const auto& [host, ack] : acks) inputs.push_back(ack);
    return inputs;
  });
  if (fed.ok() || fed.status().code() == absl::StatusCode::kNotFound) return absl::OkStatus();
  // The next tick tries again.
  std::lock_guard lock(mutex_);
  acks_[id].merge(acks);
  return fed.status();
}

void MigrationDriver::OnHostConnected(const std::string& host) {
  std::lock_guard lock(mutex_);
  presence_[host] = {true, clock_->NowUs()};
}

absl::Status MigrationDriver::OnHostLost(const std::string& host) {
  {
    std::lock_guard lock(mutex_);
    presence_[host] = {false, clock_->NowUs()};
  }
  absl::Status result;
  for (const std::string& id : Running(*repository_)) {
    // What it acknowledged before counts.
    result.Update(FlushAcks(id));
    const auto fed = Feed(id, [&](const Model&, const v1::Migration&) {
      return std::vector<MigrationInput>{HostLostEvent{host}};
    });
    result.Update(fed.status());
    // It may come back with something else in force, and says what.
    std::lock_guard lock(mutex_);
    if (fed.ok() && fed->destination() == host) receipts_.erase(id);
  }
  return result;
}

absl::Status MigrationDriver::OnTick() {
  const NameSet running = Running(*repository_);
  {
    std::lock_guard lock(mutex_);
    std::erase_if(receipts_, [&](const auto& entry) { return !running.contains(entry.first); });
  }
  absl::Status result;
  for (const std::string& id : running) result.Update(FlushAcks(id));
  for (const std::string& id : Ticking(*repository_)) {
    const auto fed = Feed(id, [this](const Model& model, const v1::Migration& migration) {
      return std::vector<MigrationInput>{MakeTick(model, migration)};
    });
    // One that has ended may have been deleted.
    if (!absl::IsNotFound(fed.status())) result.Update(fed.status());
  }
  return result;
}

TickEvent MigrationDriver::MakeTick(const Model& model, const v1::Migration& migration) const {
  TickEvent tick;
  tick.destination = PresenceOf(model, migration.destination());
  tick.started_us = started_us_;
  tick.source = PresenceOf(model, migration.source());
  tick.times = times_;
  return tick;
}

HostPresence MigrationDriver::PresenceOf(const Model& model, const std::string& id) const {
  const v1::Host* host = model.Find<v1::Host>(id);
  HostPresence presence;
  presence.since_us = started_us_;
  if (host != nullptr) {
    presence.connected = host->state() == v1::Host::STATE_CONNECTED;
    presence.heard_us = host->last_seen_us();
  }
  std::lock_guard lock(mutex_);
  const auto known = presence_.find(id);
  if (known == presence_.end()) return presence;
  // A session that begins or ends this moment is in one of the two only.
  const bool settled = known->second.connected == presence.connected;
  presence.since_us = settled ? known->second.since_us : clock_->NowUs();
  return presence;
}

absl::StatusOr<v1::Migration> MigrationDriver::Feed(const std::string& id,
                                                    const MakeInputs& make_inputs) {
  v1::Migration migration;
  bool changed = false;
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const v1::Migration* present = model.Find<v1::Migration>(id);
    if (present == nullptr) return Repository::NotFound(Kind::kMigration, id);
    migration = *present;
    std::vector<MigrationInput> inputs = make_inputs(model, migration);
    const bool reroutes =
        present->phase() == v1::MIGRATION_PHASE_SWITCHING && present->rerouted_us() == 0;
    if (reroutes) inputs.push_back(RerouteEvent{ConnectedPeers(model, migration)});
    for (const MigrationInput& input : inputs) {
      ASSIGN_OR_RETURN(Outcome outcome, Advance(migration, input, clock_->NowUs()));
      RETURN_IF_ERROR(StageRelocation(model, outcome.next, outcome.relocation, transaction));
      changed |= outcome.changed;
      migration = std::move(outcome.next);
    }
    if (!changed) return absl::OkStatus();
    transaction->Put(migration);
    return PassCommit("before", migration.phase());
  };
  ASSIGN_OR_RETURN(const uint64_t revision, repository_->Transact(fn));
  if (changed) RETURN_IF_ERROR(PassCommit("after", migration.phase()));
  const auto stored = repository_->Get<v1::Migration>(id);
  if (stored.ok()) return *stored;
  migration.mutable_meta()->set_revision(revision);
  return migration;
}

absl::Status MigrationDriver::FeedPort(const std::string& port_id, const MakeInputs& make_inputs) {
  // Most ports are in no migration: find that out without the writer's lock.
  const std::string id = repository_->Read([&](const Model& model) {
    const v1::Migration* migration = model.RunningMigrationOf(port_id);
    return migration == nullptr ? std::string() : migration->meta().name();
  });
  return id.empty() ? absl::OkStatus() : Feed(id, make_inputs).status();
}

// Profiles and segments decide what hosts compile, so what receipts must carry. Members of groups
// do not count: rule sets name the group.
void MigrationDriver::OnChanges(const ChangeSet& set) {
  NameSet concerned;
  for (const Change& change : set.changes) {
    switch (change.kind) {
      case Kind::kProfile:
      case Kind::kSegment:
        concerned.merge(Running(*repository_));
        break;
      case Kind::kPort:
        concerned.merge(repository_->Read(
            [&](const Model& model) { return model.index().migrations_of_port.Get(change.name); }));
        break;
      default:
        break;
    }
  }
  for (const std::string& id : concerned) {
    // A failed write is made up for by OnReceipt, which looks at the present expectation itself.
    Feed(id, [this](const Model& model, const v1::Migration& migration) {
      return Reassess(model, migration);
    }).IgnoreError();
  }
}

}  // namespace outrider::controller
