// The socket of the local API: whose it is, and what becomes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "tests/agent/local_api_fixture.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;

TEST_F(LocalApiTest, TheSocketIsTheOwnersOnlyAndGoesWithTheApi) {
  struct stat info {};
  ASSERT_EQ(stat(socket_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  api_.reset();
  EXPECT_NE(stat(socket_.c_str(), &info), 0);
}

TEST_F(LocalApiTest, ALiveSocketIsNotTaken) {
  const auto second = Create();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(second.status()), HasSubstr(socket_));
  grpc::ClientContext context;
  v1::AgentStatus status;
  EXPECT_TRUE(stub_->GetStatus(&context, {}, &status).ok()) << "the first still serves";
}

TEST_F(LocalApiTest, ADeadSocketIsReplacedAndAFileIsNot) {
  api_.reset();
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  {
    const auto api = Create();
    EXPECT_TRUE(api.ok()) << api.status();
  }
  std::ofstream(socket_) << "precious";
  EXPECT_EQ(Create().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(socket_));
}

// A call that waits does not hold up the end of the agent.
TEST_F(LocalApiTest, StoppingEndsWaitingCalls) {
  grpc::Status status;
  std::thread caller([this, &status] {
    v1::AttachPortResponse response;
    status = Attach(Attachment(), 60000, &response);
  });
  // Both orders are right: the call may wait already or begin later.
  RunOn(&agent_.loop, [this] { agent_.reconciler->StopWaiting(); });
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
}

}  // namespace
}  // namespace outrider::agent
