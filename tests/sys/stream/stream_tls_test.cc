#include <gtest/gtest.h>

#include <fstream>

#include "tests/agent/temp_dir.h"
#include "tests/sys/stream/recording_handler.h"
#include "tests/sys/stream/test_certificates.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::stream {
namespace {

class StreamTlsTest : public testing::Test {
 protected:
  StreamAddress Serve() {
    auto tls = TlsContext::Load(authority_.Issue("server"));
    EXPECT_TRUE(tls.ok()) << tls.status();
    listener_ = StreamListener::Create(
                    loop_.get(),
                    {.address = StreamAddress::Parse("pssl:0:127.0.0.1", 0).value(), .tls = *tls},
                    [this](std::unique_ptr<StreamConnection> connection) {
                      server_ = std::make_unique<RecordingHandler>(std::move(connection));
                      server_->on_data = [this](const std::string& data) {
                        server_->connection()->Send(data);
                      };
                      EXPECT_TRUE(server_->Start().ok());
                    })
                    .value();
    return {
        .kind = StreamAddress::Kind::kTls, .host = "127.0.0.1", .port = listener_->address().port};
  }

  std::unique_ptr<RecordingHandler> Connect(const StreamAddress& to, const TlsFiles& files) {
    auto connection =
        StreamConnection::Connect(loop_.get(), to, TlsContext::Load(files).value(), kEager);
    auto client = std::make_unique<RecordingHandler>(std::move(connection.value()));
    EXPECT_TRUE(client->Start().ok());
    return client;
  }

  // Reads whatever it has to say itself: two ends that wait for each other would wait for ever.
  static constexpr StreamLimits kEager = {.pause_above = 1 << 30, .max_unsent = 1 << 30};

  agent::TempDir folder_;
  TestAuthority authority_{folder_.path(), "authority"};
  std::unique_ptr<PollLoop> loop_ = PollLoop::Create().value();
  std::unique_ptr<StreamListener> listener_;
  std::unique_ptr<RecordingHandler> server_;
};

TEST_F(StreamTlsTest, LargeMessagesGoBothWays) {
  const auto client = Connect(Serve(), authority_.Issue("client"));
  const std::string text(3'000'000, 'x');
  client->connection()->Send(text);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return client->received.size() == text.size(); }));
  EXPECT_EQ(client->received, text);
}

TEST_F(StreamTlsTest, AClientOfAnotherAuthorityIsRefused) {
  const StreamAddress address = Serve();
  const TestAuthority other(folder_.path(), "other");
  TlsFiles files = other.Issue("stranger");
  // It trusts the server, but the server does not trust it.
  files.ca_cert = authority_.Issue("unused").ca_cert;
  const auto client = Connect(address, files);
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server_ && server_->closed.has_value(); }));
  EXPECT_EQ(server_->closed->code(), absl::StatusCode::kUnauthenticated);
  EXPECT_FALSE(server_->connected);
}

TEST_F(StreamTlsTest, AServerOfAnotherAuthorityIsRefused) {
  const StreamAddress address = Serve();
  const TestAuthority other(folder_.path(), "other");
  const auto client = Connect(address, other.Issue("client"));
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return client->closed.has_value(); }));
  EXPECT_FALSE(client->connected);
}

TEST_F(StreamTlsTest, WhoSpeaksNoTlsIsRefused) {
  StreamAddress address = Serve();
  address.kind = StreamAddress::Kind::kTcp;
  auto connection = StreamConnection::Connect(loop_.get(), address, nullptr, {});
  RecordingHandler client(std::move(connection.value()));
  ASSERT_TRUE(client.Start().ok());
  client.connection()->Send("{\"method\":\"list_dbs\",\"params\":[],\"id\":0}");
  ASSERT_TRUE(DriveUntil(loop_.get(), [&] { return server_ && server_->closed.has_value(); }));
  EXPECT_TRUE(server_->received.empty());
}

TEST_F(StreamTlsTest, AFileThatIsMissingIsNamed) {
  TlsFiles files = authority_.Issue("server");
  files.private_key = folder_.path() + "/nothing.key";
  const auto tls = TlsContext::Load(files);
  EXPECT_EQ(tls.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(tls.status()).find("/nothing.key"), std::string::npos);
}

}  // namespace
}  // namespace outrider::stream
