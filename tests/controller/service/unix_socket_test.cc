// Taking over the admin socket's path: a leftover, a live one, something else.
#include "controller/service/unix_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/model/status.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

class UnixSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/outrider-sock-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/admin.sock";
  }
  void TearDown() override {
    if (fd_ >= 0) close(fd_);
    std::filesystem::remove_all(directory_);
  }
  // A socket bound at path_, listening or not.
  void Bind(bool listening) {
    fd_ = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path_.c_str());
    ASSERT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    if (listening) {
      ASSERT_EQ(listen(fd_, 1), 0);
    }
  }

  std::string directory_;
  std::string path_;
  int fd_ = -1;
};

TEST_F(UnixSocketTest, AFreePathIsFine) {
  EXPECT_TRUE(ClaimSocketPath(path_).ok());
  EXPECT_TRUE(ClaimSocketPath(directory_ + "/new/admin.sock").ok());
  EXPECT_TRUE(std::filesystem::is_directory(directory_ + "/new"));
}

TEST_F(UnixSocketTest, ALeftoverIsRemoved) {
  Bind(/*listening=*/true);
  close(fd_);
  fd_ = -1;
  ASSERT_TRUE(std::filesystem::exists(path_));
  EXPECT_TRUE(ClaimSocketPath(path_).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, ALiveOneIsLeftAlone) {
  Bind(/*listening=*/true);
  const absl::Status status = ClaimSocketPath(path_);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(status), HasSubstr("another process serves it"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, AFileIsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(ClaimSocketPath(path_).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(UnixSocketTest, PathsNoSocketCanHaveAreRefused) {
  EXPECT_EQ(ClaimSocketPath("admin.sock").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ClaimSocketPath("").code(), absl::StatusCode::kInvalidArgument);
  const std::string at_limit = "/" + std::string(106, 'x');
  EXPECT_NE(ClaimSocketPath(at_limit).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ClaimSocketPath(at_limit + "x").code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace outrider::controller
