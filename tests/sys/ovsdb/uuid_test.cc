#include "vswitch/sys/ovsdb/uuid.h"

#include <gtest/gtest.h>

#include <set>

namespace outrider::ovsdb {
namespace {

TEST(UuidTest, TextAndValueAreTheSame) {
  const auto uuid = Uuid::Parse("01234567-89ab-cdef-FEDC-ba9876543210");
  ASSERT_TRUE(uuid.has_value());
  EXPECT_EQ(uuid->high, 0x0123456789abcdefu);
  EXPECT_EQ(uuid->low, 0xfedcba9876543210u);
  EXPECT_EQ(uuid->ToString(), "01234567-89ab-cdef-fedc-ba9876543210");
  EXPECT_FALSE(uuid->IsZero());
  EXPECT_TRUE(Uuid().IsZero());
  EXPECT_EQ(Uuid().ToString(), "00000000-0000-0000-0000-000000000000");
}

TEST(UuidTest, RefusesWhatIsNoUuid) {
  for (const char* text :
       {"", "x", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
        "01234567-89ab-cdef-fedc-ba987654321g", "0123456789abcdeffedcba9876543210----",
        "01234567-89ab-cdef-fedcba9876543210-", "{1234567-89ab-cdef-fedc-ba987654321}"}) {
    EXPECT_FALSE(Uuid::Parse(text).has_value()) << text;
  }
}

TEST(UuidTest, OrderIsThatOfTheText) {
  const auto a = *Uuid::Parse("00000000-0000-0001-0000-000000000000");
  const auto b = *Uuid::Parse("00000000-0000-0001-8000-000000000000");
  const auto c = *Uuid::Parse("f0000000-0000-0000-0000-000000000000");
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
}

TEST(UuidTest, RandomOnesAreOfVersion4AndDiffer) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::Random();
    const std::string text = uuid.ToString();
    EXPECT_EQ(text[14], '4') << text;
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
    EXPECT_TRUE(seen.insert(uuid).second) << text;
  }
}

}  // namespace
}  // namespace outrider::ovsdb
