#include "vswitch/sys/stream/stream_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sys/stream/recording_handler.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::stream {
namespace {

class StreamConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    client_ = UniqueFd(pair[0]);
    server_fd_ = UniqueFd(pair[1]);
  }

  RecordingHandler& Serve(const StreamLimits& limits = {}) {
    auto connection = StreamConnection::Adopt(loop_.get(), std::move(server_fd_), nullptr, limits);
    handler_ = std::make_unique<RecordingHandler>(std::move(connection.value()));
    EXPECT_TRUE(handler_->Start().ok());
    return *handler_;
  }

  std::string ReadExactly(size_t size) {
    std::string text(size, '\0');
    EXPECT_EQ(recv(client_.get(), text.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return text;
  }

  std::unique_ptr<PollLoop> loop_ = PollLoop::Create().value();
  UniqueFd client_;
  UniqueFd server_fd_;
  std::unique_ptr<RecordingHandler> handler_;
};

TEST_F(StreamConnectionTest, BytesGoBothWays) {
  RecordingHandler& server = Serve();
  server.on_data = [&](const std::string& data) { server.connection()->Send("<" + data + ">"); };
  ASSERT_EQ(send(client_.get(), "hello", 5, 0), 5);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.received == "hello"; }));
  EXPECT_TRUE(server.connected);
  EXPECT_EQ(ReadExactly(7), "<hello>");
}

TEST_F(StreamConnectionTest, ThePeersEndIsToldOnce) {
  RecordingHandler& server = Serve();
  client_.Reset();
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.closed.has_value(); }));
  EXPECT_TRUE(server.closed->ok());
  EXPECT_TRUE(server.connection()->closed());
}

TEST_F(StreamConnectionTest, APeerThatNeverReadsIsNotReadFrom) {
  RecordingHandler& server = Serve({.pause_above = 10'000, .max_unsent = 1 << 30});
  server.on_data = [&](const std::string&) {
    server.connection()->Send(std::string(5'000'000, 'x'));
  };
  ASSERT_EQ(send(client_.get(), "a", 1, 0), 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.connection()->congested(); }));
  ASSERT_EQ(send(client_.get(), "b", 1, 0), 1);
  for (int i = 0; i < 20; ++i) loop_->RunOnce(std::chrono::milliseconds(0));
  EXPECT_EQ(server.received, "a");
  // What it had asked for it gets, and then it is heard again.
  server.on_data = nullptr;
  size_t got = 0;
  char buffer[65536];
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] {
    const ssize_t count = recv(client_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count > 0) got += static_cast<size_t>(count);
    return server.received == "ab";
  }));
  EXPECT_EQ(server.drained, 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] {
    const ssize_t count = recv(client_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count > 0) got += static_cast<size_t>(count);
    return got == 5'000'000;
  }));
}

TEST_F(StreamConnectionTest, APeerThatReadsNothingOfWhatItIsToldIsDisconnected) {
  RecordingHandler& server = Serve({.pause_above = 10'000, .max_unsent = 1'000'000});
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.connected; }));
  size_t most = 0;
  for (int i = 0; i < 1000 && !server.connection()->closed(); ++i) {
    server.connection()->Send(std::string(10'000, 'x'));
    most = std::max(most, server.connection()->unsent());
  }
  EXPECT_TRUE(server.connection()->closed());
  EXPECT_LE(most, 1'010'000u);
  EXPECT_FALSE(server.closed.has_value()) << "never from within Send";
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.closed.has_value(); }));
  EXPECT_EQ(server.closed->code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(StreamConnectionTest, OneMessageMayBeLargerThanTheBound) {
  RecordingHandler& server = Serve({.pause_above = 100, .max_unsent = 1000});
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.connected; }));
  server.connection()->Send(std::string(3'000'000, 'x'));
  EXPECT_FALSE(server.connection()->closed());
}

TEST_F(StreamConnectionTest, CloseWhenSentSendsAll) {
  RecordingHandler& server = Serve();
  server.on_data = [&](const std::string&) {
    server.connection()->Send(std::string(3'000'000, 'x'));
    server.connection()->CloseWhenSent();
  };
  ASSERT_EQ(send(client_.get(), "a", 1, 0), 1);
  size_t got = 0;
  char buffer[65536];
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] {
    const ssize_t count = recv(client_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count > 0) got += static_cast<size_t>(count);
    return count == 0;
  }));
  EXPECT_EQ(got, 3'000'000u);
  EXPECT_TRUE(server.closed.has_value() && server.closed->ok());
}

