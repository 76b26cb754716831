#include "vswitch/agent/join_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// By hand: base64url of {"v":1,"endpoint":"c:7443","host":"h1","secret":"s3cret","ca":"PEM>?"}.
constexpr char kToken[] =
    "or1.eyJ2IjoxLCJlbmRwb2ludCI6ImM6NzQ0MyIsImhvc3QiOiJoMSIsInNlY3JldCI6InMzY3JldCIsImNhIjoiUEVN"
    "Pj8ifQ";
// The same with "v":2.
constexpr char kNewerToken[] =
    "or1.eyJ2IjoyLCJlbmRwb2ludCI6ImM6NzQ0MyIsImhvc3QiOiJoMSIsInNlY3JldCI6InMzY3JldCIsImNhIjoiUEVN"
    "Pj8ifQ";
// {"v":1,"endpoint":"c:7443","host":"h1","ca":"PEM"}
constexpr char kWithoutSecret[] =
    "or1.eyJ2IjoxLCJlbmRwb2ludCI6ImM6NzQ0MyIsImhvc3QiOiJoMSIsImNhIjoiUEVNIn0";

TEST(JoinToken, Parses) {
  for (const std::string& text : {std::string(kToken), " " + std::string(kToken) + "\n"}) {
    const auto token = ParseJoinToken(text);
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(token->endpoint, "c:7443");
    EXPECT_EQ(token->host_id, "h1");
    EXPECT_EQ(token->secret, "s3cret");
    EXPECT_EQ(token->ca_pem, "PEM>?");
  }
}

TEST(JoinToken, SaysWhatIsWrongAndNeverTheSecret) {
  const struct {
    std::string text;
    const char* expected;
  } cases[] = {
      {"", "or1."},
      {"or2.abc", "or1."},
      {"or1.a b", "base64url"},
      {std::string(kToken).substr(0, 60), "cut short"},
      {"or1.", "cut short"},
      {kWithoutSecret, "secret is missing"},
      {kNewerToken, "upgrade"},
  };
  for (const auto& c : cases) {
    const auto token = ParseJoinToken(c.text);
    ASSERT_EQ(token.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(Message(token.status()), HasSubstr(c.expected));
    EXPECT_THAT(Message(token.status()), Not(HasSubstr("s3cret")));
  }
}

}  // namespace
}  // namespace outrider::agent
