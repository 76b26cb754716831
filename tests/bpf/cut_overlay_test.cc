// What another host may send by VXLAN, header included, cut at every length: what reaches the
// programs is dropped for the host, or sent or dropped once at each port it is for.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "tests/bpf/frame_account.h"
#include "tests/bpf/packet_cuts.h"
#include "tests/bpf/port_setups.h"
#include "tests/bpf/seed_packets.h"
#include "tests/bpf/vxlan_sender.h"

namespace outrider::tests {
namespace {

constexpr size_t kVxlanHeader = 8;

// What the kernel's tunnel device may keep for itself, by its version: headers of the inner packet
// that are not whole.
bool KernelMayDrop(const Bytes& inner) {
  if (inner.size() < 20) return true;
  const int type = inner[12] << 8 | inner[13];
  return (type == 0x0800 && inner.size() < 34) || (type == 0x86dd && inner.size() < 54);
}

class CutOverlayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
    ASSERT_EQ(switch_->AttachAll(), absl::OkStatus());
    auto sender = VxlanSender::Create(kRemoteVtep, kLocalVtep);
    ASSERT_TRUE(sender.ok()) << sender.status();
    sender_ = std::make_unique<VxlanSender>(*std::move(sender));
  }

  void Drain() {
    for (uint32_t index = 1; index <= 3; ++index) {
      while (switch_->tap(index).Discard()) {
      }
    }
  }

  void Await(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!done() && std::chrono::steady_clock::now() < deadline) poll(nullptr, 0, 1);
  }

  // Returns when all that was sent before has been through the programs, which see packets of one
  // sender in their order. The last is dropped as no other is.
  void Settle() {
    const auto seen = [&] {
      const abi::or_drop_key key = {.port = 0, .reason = OR_DROP_SPLIT_HORIZON};
      const auto count =
          switch_->Map<abi::or_drop_key, abi::or_drop_count>("or_drops").LookupSum(key);
      return count.ok() ? count->packets : 0;
    };
    const uint64_t before = seen();
    const Bytes last = PacketBuilder(kMacRemote, kMacRemote).EtherType(0x1234).Payload(46).Build();
    ASSERT_EQ(sender_->Send(VxlanPayload(kVni, last)), absl::OkStatus());
    Await([&] { return seen() > before; });
  }

  // What became of one datagram.
  Account AccountOfPayload(const Bytes& payload) {
    Account account = AccountOf(*switch_, [&] {
      EXPECT_EQ(sender_->Send(payload), absl::OkStatus());
      Settle();
    });
    --account.dropped[0];
    return account;
  }

  // Frames that the kernel may keep, and those that it may not.
  void SendAll(const std::vector<Bytes>& frames, bool may_vanish, const Expected& expected) {
    uint64_t sent = 0;
    Account account = AccountOf(*switch_, [&] {
      for (const Bytes& frame : frames) {
        if (KernelMayDrop(frame) != may_vanish) continue;
        EXPECT_EQ(sender_->Send(VxlanPayload(kVni, frame)), absl::OkStatus());
        ++sent;
        Drain();
      }
      Settle();
    });
    --account.dropped[0];
    Drain();
    ASSERT_TRUE(
        HaveOneFateEachFromOutside(account, frames.back(), may_vanish ? 0 : sent, sent, expected));
  }

  // Nobody is where answers go: here they would come back.
  void LoseAnswers() {
    abi::or_vtep nobody = {};
    const auto address = Ip("192.0.2.1").bytes();
    std::copy(address.begin(), address.end(), nobody.address);
    ASSERT_EQ((switch_->Map<uint32_t, abi::or_vtep>("or_vteps").Update(1, nobody)),
              absl::OkStatus());
  }

  std::unique_ptr<BpfSwitch> switch_;
  std::unique_ptr<VxlanSender> sender_;
};

TEST_F(CutOverlayTest, WhateverThePortIsThatGetsIt) {
  for (const PortSetup& setup : PortSetups(2)) {
    SCOPED_TRACE(setup.name);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(setup.rows(*switch_), absl::OkStatus());
    LoseAnswers();
    const Expected expected =
        setup.snoops ? Expected{} : Expected{.packets = 1, .copies = {1, 2, 3}};
    for (const SeedPacket& seed : AllSeeds(kStationRemote, kStationB)) {
      SCOPED_TRACE(seed.name);
      const std::vector<Bytes> frames = AllCuts(seed.frame);
      ASSERT_NO_FATAL_FAILURE(SendAll(frames, /*may_vanish=*/true, expected));
      ASSERT_NO_FATAL_FAILURE(SendAll(frames, /*may_vanish=*/false, expected));
    }
    EXPECT_GT(switch_->Stats(2).tx_packets, 0u);
  }
}

// A VXLAN header that is cut or garbled brings nothing to a guest: the kernel drops it, or it names
// a VNI that the sender is no member of. What is reserved is ignored on receipt (RFC 7348, section
// 5) as far as a group policy may be there: with the G bit and without the A bit it marks nothing.
TEST_F(CutOverlayTest, HeadersOfTheTunnel) {
  const Bytes inner =
      PacketBuilder(kMacB, kMacRemote).Ipv4({.src = "10.0.0.9", .dst = kIpB}).Udp(5, 6).Build();
  const Bytes whole = VxlanPayload(kVni, inner);
  for (size_t length = 0; length < kVxlanHeader + 14; ++length) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(AccountOfPayload(cut).ForGuests(0), 0u) << "cut at " << length;
  }
  for (size_t byte = 0; byte < kVxlanHeader; ++byte) {
    for (const uint8_t flip : {0x01, 0x08, 0x80, 0xff}) {
      Bytes bad = whole;
      bad[byte] ^= flip;
      const Account account = AccountOfPayload(bad);
      const bool of_vni = byte >= 4 && byte < 7;
      const bool ignored = (byte >= 1 && byte < 4) || (byte == 0 && flip == 0x80);
      EXPECT_EQ(account.Sent(), ignored ? 1u : 0u) << "byte " << byte;
      EXPECT_EQ(account.dropped[0], of_vni ? 1u : 0u) << "byte " << byte;
    }
  }
  EXPECT_EQ(AccountOfPayload(whole).tx[2], 1u) << "whole";
}

}  // namespace
}  // namespace outrider::tests
