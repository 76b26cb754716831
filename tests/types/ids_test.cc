#include "vswitch/types/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

using ::testing::HasSubstr;

TEST(VniTest, TakesTheWholeRangeAndNothingElse) {
  EXPECT_EQ(Vni::Create(1)->value(), 1u);
  EXPECT_EQ(Vni::Create(Vni::kMax)->ToString(), "16777215");
  EXPECT_EQ(Message(Vni::Create(0).status()), "VNI 0 is not in 1..16777215");
  EXPECT_EQ(Message(Vni::Create(1u << 24).status()), "VNI 16777216 is not in 1..16777215");
}

// Outside of what a tunnel or a controller can say.
TEST(VniTest, LocalOnesAreApart) {
  EXPECT_EQ(Vni::Local(7)->ToString(), "local/7");
  EXPECT_EQ(Vni::Local(0)->value(), 1u << 24);
  EXPECT_TRUE(Vni::Local(7)->IsLocal());
  EXPECT_FALSE(Vni::Create(Vni::kMax)->IsLocal());
  EXPECT_FALSE(Vni::Create(Vni::Local(7)->value()).ok());
  EXPECT_EQ(Message(Vni::Local(Vni::kMax + 1).status()),
            "local segment 16777216 is not in 0..16777215");
}

TEST(VniTest, ComesBackFromItsValue) {
  for (const Vni& vni :
       {*Vni::Create(1), *Vni::Create(Vni::kMax), *Vni::Local(0), *Vni::Local(Vni::kMax)}) {
    EXPECT_EQ(*Vni::FromValue(vni.value()), vni);
  }
  EXPECT_FALSE(Vni::FromValue(0).ok());
  EXPECT_FALSE(Vni::FromValue(1u << 25).ok());
}

TEST(MacAddressTest, ParsesEitherCaseAndPrintsLowerCase) {
  const auto mac = MacAddress::Parse("52:54:00:AA:bB:0c");
  ASSERT_TRUE(mac.ok());
  EXPECT_EQ(mac->bytes(), (std::array<uint8_t, 6>{0x52, 0x54, 0, 0xaa, 0xbb, 0x0c}));
  EXPECT_EQ(mac->ToString(), "52:54:00:aa:bb:0c");
}

TEST(MacAddressTest, RefusesWhatIsNoMac) {
  for (const char* text :
       {"", "52:54:00:aa:bb", "52:54:00:aa:bb:0c:", "52-54-00-aa-bb-0c", "5254:00:aa:bb:0c",
        "52:54:00:aa:bb:0g", " 52:54:00:aa:bb:0c", "52:54:00:aa:bb:0", "52:54:00:aa:bb:0cd"}) {
    const auto mac = MacAddress::Parse(text);
    ASSERT_FALSE(mac.ok()) << text;
    EXPECT_EQ(mac.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(mac.status()), HasSubstr("\"" + std::string(text) + "\""));
  }
}

TEST(MacAddressTest, KnowsGroupAndZeroAddresses) {
  EXPECT_TRUE(MacAddress::Parse("ff:ff:ff:ff:ff:ff")->IsMulticast());
  EXPECT_TRUE(MacAddress::Parse("01:00:5e:00:00:01")->IsMulticast());
  EXPECT_FALSE(MacAddress::Parse("02:00:5e:00:00:01")->IsMulticast());
  EXPECT_TRUE(MacAddress().IsZero());
  EXPECT_FALSE(MacAddress::Parse("00:00:00:00:00:01")->IsZero());
}

TEST(PortIdTest, RoundTrips) {
  const std::string text = "123e4567-e89b-12d3-a456-426614174000";
  const auto id = PortId::Parse(text);
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id->ToString(), text);
  EXPECT_EQ(id->bytes()[0], 0x12);
  EXPECT_EQ(id->bytes()[15], 0x00);
  EXPECT_EQ(*PortId::Parse("123E4567-E89B-12D3-A456-426614174000"), *id);
}

TEST(PortIdTest, RefusesWhatIsNoUuid) {
  for (const char* text :
       {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
        "123e4567-e89b-12d3-a456-4266141740000", "{123e4567-e89b-12d3-a456-426614174000}",
        "123e456-7e89b-12d3-a456-426614174000"}) {
    EXPECT_FALSE(PortId::Parse(text).ok()) << text;
  }
}

TEST(DigestTest, RoundTrips) {
  const std::string text = std::string(62, '0') + "aF";
  const auto digest = Digest::Parse(text);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(digest->ToString(), std::string(62, '0') + "af");
  EXPECT_FALSE(digest->IsZero());
  EXPECT_TRUE(Digest().IsZero());
  EXPECT_FALSE(Digest::Parse(std::string(63, '0')).ok());
  EXPECT_FALSE(Digest::Parse(std::string(65, '0')).ok());
}

TEST(HostIdTest, IsALowerCaseLabel) {
  EXPECT_TRUE(ValidateHostId("h1").ok());
  EXPECT_TRUE(ValidateHostId("rack-3-node-12").ok());
  EXPECT_TRUE(ValidateHostId(std::string(63, 'a')).ok());
  for (const std::string& text : {std::string(), std::string(64, 'a'), std::string("-h"),
                                  std::string("h-"), std::string("H1"), std::string("h.1")}) {
    EXPECT_EQ(ValidateHostId(text).code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace outrider
