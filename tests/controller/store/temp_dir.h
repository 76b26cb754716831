// A directory of the test's own, removed with it.
#ifndef OUTRIDER_TESTS_CONTROLLER_STORE_TEMP_DIR_H_
#define OUTRIDER_TESTS_CONTROLLER_STORE_TEMP_DIR_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace outrider::controller {

class TempDir {
 public:
  TempDir() {
    std::string pattern = testing::TempDir() + "outrider-store-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_STORE_TEMP_DIR_H_
