#include "controller/model/names.h"

#include <gtest/gtest.h>

#include <set>

#include "controller/model/ip_prefix.h"

namespace outrider::controller {
namespace {

TEST(NamesTest, Names) {
  for (const char* good : {"a", "web", "web-1.prod", "0", "a.b"}) EXPECT_TRUE(IsName(good)) << good;
  for (const char* bad : {"", "-a", "a-", "Web", "a_b", "a/b", "a b", ".a"}) {
    EXPECT_FALSE(IsName(bad)) << bad;
  }
  EXPECT_TRUE(IsName(std::string(63, 'a')));
  EXPECT_FALSE(IsName(std::string(64, 'a')));
  EXPECT_FALSE(IsHostId("h1.example"));
  EXPECT_TRUE(IsHostId("h1"));
}

TEST(NamesTest, Uuids) {
  EXPECT_TRUE(IsUuid("6f1c4b1e-58c2-4c9b-9a0e-3f4a5b6c7d8e"));
  EXPECT_FALSE(IsUuid("6F1C4B1E-58C2-4C9B-9A0E-3F4A5B6C7D8E"));
  EXPECT_FALSE(IsUuid("6f1c4b1e58c24c9b9a0e3f4a5b6c7d8e"));
  EXPECT_FALSE(IsUuid("6f1c4b1e-58c2-4c9b-9a0e-3f4a5b6c7d8g"));
}

TEST(NamesTest, NewUuidsAreVersionFourAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = NewUuid();
    EXPECT_TRUE(IsUuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(NamesTest, Macs) {
  EXPECT_EQ(CanonicalMac("52-54-00-AA-BB-CC"), "52:54:00:aa:bb:cc");
  EXPECT_TRUE(IsUnicastMac("52:54:00:aa:bb:cc"));
  EXPECT_FALSE(IsUnicastMac("53:54:00:aa:bb:cc"));
  EXPECT_FALSE(IsUnicastMac("ff:ff:ff:ff:ff:ff"));
  EXPECT_FALSE(IsUnicastMac("00:00:00:00:00:00"));
  EXPECT_FALSE(IsUnicastMac("52:54:00:aa:bb"));
  EXPECT_FALSE(IsUnicastMac("52:54:00:aa:bb:cg"));
  EXPECT_FALSE(IsUnicastMac("52 54 00 aa bb cc"));
}

TEST(IpPrefixTest, ParseAndFormat) {
  const auto v4 = ParsePrefix("10.1.0.0/16");
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(v4->family, 4);
  EXPECT_EQ(v4->Text(), "10.1.0.0/16");
  EXPECT_FALSE(v4->HasHostBits());
  EXPECT_EQ(ParsePrefix("10.0.0.1")->Text(), "10.0.0.1/32");
  EXPECT_EQ(ParsePrefix("2001:DB8:0:0::/32")->Text(), "2001:db8::/32");
  EXPECT_EQ(ParsePrefix("::1")->Text(), "::1/128");
  EXPECT_EQ(ParsePrefix("0.0.0.0/0")->Text(), "0.0.0.0/0");
}

TEST(IpPrefixTest, HostBits) {
  EXPECT_TRUE(ParsePrefix("10.1.2.3/16")->HasHostBits());
  EXPECT_EQ(ParsePrefix("10.1.2.3/16")->Network().Text(), "10.1.0.0/16");
  EXPECT_TRUE(ParsePrefix("2001:db8::1/64")->HasHostBits());
  EXPECT_FALSE(ParsePrefix("10.1.2.3/32")->HasHostBits());
}

TEST(IpPrefixTest, Malformed) {
  for (const char* bad : {"", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                          "::/129", "web", "10.0.0.256"}) {
    EXPECT_FALSE(ParsePrefix(bad).has_value()) << bad;
  }
  EXPECT_FALSE(ParseAddress("10.0.0.1/32").has_value());
}

}  // namespace
}  // namespace outrider::controller
