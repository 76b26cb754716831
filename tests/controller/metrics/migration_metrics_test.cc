// What Prometheus is told of migrations that have ended.
#include "controller/metrics/migration_metrics.h"

#include <gmock/gmock.h>

#include "controller/migration/machine.h"
#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MigrationMetricsTest : public RepositoryFixture {
 protected:
  std::string Text() const {
    MetricPage page;
    metrics_.AddTo(&page);
    return MetricText(std::move(page).Take());
  }
  void Put(const v1::Migration& migration) {
    const auto put = [&](const Model&, Transaction* transaction) {
      transaction->Put(migration);
      return absl::OkStatus();
    };
    ASSERT_TRUE(repository_->Transact(put).ok());
  }
  static void Add(v1::Migration* migration, int64_t us, const std::string& host,
                  const std::string& kind, const std::string& detail = "") {
    AddEvent(migration, us, us, host, kind, "", detail);
  }
  // Up to ARMED after 20 ms.
  static v1::Migration Armed() {
    v1::Migration migration = MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_ARMED);
    Add(&migration, 1'000'000, "controller", "intent");
    Add(&migration, 1'020'000, "controller", "armed");
    return migration;
  }
  // Opened after 4 ms by libvirt's word, converged after 7 ms, done after 2 s.
  static v1::Migration Committed() {
    v1::Migration migration = Armed();
    migration.set_phase(v1::MIGRATION_PHASE_COMMITTED);
    Add(&migration, 2'990'000, "controller", "switchover", "source paused");
    Add(&migration, 2'994'000, "h2", "activated", "libvirt");
    Add(&migration, 2'997'000, "controller", "converged");
    Add(&migration, 3'000'000, "controller", "committed");
    migration.set_converge_max_us(7'000);
    v1::MoveCounters& source = (*migration.mutable_source_counters())[PortId(1)];
    source.set_replayed(3);
    source.set_redirected(40);
    source.set_lost(1);
    v1::MoveCounters& destination = (*migration.mutable_destination_counters())[PortId(1)];
    destination.set_arrived(41);
    destination.set_refused(2);
    destination.set_connections(5);
    destination.set_adopted(6);
    return migration;
  }

  MigrationMetrics metrics_{repository_.get()};
};

constexpr char kNothingYet[] =
    R"(# HELP outrider_controller_migrations_total Migrations that have ended, by outcome and by what moved the ports.
# TYPE outrider_controller_migrations_total counter
outrider_controller_migrations_total{outcome="aborted",trigger="api"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="detached"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="first-frame"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="libvirt"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="none"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="other"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="port-data"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="qmp"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="switchover"} 0
outrider_controller_migrations_total{outcome="aborted",trigger="tap-features"} 0
outrider_controller_migrations_total{outcome="committed",trigger="api"} 0
outrider_controller_migrations_total{outcome="committed",trigger="detached"} 0
outrider_controller_migrations_total{outcome="committed",trigger="first-frame"} 0
outrider_controller_migrations_total{outcome="committed",trigger="libvirt"} 0
outrider_controller_migrations_total{outcome="committed",trigger="other"} 0
outrider_controller_migrations_total{outcome="committed",trigger="port-data"} 0
outrider_controller_migrations_total{outcome="committed",trigger="qmp"} 0
outrider_controller_migrations_total{outcome="committed",trigger="switchover"} 0
outrider_controller_migrations_total{outcome="committed",trigger="tap-features"} 0
# HELP outrider_controller_migration_aborts_total Migrations that were aborted, by reason.
# TYPE outrider_controller_migration_aborts_total counter
outrider_controller_migration_aborts_total{reason="destination-gone"} 0
outrider_controller_migration_aborts_total{reason="detached-at-destination"} 0
outrider_controller_migration_aborts_total{reason="detached-at-source"} 0
outrider_controller_migration_aborts_total{reason="evacuated"} 0
outrider_controller_migration_aborts_total{reason="lease"} 0
outrider_controller_migration_aborts_total{reason="not-in-force"} 0
outrider_controller_migration_aborts_total{reason="request"} 0
outrider_controller_migration_aborts_total{reason="returned"} 0
# HELP outrider_controller_migration_prepare_seconds From the intent to the destination's being armed.
# TYPE outrider_controller_migration_prepare_seconds histogram
outrider_controller_migration_prepare_seconds_count 0
outrider_controller_migration_prepare_seconds_sum 0
outrider_controller_migration_prepare_seconds_bucket{le="0.001"} 0
)";

