#include "vswitch/sys/openflow/frame_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sys/openflow/hex_bytes.h"

namespace outrider::openflow {
namespace {

using testing::ElementsAre;

constexpr const char* kHelloHex = "0100000800000001";
constexpr const char* kEchoHex = "0102000c00000002deadbeef";

struct Collector {
  std::vector<std::string> frames;
  FrameSplitter splitter;
  absl::Status Feed(const std::string& hex) {
    return splitter.Feed(FromHex(hex), [this](ByteSpan frame) {
      frames.push_back(ToHex(frame));
      return absl::OkStatus();
    });
  }
};

TEST(FrameSplitterTest, SeveralAtOnce) {
  Collector collector;
  EXPECT_TRUE(collector.Feed(std::string(kHelloHex) + kEchoHex + "0102").ok());
  EXPECT_THAT(collector.frames, ElementsAre(kHelloHex, kEchoHex));
  EXPECT_EQ(collector.splitter.pending(), 2u);
}

TEST(FrameSplitterTest, ByteByByte) {
  Collector collector;
  const std::string both = std::string(kHelloHex) + kEchoHex;
  for (size_t i = 0; i < both.size(); i += 2) EXPECT_TRUE(collector.Feed(both.substr(i, 2)).ok());
  EXPECT_THAT(collector.frames, ElementsAre(kHelloHex, kEchoHex));
  EXPECT_EQ(collector.splitter.pending(), 0u);
}

TEST(FrameSplitterTest, ALengthBelowAHeaderEndsIt) {
  Collector whole;
  EXPECT_EQ(whole.Feed("0102000700000002").code(), absl::StatusCode::kInvalidArgument);
  Collector pieces;
  EXPECT_TRUE(pieces.Feed("01020000").ok());
  EXPECT_EQ(pieces.Feed("00000002").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(pieces.frames.empty());
}

TEST(FrameSplitterTest, WhoeverReadsMayEndIt) {
  FrameSplitter splitter;
  int calls = 0;
  const absl::Status status =
      splitter.Feed(FromHex(std::string(kHelloHex) + kHelloHex), [&](ByteSpan) {
        ++calls;
        return absl::FailedPreconditionError("enough");
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(calls, 1);
}

TEST(FrameSplitterTest, HoldsOneMessageAtMost) {
  Collector collector;
  EXPECT_TRUE(collector.Feed("0102ffff00000001" + std::string(2 * 65526, 'a')).ok());
  EXPECT_EQ(collector.splitter.pending(), 65534u);
  EXPECT_TRUE(collector.Feed("aa").ok());
  EXPECT_EQ(collector.frames.size(), 1u);
  EXPECT_EQ(collector.splitter.pending(), 0u);
}

}  // namespace
}  // namespace outrider::openflow
