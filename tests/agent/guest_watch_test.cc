#include "vswitch/agent/guest_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
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
  bool operator==(const Told&) const = default;
};

// Ports 1 and 2 are of the guest whose QEMU this is, port 3 of another.
class GuestWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto watch = GuestWatch::Create(
        "", [this](const std::set<PortId>& ports, bool runs, const GuestWord& word) {
          const std::lock_guard lock(mutex_);
          told_.push_back({ports, runs, word.trigger, word.time_us});
          changed_.notify_all();
        });
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
  Told Of(bool runs, int64_t time_us) const {
    return {{MakePortId(1), MakePortId(2)}, runs, kQmpTrigger, time_us};
  }

  const TempDir directory_;
  const std::string path_ = directory_ / "qmp";
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Told> told_;
  std::unique_ptr<GuestWatch> watch_;
};

TEST_F(GuestWatchTest, AMigrationsStopIsAPauseAndAResumeTheEndOfIt) {
  qmp::FakeQmp qemu(path_);
  watch_->Follow(Attachments(path_));
  EXPECT_THAT(WaitFor(1), ElementsAre(Of(true, 0))) << "as it is now";
  qemu.SetStatus("finish-migrate");
  qemu.Emit("STOP", 1'000'001);
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, 0), Of(false, 1'000'001)));
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
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, 0), Of(true, 2'000'002)));
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
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, 0), Of(true, 2'000'002)));
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
  EXPECT_THAT(WaitFor(2), ElementsAre(Of(true, 0), Of(false, 0)));
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
  EXPECT_THAT(WaitFor(3), ElementsAre(Of(true, 0), Of(true, 0), Of(true, 6'000'000)));
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
        told.push_back({ports, runs, word.trigger, word.time_us});
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
