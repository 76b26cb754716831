#include "controller/store/codec.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

TEST(CodecTest, KeysRoundTrip) {
  for (const Kind kind : {Kind::kSegment, Kind::kAddressGroup, Kind::kPortGroup, Kind::kGateway,
                          Kind::kPort, Kind::kHost, Kind::kMigration, Kind::kToken, Kind::kDraft}) {
    const auto decoded = DecodeKey(KeyOf(kind, "a.b-1"));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->kind, kind);
    EXPECT_EQ(decoded->name, "a.b-1");
  }
  const auto profile = DecodeKey(ProfileKey("web", 12));
  ASSERT_TRUE(profile.ok());
  EXPECT_EQ(profile->name, "web");
  EXPECT_EQ(profile->profile_revision, 12u);
}

TEST(CodecTest, ProfileRevisionsSortByNumber) {
  EXPECT_LT(ProfileKey("web", 9), ProfileKey("web", 10));
  EXPECT_LT(ProfileKey("web", 99), ProfileKey("web", 100));
}

TEST(CodecTest, ValuesComeBackWithTheKeysRevision) {
  v1::Segment segment = MakeSegment("red", 100);
  segment.mutable_meta()->set_revision(3);
  const std::string value = EncodeValue(segment, segment.mutable_meta());
  const auto decoded = Decode({KeyOf(Kind::kSegment, "red"), value, 1, 9});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  segment.mutable_meta()->set_revision(9);
  EXPECT_TRUE(Equal(*decoded->object, segment));
}

TEST(CodecTest, WhatIsNotOursIsDataLoss) {
  EXPECT_EQ(DecodeKey("/volumes/a").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeKey("/profiles/web").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeKey("/profiles/web/x").status().code(), absl::StatusCode::kDataLoss);
  const auto decoded = Decode({"/segments/red", "\xff\xff\xff", 1, 1});
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Message(decoded.status()),
            "stored object \"/segments/red\" cannot be read (3 bytes); restore the store from a "
            "backup");
}

}  // namespace
}  // namespace outrider::controller
