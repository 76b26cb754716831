#include "vswitch/ovs/openflow_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/ovs/openflow_facts.h"
#include "vswitch/sys/openflow/frame_splitter.h"

namespace outrider::ovs {
namespace {

using openflow::Message;

class OpenFlowServerTest : public testing::Test {
 protected:
  OpenFlowServerTest() {
    char folder[] = "/tmp/outrider-of-XXXXXX";
    folder_ = mkdtemp(folder);
    loop_ = *stream::PollLoop::Create();
    OpenFlowServer::Options options{.directory = folder_};
    options.limits.pause_above = 64 << 10;
    server_ = std::make_unique<OpenFlowServer>(loop_.get(), &facts_, options);
  }
  ~OpenFlowServerTest() override {
    for (const int fd : clients_) close(fd);
    server_.reset();
    rmdir(folder_.c_str());
  }

  // -1: nobody listens.
  int Connect(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder_.c_str(),
                  name.c_str());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    clients_.push_back(fd);
    return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? fd : -1;
  }
  // Whether all of it went; less when the server does not read.
  static size_t Write(int fd, const openflow::Bytes& bytes) {
    const ssize_t wrote = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return wrote < 0 ? 0 : static_cast<size_t>(wrote);
  }
  void Run(int rounds = 20) {
    for (int i = 0; i < rounds; ++i) loop_->RunOnce(std::chrono::milliseconds(0));
  }
  // What is there now. False: the server hung up.
  bool Read(int fd, openflow::FrameSplitter* splitter, std::vector<Message>* messages) {
    std::vector<uint8_t> buffer(1 << 16);
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got == 0) return false;
    if (got < 0) return true;
    const auto status =
        splitter->Feed({buffer.data(), static_cast<size_t>(got)}, [&](openflow::ByteSpan frame) {
          const auto message = openflow::Decode(frame);
          EXPECT_TRUE(message.ok());
          if (message.ok()) messages->push_back(*message);
          return absl::OkStatus();
        });
    EXPECT_TRUE(status.ok());
    return true;
  }
  static openflow::Bytes Encoded(openflow::Body body) {
    return *openflow::Encode({.version = openflow::kVersion13, .body = std::move(body)});
  }

  std::string folder_;
  GivenFacts facts_{WebFacts(WebState())};
  std::unique_ptr<stream::PollLoop> loop_;
  std::unique_ptr<OpenFlowServer> server_;
  std::vector<int> clients_;
};

TEST_F(OpenFlowServerTest, GreetsAndAnswersInPieces) {
  ASSERT_TRUE(server_->SetBridges({"br0"}).ok());
  const int fd = Connect("br0.mgmt");
  ASSERT_GE(fd, 0);
  openflow::Bytes bytes = Encoded(openflow::Hello{1u << openflow::kVersion13});
  const openflow::Bytes request = Encoded(openflow::Plain::kFeaturesRequest);
  bytes.insert(bytes.end(), request.begin(), request.end());
  for (const uint8_t byte : bytes) {
    ASSERT_EQ(Write(fd, {byte}), 1u);
    Run(2);
  }
  openflow::FrameSplitter splitter;
  std::vector<Message> messages;
  EXPECT_TRUE(Read(fd, &splitter, &messages));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<openflow::Hello>(messages[0].body));
  EXPECT_TRUE(std::holds_alternative<openflow::FeaturesReply>(messages[1].body));
}

TEST_F(OpenFlowServerTest, WhoDoesNotReadIsAnsweredNoMoreUntilItDoes) {
  ASSERT_TRUE(server_->SetBridges({"br0"}).ok());
  const int fd = Connect("br0.mgmt");
  Write(fd, Encoded(openflow::Hello{1u << openflow::kVersion13}));
  const openflow::Bytes request = Encoded(openflow::FlowStatsRequest{});
  openflow::Bytes many;
  constexpr int kRequests = 1000;
  for (int i = 0; i < kRequests; ++i) many.insert(many.end(), request.begin(), request.end());
  size_t done = 0;
  for (int i = 0; i < 50; ++i) {
    done += Write(fd, {many.begin() + static_cast<std::ptrdiff_t>(done), many.end()});
    Run();
  }
  // A few hundred kilobytes wait, not the ten megabytes of all answers.
  EXPECT_LT(facts_.looks, kRequests / 4);
  openflow::FrameSplitter splitter;
  std::vector<Message> messages;
  for (int i = 0; i < 100000 && facts_.looks < kRequests; ++i) {
    if (done < many.size()) {
      done += Write(fd, {many.begin() + static_cast<std::ptrdiff_t>(done), many.end()});
    }
    Run(1);
    ASSERT_TRUE(Read(fd, &splitter, &messages));
  }
  EXPECT_EQ(facts_.looks, kRequests);
}

