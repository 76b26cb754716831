#include "vswitch/sys/libvirt/domain_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "tests/agent/temp_dir.h"

namespace outrider::libvirt {
namespace {

using Kind = DomainEvent::Kind;

constexpr char kUri[] = "test:///default";
constexpr char kUuid[] = "6695eb01-f6a4-8304-79aa-97f2502e193f";

TEST(KindOfLifecycleTest, OnlyAMigrationPausesAGuestThatGoes) {
  EXPECT_EQ(KindOfLifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED),
            Kind::kPausedToMigrate);
  EXPECT_EQ(KindOfLifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY),
            Kind::kPausedToMigrate);
  for (const int detail :
       {VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR,
        VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG, VIR_DOMAIN_EVENT_SUSPENDED_RESTORED,
        VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT, VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR,
        VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED}) {
    EXPECT_EQ(KindOfLifecycle(VIR_DOMAIN_EVENT_SUSPENDED, detail), std::nullopt) << detail;
  }
}

TEST(KindOfLifecycleTest, WhateverResumesAGuestItRuns) {
  for (const int detail : {VIR_DOMAIN_EVENT_RESUMED_UNPAUSED, VIR_DOMAIN_EVENT_RESUMED_MIGRATED,
                           VIR_DOMAIN_EVENT_RESUMED_POSTCOPY}) {
    EXPECT_EQ(KindOfLifecycle(VIR_DOMAIN_EVENT_RESUMED, detail), Kind::kRuns) << detail;
  }
  EXPECT_EQ(KindOfLifecycle(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED),
            std::nullopt)
      << "an incoming guest is started paused";
  EXPECT_EQ(KindOfLifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED),
            std::nullopt);
}

TEST(KindOfStateTest, IsThatOfTheEventMissed) {
  EXPECT_EQ(KindOfState(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED), Kind::kRuns);
  EXPECT_EQ(KindOfState(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION), Kind::kPausedToMigrate);
  EXPECT_EQ(KindOfState(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER), std::nullopt);
  EXPECT_EQ(KindOfState(VIR_DOMAIN_SHUTOFF, 0), std::nullopt);
}

// Events as they come, from libvirt's thread.
class Heard {
 public:
  void Add(const DomainEvent& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  std::vector<DomainEvent> WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return events_.size() >= count; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<DomainEvent> events_;
};

TEST(DomainWatchTest, TellsHowDomainsAreAndWhenTheyRunAgain) {
  const DomainEvent runs{.kind = Kind::kRuns, .uuid = kUuid, .name = "test"};
  // The driver's state is the process's, as long as somebody is connected.
  virConnectPtr connection = virConnectOpen(kUri);
  ASSERT_NE(connection, nullptr);
  Heard heard;
  auto watch = DomainWatch::Create(kUri, [&](const DomainEvent& event) { heard.Add(event); });
  EXPECT_EQ(heard.WaitFor(1), std::vector<DomainEvent>{runs});
  virDomainPtr domain = virDomainLookupByName(connection, "test");
  ASSERT_NE(domain, nullptr);
  EXPECT_EQ(virDomainSuspend(domain), 0);
  EXPECT_EQ(virDomainResume(domain), 0);
  EXPECT_EQ(heard.WaitFor(2), (std::vector<DomainEvent>{runs, runs}))
      << "an operator's suspend is none that a guest goes by";
  watch.reset();
  EXPECT_EQ(virDomainSuspend(domain), 0);
  EXPECT_EQ(virDomainResume(domain), 0);
  EXPECT_EQ(heard.WaitFor(2).size(), 2u);
  virDomainFree(domain);
  virConnectClose(connection);
}

TEST(DomainWatchTest, AskedWhoHasPausedItTellsOfNobodyElse) {
  const DomainEvent runs{.kind = Kind::kRuns, .uuid = kUuid, .name = "test"};
  virConnectPtr connection = virConnectOpen(kUri);
  ASSERT_NE(connection, nullptr);
  Heard heard;
  auto watch = DomainWatch::Create(kUri, [&](const DomainEvent& event) { heard.Add(event); });
  heard.WaitFor(1);
  virDomainPtr domain = virDomainLookupByName(connection, "test");
  ASSERT_NE(domain, nullptr);
  watch->AskWhoPaused();
  EXPECT_EQ(virDomainSuspend(domain), 0);
  watch->AskWhoPaused();
  EXPECT_EQ(virDomainResume(domain), 0);
  EXPECT_EQ(heard.WaitFor(2), (std::vector<DomainEvent>{runs, runs}));
  virDomainFree(domain);
  virConnectClose(connection);
}

// A libvirtd that takes connections and ends them at once, and counts them.
class Refusing {
 public:
  explicit Refusing(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
  }
  ~Refusing() { close(fd_); }
  // Whether somebody connects before the time is over.
  bool Next(std::chrono::milliseconds timeout) {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(timeout.count())) != 1) return false;
    close(accept(fd_, nullptr, nullptr));
    return true;
  }

 private:
  const int fd_;
};

// It waits longer and longer between two attempts, but not when there is reason to ask.
TEST(DomainWatchTest, AskedWhoHasPausedItConnectsAtOnce) {
  // As the agent does: libvirt's library writes to whoever has hung up.
  signal(SIGPIPE, SIG_IGN);
  const agent::TempDir directory;
  Refusing libvirtd(directory / "socket");
  const auto watch = DomainWatch::Create("qemu+unix:///system?socket=" + (directory / "socket"),
                                         [](const DomainEvent&) {});
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(libvirtd.Next(std::chrono::seconds(20))) << n;
  // The next attempt of its own is 3.2 s away.
  watch->AskWhoPaused();
  EXPECT_TRUE(libvirtd.Next(std::chrono::milliseconds(2500)));
}

TEST(DomainWatchTest, TellsAnewWhenItIsAsked) {
  Heard heard;
  auto watch = DomainWatch::Create(kUri, [&](const DomainEvent& event) { heard.Add(event); });
  ASSERT_EQ(heard.WaitFor(1).size(), 1u);
  watch->TellAnew();
  const DomainEvent runs{.kind = Kind::kRuns, .uuid = kUuid, .name = "test"};
  EXPECT_EQ(heard.WaitFor(2), (std::vector<DomainEvent>{runs, runs}));
}

TEST(DomainWatchTest, WaitsForALibvirtThatIsNotThere) {
  Heard heard;
  const auto watch = DomainWatch::Create("test:///no/such/file.xml",
                                         [&](const DomainEvent& event) { heard.Add(event); });
  EXPECT_TRUE(heard.WaitFor(0).empty());
}

}  // namespace
}  // namespace outrider::libvirt
