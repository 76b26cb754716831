#include "vswitch/types/ip_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

using ::testing::HasSubstr;

TEST(IpAddressTest, HoldsBothFamiliesInOneForm) {
  const auto v4 = IpAddress::Parse("192.0.2.1");
  ASSERT_TRUE(v4.ok());
  EXPECT_TRUE(v4->IsV4());
  EXPECT_EQ(v4->v4_bytes(), (std::array<uint8_t, 4>{192, 0, 2, 1}));
  EXPECT_EQ(v4->bytes()[11], 0xff);
  EXPECT_EQ(v4->ToString(), "192.0.2.1");
  EXPECT_EQ(*IpAddress::Parse("::ffff:192.0.2.1"), *v4);
  EXPECT_EQ(IpAddress::FromV4({192, 0, 2, 1}), *v4);

  const auto v6 = IpAddress::Parse("2001:DB8:0:0:0:0:0:1");
  ASSERT_TRUE(v6.ok());
  EXPECT_FALSE(v6->IsV4());
  EXPECT_EQ(v6->ToString(), "2001:db8::1");
  EXPECT_EQ(IpAddress().ToString(), "::");
}

TEST(IpAddressTest, RefusesWhatIsNoAddress) {
  for (const std::string& text :
       {std::string(), std::string("1.2.3"), std::string("1.2.3.256"), std::string("1.2.3.4/8"),
        std::string("fe80::1%eth0"), std::string("1.2.3.4\0junk", 12), std::string("host")}) {
    EXPECT_EQ(IpAddress::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(IpPrefixTest, ParsesAndPrints) {
  struct Case {
    const char* text;
    const char* printed;
    int length;
    int mapped_length;
  };
  for (const Case& c :
       {Case{"10.0.0.0/8", "10.0.0.0/8", 8, 104}, Case{"0.0.0.0/0", "0.0.0.0/0", 0, 96},
        Case{"10.1.2.3", "10.1.2.3/32", 32, 128}, Case{"2001:db8::/32", "2001:db8::/32", 32, 32},
        Case{"::/0", "::/0", 0, 0}, Case{"2001:db8::1", "2001:db8::1/128", 128, 128},
        Case{"::ffff:10.0.0.0/104", "10.0.0.0/8", 8, 104}}) {
    const auto prefix = IpPrefix::Parse(c.text);
    ASSERT_TRUE(prefix.ok()) << c.text << ": " << prefix.status();
    EXPECT_EQ(prefix->ToString(), c.printed);
    EXPECT_EQ(prefix->length(), c.length) << c.text;
    EXPECT_EQ(prefix->mapped_length(), c.mapped_length) << c.text;
  }
}

TEST(IpPrefixTest, RefusesLengthsAndHostBits) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/ 8",
                           "2001:db8::/129", "/8", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(IpPrefix::Parse(text).ok()) << text;
  }
  const auto status = IpPrefix::Parse("10.0.0.1/8").status();
  EXPECT_THAT(Message(status), HasSubstr("prefix \"10.0.0.1/8\": bits after the length are set"));
  EXPECT_FALSE(IpPrefix::Parse("::ffff:10.0.0.0/90").ok());
}

TEST(IpPrefixTest, CreateClearsHostBits) {
  EXPECT_EQ(IpPrefix::Create(*IpAddress::Parse("10.255.255.255"), 9).ToString(), "10.128.0.0/9");
  EXPECT_EQ(IpPrefix::Create(*IpAddress::Parse("2001:db8:ffff::"), 33).ToString(),
            "2001:db8:8000::/33");
  EXPECT_EQ(IpPrefix::Create(*IpAddress::Parse("10.1.2.3"), 0).ToString(), "0.0.0.0/0");
  EXPECT_EQ(IpPrefix::Create(*IpAddress::Parse("10.1.2.3"), 32).ToString(), "10.1.2.3/32");
}

TEST(IpAddress, KnowsLinkLocal) {
  for (const char* text : {"169.254.0.1", "fe80::1", "febf::1"}) {
    EXPECT_TRUE(IpAddress::Parse(text)->IsLinkLocal()) << text;
  }
  for (const char* text : {"169.253.0.1", "10.0.0.1", "fec0::1", "fd00::1", "::"}) {
    EXPECT_FALSE(IpAddress::Parse(text)->IsLinkLocal()) << text;
  }
}

}  // namespace
}  // namespace outrider
