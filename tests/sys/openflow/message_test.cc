#include "vswitch/sys/openflow/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sys/openflow/captured_frames.h"
#include "tests/sys/openflow/hex_bytes.h"

namespace outrider::openflow {
namespace {

Message Decoded(const std::string& hex) {
  const auto message = Decode(FromHex(hex));
  EXPECT_TRUE(message.ok()) << message.status() << "\n" << hex;
  return message.value_or(Message{});
}

std::string Encoded(const Message& message) {
  const auto bytes = Encode(message);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.ok() ? ToHex(*bytes) : "";
}

TEST(MessageTest, WhatOpenVswitchSaysIsEncodedAsItWasDecoded) {
  for (const char* hex : kCapturedFrames) EXPECT_EQ(Encoded(Decoded(hex)), hex);
}

TEST(MessageTest, HelloWithVersions) {
  // 1.3.5, 7.5.1: element 1, 8 bytes, bits 1 and 4.
  const Message hello = Decoded("04000010 00000007 0001 0008 00000012");
  EXPECT_EQ(std::get<Hello>(hello.body).versions, 0x12u);
  EXPECT_EQ(hello.xid, 7u);
  EXPECT_EQ(Encoded(hello),
            "0400001000000007000100080000"
            "0012");
}

TEST(MessageTest, HelloOfAVersionToComeAndWithElementsNobodyKnows) {
  const Message hello = Decoded("06000018 00000007 0099 0005 ff000000 0001 0008 00000042");
  EXPECT_EQ(hello.version, 6);
  EXPECT_EQ(std::get<Hello>(hello.body).versions, 0x42u);
  // Bytes that are no element.
  EXPECT_EQ(std::get<Hello>(Decoded("0400000b00000007ffffff").body).versions, 0u);
}

TEST(MessageTest, FeaturesOf13) {
  const Message features =
      Decoded("04060020 00000002 0000525400000001 00000100 fe 00 0000 0000004f 00000000");
  const auto& reply = std::get<FeaturesReply>(features.body);
  EXPECT_EQ(reply.datapath_id, 0x525400000001u);
  EXPECT_EQ(reply.buffers, 256u);
  EXPECT_EQ(reply.tables, 254);
  EXPECT_EQ(reply.capabilities, 0x4fu);
}

TEST(MessageTest, PortStatsOf10HaveShortPortNumbers) {
  Message message{.version = kVersion10, .xid = 5};
  message.body = PortList{{.port = kPortLocal,
                           .rx_packets = 1,
                           .tx_packets = 2,
                           .rx_bytes = 3,
                           .tx_bytes = 4,
                           .rx_dropped = 5,
                           .tx_dropped = 6}};
  const std::string unknown = "ffffffffffffffff";
  EXPECT_EQ(Encoded(message),
            "0111007400000005"
            "0004"
            "0000"
            "fffe000000000000"
            "0000000000000001"
            "0000000000000002"
            "0000000000000003"
            "0000000000000004"
            "0000000000000005"
            "0000000000000006" +
                unknown + unknown + unknown + unknown + unknown + unknown);
  EXPECT_EQ(std::get<PortList>(Decoded(Encoded(message)).body)[0].port, kPortLocal);
}

TEST(MessageTest, PortModOf13) {
  const std::string hex =
      "0410002800000009"
      "00000003"
      "00000000"
      "525400000001"
      "0000"
      "00000001"
      "00000001"
      "00000000"
      "00000000";
  const auto mod = std::get<PortMod>(Decoded(hex).body);
  EXPECT_EQ(mod.port, 3u);
  EXPECT_EQ(mod.mac.ToString(), "52:54:00:00:00:01");
  EXPECT_EQ(mod.mask, kPortDown);
  EXPECT_EQ(Encoded(Decoded(hex)), hex);
}

TEST(MessageTest, NicirasRolesAreOneLess) {
  const std::string hex =
      "0104001400000001"
      "00002320"
      "0000000a"
      "00000001";
  EXPECT_EQ(std::get<Role>(Decoded(hex).body).role, 2u);
  EXPECT_EQ(Encoded(Decoded(hex)), hex);
}

TEST(MessageTest, WhatNobodyKnowsSaysHowItIsAnswered) {
  const auto why = [](const std::string& hex) {
    return std::get<Opaque>(Decoded(hex).body).why.value_or(ErrorCode{});
  };
  EXPECT_EQ(why("0463000800000001"), (ErrorCode{kBadRequest, kBadType}));
  EXPECT_EQ(why("0905000800000001"), (ErrorCode{kBadRequest, kBadVersion}));
  EXPECT_EQ(why("041200100000000100630000"
                "00000000"),
            (ErrorCode{kBadRequest, kBadStat}));
  // Meters in 1.0.
  EXPECT_EQ(why("0110000c00000001000a0000"), (ErrorCode{kBadRequest, kBadStat}));
  EXPECT_EQ(why("0104001000000001"
                "0000232000000063"),
            (ErrorCode{kBadRequest, kBadSubtype}));
  EXPECT_EQ(why("0104001000000001"
                "0000000100000063"),
            (ErrorCode{kBadRequest, kBadVendor}));
}

TEST(MessageTest, EachCapturedFrameCutShortIsAnErrorOrAnotherMessage) {
  for (const char* hex : kCapturedFrames) {
    const Bytes whole = FromHex(hex);
    for (size_t size = kHeaderBytes; size < whole.size(); ++size) {
      Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      cut[2] = static_cast<uint8_t>(size >> 8);
      cut[3] = static_cast<uint8_t>(size);
      const auto message = Decode(cut);
      // What is accepted is said again in no more bytes than a message may have.
      if (message.ok()) {
        EXPECT_TRUE(Encode(*message).ok());
      }
    }
  }
}

TEST(MessageTest, LengthsThatWouldNeverEndAreErrors) {
  // Each holds a structure of length 0 in a list.
  for (const char* hex :
       {"0413001800000001000a0000000000000000000000000000",  // meter configuration
        "0413001800000001"
        "0009000000000000"
        "0000000100000000",  // meter statistics
        "0413001800000001"
        "0007000000000000"
        "0000000000000000",  // groups
        "0413001800000001"
        "000c000000000000"
        "0000000000000000",  // table features
        "0413001800000001"
        "0001000000000000"
        "0000000000000000",  // flows
        "0111001400000001"
        "00010000"
        "0000000000000000"}) {
    EXPECT_EQ(Decode(FromHex(hex)).status().code(), absl::StatusCode::kInvalidArgument) << hex;
  }
}

TEST(MessageTest, ALongListGoesInPartsAndComesBack) {
  FlowStatsReply reply;
  for (uint16_t i = 0; i < 3000; ++i) {
    FlowStats flow{.priority = i};
    flow.match.Set(Field::kIpv4Src, i);
    flow.actions.apply.emplace_back(Output{.port = i});
    reply.flows.push_back(flow);
  }
  const auto parts = EncodeParts({.version = kVersion13, .xid = 3, .body = reply});
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_GT(parts->size(), 3u);
  FlowStatsReply joined;
  for (const Bytes& part : *parts) {
    const auto message = Decode(part);
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(message->more, &part != &parts->back());
    const auto& flows = std::get<FlowStatsReply>(message->body).flows;
    joined.flows.insert(joined.flows.end(), flows.begin(), flows.end());
  }
  EXPECT_EQ(joined, reply);
}

}  // namespace
}  // namespace outrider::openflow
