// What clients leave unfinished, all together.
#include "vswitch/ovs/message_budget.h"

#include "tests/ovs/session_fixture.h"

namespace outrider::ovs {
namespace {

constexpr size_t kBudget = 4 << 20;
constexpr const char* kRest = "\"]}";

class MessageBudgetTest : public SessionTest {
 protected:
  MessageBudgetTest() {
    service_ = OvsdbService::Create(loop_.get(), database_.get(), kBudget).value();
  }
  static std::string Half(size_t size) {
    return R"({"method":"echo","id":1,"params":[")" + std::string(size, 'x');
  }
};

TEST_F(MessageBudgetTest, WhoHoldsTheMostGoes) {
  const auto small = Connect();
  const auto large = Connect();
  const auto largest = Connect();
  const auto last = Connect();
  small->Say(Half(1000));
  large->Say(Half(3 << 19));
  largest->Say(Half(2 << 20));
  for (const auto* client : {&small, &large, &largest}) EXPECT_FALSE((*client)->hung_up);
  last->Say(Half(1 << 20));
  ASSERT_TRUE(largest->hung_up);
  EXPECT_EQ(largest->hung_up->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(Message(*largest->hung_up).find("unfinished messages of all clients"),
            std::string::npos);
  // It is not heard any more, and the others go on.
  largest->Say(kRest);
  EXPECT_EQ(largest->Told(), "");
  for (const auto* client : {&small, &large, &last}) {
    EXPECT_FALSE((*client)->hung_up);
    (*client)->Say(kRest);
    EXPECT_NE((*client)->Told(), "");
  }
  EXPECT_EQ(service_->unfinished().total(), 0u);
}

TEST_F(MessageBudgetTest, ItMayBeTheOneThatSpeaks) {
  const auto small = Connect();
  small->Say(Half(1 << 20));
  const auto large = Connect();
  for (int i = 0; i < 5 && !large->hung_up; ++i) {
    large->Say(i == 0 ? Half(1 << 20) : std::string(1 << 20, 'x'));
  }
  EXPECT_TRUE(large->hung_up);
  EXPECT_FALSE(small->hung_up);
  EXPECT_GT(service_->unfinished().total(), 1u << 20);
  EXPECT_LT(service_->unfinished().total(), 2u << 20);
}

TEST_F(MessageBudgetTest, ManyOfLittleStayBelowItToo) {
  std::vector<std::unique_ptr<SessionClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(Connect());
    clients.back()->Say(Half(100'000));
    EXPECT_LE(service_->unfinished().total(), kBudget);
  }
}

TEST_F(MessageBudgetTest, WhatIsFinishedOrGoneTakesNothing) {
  const auto stays = Connect();
  for (int i = 0; i < 10; ++i) {
    const auto goes = Connect();
    goes->Say(Half(3 << 20));
    EXPECT_FALSE(goes->hung_up);
  }
  for (int i = 0; i < 10; ++i) stays->Say(Half(3 << 20) + kRest);
  EXPECT_FALSE(stays->hung_up);
  EXPECT_EQ(service_->unfinished().total(), 0u);
  stays->Say(Half(3 << 20));
  stays->Say("\x01\"]} no JSON");
  EXPECT_TRUE(stays->hung_up);
  EXPECT_EQ(service_->unfinished().total(), 0u);
}

}  // namespace
}  // namespace outrider::ovs
