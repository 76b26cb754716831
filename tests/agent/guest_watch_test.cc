#include "vswitch/agent/guest_watch.h"

#include <absl/strings/ascii.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_qmp.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;

struct Told {
  std::set<PortId> ports;
  bool runs = false;
  std::string trigger;
  int64_t time_us = 0;
  std::map<MacAddress, uint16_t> used = {};
  std::map<MacAddress, CardFilter> filters = {};
  bool operator==(const Told&) const = default;
};

// When a guest is found running.
constexpr int64_t kFound = 555'555;

// Ports 1 and 2 are of the guest whose QEMU this is, port 3 of another.
class GuestWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto watch = GuestWatch::Create(
        "",
        [this](const std::set<PortId>& ports, bool runs, const GuestWord& word) {
          const std::lock_guard lock(mutex_);
          told_.push_back({ports, runs, word.trigger, word.time_us, word.used, word.filters});
          changed_.notify_all();
        },
        [] { return kFound; });
    ASSERT_TRUE(watch.ok()) << watch.status();
    watch_ = *std::move(watch);
  }
  static state::Attachments Attachments(const std::string& path) {
    state::Attachments attachments;
    for (uint8_t n = 1; n <= 3; ++n) attachments[MakePortId(n)] = SampleAttachment(n);
    attachments[MakePortId(1)].qmp = path;
    attachments[MakePortId(2)].qmp = path;
    return attachments;
  }
  std::vector<Told> WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return told_.size() >= count; });
    return told_;
  }
  Told Of(bool runs, int64_t time_us, const std::map<MacAddress, uint16_t>& used = {}) const {
    return {{MakePortId(1), MakePortId(2)}, runs, kQmpTrigger, time_us, used};
  }
  // Of port <n>: asks until this is the answer, as it is done while a departure is watched.
  std::optional<uint16_t> AskUsed(uint8_t n, uint16_t expected) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::unique_lock lock(mutex_);
    answer_.reset();
    while (answer_ != expected && std::chrono::steady_clock::now() < end) {
      watch_->AskUsedIndex(MakePortId(n), [this](uint16_t used) {
        const std::lock_guard answered(mutex_);
        answer_ = used;
        changed_.notify_all();
      });
      changed_.wait_for(lock, std::chrono::milliseconds(10), [&] { return answer_ == expected; });
    }
    return answer_;
  }

  const TempDir directory_;
  const std::string path_ = directory_ / "qmp";
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Told> told_;
  std::optional<uint16_t> answer_;
  std::unique_ptr<GuestWatch> watch_;
};

TEST_F(GuestWatchTest, AMigrationsStopIsAPauseAndAResumeTheEndOfIt) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  EXPECT_THAT(WaitFor(1), ElementsAre(Of(true, kFound))) << "as it is now";
  qemu.SetStatus("finish-migrate");
  qemu.Emit("STOP", 1'000'001);
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(false, 1'000'001)));
  qemu.Emit("RESUME", 2'000'002);
  EXPECT_EQ(WaitFor(3).back(), Of(true, 2'000'002));
}

TEST_F(GuestWatchTest, AnOperatorsStopIsNone) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  qemu.SetStatus("paused", "active");
  qemu.Emit("STOP", 1'000'001);
  EXPECT_EQ(qemu.WaitForCommands(4).back(), "query-migrate");
  qemu.Emit("RESUME", 2'000'002);
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(true, 2'000'002)));
}

// What brought the guest here is over; a `stop` now has nothing to do with it.
TEST_F(GuestWatchTest, AStopAfterAnArrivalIsNone) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  qemu.SetStatus("paused", "completed");
  qemu.Emit("STOP", 1'000'001);
  qemu.WaitForCommands(4);
  qemu.Emit("RESUME", 2'000'002);
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(true, 2'000'002)));
}

// `stop`, then `migrate`, or a guest that stands before its switchover.
TEST_F(GuestWatchTest, AStopThatAMigrationHasTakenOverIsAPause) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  qemu.SetStatus("paused", "pre-switchover");
  qemu.Emit("STOP", 1'000'001);
  EXPECT_EQ(WaitFor(2).back(), Of(false, 1'000'001));
}

TEST_F(GuestWatchTest, QemusOwnEventsOfMigrationsComeSooner) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  // The answer that is under way when the event comes says nothing; the event decides.
  qemu.SetStatus("debug");
  qemu.Emit("MIGRATION", 999'999, "active");
  qemu.Emit("STOP", 1'000'001);
  qemu.Emit("MIGRATION", 1'000'002, "device");
  EXPECT_EQ(WaitFor(2).back(), Of(false, 1'000'001));
  qemu.Emit("MIGRATION", 1'000'003, "completed");
  qemu.Emit("RESUME", 1'000'004);
  EXPECT_EQ(WaitFor(3).size(), 3u) << "told once";
}

