// A migration driven by hand, one input after the other.
#ifndef OUTRIDER_TESTS_CONTROLLER_MIGRATION_MACHINE_FIXTURE_H_
#define OUTRIDER_TESTS_CONTROLLER_MIGRATION_MACHINE_FIXTURE_H_

#include <string>
#include <vector>

#include "controller/migration/machine.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {

inline constexpr int64_t kStart = 1'000'000;
inline constexpr int64_t kLease = kStart + 600'000'000;

// One migration of ports 1 and 2 from h1 to h2, driven by hand.
class MachineTest : public testing::Test {
 protected:
  MachineTest()
      : migration_(MakeMigration("m1", {1, 2}, "h1", "h2", v1::MIGRATION_PHASE_PREPARING)) {
    migration_.set_lease_expires_us(kLease);
    migration_.mutable_meta()->set_revision(10);
  }

  // Feeds the input and takes the next record, as the driver would.
  Outcome Do(const MigrationInput& input) {
    const auto outcome = Advance(migration_, input, now_us_);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    if (!outcome.ok()) return {migration_, false, Relocation::kNone};
    if (!outcome->changed) {
      EXPECT_TRUE(Equal(outcome->next, migration_)) << "changed without saying so";
    }
    migration_ = outcome->next;
    if (outcome->changed) migration_.mutable_meta()->set_revision(migration_.meta().revision() + 1);
    return *outcome;
  }
  void ExpectIgnored(const MigrationInput& input) { EXPECT_FALSE(Do(input).changed); }
  std::string Error(const MigrationInput& input) {
    const auto outcome = Advance(migration_, input, now_us_);
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kFailedPrecondition);
    return Message(outcome.status());
  }

  static ReceiptEvent Receipt(int port, const std::string& host = "h2",
                              const std::string& digest = "digest", uint64_t epoch = 2) {
    ReceiptEvent event;
    event.receipt.set_port_id(PortId(port));
    event.receipt.set_host(host);
    event.receipt.set_digest(digest);
    event.receipt.set_epoch(epoch);
    event.receipt.set_profile("web");
    event.receipt.set_profile_revision(3);
    event.receipt.set_phase(v1::PORT_PHASE_ARMED);
    event.receipt.set_time_us(77);
    return event;
  }
  static ActivationEvent Frame(int port, bool first_frame = true, uint64_t epoch = 2) {
    return {"h2", PortId(port), epoch, 88, first_frame, {"h1", "h2", "h3"}};
  }
  // The source has paused; the guest is not there yet.
  static ActivationEvent PortData(int port) {
    return {"h2", PortId(port), 2, 88, false, {"h1", "h2", "h3"}, kPortDataTrigger};
  }
  // The guest's state has come to a tap of its own.
  LoadedEvent Loaded(int port) const {
    return {"h2", PortId(port), migration_.meta().name(), 88, "tap-features", {"h1", "h2", "h3"}};
  }
  static SwitchoverEvent Switchover() { return {0, {"h1", "h2", "h3"}}; }
  AckEvent Ack(const std::string& host, uint64_t generation) {
    return {host, generation, 99, now_us_, ""};
  }
  // Of everything so far.
  AckEvent Ack(const std::string& host) { return Ack(host, migration_.meta().revision()); }
  static RerouteEvent Reroute() { return {{"h1", "h2", "h3"}}; }
  // Source and destination have it, then the others.
  void AckAll() {
    Do(Ack("h1", moved_at_));
    Do(Ack("h2", moved_at_));
    Do(Reroute());
    Do(Ack("h3"));
  }
  // Time passes for what is under way; the end, unless something else is waited for.
  void Drain() {
    now_us_ += kDrainUs;
    Do(Present());
  }
  SourceEvent FromSource(SourceEvent::Kind kind, int64_t time_us,
                         const std::string& trigger = "qmp", int port = 1) const {
    return {kind, "h1", PortId(port), migration_.meta().name(), time_us, trigger};
  }
  // The destination is there and was heard of this moment; or it has been away since then.
  TickEvent Present(int64_t since_us = 0) const {
    return {{true, since_us, now_us_}, 0, {true, 0, now_us_}};
  }
  static TickEvent Absent(int64_t since_us) { return {{false, since_us, 0}, 0}; }
  void Arm() {
    Do(Receipt(1));
    Do(Receipt(2));
    ASSERT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
  }
  // Switched at revision `moved_at_`.
  void Switch() {
    Arm();
    Do(Switchover());
    moved_at_ = migration_.meta().revision();
  }

  std::vector<std::string> Kinds() const {
    std::vector<std::string> kinds;
    for (const auto& event : migration_.timeline()) kinds.push_back(event.kind());
    return kinds;
  }
  v1::MigrationEvent Last() const { return *migration_.timeline().rbegin(); }
  using Strings = std::vector<std::string>;

  v1::Migration migration_;
  int64_t now_us_ = kStart;
  uint64_t moved_at_ = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_MIGRATION_MACHINE_FIXTURE_H_
