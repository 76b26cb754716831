// Command line and configuration file: defaults, precedence, what is refused.
#include "controller/daemon/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

std::variant<Options, ExitNow> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "outrider-controller");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    std::string pattern = ::testing::TempDir() + "/outrider-conf-XXXXXX";
    close(mkstemp(pattern.data()));
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

// Refused with exit code 2 and a message that contains `text`.
void ExpectRefused(const std::vector<const char*>& arguments, const std::string& text) {
  CaptureStderr();
  const auto parsed = Parse(arguments);
  const std::string message = GetCapturedStderr();
  ASSERT_TRUE(std::holds_alternative<ExitNow>(parsed));
  EXPECT_EQ(std::get<ExitNow>(parsed).code, 2);
  EXPECT_THAT(message, HasSubstr(text));
}

TEST(OptionsTest, Defaults) {
  const Options options = std::get<Options>(Parse({}));
  EXPECT_EQ(options.listen, "0.0.0.0:7443");
  EXPECT_EQ(options.state_dir, "/var/lib/outrider-controller");
  EXPECT_EQ(options.admin_socket, "/run/outrider/controller.sock");
  EXPECT_EQ(options.metrics_listen, "") << "nobody is told unless somebody asks for it";
  EXPECT_EQ(options.trust_domain, "outrider.local");
  EXPECT_EQ(options.host_certificate_ttl_h, 720u);
  EXPECT_TRUE(options.detect_migrations);
  EXPECT_EQ(options.host_guarantee_mbps, 0u);
  EXPECT_EQ(options.migration_lease_s, 600u);
  EXPECT_EQ(options.migration_absence_s, 30u);
  EXPECT_EQ(options.migration_grace_s, 600u);
}

TEST(OptionsTest, HowLongMigrationsWaitCanBeSaid) {
  const ConfigFile file("migration-lease-s = 20\nmigration-grace-s = 0\n");
  const Options options = std::get<Options>(
      Parse({"--config", file.path(), "--migration-lease-s", "9", "--migration-absence-s", "3"}));
  EXPECT_EQ(options.migration_lease_s, 9u);
  EXPECT_EQ(options.migration_absence_s, 3u);
  EXPECT_EQ(options.migration_grace_s, 0u);
  ExpectRefused({"--migration-lease-s", "0"}, "--migration-lease-s");
  ExpectRefused({"--migration-absence-s", "2"}, "--migration-absence-s");
  ExpectRefused({"--migration-grace-s", "-1"}, "--migration-grace-s");
}

TEST(OptionsTest, MetricsCanBeTurnedOff) {
  const ConfigFile file("metrics-listen = \"10.0.0.1:9464\"\n");
  EXPECT_EQ(std::get<Options>(Parse({"--config", file.path()})).metrics_listen, "10.0.0.1:9464");
  EXPECT_EQ(
      std::get<Options>(Parse({"--config", file.path(), "--metrics-listen", ""})).metrics_listen,
      "");
  const ConfigFile off("metrics-listen = \"\"\n");
  EXPECT_EQ(std::get<Options>(Parse({"--config", off.path()})).metrics_listen, "");
}

TEST(OptionsTest, DetectionOfMigrationsIsASwitch) {
  EXPECT_FALSE(std::get<Options>(Parse({"--detect-migrations=false"})).detect_migrations);
  EXPECT_TRUE(std::get<Options>(Parse({"--detect-migrations=true"})).detect_migrations);
  const ConfigFile file("detect-migrations = false\n");
  EXPECT_FALSE(std::get<Options>(Parse({"--config", file.path()})).detect_migrations);
  ExpectRefused({"--detect-migrations=perhaps"}, "--detect-migrations");
}

TEST(OptionsTest, TheCommandLineWinsOverTheFile) {
  const ConfigFile file("listen = \"127.0.0.1:1\"\ntrust-domain = \"a.example\"\n");
  const Options options =
      std::get<Options>(Parse({"--config", file.path(), "--listen", "127.0.0.1:2"}));
  EXPECT_EQ(options.listen, "127.0.0.1:2");
  EXPECT_EQ(options.trust_domain, "a.example");
}

TEST(OptionsTest, UnknownKeysAndOptionsAreRefused) {
  const ConfigFile file("listen = \"127.0.0.1:1\"\nlisten-on = 3\n");
  ExpectRefused({"--config", file.path()}, "listen-on");
  ExpectRefused({"--bogus"}, "--bogus");
  ExpectRefused({"--config", "/nonexistent.toml"}, "/nonexistent.toml");
}

TEST(OptionsTest, BadValuesAreRefused) {
  ExpectRefused({"--listen", "nowhere"}, "\"nowhere\" is not host:port");
  ExpectRefused({"--listen", "1.2.3.4:65536"}, "is not host:port");
  ExpectRefused({"--metrics-listen", "localhost:1"}, "\"localhost:1\" is not ADDRESS:PORT");
  ExpectRefused({"--trust-domain", "Upper/Case"}, "is not a DNS name");
  ExpectRefused({"--host-certificate-ttl-h", "0"}, "0");
  ExpectRefused({"--log-level", "loud"}, "loud");
}

TEST(OptionsTest, HelpHasExamples) {
  CaptureStdout();
  const auto parsed = Parse({"--help"});
  const std::string help = GetCapturedStdout();
  EXPECT_EQ(std::get<ExitNow>(parsed).code, 0);
  EXPECT_THAT(help, HasSubstr("Examples:"));
  EXPECT_THAT(help, HasSubstr("--advertise"));
}

TEST(OptionsTest, TheShippedFileHoldsTheDefaults) {
  const Options shipped =
      std::get<Options>(Parse({"--config", OUTRIDER_SOURCE_DIR "/deploy/config/controller.toml"}));
  const Options defaults;
  EXPECT_EQ(shipped.listen, defaults.listen);
  EXPECT_EQ(shipped.advertise, defaults.advertise);
  EXPECT_EQ(shipped.state_dir, defaults.state_dir);
  EXPECT_EQ(shipped.admin_socket, defaults.admin_socket);
  EXPECT_EQ(shipped.metrics_listen, "127.0.0.1:9464") << "but this";
  EXPECT_EQ(shipped.trust_domain, defaults.trust_domain);
  EXPECT_EQ(shipped.host_certificate_ttl_h, defaults.host_certificate_ttl_h);
  EXPECT_EQ(shipped.log_level, defaults.log_level);
}

}  // namespace
}  // namespace outrider::controller
