#include "vswitch/agent/port_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/running_agent.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;
using state::PortPhase;

const PortId kPort = MakePortId(1);

class PortOperationsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(agent_.started.ok()) << agent_.started; }
  absl::Status Attach(uint8_t n, const state::Attachment& attachment) {
    return agent_.ports->Attach(MakePortId(n), attachment, 0ms).status();
  }
  void ExpectRefused(uint8_t n, const state::Attachment& attachment, absl::StatusCode code,
                     const std::string& text) {
    const size_t stored = agent_.store->LoadAttachments()->size();
    const absl::Status status = Attach(n, attachment);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(Message(status), HasSubstr(text));
    EXPECT_EQ(agent_.store->LoadAttachments()->size(), stored);
  }
  state::Attachment On(const std::string& device) {
    state::Attachment attachment = SampleAttachment(1);
    attachment.device = device;
    return attachment;
  }

  RunningAgent agent_;
};

TEST_F(PortOperationsTest, AnAttachedDeviceIsDurableAndGuarded) {
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  EXPECT_EQ(*agent_.store->LoadAttachments(), (state::Attachments{{kPort, SampleAttachment(1)}}));
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).device, "tap1");
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).phase, PortPhase::kBlocked);
}

TEST_F(PortOperationsTest, TheSameAgainTouchesNothing) {
  ASSERT_TRUE(agent_.Snapshot(1, SampleState()).ok());
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  const size_t applies = agent_.datapath.applied().size();
  EXPECT_TRUE(Attach(1, SampleAttachment(1)).ok());
  EXPECT_EQ(agent_.datapath.applied().size(), applies);
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).phase, PortPhase::kActive);
}

TEST_F(PortOperationsTest, ProfileAndAddressesOfALivePortMayChange) {
  ASSERT_TRUE(agent_.Snapshot(1, SampleState()).ok());
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  const size_t applies = agent_.datapath.applied().size();
  state::Attachment changed = SampleAttachment(1);
  changed.profile = "db";
  changed.ips = {*IpAddress::Parse("10.1.0.1")};
  EXPECT_TRUE(Attach(1, changed).ok());
  EXPECT_EQ(agent_.datapath.applied().size(), applies) << "forwarding is not touched";
  EXPECT_EQ(agent_.store->LoadAttachments()->at(kPort), changed);
}

TEST_F(PortOperationsTest, RefusesDevicesThatAreNoPorts) {
  using absl::StatusCode;
  ExpectRefused(1, On("tap9"), StatusCode::kNotFound, "\"tap9\" does not exist");
  ExpectRefused(1, On("lo"), StatusCode::kFailedPrecondition, "loopback");
  ExpectRefused(1, On("or-vxlan"), StatusCode::kFailedPrecondition, "tunnel");
  ExpectRefused(1, On("eth0"), StatusCode::kFailedPrecondition, "10.0.1.1");
  ExpectRefused(1, On("eth9"), StatusCode::kFailedPrecondition,
                "\"eth9\" is the uplink to \"net\"");
}

TEST_F(PortOperationsTest, RefusesTheHostsOwnDevices) {
  agent_.links.AddAddress(agent_.links.Add("eth1"), *IpAddress::Parse("192.0.2.7"));
  ExpectRefused(1, On("eth1"), absl::StatusCode::kFailedPrecondition,
                "\"eth1\" is the host's own, with address 192.0.2.7");
  agent_.links.AddAddress(agent_.links.Add("tap5"), *IpAddress::Parse("fe80::5054:ff:fe00:1"));
  EXPECT_TRUE(Attach(1, On("tap5")).ok()) << "an address every device gets by itself";
}

TEST_F(PortOperationsTest, RefusesASecondPortOnADevice) {
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  state::Attachment second = SampleAttachment(2);
  second.device = "tap1";
  ExpectRefused(2, second, absl::StatusCode::kAlreadyExists, kPort.ToString());
}

TEST_F(PortOperationsTest, RefusesAMacTwiceInASegmentOnly) {
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  state::Attachment second = SampleAttachment(2);
  second.mac = MakeMac(1);
  ExpectRefused(2, second, absl::StatusCode::kAlreadyExists, "52:54:00:00:00:01");
  second.profile = "db";
  EXPECT_TRUE(Attach(2, second).ok()) << "perhaps another segment: the controller decides";
}

