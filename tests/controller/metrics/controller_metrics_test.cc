// What Prometheus is told of the controller's model and sessions.
#include "controller/metrics/controller_metrics.h"

#include <gmock/gmock.h>

#include "tests/controller/model/build.h"
#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

class ControllerMetricsTest : public testing::Test {
 protected:
  ControllerMetricsTest()
      : repository_(Repository::Create(&store_, &clock_).value()),
        driver_(repository_.get(), &clock_) {
    auto executor = std::make_unique<ManualExecutor>();
    executor_ = executor.get();
    hub_ = std::make_unique<SessionHub>(repository_.get(), &driver_, &clock_, std::move(executor));
    metrics_ =
        std::make_unique<ControllerMetrics>(repository_.get(), hub_.get(), 1'700'000'000'500'000);
  }
  template <typename T>
  void Put(const T& object) {
    const auto put = [&](const Model&, Transaction* transaction) {
      transaction->Put(object);
      return absl::OkStatus();
    };
    ASSERT_TRUE(repository_->Transact(put).ok());
  }
  // Up to what is told of ended migrations.
  std::string Text() const {
    const std::string text = MetricText(metrics_->Collect());
    return text.substr(0, text.find("# HELP outrider_controller_migrations_total"));
  }

  MemoryStore store_;
  FakeClock clock_;
  std::unique_ptr<Repository> repository_;
  MigrationDriver driver_;
  ManualExecutor* executor_ = nullptr;
  std::unique_ptr<SessionHub> hub_;
  std::unique_ptr<ControllerMetrics> metrics_;
};

TEST_F(ControllerMetricsTest, ModelAndSessions) {
  Put(MakeSegment("red", 100));
  Put(MakeProfile("web", "red"));
  Put(MakeHost("h1", 1));
  Put(MakeHost("h2", 2));
  for (int n = 1; n <= 3; ++n) {
    v1::Port port = MakePort(n, "web");
    if (n == 2) port.set_frozen_us(5);
    Put(port);
  }
  FakeAgent agent("h1", "i-1");
  agent.Join(hub_.get(), executor_);
  agent.TakeAll();
  Put(MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_ARMED));
  Put(MakeMigration("m2", {2}, "h1", "h2", v1::MIGRATION_PHASE_SWITCHING));
  Put(MakeMigration("m3", {3}, "h1", "h2", v1::MIGRATION_PHASE_COMMITTED));
  EXPECT_EQ(Text(), R"(# HELP outrider_controller_info Always 1; the version is the label.
# TYPE outrider_controller_info gauge
outrider_controller_info{version="0.1.0"} 1
# HELP outrider_controller_start_time_seconds When it started, since the Unix epoch.
# TYPE outrider_controller_start_time_seconds gauge
outrider_controller_start_time_seconds 1700000000.5
# HELP outrider_controller_store_revision Revision of the last commit.
# TYPE outrider_controller_store_revision gauge
outrider_controller_store_revision 11
# HELP outrider_controller_hosts Hosts that are enrolled or invited.
# TYPE outrider_controller_hosts gauge
outrider_controller_hosts 2
# HELP outrider_controller_segments Segments.
# TYPE outrider_controller_segments gauge
outrider_controller_segments 1
# HELP outrider_controller_profiles Profiles in force.
# TYPE outrider_controller_profiles gauge
outrider_controller_profiles 1
# HELP outrider_controller_ports Ports, on a host or on none.
# TYPE outrider_controller_ports gauge
outrider_controller_ports 3
# HELP outrider_controller_ports_frozen Ports that hosts have fought for, until they are thawed.
# TYPE outrider_controller_ports_frozen gauge
outrider_controller_ports_frozen 1
# HELP outrider_controller_migrations_running Migrations under way, by phase.
# TYPE outrider_controller_migrations_running gauge
outrider_controller_migrations_running{phase="preparing"} 0
outrider_controller_migrations_running{phase="armed"} 1
outrider_controller_migrations_running{phase="switching"} 1
# HELP outrider_controller_hosts_connected Hosts with a session.
# TYPE outrider_controller_hosts_connected gauge
outrider_controller_hosts_connected 1
# HELP outrider_controller_sessions_total Sessions that have begun: the host went on from what it held, or got a snapshot.
# TYPE outrider_controller_sessions_total counter
outrider_controller_sessions_total{begin="resumed"} 0
outrider_controller_sessions_total{begin="snapshot"} 1
)");
}

}  // namespace
}  // namespace outrider::controller
