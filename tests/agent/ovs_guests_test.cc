#include "vswitch/agent/ovs_guests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/agent/running_agent.h"

namespace outrider::agent {
namespace {

using std::chrono_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using Wanted = std::map<std::string, OvsGuest>;

class OvsGuestsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(agent_.started.ok()) << agent_.started; }
  void TearDown() override {
    executor_.Stop();
    agent_.loop.Stop();
  }

  static OvsGuest Guest(uint8_t n, const std::string& profile = "web") {
    OvsGuest guest{.id = MakePortId(n), .row = "row", .attachment = SampleAttachment(n)};
    guest.attachment.profile = profile;
    guest.attachment.owner = state::AttachmentOwner::kOvsdb;
    return guest;
  }
  void Apply(const Wanted& wanted) {
    RunOn(&executor_, [&] { guests_.Apply(wanted); });
  }
  OvsGuest Find(const std::string& interface) {
    return RunOn(&executor_, [&] { return *guests_.Find(interface); });
  }
  state::Attachments Attached() { return *agent_.store->LoadAttachments(); }
  // Until a guest was told to be pending no more.
  void AwaitChange() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 10s, [this] { return changes_ > 0; }));
    changes_ = 0;
  }

  RunningAgent agent_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int changes_ = 0;
  EventLoop executor_;
  OvsGuests guests_{{.executor = &executor_,
                     .ports = agent_.ports.get(),
                     .reconciler_executor = &agent_.loop,
                     .reconciler = agent_.reconciler.get(),
                     .changed =
                         [this] {
                           const std::lock_guard lock(mutex_);
                           ++changes_;
                           changed_.notify_all();
                         },
                     .patience = std::chrono::milliseconds(50)}};
};

TEST_F(OvsGuestsTest, IsInForceWithItsProfile) {
  Apply({{"tap1", Guest(1)}});
  EXPECT_EQ(Attached(), (state::Attachments{{MakePortId(1), Guest(1).attachment}}));
  ASSERT_TRUE(agent_.Snapshot(1, SampleState()).ok());
  AwaitChange();
  EXPECT_FALSE(Find("tap1").pending);
  EXPECT_EQ(Find("tap1").error, "");
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(MakePortId(1)).phase, state::PortPhase::kActive);
}

TEST_F(OvsGuestsTest, WithoutAProfileAndNotKnownIsPlainAndStaysSo) {
  Apply({{"tap1", Guest(1, "")}});
  RunOn(&agent_.loop, [&] {
    agent_.reconciler->TakeRefusal(MakePortId(1), absl::NotFoundError("port is not known"));
  });
  AwaitChange();
  EXPECT_TRUE(Find("tap1").plain);
  EXPECT_THAT(Attached(), IsEmpty());
  OvsGuest renamed = Guest(1, "");
  renamed.attachment.vm_id = "other";
  Apply({{"tap1", renamed}});
  EXPECT_TRUE(Find("tap1").plain);
  EXPECT_THAT(Attached(), IsEmpty()) << "nobody is asked again";
  Apply({{"tap1", Guest(1)}});
  EXPECT_FALSE(Find("tap1").plain);
  EXPECT_THAT(Attached(), ElementsAre(Key(MakePortId(1))));
}

// Whose controller was silent for longer than clients wait.
TEST_F(OvsGuestsTest, WhatIsAnsweredLateCounts) {
  Apply({{"tap1", Guest(1, "")}, {"tap2", Guest(2)}});
  while (Find("tap1").pending || Find("tap2").pending) AwaitChange();
  EXPECT_FALSE(Find("tap1").plain);
  RunOn(&agent_.loop, [&] {
    agent_.reconciler->TakeRefusal(MakePortId(1), absl::NotFoundError("port is not known"));
  });
  while (!Find("tap1").plain) AwaitChange();
  EXPECT_FALSE(Find("tap2").plain);
}

TEST_F(OvsGuestsTest, PluggedAnewIsANewClaim) {
  const auto claims = [&] {
    return RunOn(&agent_.loop, [&] { return agent_.reconciler->Held().claims; });
  };
  Apply({{"tap1", Guest(1)}});
  ASSERT_TRUE(agent_.Snapshot(1, SampleState()).ok());
  // The guest leaves for another host, its row stays here.
  ASSERT_TRUE(agent_.Snapshot(2, {}).ok());
  EXPECT_THAT(claims(), IsEmpty());
  Apply({{"tap1", Guest(1)}});
  EXPECT_THAT(claims(), IsEmpty()) << "the same row says nothing new";
  OvsGuest anew = Guest(1);
  anew.row = "another";
  Apply({{"tap1", anew}});
  EXPECT_THAT(claims(), ElementsAre(MakePortId(1)));
}

TEST_F(OvsGuestsTest, IsAttachedWhenItsDeviceComes) {
  OvsGuest guest = Guest(1);
  guest.attachment.device = "tap9";
  Apply({{"tap9", guest}});
  EXPECT_EQ(Find("tap9").error, "could not open network device tap9 (No such device)");
  EXPECT_FALSE(Find("tap9").pending);
  agent_.links.Add("tap9");
  RunOn(&executor_, [&] { guests_.Retry(); });
  EXPECT_EQ(Find("tap9").error, "");
  EXPECT_THAT(Attached(), ElementsAre(Key(MakePortId(1))));
}

TEST_F(OvsGuestsTest, GoesWithItsRowAndLeavesTheOthers) {
  ASSERT_TRUE(agent_.ports->Attach(MakePortId(2), SampleAttachment(2), {}).ok());
  Apply({{"tap1", Guest(1)}});
  EXPECT_EQ(Attached().size(), 2u);
  Apply({});
  EXPECT_EQ(Attached(), (state::Attachments{{MakePortId(2), SampleAttachment(2)}}));
}

TEST_F(OvsGuestsTest, OfAnAgentThatDiedIsDetachedWithoutItsRow) {
  for (const auto& [id, status] : agent_.ports->AttachAll({{MakePortId(1), Guest(1).attachment}})) {
    ASSERT_TRUE(status.ok()) << status;
  }
  Apply({{"tap2", Guest(2)}});
  EXPECT_THAT(Attached(), ElementsAre(Key(MakePortId(2))));
}

TEST_F(OvsGuestsTest, WhoHoldsAnIfaceIdKeepsIt) {
  OvsGuest second = Guest(3);
  second.id = MakePortId(1);
  second.attachment.mac = MakeMac(1);
  Apply({{"tap3", second}});
  Apply({{"tap1", Guest(1)}, {"tap3", second}});
  EXPECT_EQ(Attached().at(MakePortId(1)).device, "tap3");
  EXPECT_THAT(Find("tap1").error, HasSubstr("is attached by device \"tap3\""));
  EXPECT_EQ(Find("tap3").error, "");
  Apply({{"tap3", second}});
  EXPECT_EQ(Attached().at(MakePortId(1)).device, "tap3");
}

TEST_F(OvsGuestsTest, AnIfaceIdIsOneInterfaces) {
  OvsGuest second = Guest(2);
  second.id = MakePortId(1);
  Apply({{"tap1", Guest(1)}, {"tap2", second}});
  EXPECT_EQ(Find("tap1").error, "");
  EXPECT_EQ(Find("tap2").error, "its iface-id is another interface's");
  EXPECT_EQ(Attached(), (state::Attachments{{MakePortId(1), Guest(1).attachment}}));
  Apply({{"tap2", second}});
  EXPECT_EQ(Find("tap2").error, "") << "it is free now";
  EXPECT_EQ(Attached().at(MakePortId(1)).device, "tap2");
}

}  // namespace
}  // namespace outrider::agent