TEST_F(PortOperationsTest, RefusesAnotherMacOrLiveDeviceForAPort) {
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  state::Attachment other = SampleAttachment(1);
  other.mac = MakeMac(9);
  ExpectRefused(1, other, absl::StatusCode::kFailedPrecondition, "detach it first");
  ExpectRefused(1, On("tap2"), absl::StatusCode::kFailedPrecondition, "still exists");
  agent_.links.Remove("tap1");
  EXPECT_TRUE(Attach(1, On("tap2")).ok()) << "the guest came back on another tap";
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).device, "tap2");
}

TEST_F(PortOperationsTest, DetachReleasesTheDevice) {
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  EXPECT_TRUE(agent_.ports->Detach(kPort, state::AttachmentOwner::kLocalApi).ok());
  EXPECT_TRUE(agent_.store->LoadAttachments()->empty());
  EXPECT_TRUE(agent_.datapath.ReadState()->ports.empty());
  const absl::Status again = agent_.ports->Detach(kPort, state::AttachmentOwner::kLocalApi);
  EXPECT_EQ(again.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(again), HasSubstr(kPort.ToString()));
}

TEST_F(PortOperationsTest, WaitsUntilTheProfileIsInForce) {
  ASSERT_TRUE(agent_.Snapshot(1, SampleState()).ok());
  const auto result = agent_.ports->Attach(kPort, SampleAttachment(1), 10s);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->in_force.count(), 0);
}

TEST_F(PortOperationsTest, GivesUpWithTheReasonAndStaysAttached) {
  const auto result = agent_.ports->Attach(kPort, SampleAttachment(1), 1ms);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(result.status()), HasSubstr("the controller has not answered"));
  EXPECT_EQ(agent_.store->LoadAttachments()->size(), 1u);
}

// The destination of a migration: what must be in force is, and only then the hypervisor goes on.
TEST_F(PortOperationsTest, AnArmedPortIsWaitedForNoLonger) {
  state::HostState armed = SampleState(PortPhase::kArmed, 2);
  armed.ports[kPort].migration_id = "m-1";
  ASSERT_TRUE(agent_.Snapshot(1, armed).ok());
  const auto result = agent_.ports->Attach(kPort, SampleAttachment(1), 10s);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).phase, PortPhase::kArmed);
}

TEST_F(PortOperationsTest, WhatWasRefusedIsClaimedAnewBySayingItAgain) {
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  const auto claims = [this] {
    return RunOn(&agent_.loop, [this] { return agent_.reconciler->Held().claims; });
  };
  RunOn(&agent_.loop, [this] {
    agent_.reconciler->TakeRefusal(kPort, absl::FailedPreconditionError("another host has it"));
  });
  EXPECT_TRUE(claims().empty());
  const auto again = agent_.ports->Attach(kPort, SampleAttachment(1), 1ms);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kDeadlineExceeded) << "not the old refusal";
  EXPECT_EQ(claims(), std::set<PortId>{kPort});
  EXPECT_EQ(*agent_.store->LoadClaims(), std::set<PortId>{kPort});
}

TEST_F(PortOperationsTest, CarriesPortDataBothWays) {
  state::HostState state = SampleState(PortPhase::kArmed, 2);
  state.ports[kPort].migration_id = "m-1";
  state.departures[MakePortId(2)] = {.migration_id = "m-2", .vtep = {}, .epoch = Epoch{7}};
  ASSERT_TRUE(agent_.Snapshot(1, state).ok());
  ASSERT_TRUE(Attach(1, SampleAttachment(1)).ok());
  EXPECT_EQ(agent_.ports->PortDataOf(kPort), "");
  EXPECT_EQ(agent_.ports->PortDataOf(MakePortId(2)), "outrider-1.m-2.7");
  std::map<PortId, std::string> told;
  agent_.ports->ObservePortData(
      [&](const PortId& id, const std::string& data) { told[id] = data; });
  EXPECT_EQ(told, (std::map<PortId, std::string>{{MakePortId(2), "outrider-1.m-2.7"}}));
  EXPECT_FALSE(agent_.ports->TakePortData(kPort, "outrider-1.m-2.7").ok());
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).phase, PortPhase::kArmed);
  EXPECT_TRUE(agent_.ports->TakePortData(kPort, "outrider-1.m-1.2").ok());
  EXPECT_EQ(agent_.datapath.ReadState()->ports.at(kPort).phase, PortPhase::kActive);
  agent_.ports->ObservePortData(nullptr);
}

TEST_F(PortOperationsTest, RefusesAWaitOfHours) {
  EXPECT_EQ(agent_.ports->Attach(kPort, SampleAttachment(1), 61s).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace outrider::agent
