#include "vswitch/datapath/ebpf/capture_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "vswitch/abi/or_capture.h"
#include "vswitch/abi/or_drop.h"

namespace outrider::datapath::ebpf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Bytes = std::vector<uint8_t>;

Bytes Record(const abi::or_captured& head, const Bytes& data = {}) {
  Bytes record(sizeof(head));
  std::memcpy(record.data(), &head, sizeof(head));
  record.insert(record.end(), data.begin(), data.end());
  // A record's room may be more than what it holds.
  record.resize(record.size() + 8);
  return record;
}

abi::or_captured Head(uint16_t point, uint32_t port, uint32_t cpu, uint32_t kept = 0) {
  abi::or_captured head = {};
  head.point = point;
  head.port = port;
  head.cpu = cpu;
  head.kept = kept;
  head.length = kept;
  return head;
}

class CaptureDecoderTest : public ::testing::Test {
 protected:
  // "port point reason" of each frame so far.
  std::vector<std::string> said_;
  std::vector<CapturedFrame> frames_;
  CaptureDecoder decoder_{1000, [this](uint32_t port, CapturedFrame frame) {
                            said_.push_back(std::to_string(port) + " " +
                                            std::to_string(static_cast<int>(frame.point)) + " " +
                                            frame.drop_reason);
                            frames_.push_back(std::move(frame));
                          }};
};

TEST_F(CaptureDecoderTest, TellsADropWithTheFrameItEnded) {
  abi::or_captured drop = Head(abi::OR_CAPTURE_DROP, 1, 0);
  drop.reason = OR_DROP_ACL_INGRESS;
  decoder_.OnRecord(Record(Head(abi::OR_CAPTURE_FROM_GUEST, 1, 0)));
  EXPECT_THAT(said_, IsEmpty());
  // Of another CPU: another frame.
  decoder_.OnRecord(Record(Head(abi::OR_CAPTURE_FROM_GUEST, 1, 1)));
  decoder_.OnRecord(Record(drop));
  EXPECT_THAT(said_, ElementsAre("1 0 acl_ingress"));
  decoder_.OnRecord(Record(Head(abi::OR_CAPTURE_FROM_GUEST_OUT, 1, 1)));
  EXPECT_THAT(said_, ElementsAre("1 0 acl_ingress", "1 0 ", "1 1 "));
}

TEST_F(CaptureDecoderTest, ADropAtAnotherPortIsNotTheFrames) {
  abi::or_captured drop = Head(abi::OR_CAPTURE_DROP, 2, 0);
  drop.reason = OR_DROP_ACL_EGRESS;
  decoder_.OnRecord(Record(Head(abi::OR_CAPTURE_FROM_GUEST, 1, 0)));
  decoder_.OnRecord(Record(drop));
  EXPECT_THAT(said_, ElementsAre("1 0 "));
}

TEST_F(CaptureDecoderTest, WhatWaitsIsToldAtTheLatestWhenFlushed) {
  decoder_.OnRecord(Record(Head(abi::OR_CAPTURE_TO_GUEST, 3, 0)));
  EXPECT_THAT(said_, IsEmpty());
  decoder_.Flush();
  decoder_.Flush();
  EXPECT_THAT(said_, ElementsAre("3 2 "));
}

TEST_F(CaptureDecoderTest, PutsTheTagBackAmongTheBytes) {
  const Bytes macs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00};
  abi::or_captured head = Head(abi::OR_CAPTURE_TO_GUEST_OUT, 1, 0, 14);
  head.boot_ns = 5;
  head.length = 60;
  head.vni = 7;
  head.missed = 2;
  head.tagged = 1;
  head.tag_type = 0x8100;
  head.tag = 0x600a;
  decoder_.OnRecord(Record(head, macs));
  ASSERT_EQ(frames_.size(), 1u);
  EXPECT_THAT(frames_[0].data, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0x00, 0x60,
                                           0x0a, 0x08, 0x00));
  EXPECT_EQ(frames_[0].length, 64u);
  EXPECT_EQ(frames_[0].time_ns, 1005);
  EXPECT_EQ(frames_[0].vni, 7u);
  EXPECT_EQ(frames_[0].missed, 2u);
}

TEST_F(CaptureDecoderTest, ARecordCutShortIsNone) {
  decoder_.OnRecord(Bytes(sizeof(abi::or_captured) - 1));
  abi::or_captured head = Head(abi::OR_CAPTURE_TO_GUEST_OUT, 1, 0, 4000);
  decoder_.OnRecord(Record(head, {1, 2}));
  ASSERT_EQ(frames_.size(), 1u);
  EXPECT_EQ(frames_[0].data.size(), 10u);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