TEST_F(StreamConnectionTest, WhoYieldsIsReadFromWhenOthersHadTheirTurn) {
  RecordingHandler& server = Serve();
  int drained_before = -1;
  server.on_data = [&](const std::string& data) {
    if (data == "b") {
      drained_before = server.drained;
      return;
    }
    server.connection()->Yield();
    EXPECT_TRUE(server.connection()->congested());
    // There before the callback returns, and no end of what is read at a stretch.
    EXPECT_EQ(send(client_.get(), "b", 1, 0), 1);
  };
  ASSERT_EQ(send(client_.get(), "a", 1, 0), 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.received == "ab"; }));
  EXPECT_EQ(drained_before, 1);
  EXPECT_FALSE(server.connection()->congested());
}

// Congestion that ends during a yield is told of with the yield's end, once.
TEST_F(StreamConnectionTest, WhatDrainsDuringAYieldIsTold) {
  RecordingHandler& server = Serve({.pause_above = 10'000, .max_unsent = 1 << 30});
  server.on_data = [&](const std::string& data) {
    if (data != "a") return;
    server.connection()->Send(std::string(20'000, 'x'));
    server.connection()->Yield();
  };
  ASSERT_EQ(send(client_.get(), "a", 1, 0), 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.drained > 0; }));
  EXPECT_EQ(server.connection()->unsent(), 0u);
  EXPECT_FALSE(server.connection()->congested());
  ASSERT_EQ(send(client_.get(), "b", 1, 0), 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.received == "ab"; }));
  EXPECT_EQ(server.drained, 1);
}

TEST_F(StreamConnectionTest, AYieldThatEndsLeavesCongestionInForce) {
  RecordingHandler& server = Serve({.pause_above = 10'000, .max_unsent = 1 << 30});
  server.on_data = [&](const std::string& data) {
    if (data != "a") return;
    server.connection()->Send(std::string(5'000'000, 'x'));
    server.connection()->Yield();
  };
  ASSERT_EQ(send(client_.get(), "a", 1, 0), 1);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server.received == "a"; }));
  for (int i = 0; i < 20; ++i) loop_->RunOnce(std::chrono::milliseconds(0));
  EXPECT_TRUE(server.connection()->congested());
  EXPECT_EQ(server.drained, 0);
  std::string got(5'000'000, '\0');
  size_t count = 0;
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] {
    const ssize_t some = recv(client_.get(), got.data(), got.size(), MSG_DONTWAIT);
    if (some > 0) count += static_cast<size_t>(some);
    return count == got.size();
  }));
  EXPECT_TRUE(DriveUntil(loop_.get(), [&] { return server.drained == 1; }));
  EXPECT_FALSE(server.connection()->congested());
}

TEST_F(StreamConnectionTest, ItMayBeDestroyedDuringAYield) {
  Serve();
  handler_->connection()->Yield();
  handler_.reset();
  for (int i = 0; i < 3; ++i) loop_->RunOnce(std::chrono::milliseconds(0));
}

TEST_F(StreamConnectionTest, ItMayBeDestroyedWithAnEndUnderWay) {
  Serve();
  handler_->connection()->Fail(absl::OkStatus());
  handler_.reset();
  for (int i = 0; i < 3; ++i) loop_->RunOnce(std::chrono::milliseconds(0));
}

TEST_F(StreamConnectionTest, AnOutgoingOneThatIsRefusedSaysSo) {
  auto listener = StreamListener::Create(
      loop_.get(), {.address = StreamAddress::Parse("ptcp:0:127.0.0.1", 0).value()},
      [](std::unique_ptr<StreamConnection>) {});
  ASSERT_TRUE(listener.ok());
  const uint16_t port = (*listener)->address().port;
  listener->reset();
  const StreamAddress address{.kind = StreamAddress::Kind::kTcp, .host = "127.0.0.1", .port = port};
  auto connection = StreamConnection::Connect(loop_.get(), address, nullptr, {});
  if (!connection.ok()) {
    EXPECT_EQ(connection.status().code(), absl::StatusCode::kUnavailable);
    return;
  }
  RecordingHandler client(std::move(*connection));
  ASSERT_TRUE(client.Start().ok());
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return client.closed.has_value(); }));
  EXPECT_FALSE(client.connected);
  EXPECT_NE(Message(*client.closed).find("ECONNREFUSED"), std::string::npos);
}

}  // namespace
}  // namespace outrider::stream
