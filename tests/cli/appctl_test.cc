#include "vswitch/cli/appctl.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace outrider::cli {
namespace {

// A run folder of its own, with a pidfile in it.
class AppctlTest : public testing::Test {
 protected:
  AppctlTest() {
    char name[] = "/tmp/or_appctl_XXXXXX";
    folder_ = mkdtemp(name);
    setenv("OVS_RUNDIR", folder_.c_str(), 1);
    pidfile_ = folder_ + "/d.pid";
  }
  ~AppctlTest() override {
    unlink(pidfile_.c_str());
    rmdir(folder_.c_str());
    unsetenv("OVS_RUNDIR");
  }

  std::string Socket(const std::string& target) {
    Console console("test");
    EXPECT_TRUE(console.SetLevels("off").ok());
    const auto socket = SocketOf(target, &console);
    return socket.ok() ? *socket : Message(socket.status());
  }

  // Asks for the socket while another process, which wrote the pidfile, holds the lock.
  std::string SocketWhileLocked(const std::string& written_pid, pid_t* holder) {
    int ready[2] = {};
    EXPECT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      const int fd = open(pidfile_.c_str(), O_RDWR);
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      fcntl(fd, F_SETLK, &lock);
      (void)!write(ready[1], "x", 1);
      pause();
      _exit(0);
    }
    std::ofstream(pidfile_) << (written_pid.empty() ? std::to_string(child) : written_pid) << "\n";
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    std::string socket = Socket("d");
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
    *holder = child;
    return socket;
  }

  std::string folder_;
  std::string pidfile_;
};

TEST_F(AppctlTest, APathIsTheSocket) { EXPECT_EQ(Socket("/x/y.ctl"), "/x/y.ctl"); }

TEST_F(AppctlTest, NoPidfile) {
  EXPECT_EQ(Socket("d"), "cannot read pidfile \"" + pidfile_ + "\" (No such file or directory)");
}

TEST_F(AppctlTest, APidfileNobodyHasLockedIsStale) {
  std::ofstream(pidfile_) << getpid() << "\n";
  EXPECT_EQ(Socket("d"), "cannot read pidfile \"" + pidfile_ + "\" (No such process)");
}

TEST_F(AppctlTest, TheHolderOfTheLockIsAsked) {
  std::ofstream(pidfile_) << "";
  pid_t holder = 0;
  const std::string socket = SocketWhileLocked("", &holder);
  EXPECT_EQ(socket, folder_ + "/d." + std::to_string(holder) + ".ctl");
}

TEST_F(AppctlTest, AnotherHolderIsNotTheDaemon) {
  std::ofstream(pidfile_) << "";
  pid_t holder = 0;
  const std::string socket = SocketWhileLocked("1", &holder);
  EXPECT_EQ(socket, "cannot read pidfile \"" + pidfile_ + "\" (No such process)");
}

}  // namespace
}  // namespace outrider::cli
