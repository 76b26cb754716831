// Whatever happens in whatever order, with fixed seeds: ports are on one host, epochs grow,
// finished migrations stay finished, and a restart changes nothing.
#include <map>
#include <random>

#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

class DriverPropertyTest : public DriverFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  int Below(int limit) { return static_cast<int>(random_() % limit); }
  std::string Host() { return fmt::format("h{}", 1 + Below(3)); }
  // In order of their last writes: ids are random, and the same seed must lead to the same run.
  std::vector<std::string> Ids() {
    return repository_->Read([](const Model& model) {
      std::map<uint64_t, std::string> ids;
      for (const auto& [id, migration] : model.All<v1::Migration>()) {
        ids.emplace(migration->meta().revision(), id);
      }
      std::vector<std::string> ordered;
      for (const auto& [revision, id] : ids) ordered.push_back(id);
      return ordered;
    });
  }
  std::string AnyId() {
    const auto ids = Ids();
    return ids.empty() ? "none" : ids[Below(static_cast<int>(ids.size()))];
  }

  // One thing that may happen; refusals are fine, what they leave behind is checked.
  void Happen() {
    const int n = 1 + Below(2);
    switch (Below(13)) {
      case 0:
      case 1:
        Prepare(Host()).status().IgnoreError();
        break;
      case 2:
      case 3:
        SendReceipts(Host());
        break;
      case 4:
        driver_->Switchover(AnyId(), 0).status().IgnoreError();
        break;
      case 5:
        if (Below(2) == 0) driver_->Abort(AnyId(), "test").status().IgnoreError();
        break;
      case 6:
      case 7:
        SendFrame(Host(), n, Port(n).location().epoch() + Below(2));
        SayOfGuest(n);
        break;
      case 8:
      case 9:
        SendAck(Host(), repository_->revision());
        break;
      case 10:
        clock_.AdvanceUs(Below(4) * 3'000'000);
        EXPECT_TRUE(driver_->OnTick().ok());
        break;
      case 11:
        EditProfileOrLoseHost();
        break;
      default:
        if (Below(4) == 0) RestartDriver();
        for (int k = 1; k <= 3; ++k) SetConnected(fmt::format("h{}", k), true);
        break;
    }
  }
  void SayOfGuest(int n) {
    v1::PortEvent event;
    event.set_kind(Below(2) == 0 ? v1::PortEvent::KIND_PAUSED : v1::PortEvent::KIND_RESUMED);
    event.set_port_id(PortId(n));
    event.set_migration_id(AnyId());
    event.set_time_us(clock_.NowUs() + Below(100));
    EXPECT_TRUE(driver_->OnPortEvent(Host(), event).ok());
  }
  void EditProfileOrLoseHost() {
    if (Below(2) == 0) {
      SetConnected(Host(), false);
      return;
    }
    v1::Profile profile = MakeProfile("web", "red");
    profile.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(1 + Below(3));
    EXPECT_TRUE(ApplyProfile(repository_.get(), profile).ok());
  }

  void CheckPorts() {
    for (int n = 1; n <= 2; ++n) {
      const v1::PortLocation location = Port(n).location();
      EXPECT_FALSE(location.host().empty());
      EXPECT_GE(location.epoch(), epochs_[n]) << "epochs never go back";
      EXPECT_TRUE(location.epoch() > epochs_[n] || location.host() == hosts_[n])
          << "a move without a new epoch";
      epochs_[n] = location.epoch();
      hosts_[n] = location.host();
    }
    EXPECT_EQ(hosts_[1], hosts_[2]) << "ports of one VM move together";
  }
  void CheckMigrations() {
    int running = 0;
    for (const std::string& id : Ids()) {
      const v1::Migration migration = Migration(id);
      if (IsRunning(migration)) {
        ++running;
        const bool moved = migration.phase() == v1::MIGRATION_PHASE_SWITCHING;
        EXPECT_EQ(hosts_[1], moved ? migration.destination() : migration.source());
        EXPECT_EQ(epochs_[1], migration.source_epochs().at(PortId(1)) + (moved ? 1 : 0));
      }
      if (finished_.contains(id)) {
        EXPECT_EQ(migration.phase(), finished_[id]);
      } else if (!IsRunning(migration)) {
        finished_[id] = migration.phase();
      }
      int64_t last = 0;
      for (const auto& event : migration.timeline()) {
        EXPECT_FALSE(event.kind().empty());
        if (event.kind() == "peer-converged") continue;  // carries the time of its arrival
        EXPECT_GE(event.recorded_us(), last);
        last = event.recorded_us();
      }
    }
    EXPECT_LE(running, 1);
  }
  // At most one host forwards for a port.
  void CheckHosts() {
    for (int n = 1; n <= 2; ++n) {
      int active = 0;
      int departed = 0;
      for (int k = 1; k <= 3; ++k) {
        const v1::HostState state = State(fmt::format("h{}", k));
        for (const auto& port : state.ports()) {
          active += port.id() == PortId(n) && port.phase() == v1::PORT_PHASE_ACTIVE;
          departed += port.id() == PortId(n) && port.phase() == v1::PORT_PHASE_DEPARTED;
        }
      }
      EXPECT_EQ(active, 1);
      const auto switching = repository_->Read([&](const Model& model) {
        const v1::Migration* migration = model.RunningMigrationOf(PortId(n));
        return migration != nullptr && IsSwitching(*migration);
      });
      EXPECT_EQ(departed, switching ? 1 : 0);
    }
  }

  std::mt19937 random_{GetParam()};
  std::map<int, uint64_t> epochs_{{1, 1}, {2, 1}};
  std::map<int, std::string> hosts_{{1, "h1"}, {2, "h1"}};
  std::map<std::string, v1::MigrationPhase> finished_;
};

TEST_P(DriverPropertyTest, InvariantsHold) {
  for (int step = 0; step < 500 && !HasFailure(); ++step) {
    SCOPED_TRACE(fmt::format("step {}", step));
    Happen();
    CheckPorts();
    CheckMigrations();
    CheckHosts();
  }
  std::map<v1::MigrationPhase, int> ends;
  for (const auto& [id, phase] : finished_) ++ends[phase];
  EXPECT_GT(ends[v1::MIGRATION_PHASE_COMMITTED], 0) << "the generator must get that far";
  EXPECT_GT(ends[v1::MIGRATION_PHASE_ABORTED], 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DriverPropertyTest, testing::Range(1u, 7u));

}  // namespace
}  // namespace outrider::controller