TEST_F(GuestWatchTest, ConnectsWhenQemuIsThereAndAgainWhenItWasGone) {
  watch_->Follow(Attachments(path_));
  qmp::FakeQmp qemu(path_);
  WaitFor(1);
  qemu.SetStatus("postmigrate", "completed");
  qemu.HangUp();
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(false, 0)));
}

TEST_F(GuestWatchTest, LetsGoOfASocketThatIsNotNamedAnyMore) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  const std::string other = directory_ / "other";
  qmp::FakeQmp next(other);
  watch_->Follow(Attachments(other));
  WaitFor(2);
  qemu.Emit("RESUME", 5'000'000);
  next.Emit("RESUME", 6'000'000);
  EXPECT_THAT(WaitFor(3), ElementsAre(Of(true, kFound), Of(true, kFound), Of(true, 6'000'000)));
}

TEST_F(GuestWatchTest, AGuestOfAMovedPortIsAskedAnew) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  watch_->AskAnew(MakePortId(2));
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(true, kFound)));
  watch_->AskAnew(MakePortId(3));
  watch_->AskAnew(MakePortId(9));
  qemu.SetStatus("postmigrate");
  watch_->AskAnew(MakePortId(1));
  EXPECT_EQ(WaitFor(3).back(), Of(false, 0)) << "nobody knows since when";
}

TEST_F(GuestWatchTest, WhatAMovedGuestStandsStillForIsTheMove) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  qemu.SetStatus("paused", "active");
  qemu.Emit("STOP", 1'000'001);
  EXPECT_EQ(qemu.WaitForCommands(4).back(), "query-migrate");
  watch_->AskAnew(MakePortId(1));
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(false, 1'000'001)));
}

// QEMU names the state it goes into while its processors still run.
TEST_F(GuestWatchTest, AMigrationsStateBeforeItsStopIsNoPause) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  qemu.SetStatus("finish-migrate");
  watch_->AskAnew(MakePortId(1));
  qemu.WaitForCommands(3);
  qemu.Emit("STOP", 1'000'001);
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, kFound), Of(false, 1'000'001)));
}

TEST_F(GuestWatchTest, OneQuestionIsAskedAtATime) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  WaitFor(1);
  qemu.HoldAnswers(true);
  for (int n = 0; n < 3; ++n) watch_->AskAnew(MakePortId(1));
  qemu.WaitForCommands(3);
  qemu.HoldAnswers(false);
  WaitFor(2);
  qemu.Emit("RESUME", 2'000'002);
  EXPECT_THAT(WaitFor(3), ElementsAre(Of(true, kFound), Of(true, kFound), Of(true, 2'000'002)));
  EXPECT_EQ(qemu.WaitForCommands(3).size(), 3u);
}

