// Runs migrations: feeds what operators, hosts and the clock say to the state machine, and commits
// its outcomes with the ports' locations in one transaction. All its state but unwritten
// acknowledgements is in the store, so that it goes on after a restart. Must not know sessions or
// gRPC: hosts learn of a migration because the model their state is computed from has changed.
//
// Thread-safe. Calls block for a commit when they change something and cost a look-up when not.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_DRIVER_H_
#define OUTRIDER_CONTROLLER_MIGRATION_DRIVER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/compute/profile_compiler.h"
#include "controller/migration/machine.h"
#include "controller/store/repository.h"
#include "outrider/v1/api.pb.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// What Evacuate did: ports that are on no host now, and migrations it ended.
struct Evacuation {
  NameSet ports;
  NameSet migrations;
};

class MigrationDriver {
 public:
  // Both must outlive the driver. `detect`: whether claims begin migrations. `guarantee_kbps`: what
  // ports of one host may be guaranteed together (qos shaper min_kbps); 0: anything.
  MigrationDriver(Repository* repository, const Clock* clock, bool detect = true,
                  const MigrationTimes& times = {}, uint64_t guarantee_kbps = 0);
  ~MigrationDriver();

  // Selects the ports, checks admission, and stores the migration in PREPARING; returns at once
  // (`wait_armed_ms` is the caller's: Subscribe to the repository and look for ARMED).
  // InvalidArgument: the request; NotFound: VM, port or destination; FailedPrecondition: admission,
  // naming what is missing or the migration that is in the way.
  absl::StatusOr<v1::Migration> Prepare(const v1::PrepareMigrationRequest& request);

  // `host` attached a device of a port; call before BindPort. When the port is in use on another
  // host, this begins the migration of its VM from there, in PREPARING. Returns its id; empty when
  // the attachment is none of the driver's business. FailedPrecondition: why the port cannot come,
  // for who attached; nothing has changed. `time_us` by the host's clock.
  absl::StatusOr<std::string> OnClaim(const std::string& host, const v1::PortAttachment& attachment,
                                      int64_t time_us);

  // As of MigrationService in api.proto.
  absl::StatusOr<v1::Migration> Switchover(const std::string& id, int64_t paused_us);
  absl::StatusOr<v1::Migration> Abort(const std::string& id, const std::string& reason);

  // `host` has failed: ends the migrations that could not end without it, and lets go of its ports,
  // each under a newer epoch, in one commit. What is attached there still claims none of them
  // (BindPort). NotFound; FailedPrecondition, unless `force`: the host is connected, or was heard
  // so lately that it may still run guests.
  absl::StatusOr<Evacuation> Evacuate(const std::string& host, bool force);

  // The begin of a host's session, its receipt, port event (attached, detached, first frame,
  // activated, paused, resumed, redirected, loaded), counts, acknowledgement, or the end of its
  // session.
  // `host` is the authenticated identity. What concerns no running migration is ignored. Call
  // OnPortEvent for ATTACHED after BindPort, for DETACHED before UnbindPort. An acknowledgement
  // counts for the migrations whose moved port, fdb row or segment is not among its failures;
  // repeat it when they have changed.
  void OnHostConnected(const std::string& host);
  absl::Status OnReceipt(const std::string& host, const v1::PortReceipt& receipt);
  absl::Status OnPortEvent(const std::string& host, const v1::PortEvent& event);
  // Also of a migration that has ended, for a while.
  absl::Status OnMoveReport(const std::string& host, const v1::MoveReport& report);
  // The same.
  absl::Status OnProbeReport(const std::string& host, const v1::ProbeReport& report);
  absl::Status OnAck(const std::string& host, const v1::Ack& ack);
  absl::Status OnHostLost(const std::string& host);

  // Leases, drain, commit grace, probes, and acknowledgements not written yet. Call several times a
  // second.
  absl::Status OnTick();

 private:
  // The record of a migration under a new id, or why there is none.
  using MakeRecord =
      std::function<absl::StatusOr<v1::Migration>(const Model&, const std::string& id)>;
  absl::Status CheckDestinationRoom(const Model& model, const v1::Migration& migration) const;
  absl::StatusOr<std::string> Begin(const MakeRecord& make_record);
  // Ports that are about to move again wait no longer for what is under way to them. `host` claims
  // the port; empty: the operator moves it.
  absl::Status EndDrains(const v1::PrepareMigrationRequest& request);
  absl::Status EndDrain(const std::string& port_id, const std::string& host);
  // Makes inputs from the model the outcome is decided on.
  using MakeInputs = std::function<std::vector<MigrationInput>(const Model&, const v1::Migration&)>;
  absl::StatusOr<v1::Migration> Feed(const std::string& id, const MakeInputs& make_inputs);
  // To the running migration of the port, if there is one.
  absl::Status FeedPort(const std::string& port_id, const MakeInputs& make_inputs);
  absl::Status FlushAcks(const std::string& id);
  bool IsLastAck(const std::string& id) const;
  void OnChanges(const ChangeSet& set);
  // What the receipts of the migration's ports must carry by now, and what was received of them.
  std::vector<MigrationInput> Reassess(const Model& model, const v1::Migration& migration) const;
  HostPresence PresenceOf(const Model& model, const std::string& id) const;
  absl::Status ForgiveFormer(const std::string& host, const std::string& port_id,
                             v1::PortEvent::Kind kind);
  absl::Status CheckHasFailed(const v1::Host& host) const;
  TickEvent MakeTick(const Model& model, const v1::Migration& migration) const;

  Repository* const repository_;
  const Clock* const clock_;
  const bool detect_;
  const MigrationTimes times_;
  const uint64_t guarantee_kbps_;
  const int64_t started_us_;
  // The model is locked while digests are made: each profile is compiled once.
  mutable ProfileCompiler compiler_;
  mutable std::mutex mutex_;
  // Not written yet, by migration, then host. A record is rewritten once all peers have
  // acknowledged, or at the next tick, rather than once per peer.
  std::map<std::string, std::map<std::string, AckEvent>> acks_;
  // The destination's last receipts, by migration, then port: a host repeats nothing when what it
  // has in force becomes what is expected (an edit taken back). It does when it connects.
  std::map<std::string, std::map<std::string, v1::PortReceipt>> receipts_;
  // Begin and end of sessions since the start; hosts not in it have had neither.
  struct Presence {
    bool connected = false;
    int64_t since_us = 0;
  };
  std::map<std::string, Presence> presence_;
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_DRIVER_H_
