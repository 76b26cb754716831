// A port's row is in force at once and whole, without anybody waiting for frames but who must.
#include "tests/datapath/ebpf/tables_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using PortRowsTest = TablesFixture;

constexpr uint8_t kPorts = 20;

abi::or_port RowWithMtu(uint32_t mtu) {
  abi::or_port row = {};
  row.mtu = mtu;
  return row;
}

TEST_F(PortRowsTest, ARowIsReplacedBesideTheOneInForce) {
  const sys::TypedMap<uint32_t, abi::or_port_slot> slots(raw_.get(), "or_ports");
  EXPECT_TRUE(absl::IsNotFound(maps_->ports.Lookup(9).status()));
  ASSERT_TRUE(maps_->ports.Update(9, RowWithMtu(1)).ok());
  ASSERT_TRUE(maps_->ports.Update(9, RowWithMtu(2)).ok());
  EXPECT_EQ(slots.Lookup(9)->rows[0].mtu, 1u);
  EXPECT_EQ(maps_->ports.Lookup(9)->mtu, 2u);
  ASSERT_TRUE(maps_->ports.Update(9, RowWithMtu(3)).ok());
  EXPECT_EQ(slots.Lookup(9)->rows[1].mtu, 2u);
  EXPECT_EQ(maps_->ports.Lookup(9)->mtu, 3u);
  ASSERT_TRUE(maps_->ports.Delete(9).ok());
  EXPECT_TRUE(absl::IsNotFound(maps_->ports.Lookup(9).status()));
  EXPECT_TRUE(absl::IsNotFound(maps_->ports.Delete(9)));
}

// What is not in force is written first, what says that it is last.
TEST_F(PortRowsTest, AnInterruptedWriteLeavesTheOldRow) {
  ASSERT_TRUE(maps_->ports.Update(9, RowWithMtu(1)).ok());
  raw_->Fail("or_ports");
  EXPECT_FALSE(maps_->ports.Update(9, RowWithMtu(2)).ok());
  raw_->Heal();
  EXPECT_EQ(maps_->ports.Lookup(9)->mtu, 1u);
}

TEST_F(PortRowsTest, ManyPortsAreReplacedWithoutAWait) {
  const auto upsert = [&](uint64_t rate_kbps) {
    for (uint8_t i = 1; i <= kPorts; ++i) {
      state::Port port = ActivePort();
      port.mac = tests::MakeMac(i);
      port.ingress_policer = {.rate_kbps = rate_kbps, .burst_kb = 100};
      ASSERT_TRUE(ports_->Upsert(tests::MakePortId(i), port).ok());
    }
  };
  upsert(1000);
  upsert(2000);
  EXPECT_EQ(raw_->waits(), 0);
  // The place of each row before may still be read; one wait is for all of them.
  upsert(3000);
  EXPECT_EQ(raw_->waits(), 1);
}

// An edit's old limits go once no frame can read them, without anybody waiting for that.
TEST_F(PortRowsTest, WhatNoRowNamesGoes) {
  state::Port port = ActivePort();
  for (uint64_t rate_kbps = 1000; rate_kbps < 1010; ++rate_kbps) {
    port.ingress_policer = {.rate_kbps = rate_kbps, .burst_kb = 100};
    ASSERT_TRUE(ports_->Upsert(kPort, port).ok());
    ports_->EndApply();
    ASSERT_TRUE(ports_->WaitForFrames().ok());
    ASSERT_TRUE(ports_->RemoveRetired().ok());
    EXPECT_EQ(maps_->limits.Keys()->size(), 1u);
  }
}

}  // namespace
}  // namespace outrider::datapath::ebpf
