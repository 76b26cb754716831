// The FDB through the datapath: what became of each entry of a delta, and what is there after a
// restart, of a few MACs and of as many as there may be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/state_generator.h"
#include "vswitch/abi/or_abi.h"

namespace outrider::datapath::ebpf {
namespace {

using state::FdbEntry;
using state::FdbKey;
using state::HostState;
using ::testing::HasSubstr;
using tests::MakeMac;

const Vni kSegment = tests::MakeVni(7);
const IpAddress kNear = tests::Ip("10.99.0.2");
const IpAddress kFar = tests::Ip("10.99.0.3");

FdbKey KeyOf(uint32_t n) {
  return {kSegment,
          MacAddress({0x06, 0, static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16),
                      static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)})};
}

class FdbTableTest : public ::testing::Test {
 protected:
  FdbTableTest() {
    host_.UseTunnelDevice();
    host_.Start();
    state_.segments[kSegment] = {.mtu = 1400, .vteps = {kNear, kFar}};
  }

  // Puts the state in force; what failed.
  std::vector<ObjectFailure> Change(const HostState& from, const HostState& to) {
    return host_.Apply(state::ComputeDelta(from, to)).failures;
  }

  EbpfHost host_;
  HostState state_;
};

TEST_F(FdbTableTest, AMacMovesAndGoes) {
  state_.fdb.insert_or_assign(KeyOf(1), FdbEntry{kNear, Epoch{1}});
  host_.Become(state_);
  state_.fdb.insert_or_assign(KeyOf(1), FdbEntry{kFar, Epoch{2}});
  host_.Become(state_);
  state_.fdb.clear();
  host_.Become(state_);
}

TEST_F(FdbTableTest, AnOlderEpochIsRefusedAlsoAfterARestart) {
  state_.fdb.insert_or_assign(KeyOf(1), FdbEntry{kNear, Epoch{5}});
  host_.Become(state_);
  host_.Start();
  HostState older = state_;
  older.fdb.insert_or_assign(KeyOf(1), FdbEntry{kFar, Epoch{4}});
  older.fdb.insert_or_assign(KeyOf(2), FdbEntry{kFar, Epoch{1}});
  const auto failures = Change(state_, older);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(failures[0].status));
  EXPECT_THAT(failures[0].status.message(), HasSubstr("epoch 4 is older than 5"));
  state_.fdb.insert_or_assign(KeyOf(2), FdbEntry{kFar, Epoch{1}});
  EXPECT_EQ(host_.Read(), state_);
}

// The VTEP that a refused entry named has no reference left, and goes with the segment.
TEST_F(FdbTableTest, WhatIsRefusedHoldsNoVtep) {
  state_.segments[kSegment].vteps = {kNear};
  state_.fdb.insert_or_assign(KeyOf(1), FdbEntry{kNear, Epoch{5}});
  host_.Become(state_);
  HostState older = state_;
  older.fdb.insert_or_assign(KeyOf(1), FdbEntry{kFar, Epoch{4}});
  EXPECT_EQ(Change(state_, older).size(), 1u);
  const auto maps =
      sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs), {"or_vteps"}).value();
  EXPECT_EQ(maps->Keys("or_vteps")->size(), 1u);
  host_.Become({});
  EXPECT_EQ(maps->Keys("or_vteps")->size(), 0u);
}

TEST_F(FdbTableTest, AMillionMacsAreAllThereAndNotOneMore) {
  for (uint32_t n = 0; n < OR_MAX_FDB; ++n) {
    state_.fdb.insert_or_assign(KeyOf(n), FdbEntry{n % 2 == 0 ? kNear : kFar, Epoch{n + 1}});
  }
  host_.Become(state_);
  HostState more = state_;
  more.fdb.insert_or_assign(KeyOf(OR_MAX_FDB), FdbEntry{kNear, Epoch{1}});
  const auto failures = Change(state_, more);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_TRUE(absl::IsResourceExhausted(failures[0].status));
  EXPECT_THAT(failures[0].status.message(), HasSubstr(std::to_string(OR_MAX_FDB)));

  host_.Start();
  EXPECT_TRUE(host_.Read() == state_);
  std::erase_if(state_.fdb, [](const auto& entry) { return entry.first.mac.bytes()[5] % 2 == 0; });
  host_.Become(state_);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