TEST_F(OpenFlowServerTest, AnotherClientIsServedMeanwhile) {
  ASSERT_TRUE(server_->SetBridges({"br0"}).ok());
  const int silent = Connect("br0.mgmt");
  Write(silent, {4, 0, 0xff, 0xff});
  const int fd = Connect("br0.mgmt");
  Write(fd, Encoded(openflow::Hello{1u << openflow::kVersion13}));
  Write(fd, Encoded(openflow::Echo{}));
  Run();
  openflow::FrameSplitter splitter;
  std::vector<Message> messages;
  EXPECT_TRUE(Read(fd, &splitter, &messages));
  EXPECT_EQ(messages.size(), 2u);
}

TEST_F(OpenFlowServerTest, PipelinedRequestsStopNobody) {
  ASSERT_TRUE(server_->SetBridges({"br0"}).ok());
  constexpr int kRequests = 400;
  facts_.delay = std::chrono::milliseconds(5);
  const int busy = Connect("br0.mgmt");
  const int fd = Connect("br0.mgmt");
  Write(busy, Encoded(openflow::Hello{1u << openflow::kVersion13}));
  Write(fd, Encoded(openflow::Hello{1u << openflow::kVersion13}));
  Run();
  openflow::Bytes many;
  const openflow::Bytes request = Encoded(openflow::Plain::kFeaturesRequest);
  for (int i = 0; i < kRequests; ++i) many.insert(many.end(), request.begin(), request.end());
  ASSERT_EQ(Write(busy, many), many.size());
  Write(fd, Encoded(openflow::Echo{}));
  openflow::FrameSplitter splitter;
  std::vector<Message> messages;
  for (int i = 0; i < 100 && messages.size() < 2; ++i) {
    Run(1);
    ASSERT_TRUE(Read(fd, &splitter, &messages));
  }
  EXPECT_EQ(messages.size(), 2u);
  EXPECT_LT(facts_.looks, 20) << "one or two a turn, and a few rounds";
  // And none is lost.
  openflow::FrameSplitter busy_splitter;
  std::vector<Message> answers;
  for (int i = 0; i < 10'000 && answers.size() < kRequests + 1; ++i) {
    Run(1);
    ASSERT_TRUE(Read(busy, &busy_splitter, &answers));
  }
  EXPECT_EQ(answers.size(), kRequests + 1u);
}

TEST_F(OpenFlowServerTest, NonsenseIsHungUpOn) {
  ASSERT_TRUE(server_->SetBridges({"br0"}).ok());
  const int fd = Connect("br0.mgmt");
  Write(fd, {'G', 'E', 0, 1, '/', ' ', 'H', 'T'});
  Run();
  openflow::FrameSplitter splitter;
  std::vector<Message> messages;
  EXPECT_TRUE(Read(fd, &splitter, &messages));
  EXPECT_FALSE(Read(fd, &splitter, &messages));
  Run();
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(OpenFlowServerTest, BridgesComeAndGoWithTheirSockets) {
  ASSERT_TRUE(server_->SetBridges({"br0", "br1"}).ok());
  EXPECT_GE(Connect("br1.mgmt"), 0);
  EXPECT_GE(Connect("br1.snoop"), 0);
  Run();
  EXPECT_EQ(server_->connections(), 2u);
  ASSERT_TRUE(server_->SetBridges({"br0"}).ok());
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(Connect("br1.mgmt"), -1);
  EXPECT_GE(Connect("br0.mgmt"), 0);
}

TEST_F(OpenFlowServerTest, ABridgeThatCannotBeServedKeepsNoOtherFromIt) {
  const absl::Status status = server_->SetBridges({"a/b", "br0", std::string(120, 'x')});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(outrider::Message(status), testing::HasSubstr("a/b"));
  EXPECT_GE(Connect("br0.mgmt"), 0);
}

}  // namespace
}  // namespace outrider::ovs
