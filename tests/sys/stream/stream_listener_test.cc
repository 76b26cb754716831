#include "vswitch/sys/stream/stream_listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/agent/temp_dir.h"
#include "tests/sys/stream/recording_handler.h"

namespace outrider::stream {
namespace {

class StreamListenerTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<StreamListener>> Make(size_t max_connections) {
    return StreamListener::Create(
        loop_.get(),
        {.address = {.passive = true, .path = path_},
         .mode = 0640,
         .max_connections = max_connections},
        [this](std::unique_ptr<StreamConnection> connection) {
          served_.push_back(std::make_unique<RecordingHandler>(std::move(connection)));
          EXPECT_TRUE(served_.back()->Start().ok());
        });
  }
  bool Closed(int fd) {
    char byte;
    const ssize_t count = recv(fd, &byte, 1, MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno == ECONNRESET);
  }

  agent::TempDir folder_;
  const std::string path_ = folder_.path() + "/s";
  std::unique_ptr<PollLoop> loop_ = PollLoop::Create().value();
  std::vector<std::unique_ptr<RecordingHandler>> served_;
};

TEST_F(StreamListenerTest, APathHasItsModeAndGoesWithTheListener) {
  auto listener = Make(10);
  ASSERT_TRUE(listener.ok()) << listener.status();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  listener->reset();
  EXPECT_NE(stat(path_.c_str(), &info), 0);
}

TEST_F(StreamListenerTest, AStaleSocketIsReplacedALiveOneIsNot) {
  {
    auto dead = Listen({.passive = true, .path = path_}, 0600);
    ASSERT_TRUE(dead.ok());
  }
  auto first = Make(10);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Make(10).status().code(), absl::StatusCode::kAlreadyExists);
  first->reset();
  std::ofstream(path_) << "not a socket";
  EXPECT_EQ(Make(10).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StreamListenerTest, AtTheLimitTheOldestSilentOneMakesRoom) {
  auto listener = Make(3).value();
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(ConnectUnix(path_));
    ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return served_.size() == clients.size(); }));
  }
  ASSERT_EQ(send(clients[0], "x", 1, 0), 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return served_[0]->received == "x"; }));
  clients.push_back(ConnectUnix(path_));
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return served_.size() == 4; }));
  EXPECT_FALSE(Closed(clients[0])) << "it has said something";
  EXPECT_TRUE(Closed(clients[1]));
  EXPECT_FALSE(Closed(clients[2]));
  EXPECT_EQ(listener->connections(), 3u);
  for (const int client : clients) close(client);
}

TEST_F(StreamListenerTest, WhenAllAreInUseANewOneIsRefused) {
  auto listener = Make(2).value();
  std::vector<int> clients;
  for (size_t i = 0; i < 2; ++i) {
    clients.push_back(ConnectUnix(path_));
    ASSERT_EQ(send(clients[i], "x", 1, 0), 1);
    ASSERT_TRUE(DriveUntil(loop_.get(),
                           [&] { return served_.size() == i + 1 && served_[i]->received == "x"; }));
  }
  clients.push_back(ConnectUnix(path_));
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return listener->turned_away() == 1; }));
  EXPECT_TRUE(Closed(clients[2]));
  EXPECT_FALSE(Closed(clients[0]));
  // One that goes makes room.
  close(clients[0]);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return listener->connections() == 1; }));
  clients[0] = ConnectUnix(path_);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return served_.size() == 3; }));
  for (const int client : clients) close(client);
}

TEST_F(StreamListenerTest, WithoutDescriptorsCallersAreHungUpOnAndOthersServed) {
  auto listener = Make(1000).value();
  const int working = ConnectUnix(path_);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return served_.size() == 1; }));
  const int late = ConnectUnix(path_);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  // The next descriptor would have this number.
  none.rlim_cur = static_cast<rlim_t>(dup(working));
  close(static_cast<int>(none.rlim_cur));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  int rounds = 0;
  const bool turned_away = DriveUntil(loop_.get(), [&] {
    ++rounds;
    return listener->turned_away() == 1;
  });
  ASSERT_EQ(send(working, "x", 1, 0), 1);
  const bool served = DriveUntil(loop_.get(), [&] { return served_[0]->received == "x"; });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(turned_away);
  EXPECT_TRUE(served);
  EXPECT_TRUE(Closed(late));
  const int next = ConnectUnix(path_);
  EXPECT_TRUE(DriveUntil(loop_.get(), [&] { return served_.size() == 2; }));
  for (const int client : {working, late, next}) close(client);
}

}  // namespace
}  // namespace outrider::stream
