#include "vswitch/sys/openflow/actions.h"

#include <gtest/gtest.h>

#include "tests/sys/openflow/hex_bytes.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

SetField Set(Field field, uint64_t value, bool old = false) {
  return {.field = field, .value = {FieldBytes(field, value), ExactMask(field)}, .old = old};
}

std::string In10(const ActionList& actions) {
  WireWriter out;
  EncodeActions10(actions, out);
  return ToHex(out.bytes());
}

std::string In13(const ActionList& actions) {
  WireWriter out;
  EncodeInstructions(actions, out);
  return ToHex(out.bytes());
}

TEST(ActionsTest, OfOpenFlow10) {
  const ActionList actions{.apply = {Output{.port = kPortNormal}, SetVlanVid{5}, PopVlan{},
                                     Set(Field::kEthSrc, 0x525400000001, true),
                                     Enqueue{.port = 1, .queue = 2}}};
  const std::string hex =
      "00000008fffa0000"
      "0001000800050000"
      "0003000800000000"
      "0004001052540000000100000000"
      "0000"
      "000b0010000100000000000000000002";
  EXPECT_EQ(In10(actions), hex);
  EXPECT_EQ(*DecodeActions10(FromHex(hex)), actions);
}

TEST(ActionsTest, AFieldThat10CannotSetIsLoaded) {
  // NXAST_REG_LOAD, bits 0 to 63 of NXM_NX_TUN_ID.
  const std::string hex =
      "ffff001800002320"
      "0007003f"
      "00012008"
      "0000000000000064";
  EXPECT_EQ(In10({.apply = {Set(Field::kTunId, 100)}}), hex);
  const auto decoded = DecodeActions10(FromHex(hex));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<Load>(decoded->apply[0]),
            (Load{.field = Field::kTunId, .offset = 0, .bits = 64, .value = 100}));
}

TEST(ActionsTest, ALongFieldIsLoadedFromItsLowEnd) {
  SetField set{.field = Field::kIpv6Dst, .value = {}};
  set.value.value = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  EXPECT_EQ(In10({.apply = {set}}),
            "ffff001800002320"
            "0007003f"
            "00012810"
            "0000000000000009"
            "ffff001800002320"
            "0007103f"
            "00012810"
            "20010db800000000");
}

TEST(ActionsTest, GotoTableIn10Resubmits) {
  EXPECT_EQ(In10({.apply = {Meter{1}, GotoTable{6}}}),
            "ffff001000002320"
            "000efff806000000");
}

TEST(ActionsTest, InstructionsComeInTheOrderOfTheSpecification) {
  const ActionList actions{
      .apply = {Meter{1}, Set(Field::kTunId, 100), Output{.port = 4}, GotoTable{6}}};
  const std::string hex =
      "0006000800000001"
      "0004002800000000"
      "0019001080004c080000000000000064"
      "0000001000000004000000000000"
      "0000"
      "0001000806000000";
  EXPECT_EQ(In13(actions), hex);
  EXPECT_EQ(*DecodeInstructions(FromHex(hex)), actions);
}

TEST(ActionsTest, WriteActionsStandApart) {
  const ActionList actions{.apply = {ClearActions{}}, .write = {GroupAction{7}}};
  const std::string hex =
      "0005000800000000"
      "0003001000000000"
      "0016000800000007";
  EXPECT_EQ(In13(actions), hex);
  EXPECT_EQ(*DecodeInstructions(FromHex(hex)), actions);
}

TEST(ActionsTest, NoActionsAreNoBytes) {
  EXPECT_EQ(In13({}), "");
  EXPECT_EQ(In10({}), "");
}

TEST(ActionsTest, WhatNobodyKnowsIsKept) {
  // An unknown action of 1.3, one of another vendor, an unknown Nicira one, an experimenter's
  // instruction.
  const std::string hex =
      "0004002800000000"
      "0063000800000001"
      "ffff00080000abcd"
      "ffff001000002320"
      "0fff000000000000"
      "ffff00080000abcd";
  const auto actions = DecodeInstructions(FromHex(hex));
  ASSERT_TRUE(actions.ok()) << actions.status();
  EXPECT_EQ(actions->apply.size(), 4u);
  EXPECT_EQ(In13(*actions), hex);
}

TEST(ActionsTest, WrongLengthsAreErrors) {
  for (const char* hex : {"0000", "00000000", "0000000400000000", "0000000c000100000000000000",
                          "0001001000050000000000000000"
                          "0000",
                          "ffff000800002320",
                          "ffff001000002320"
                          "0007003f00012008"}) {
    EXPECT_EQ(DecodeActions10(FromHex(hex)).status().code(), absl::StatusCode::kInvalidArgument)
        << hex;
  }
  for (const char* hex : {"00060008", "0006000400000001", "0002000800000000",
                          "0004001000000000"
                          "0000001000000001"}) {
    EXPECT_EQ(DecodeInstructions(FromHex(hex)).status().code(), absl::StatusCode::kInvalidArgument)
        << hex;
  }
}

TEST(ActionsTest, BitsOutsideOfAFieldAreErrors) {
  // 33 bits of a register, from bit 0.
  EXPECT_EQ(DecodeActions10(FromHex("ffff001800002320"
                                    "00070020"
                                    "00010004"
                                    "0000000000000001"))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace outrider::openflow