class UsedIndexTest : public GuestWatchTest {
 protected:
  void SetUp() override {
    GuestWatchTest::SetUp();
    qemu_.SetCard("/machine/a", absl::AsciiStrToUpper(MakeMac(1).ToString()), 11);
    qemu_.SetCard("/machine/b", MakeMac(2).ToString(), 65'535);
    watch_->Follow(Attachments(path_));
    WaitFor(1);
  }

  qmp::FakeQmp qemu_{path_};
};

TEST_F(UsedIndexTest, IsThatOfTheCardOfThePortsAddress) {
  EXPECT_EQ(AskUsed(1, 11), 11);
  EXPECT_EQ(AskUsed(2, 65'535), 65'535);
  qemu_.SetCard("/machine/a", MakeMac(1).ToString(), 12);
  EXPECT_EQ(AskUsed(1, 12), 12);
}

TEST_F(UsedIndexTest, ThePauseComesWithWhatWasReceivedUntilThen) {
  AskUsed(1, 11);
  AskUsed(2, 65'535);
  qemu_.SetStatus("finish-migrate");
  qemu_.SetCard("/machine/a", MakeMac(1).ToString(), 20);
  qemu_.Emit("STOP", 1'000'001);
  EXPECT_EQ(WaitFor(2).back(), Of(false, 1'000'001, {{MakeMac(1), 20}, {MakeMac(2), 65'535}}));
  qemu_.Emit("RESUME", 2'000'002);
  EXPECT_EQ(WaitFor(3).back(), Of(true, 2'000'002)) << "not any more";
}

TEST_F(UsedIndexTest, AndWithWhatItsCardsTake) {
  AskUsed(1, 11);
  qemu_.SetFilter(R"("multicast": "normal", "multicast-table": ["33:33:00:00:00:01", "no"])");
  qemu_.SetStatus("finish-migrate");
  qemu_.Emit("STOP", 1'000'001);
  const CardFilter filter{.groups = {*MacAddress::Parse("33:33:00:00:00:01")}};
  EXPECT_EQ(WaitFor(2).back().filters,
            (std::map<MacAddress, CardFilter>{{MakeMac(1), filter}, {MakeMac(2), filter}}));
}

TEST_F(UsedIndexTest, AMovedGuestThatStandsStillSaysWhatItHas) {
  AskUsed(1, 11);
  qemu_.SetStatus("paused");
  qemu_.Emit("STOP", 1'000'001);
  for (size_t count = 1; qemu_.WaitForCommands(count).back() != "query-migrate"; ++count) {
  }
  watch_->AskAnew(MakePortId(1));
  EXPECT_EQ(WaitFor(2).back(), Of(false, 1'000'001, {{MakeMac(1), 11}, {MakeMac(2), 65'535}}));
}

TEST_F(UsedIndexTest, AnEventOfTheMigrationWaitsForTheCards) {
  AskUsed(1, 11);
  qemu_.HoldAnswers(true);
  qemu_.Emit("STOP", 1'000'001);
  qemu_.Emit("MIGRATION", 1'000'002, "device");
  qemu_.HoldAnswers(false);
  EXPECT_EQ(WaitFor(2).back(), Of(false, 1'000'001, {{MakeMac(1), 11}, {MakeMac(2), 65'535}}));
}

TEST_F(UsedIndexTest, AQemuThatEndsBeforeItAnswersHasPausedAllTheSame) {
  AskUsed(1, 11);
  const size_t before = qemu_.WaitForCommands(1).size();
  qemu_.HoldAnswers(true);
  qemu_.Emit("STOP", 1'000'001);
  qemu_.Emit("MIGRATION", 1'000'002, "device");
  qemu_.WaitForCommands(before + 3);
  qemu_.HangUp();
  EXPECT_EQ(WaitFor(2).at(1), Of(false, 1'000'001));
}

TEST_F(UsedIndexTest, ACardThatIsPluggedAgainIsFoundAgain) {
  EXPECT_EQ(AskUsed(1, 11), 11);
  qemu_.RemoveCard("/machine/a");
  qemu_.SetCard("/machine/c", MakeMac(1).ToString(), 3);
  EXPECT_EQ(AskUsed(1, 3), 3);
}

// Looked for once; a pause has nothing to ask for.
TEST_F(UsedIndexTest, WhoHasNoSuchCardTellsTheRest) {
  qemu_.RemoveCard("/machine/a");
  qemu_.RemoveCard("/machine/b");
  for (int n = 0; n < 3; ++n) {
    watch_->AskUsedIndex(MakePortId(1), [](uint16_t) { ADD_FAILURE() << "no such card"; });
  }
  watch_->AskUsedIndex(MakePortId(3), [](uint16_t) { ADD_FAILURE() << "no QMP socket"; });
  EXPECT_THAT(qemu_.WaitForCommands(3),
              ElementsAre("qmp_capabilities", "query-status", "x-query-virtio"));
  qemu_.SetStatus("finish-migrate");
  qemu_.Emit("STOP", 1'000'001);
  EXPECT_EQ(WaitFor(2).back(), Of(false, 1'000'001));
  EXPECT_EQ(qemu_.WaitForCommands(4).size(), 4u);
}

// libvirt's own driver for tests: a domain "test" that runs.
TEST(GuestWatchLibvirtTest, KnowsAGuestByNameOrUuid) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Told> told;
  state::Attachments attachments;
  for (uint8_t n = 1; n <= 3; ++n) attachments[MakePortId(n)] = SampleAttachment(n);
  attachments[MakePortId(1)].vm_id = "test";
  attachments[MakePortId(2)].vm_id = "6695eb01-f6a4-8304-79aa-97f2502e193f";
  auto watch = GuestWatch::Create(
      "test:///default", [&](const std::set<PortId>& ports, bool runs, const GuestWord& word) {
        const std::lock_guard lock(mutex);
        told.push_back({ports, runs, word.trigger, word.time_us, word.used});
        changed.notify_all();
      });
  ASSERT_TRUE(watch.ok()) << watch.status();
  (*watch)->Follow(attachments);
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return !told.empty(); }));
  EXPECT_EQ(told[0].ports, (std::set<PortId>{MakePortId(1), MakePortId(2)}));
  EXPECT_TRUE(told[0].runs);
  EXPECT_EQ(told[0].trigger, "libvirt");
  lock.unlock();
  watch->reset();
}

}  // namespace
}  // namespace outrider::agent
