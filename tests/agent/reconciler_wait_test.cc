// Waiting until a port is in force.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/agent/reconciler_fixture.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::HasSubstr;

class Waiting : public ReconcilerTest {
 protected:
  uint64_t Wait() {
    return reconciler_->WaitInForce(kPort, [this](absl::Status status) { answer_ = status; });
  }
  std::optional<absl::Status> answer_;
};

TEST_F(Waiting, EndsWhenTheOwnProfileIsInForce) {
  Attach(1);
  Wait();
  EXPECT_FALSE(answer_);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kBlocked)).ok());
  EXPECT_FALSE(answer_);
  ASSERT_TRUE(Snapshot(6, SampleState()).ok());
  ASSERT_TRUE(answer_);
  EXPECT_TRUE(answer_->ok()) << *answer_;
}

TEST_F(Waiting, EndsAtOnceWhenItIsInForceAlready) {
  Attach(1);
  ASSERT_TRUE(Snapshot(6, SampleState()).ok());
  Wait();
  ASSERT_TRUE(answer_);
  EXPECT_TRUE(answer_->ok());
}

TEST_F(Waiting, EndsWithTheControllersRefusal) {
  Attach(1);
  Wait();
  reconciler_->TakeRefusal(kPort, absl::FailedPreconditionError("located at host \"h2\""));
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(*answer_), HasSubstr("h2"));
  EXPECT_THAT(reconciler_->ListPorts().at(0).problem, HasSubstr("h2"));
  answer_.reset();
  Wait();
  ASSERT_TRUE(answer_) << "the refusal is known";
}

TEST_F(Waiting, EndsWithTheReasonWhenTimeIsUp) {
  Attach(1);
  reconciler_->CancelWait(Wait());
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(*answer_), HasSubstr("controller"));
}

TEST_F(Waiting, EndsWithADetachAndWhenTheAgentStops) {
  Attach(1);
  Wait();
  reconciler_->Detach(kPort);
  EXPECT_EQ(answer_->code(), absl::StatusCode::kCancelled);
  Attach(1);
  reconciler_->StopWaiting();
  Wait();
  EXPECT_EQ(answer_->code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace outrider::agent
