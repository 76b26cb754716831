// A bpffs of a test's own: mounted in a mount namespace that only this process has, so that it and
// all pins vanish with the process however it ends.
#ifndef OUTRIDER_TESTS_SUPPORT_TEMP_BPFFS_H_
#define OUTRIDER_TESTS_SUPPORT_TEMP_BPFFS_H_

#include <string>

namespace outrider::tests {

// Thread rule: create the first one before the process has other threads. Throws
// std::runtime_error.
class TempBpffs {
 public:
  TempBpffs();
  ~TempBpffs();
  TempBpffs(const TempBpffs&) = delete;
  TempBpffs& operator=(const TempBpffs&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_TEMP_BPFFS_H_
