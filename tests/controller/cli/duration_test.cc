#include "controller/cli/duration.h"

#include <gtest/gtest.h>

#include <string>

namespace outrider::controller::cli {
namespace {

using std::chrono::milliseconds;

TEST(Duration, ReadsUnitsAndTheirSums) {
  const struct {
    const char* text;
    int64_t millis;
  } cases[] = {
      {"0", 0},
      {"0s", 0},
      {"500ms", 500},
      {"5s", 5'000},
      {"2m", 120'000},
      {"1h", 3'600'000},
      {"1h30m", 5'400'000},
      {"1m1ms", 60'001},
      {"7d", 604'800'000},
      {"365d", 31'536'000'000},
  };
  for (const auto& test : cases) {
    const auto parsed = ParseDuration(test.text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->count(), test.millis) << test.text;
  }
}

TEST(Duration, RefusesWhatIsNotOne) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "it is empty"},
      {"5", "units are"},
      {"s", "a number is missing"},
      {"-5s", "a number is missing"},
      {"1.5s", "units are"},
      {"5 s", "units are"},
      {"5sec", "units are"},
      {"30m1h", "large to small"},
      {"5s5s", "large to small"},
      {"366d", "more than 365d"},
      {"365d1ms", "more than 365d"},
      {"99999999999999999999s", "a number is missing"},
      {"9223372036854775807d", "more than 365d"},
  };
  for (const auto& test : cases) {
    const auto parsed = ParseDuration(test.text);
    ASSERT_FALSE(parsed.ok()) << test.text;
    const std::string message(parsed.status().message());
    EXPECT_NE(message.find(test.why), std::string::npos) << message;
    EXPECT_NE(message.find("write it like 500ms, 5s or 1h30m"), std::string::npos) << message;
  }
}

TEST(Duration, WritesWhatItReads) {
  for (const char* text : {"0", "1ms", "1500ms", "10s", "1m30s", "1h", "1h30m", "2d3h"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
}

TEST(Duration, DoesNotWrapOnTheWire) {
  EXPECT_EQ(WireMillis(milliseconds(5'000)), 5'000U);
  EXPECT_EQ(WireMillis(*ParseDuration("365d")), 4'294'967'295U);
}

TEST(Duration, WritesMillisAndUtc) {
  EXPECT_EQ(FormatMillis(12'345), "12.3 ms");
  EXPECT_EQ(FormatMillis(0), "0.0 ms");
  EXPECT_EQ(FormatTime(0), "-");
  EXPECT_EQ(FormatTime(1'700'000'000'999'999), "2023-11-14 22:13:20Z");
}

}  // namespace
}  // namespace outrider::controller::cli
