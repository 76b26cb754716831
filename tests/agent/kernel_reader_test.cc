#include "vswitch/agent/kernel_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/agent/temp_dir.h"

namespace outrider::agent {
namespace {

// A folder as /proc, made up.
class KernelReaderTest : public ::testing::Test {
 protected:
  void Open(int process, int fd, const std::string& file, const std::string& info = "") {
    const std::filesystem::path folder = proc_ / std::to_string(process);
    std::filesystem::create_directories(folder / "fd");
    std::filesystem::create_directories(folder / "fdinfo");
    std::filesystem::create_symlink(file, folder / "fd" / std::to_string(fd));
    std::ofstream(folder / "fdinfo" / std::to_string(fd)) << "pos:\t0\nflags:\t02\n" << info;
  }
  bool IsRead(const std::string& tap) const { return IsReadByKernel(proc_, tap); }

  const TempDir directory_;
  const std::filesystem::path proc_ = directory_ / "proc";
};

TEST_F(KernelReaderTest, WhoHasTheTapOpenHasTheReaderOpen) {
  std::filesystem::create_directories(proc_ / "self");
  std::ofstream(proc_ / "uptime") << "1 2\n";
  Open(1, 0, "/dev/null");
  Open(20, 3, "/dev/net/tun", "iff:\ttap1\n");
  Open(20, 4, "/dev/vhost-net");
  Open(21, 3, "/dev/net/tun", "iff:\ttap2\n");
  Open(21, 4, "/dev/kvm");
  Open(22, 4, "/dev/vhost-net");
  EXPECT_TRUE(IsRead("tap1"));
  EXPECT_FALSE(IsRead("tap2")) << "its QEMU reads it";
  EXPECT_FALSE(IsRead("tap"));
  EXPECT_FALSE(IsRead("tap3")) << "nobody has it open";
}

TEST_F(KernelReaderTest, OneOfSeveralQueuesIsEnough) {
  Open(20, 3, "/dev/vhost-net");
  Open(20, 4, "/dev/vhost-net");
  Open(20, 5, "/dev/net/tun", "iff:\ttap0\n");
  Open(20, 6, "/dev/net/tun", "iff:\ttap1\n");
  EXPECT_TRUE(IsRead("tap1"));
}

TEST_F(KernelReaderTest, NobodyLooksWhereThereIsNothing) { EXPECT_FALSE(IsRead("tap1")); }

}  // namespace
}  // namespace outrider::agent
