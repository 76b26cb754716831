// When clients hear of their commits: as soon as whoever was given the answer calls it.
#include <functional>
#include <utility>

#include "tests/ovs/session_fixture.h"

namespace outrider::ovs {
namespace {

constexpr const char* kInsert =
    R"({"id":7,"method":"transact","params":["Open_vSwitch",{"op":"insert","table":"Queue","row":{"dscp":7}},{"op":"comment","comment":"x"}]})";
constexpr const char* kCancel = R"({"id":null,"method":"cancel","params":[7]})";

class HoldAnswersTest : public SessionTest {
 protected:
  HoldAnswersTest() {
    service_->HoldAnswers(
        [this](std::function<void()> answer) { held_.push_back(std::move(answer)); });
  }
  size_t Queues() const { return database_->tables().at("Queue").size(); }

  // Before the client: its session is in what is held.
  std::vector<std::function<void()>> held_;
  std::unique_ptr<SessionClient> client_ = Connect();
};

constexpr const char* kAnswer = R"({"error":null,"id":7,"result":[{"uuid":["uuid","U0"]},{}]})"
                                "\n";

TEST_F(HoldAnswersTest, WhatIsCommittedIsThereBeforeItsAnswer) {
  client_->Say(kInsert);
  ASSERT_EQ(held_.size(), 1u);
  EXPECT_EQ(client_->Told(), "");
  EXPECT_EQ(Queues(), 1u);
  held_[0]();
  EXPECT_EQ(client_->Told(), kAnswer);
  held_[0]();
  EXPECT_EQ(client_->Told(), "") << "one answer";
}

TEST_F(HoldAnswersTest, AFailureIsToldAtOnce) {
  client_->Say(
      R"({"id":7,"method":"transact","params":["Open_vSwitch",{"op":"insert","table":"Nope","row":{}}]})");
  EXPECT_TRUE(held_.empty());
  EXPECT_NE(client_->Told().find("No table named Nope"), std::string::npos);
}

TEST_F(HoldAnswersTest, WhatIsCommittedIsNotCanceled) {
  client_->Say(kInsert);
  client_->Say(kCancel);
  EXPECT_EQ(client_->Told(), "");
  ASSERT_EQ(held_.size(), 1u);
  held_[0]();
  EXPECT_EQ(client_->Told(), kAnswer);
}

TEST_F(HoldAnswersTest, OthersAreAnsweredMeanwhile) {
  client_->Say(kInsert);
  EXPECT_EQ(client_->Ask("echo", "[]", 8), ovsdb::Json::array());
  const auto other = Connect();
  EXPECT_EQ(other->Ask("echo", "[]"), ovsdb::Json::array());
}

TEST_F(HoldAnswersTest, WhatIsCommittedDoesNotWaitToBeRun) {
  // Nobody hears of commits: a client that goes on has many of them.
  for (size_t i = 0; i < 200; ++i) client_->Say(kInsert);
  client_->Say(
      R"({"id":8,"method":"transact","params":["Open_vSwitch",{"op":"wait","table":"Queue","columns":["dscp"],"until":"==","rows":[{"dscp":9}],"where":[]}]})");
  EXPECT_EQ(client_->Told(), "") << "it waits, and was not given up";
}

TEST_F(HoldAnswersTest, AnAnswerOutlivesClientAndService) {
  client_->Say(kInsert);
  Connect()->Say(kInsert);
  ASSERT_EQ(held_.size(), 2u);
  held_[1]();
  client_.reset();
  service_.reset();
  held_[0]();
  EXPECT_EQ(Queues(), 2u);
}

}  // namespace
}  // namespace outrider::ovs
