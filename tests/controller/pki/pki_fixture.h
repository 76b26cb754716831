// A certificate authority in a temporary directory, on a clock the test holds.
#ifndef OUTRIDER_TESTS_CONTROLLER_PKI_PKI_FIXTURE_H_
#define OUTRIDER_TESTS_CONTROLLER_PKI_PKI_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "controller/pki/builtin_ca.h"
#include "tests/controller/pki/test_keys.h"
#include "tests/fakes/controller_clock.h"

namespace outrider::controller {

inline constexpr int64_t kYearUs = 365LL * 24 * 3600 * 1'000'000;

class PkiFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/outrider-pki-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Where an authority of that name keeps its files.
  std::string CaDir(const std::string& name = "pki") const { return directory_ + "/" + name; }
  BuiltinCaOptions Options(const std::string& name = "pki") const {
    BuiltinCaOptions options;
    options.directory = CaDir(name);
    options.trust_domain = "outrider.test";
    return options;
  }
  std::unique_ptr<BuiltinCa> MakeCa(const std::string& name = "pki") {
    auto ca = BuiltinCa::Create(Options(name), &clock_);
    EXPECT_TRUE(ca.ok()) << ca.status();
    return std::move(*ca);
  }

  FakeClock clock_;
  std::string directory_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_PKI_PKI_FIXTURE_H_