TEST_F(MigrationMetricsTest, AllSeriesAreThereFromTheBeginning) {
  EXPECT_THAT(Text(), ::testing::StartsWith(kNothingYet));
  EXPECT_THAT(Text(),
              ::testing::EndsWith("outrider_controller_migration_connections_adopted_total 0\n"));
}

TEST_F(MigrationMetricsTest, ACommittedOne) {
  Put(Armed());
  EXPECT_THAT(Text(), HasSubstr("outrider_controller_migration_prepare_seconds_count 0\n"));
  Put(Committed());
  const std::string text = Text();
  for (const char* line : {
           "outrider_controller_migrations_total{outcome=\"committed\",trigger=\"switchover\"} 1\n",
           "outrider_controller_migration_prepare_seconds_count 1\n",
           "outrider_controller_migration_prepare_seconds_sum 0.02\n",
           "outrider_controller_migration_prepare_seconds_bucket{le=\"0.01\"} 0\n",
           "outrider_controller_migration_prepare_seconds_bucket{le=\"0.025\"} 1\n",
           "outrider_controller_migration_switch_seconds_sum 0.004\n",
           "outrider_controller_migration_convergence_seconds_sum 0.007\n",
           "outrider_controller_migration_duration_seconds_sum 2\n",
           "outrider_controller_migration_frames_replayed_total 3\n",
           "outrider_controller_migration_frames_redirected_total 40\n",
           "outrider_controller_migration_frames_lost_total 1\n",
           "outrider_controller_migration_frames_arrived_total 41\n",
           "outrider_controller_migration_frames_refused_total 2\n",
           "outrider_controller_migration_connections_taken_over_total 5\n",
           "outrider_controller_migration_connections_adopted_total 6\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("aborted\",trigger=\"none\"} 1")));
}

TEST_F(MigrationMetricsTest, WhatHostsSayAfterTheEndIsAddedOnce) {
  v1::Migration migration = Committed();
  Put(migration);
  (*migration.mutable_source_counters())[PortId(1)].set_redirected(50);
  Put(migration);
  (*migration.mutable_destination_counters())[PortId(1)].set_adopted(9);
  Put(migration);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("frames_redirected_total 50\n"));
  EXPECT_THAT(text, HasSubstr("frames_replayed_total 3\n"));
  EXPECT_THAT(text, HasSubstr("connections_adopted_total 9\n"));
  EXPECT_THAT(text, HasSubstr("outcome=\"committed\",trigger=\"switchover\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("prepare_seconds_count 1\n"));
}

TEST_F(MigrationMetricsTest, OperatorsWordsAreNoLabels) {
  v1::Migration migration = Armed();
  migration.set_phase(v1::MIGRATION_PHASE_ABORTED);
  migration.set_reason("disk of web-1 failed\"} 7");
  Add(&migration, 1'500'000, "controller", "aborted");
  Put(migration);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("migrations_total{outcome=\"aborted\",trigger=\"none\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("migration_aborts_total{reason=\"request\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("duration_seconds_sum 0.5\n"));
  EXPECT_THAT(text, HasSubstr("switch_seconds_count 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("web-1")));
}

TEST_F(MigrationMetricsTest, ADeletedRecordTakesNothingBack) {
  Put(Committed());
  const std::string before = Text();
  const auto erase = [](const Model&, Transaction* transaction) {
    transaction->Erase<v1::Migration>("m1");
    return absl::OkStatus();
  };
  ASSERT_TRUE(repository_->Transact(erase).ok());
  EXPECT_EQ(Text(), before);
}

}  // namespace
}  // namespace outrider::controller
