// The token's text form, and how its secret is compared.
#include "controller/pki/join_token.h"

#include <gtest/gtest.h>

#include "tests/controller/pki/token_decoder.h"

namespace outrider::controller {
namespace {

TEST(JoinTokenTest, IsOneLineOfBase64UrlWithEverythingInIt) {
  const JoinToken token{"10.0.0.1:7443", "h1", "s3cret", "-----BEGIN CERTIFICATE-----\nx\n"};
  const std::string text = EncodeJoinToken(token);
  EXPECT_EQ(text.substr(0, 4), "or1.");
  EXPECT_EQ(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 4),
      std::string::npos);
  const nlohmann::json json = DecodeToken(text);
  EXPECT_EQ(json, nlohmann::json({{"v", 1},
                                  {"endpoint", "10.0.0.1:7443"},
                                  {"host", "h1"},
                                  {"secret", "s3cret"},
                                  {"ca", "-----BEGIN CERTIFICATE-----\nx\n"}}));
}

TEST(JoinTokenTest, KnownAnswer) {
  // {"v":1,"endpoint":"","host":"?>","secret":"","ca":""} by `base64 -w0 | tr +/ -_ | tr -d =`.
  EXPECT_EQ(EncodeJoinToken({"", "?>", "", ""}),
            "or1.eyJ2IjoxLCJlbmRwb2ludCI6IiIsImhvc3QiOiI_PiIsInNlY3JldCI6IiIsImNhIjoiIn0");
}

TEST(JoinTokenTest, SecretsAre256BitsAndDiffer) {
  const std::string a = GenerateTokenSecret().value();
  const std::string b = GenerateTokenSecret().value();
  EXPECT_EQ(a.size(), kTokenSecretSize);
  EXPECT_NE(a, b);
}

TEST(JoinTokenTest, OnlyTheSecretMatchesItsHash) {
  // SHA-256 of "abc", FIPS 180-2.
  const std::string hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(TokenSecretHash("abc"), hash);
  EXPECT_TRUE(SameTokenSecret(TokenSecretHash("abc"), hash));
  EXPECT_FALSE(SameTokenSecret(TokenSecretHash("abd"), hash));
  EXPECT_FALSE(SameTokenSecret(TokenSecretHash(""), hash));
  EXPECT_FALSE(SameTokenSecret(TokenSecretHash("abc"), ""));
}

}  // namespace
}  // namespace outrider::controller
