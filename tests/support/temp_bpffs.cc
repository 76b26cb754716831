#include "tests/support/temp_bpffs.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace outrider::tests {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  throw std::runtime_error(what + ": " + strerrordesc_np(errno));
}

// In memory, over a directory every kernel with BPF has: what the mounts below need goes with them.
constexpr char kMounts[] = "/sys/fs/bpf";

// Once: mounts made from here on are seen by no other process.
void EnterPrivateMounts() {
  static const bool entered = [] {
    if (unshare(CLONE_NEWNS) != 0) Fail("unshare(CLONE_NEWNS); tests of this kind need root");
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Fail("make / private");
    if (mount("tmpfs", kMounts, "tmpfs", 0, "mode=0700") != 0) Fail("mount tmpfs");
    return true;
  }();
  static_cast<void>(entered);
}

}  // namespace

TempBpffs::TempBpffs() {
  EnterPrivateMounts();
  std::string pattern = std::string(kMounts) + "/XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) Fail("mkdtemp " + pattern);
  path_ = pattern;
  if (mount("bpf", path_.c_str(), "bpf", 0, "mode=0700") != 0) Fail("mount bpffs on " + path_);
}

TempBpffs::~TempBpffs() {
  umount2(path_.c_str(), MNT_DETACH);
  rmdir(path_.c_str());
}

}  // namespace outrider::tests
