#include "vswitch/agent/connection_sweep.h"

#include <gtest/gtest.h>

#include "tests/agent/manual_executor.h"
#include "tests/fakes/fake_connection_table.h"

namespace outrider::agent {
namespace {

TEST(ConnectionSweepTest, SweepsEveryInterval) {
  ManualExecutor executor;
  datapath::FakeConnectionTable connections;
  ConnectionSweep sweep(&executor, &connections);
  sweep.Start();
  executor.RunReady();
  EXPECT_EQ(connections.sweeps(), 0);
  executor.Advance(ConnectionSweep::kInterval);
  EXPECT_EQ(connections.sweeps(), 1);
  executor.Advance(3 * ConnectionSweep::kInterval);
  EXPECT_EQ(connections.sweeps(), 4);
}

TEST(ConnectionSweepTest, GoesOnAfterAFailure) {
  ManualExecutor executor;
  datapath::FakeConnectionTable connections;
  ConnectionSweep sweep(&executor, &connections);
  sweep.Start();
  connections.FailSweeps(absl::ResourceExhaustedError("no memory"));
  executor.Advance(2 * ConnectionSweep::kInterval);
  connections.FailSweeps(absl::OkStatus());
  executor.Advance(ConnectionSweep::kInterval);
  EXPECT_EQ(connections.sweeps(), 3);
}

}  // namespace
}  // namespace outrider::agent
