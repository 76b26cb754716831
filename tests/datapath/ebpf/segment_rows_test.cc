// Rows and lists of many segments: who waits for frames, how often, and what is left of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "tests/datapath/ebpf/tables_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kMany = 200;
constexpr uint32_t kPortIndex = 9;

class SegmentRowsTest : public TablesFixture {
 protected:
  static Vni Nth(uint32_t n) { return tests::MakeVni(1000 + n); }

  void Upsert(const Vni& vni, uint32_t mtu, const std::set<IpAddress>& vteps = {}) {
    ASSERT_EQ(segments_->Upsert(vni, {.mtu = mtu, .vteps = vteps}), absl::OkStatus());
  }

  void UpsertMany(uint32_t mtu) {
    for (uint32_t n = 0; n < kMany; ++n) Upsert(Nth(n), mtu);
  }

  void CopyToAll(uint32_t port, bool copied, uint32_t segments = kMany) {
    for (uint32_t n = 0; n < segments; ++n) segments_->SetCopied(Nth(n).value(), port, copied);
  }

  // By the segment's row: who gets copies here.
  std::vector<uint32_t> Listed(const Vni& vni) {
    const abi::or_segment row = maps_->segments.Lookup(vni.value()).value();
    std::vector<uint32_t> ports;
    for (uint32_t slot = 0; slot < row.local_copies; ++slot) {
      ports.push_back(
          maps_->replication.Lookup({.list = row.replication, .slot = slot}).value_or(0));
    }
    return ports;
  }

  uint32_t ListOf(const Vni& vni) {
    return maps_->segments.Lookup(vni.value()).value().replication;
  }

  // Waits for readers since the last call.
  int TakeWaits() { return raw_->waits() - std::exchange(taken_, raw_->waits()); }

 private:
  int taken_ = 0;
};

// As a trunk comes and goes: one wait for all of its segments, however many.
TEST_F(SegmentRowsTest, ManyListsChangeWithOneWait) {
  UpsertMany(1400);
  CopyToAll(kPortIndex, true);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_LE(TakeWaits(), 1);
  for (uint32_t n = 0; n < kMany; ++n) EXPECT_THAT(Listed(Nth(n)), ElementsAre(kPortIndex));
  CopyToAll(kPortIndex + 1, true);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  CopyToAll(kPortIndex, false);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_LE(TakeWaits(), 2);
  for (uint32_t n = 0; n < kMany; ++n) EXPECT_THAT(Listed(Nth(n)), ElementsAre(kPortIndex + 1));
}

TEST_F(SegmentRowsTest, ManySegmentsChangeTheirMtuWithOneWait) {
  UpsertMany(1400);
  UpsertMany(1300);
  EXPECT_LE(TakeWaits(), 1);
  UpsertMany(1450);
  EXPECT_LE(TakeWaits(), 1);
  EXPECT_EQ(maps_->segments.Lookup(Nth(kMany - 1).value())->mtu, 1450u);
}

// A frame that still reads a row must not find what another segment allows in its place.
TEST_F(SegmentRowsTest, SegmentsOfAnotherKindWait) {
  for (uint32_t n = 0; n < kMany; ++n) Upsert(Nth(n), n % 2 == 0 ? 1400 : 1300);
  CopyToAll(kPortIndex, true);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_EQ(TakeWaits(), 1) << "between the two kinds";
}

TEST_F(SegmentRowsTest, LocalSegmentsAndOthersWaitForEachOther) {
  const Vni local = tests::MakeLocalVni(10);
  Upsert(local, 1400);
  segments_->SetCopied(local.value(), kPortIndex, true);
  segments_->SetCopied(kSegment.value(), kPortIndex, true);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_EQ(TakeWaits(), 1);
}

TEST_F(SegmentRowsTest, ADeletedRowsMemoryIsForItsKindAlone) {
  Upsert(Nth(0), 1400);
  ASSERT_TRUE(segments_->Delete(Nth(0)).ok());
  Upsert(Nth(1), 1400);
  EXPECT_EQ(TakeWaits(), 0);
  Upsert(Nth(2), 1300);
  EXPECT_EQ(TakeWaits(), 1);
  Upsert(Nth(3), 1400);
  EXPECT_EQ(TakeWaits(), 0) << "nothing was freed since";
}

// The frames of a row that was replaced may go on by the old one's kind or by the new one's.
TEST_F(SegmentRowsTest, WhatTwoSegmentsMayBothObeyIsWrittenAtOnce) {
  Upsert(Nth(0), 1400);
  Upsert(Nth(1), 1300);
  Upsert(Nth(0), 1450);  // frees a place for 1400 and 1450
  Upsert(Nth(2), 1400);
  Upsert(Nth(1), 1450);  // and one for 1300 and 1450
  EXPECT_EQ(TakeWaits(), 0);
  Upsert(Nth(3), 1400);
  EXPECT_EQ(TakeWaits(), 1);
}

