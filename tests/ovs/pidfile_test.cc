#include "vswitch/ovs/pidfile.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/agent/temp_dir.h"

namespace outrider::ovs {
namespace {

// Who holds the lock, as another process sees it; 0: nobody. (Of one's own locks F_GETLK tells
// nothing, and closing the file would drop them.)
int HolderSeenByAnotherProcess(const std::string& path) {
  int pipe_fds[2];
  EXPECT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(path.c_str(), O_RDONLY);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const int result = fcntl(fd, F_GETLK, &lock);
    const int holder = fd < 0 || result != 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
    _exit(write(pipe_fds[1], &holder, sizeof(holder)) == sizeof(holder) ? 0 : 1);
  }
  int holder = -1;
  EXPECT_EQ(read(pipe_fds[0], &holder, sizeof(holder)), static_cast<ssize_t>(sizeof(holder)));
  waitpid(child, nullptr, 0);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  return holder;
}

TEST(PidfileTest, HoldsItsPidAndTheLockUntilItGoes) {
  const agent::TempDir folder;
  const std::string path = folder / "ovs-vswitchd.pid";
  auto pidfile = Pidfile::Create(path);
  ASSERT_TRUE(pidfile.ok()) << pidfile.status();
  EXPECT_EQ(HolderSeenByAnotherProcess(path), getpid());
  pidfile->reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(PidfileTest, AStaleFileIsTakenOver) {
  const agent::TempDir folder;
  const std::string path = folder / "ovs-vswitchd.pid";
  std::ofstream(path) << "123456789012\nand more\n";
  auto pidfile = Pidfile::Create(path);
  ASSERT_TRUE(pidfile.ok()) << pidfile.status();
  // Read by another process: closing the file here would drop the lock.
  EXPECT_EQ(HolderSeenByAnotherProcess(path), getpid());
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), std::to_string(getpid()) + "\n");
}

TEST(PidfileTest, OfALivingProcessItIsNotTaken) {
  const agent::TempDir folder;
  const std::string path = folder / "ovs-vswitchd.pid";
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto held = Pidfile::Create(path);
    char byte = held.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    if (read(done[0], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto second = Pidfile::Create(path);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(Message(second.status()).find("process " + std::to_string(child)), std::string::npos);
  ASSERT_EQ(write(done[1], "x", 1), 1);
  waitpid(child, nullptr, 0);
  // It died without removing the file.
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(Pidfile::Create(path).ok());
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) close(fd);
}

}  // namespace
}  // namespace outrider::ovs
