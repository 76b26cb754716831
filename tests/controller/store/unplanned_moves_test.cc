// When moves freeze a port, and what lifts that.
#include "controller/store/unplanned_moves.h"

#include <gmock/gmock.h>

#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecondUs = 1'000'000;

v1::Port Moved(const std::vector<int64_t>& times_us) {
  v1::Port port;
  for (const int64_t time_us : times_us) CountUnplannedMove(time_us, &port);
  return port;
}

TEST(UnplannedMovesTest, TheFifthWithinTheWindowFreezes) {
  EXPECT_EQ(Moved({1, 2, 3, 4}).frozen_us(), 0);
  const v1::Port port = Moved({1, 2, 3, 4, kUnplannedWindowUs});
  EXPECT_EQ(port.frozen_us(), kUnplannedWindowUs);
  EXPECT_THAT(port.unplanned_moves_us(), ElementsAre(1, 2, 3, 4, kUnplannedWindowUs));
}

TEST(UnplannedMovesTest, OldOnesDoNotCount) {
  const v1::Port port = Moved({1, 2, 3, 4, 1 + kUnplannedWindowUs});
  EXPECT_EQ(port.frozen_us(), 0);
  EXPECT_THAT(port.unplanned_moves_us(), ElementsAre(2, 3, 4, 1 + kUnplannedWindowUs));
}

TEST(UnplannedMovesTest, OneThatWasPlannedAfterAllLiftsIt) {
  v1::Port port = Moved({1, 2, 3, 4, 5});
  EXPECT_FALSE(ForgiveMove(6, &port));
  EXPECT_EQ(port.frozen_us(), 5);
  EXPECT_TRUE(ForgiveMove(5, &port));
  EXPECT_EQ(port.frozen_us(), 0);
  EXPECT_FALSE(ForgiveMove(5, &port)) << "once";
  EXPECT_THAT(port.unplanned_moves_us(), ElementsAre(1, 2, 3, 4));
}

class FrozenPortTest : public RepositoryFixture {
 protected:
  FrozenPortTest() {
    EXPECT_TRUE(BindPort(repository_.get(), "h1", Attachment(1)).ok());
    for (int n = 1; n <= kMaxUnplannedMoves; ++n) Move(n % 2 == 0 ? "h1" : "h2", n * kSecondUs);
  }
  void Move(const std::string& host, int64_t unplanned_us, int64_t undone_us = 0) {
    PortMove move{PortId(1), Port(1).location(), {}};
    move.to.set_host(host);
    move.to.set_epoch(move.from.epoch() + 1);
    move.unplanned_us = unplanned_us;
    move.undone_us = undone_us;
    const auto stage = [&](const Model& model, Transaction* transaction) {
      return MovePorts(model, {move}, transaction);
    };
    ASSERT_TRUE(repository_->Transact(stage).ok());
  }
};

TEST_F(FrozenPortTest, StaysSoOverPlannedMovesAndEditsAndRestarts) {
  EXPECT_EQ(Port(1).frozen_us(), 5 * kSecondUs);
  Move("h3", 0);
  v1::Port edited = Port(1);
  edited.clear_frozen_us();
  edited.clear_unplanned_moves_us();
  edited.set_vm_id("vm9");
  ASSERT_TRUE(UpdateObject(repository_.get(), edited).ok());
  Restart();
  EXPECT_EQ(Port(1).frozen_us(), 5 * kSecondUs);
  EXPECT_EQ(Port(1).unplanned_moves_us_size(), 5);
}

TEST_F(FrozenPortTest, ThawForgetsTheMoves) {
  EXPECT_EQ(ThawPort(repository_.get(), PortId(9)).status().code(), absl::StatusCode::kNotFound);
  const auto thawed = ThawPort(repository_.get(), PortId(1));
  ASSERT_TRUE(thawed.ok()) << thawed.status();
  EXPECT_EQ(thawed->frozen_us(), 0);
  EXPECT_THAT(thawed->unplanned_moves_us(), IsEmpty());
  const absl::Status again = ThawPort(repository_.get(), PortId(1)).status();
  EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(again), "port \"" + PortId(1) + "\" is not frozen");
}

TEST_F(FrozenPortTest, AMoveThatIsUndoneDoesNotCount) {
  Move("h1", 0, 5 * kSecondUs);
  EXPECT_EQ(Port(1).frozen_us(), 0);
  EXPECT_EQ(Port(1).unplanned_moves_us_size(), 4);
}

TEST_F(FrozenPortTest, ItsHostsLettingGoEndsIt) {
  ASSERT_TRUE(*UnbindPort(repository_.get(), "h2", PortId(1)));
  EXPECT_EQ(Port(1).frozen_us(), 0);
  EXPECT_THAT(Port(1).unplanned_moves_us(), IsEmpty());
}

TEST_F(FrozenPortTest, ForgivingWhatWasNotCountedWritesNothing) {
  const uint64_t commits = store_.commits();
  ASSERT_TRUE(ForgiveMoves(repository_.get(), PortId(1), {7, 8}).ok());
  ASSERT_TRUE(ForgiveMoves(repository_.get(), PortId(9), {kSecondUs}).ok());
  EXPECT_EQ(store_.commits(), commits);
  ASSERT_TRUE(ForgiveMoves(repository_.get(), PortId(1), {kSecondUs, 2 * kSecondUs}).ok());
  EXPECT_EQ(store_.commits(), commits + 1);
  EXPECT_EQ(Port(1).unplanned_moves_us_size(), 3);
}

}  // namespace
}  // namespace outrider::controller