TEST_F(SegmentRowsTest, OfASegmentThatLeavesNoListIsWritten) {
  UpsertMany(1400);
  const uint32_t list = ListOf(Nth(0));
  CopyToAll(kPortIndex, true);
  EXPECT_THAT(segments_->Flush({Nth(0)}), IsEmpty());
  EXPECT_EQ(ListOf(Nth(0)), list);
  EXPECT_THAT(Listed(Nth(1)), ElementsAre(kPortIndex));
  // Should it stay after all.
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_THAT(Listed(Nth(0)), ElementsAre(kPortIndex));
}

TEST_F(SegmentRowsTest, AFailedWaitLeavesAllForTheNextFlush) {
  UpsertMany(1400);
  CopyToAll(kPortIndex, true);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  CopyToAll(kPortIndex, false);
  raw_->Fail("grace");
  EXPECT_EQ(segments_->Flush().size(), kMany);
  EXPECT_THAT(Listed(Nth(0)), ElementsAre(kPortIndex));
  raw_->Heal();
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  for (uint32_t n = 0; n < kMany; ++n) EXPECT_THAT(Listed(Nth(n)), IsEmpty());
}

// Nobody waits for that, and nobody has to change a segment for it.
TEST_F(SegmentRowsTest, OldListsGoWithALaterFlush) {
  Upsert(Nth(0), 1400);
  for (const uint32_t port : {1u, 2u, 3u}) {
    segments_->SetCopied(Nth(0).value(), port, true);
    EXPECT_THAT(segments_->Flush(), IsEmpty());
  }
  EXPECT_GT(maps_->replication.Keys()->size(), 3u);
  segments_->EndApply();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (maps_->replication.Keys()->size() > 3 && std::chrono::steady_clock::now() < deadline) {
    EXPECT_THAT(segments_->Flush(), IsEmpty());
    // As the wait in the background does, which ends about then.
    EXPECT_TRUE(maps_->raw->WaitForReaders().ok());
  }
  EXPECT_EQ(maps_->replication.Keys()->size(), 3u);
  EXPECT_THAT(Listed(Nth(0)), ElementsAre(1, 2, 3));
}

// The lists of a trunk's segments, should these go with it, would be written for nobody.
TEST(SegmentRows, WhatGoesWithItsPortsGetsNoListWithoutThem) {
  EbpfHost host;
  host.Start();
  host.AddDevice("tap0");
  state::HostState state;
  state.segments[kSegment] = {.mtu = 1400, .vteps = {tests::Ip("10.99.0.2")}};
  state::Port& port = state.ports[kPort];
  port.mac = tests::MakeMac(1);
  port.vni = kSegment;
  port.phase = state::PortPhase::kActive;
  port.epoch = Epoch{1};
  port.device = "tap0";
  host.Become(state);
  const auto raw =
      sys::KernelBpfMaps::OpenPinned(
          host.options().bpffs + fmt::format("/v{}/maps", OR_ABI_VERSION), DatapathMaps::Names())
          .value();
  const DatapathMaps maps(raw.get());
  const abi::or_segment row = maps.segments.Lookup(kSegment.value()).value();
  EXPECT_EQ(row.local_copies, 1u);
  host.Become({});
  EXPECT_THAT(maps.segments.Keys().value(), IsEmpty());
  const auto keys = maps.replication.Keys();
  ASSERT_TRUE(keys.ok()) << keys.status();
  for (const abi::or_replication_key& key : *keys) {
    EXPECT_LE(key.list, row.replication);
  }
}

// Old lists stay until no frame walks them, but a map that has no room for all of them gets it.
TEST_F(SegmentRowsTest, MoreListsThanTheMapHoldsTwiceAreReplaced) {
  constexpr uint32_t kSegments = 170;
  constexpr uint32_t kVteps = 1000;
  static_assert(kSegments * kVteps < OR_MAX_REPLICATION);
  static_assert(2 * kSegments * kVteps > OR_MAX_REPLICATION);
  std::set<IpAddress> vteps;
  for (uint32_t n = 0; n < kVteps; ++n) {
    vteps.insert(
        IpAddress::FromV4({10, 98, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)}));
  }
  for (uint32_t n = 0; n < kSegments; ++n) Upsert(Nth(n), 1400, vteps);
  CopyToAll(kPortIndex, true, kSegments);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_LE(TakeWaits(), 3);
  for (uint32_t n = 0; n < kSegments; ++n) EXPECT_THAT(Listed(Nth(n)), ElementsAre(kPortIndex));
  // The last of the old ones go once nobody reads them, whatever changes then.
  segments_->SetCopied(kSegment.value(), kPortIndex, true);
  EXPECT_THAT(segments_->Flush(), IsEmpty());
  EXPECT_EQ(maps_->replication.Keys()->size(), kSegments * (kVteps + 1) + 1);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
