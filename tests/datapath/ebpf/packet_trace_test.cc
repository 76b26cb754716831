// Traces of frames at real ports, in the words a person reads, beside what happens to the same
// frames when they are sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using tests::Bytes;
using tests::MakeDigest;
using tests::MakePortId;

constexpr char kRemoteVtep[] = "10.99.0.2";

class PacketTraceTest : public ::testing::Test {
 protected:
  PacketTraceTest() {
    host_.Start();
    one_ = MakeGuest(GuestKind::kVeth, &host_, "port1");
    two_ = MakeGuest(GuestKind::kVeth, &host_, "port2");
  }

  static HostState TwoPorts() {
    HostState state = EmptySegment({tests::Ip(kRemoteVtep)});
    AddPort(1, "port1", &state);
    AddPort(2, "port2", &state);
    AddRemote(9, kRemoteVtep, &state);
    return state;
  }

  absl::StatusOr<Trace> TryTrace(const TraceRequest& request) {
    return host_.In([&] { return host_.datapath().TraceFrame(request); });
  }
  Trace TraceOf(const Bytes& frame) {
    return TryTrace({.port = MakePortId(1), .frame = frame, .from_vtep = {}}).value();
  }

  EbpfHost host_;
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
};

std::vector<std::string> StagesOf(const Trace& trace) {
  std::vector<std::string> stages;
  for (const TraceStep& step : trace.steps) stages.push_back(step.stage);
  return stages;
}

const TraceStep& StepOf(const Trace& trace, const std::string& stage) {
  for (const TraceStep& step : trace.steps) {
    if (step.stage == stage) return step;
  }
  throw std::runtime_error("no step " + stage);
}

TEST_F(PacketTraceTest, FollowsAFrameToALocalPort) {
  host_.Become(TwoPorts());
  const Trace trace = TraceOf(UdpFrame(1, 2));
  EXPECT_EQ(trace.verdict, "delivered");
  EXPECT_EQ(trace.drop_reason, "");
  EXPECT_THAT(StagesOf(trace), ElementsAre("port", "parse", "vlan", "security", "acl-ingress",
                                           "mark", "fdb", "deliver", "acl-egress", "output"));
  EXPECT_EQ(StepOf(trace, "port").text,
            "from port " + MakePortId(1).ToString() + " (port1), profile none, active");
  EXPECT_EQ(StepOf(trace, "parse").text,
            MacOf(1) + " > " + MacOf(2) + ", 10.0.0.1 > 10.0.0.2 udp 1234 > 4000, 106 bytes");
  EXPECT_EQ(StepOf(trace, "vlan").text, "untagged: VNI 7");
  EXPECT_EQ(StepOf(trace, "fdb").text,
            MacOf(2) + " in VNI 7: local port " + MakePortId(2).ToString() + " (port2)");
  EXPECT_EQ(StepOf(trace, "output").text, "into device port2, without a tag");
  EXPECT_THAT(StepOf(trace, "fdb").fields, Contains(Pair("port", MakePortId(2).ToString())));
  // It did not go there: what comes first is what is sent now.
  one_->Send(UdpFrame(1, 2, 4001));
  EXPECT_EQ(two_->Receive(), UdpFrame(1, 2, 4001));
}

TEST_F(PacketTraceTest, NamesTheRuleAndTheReasonOfADrop) {
  HostState state = TwoPorts();
  state::AclRule allow;
  allow.action = state::AclAction::kAllow;
  allow.protocol = 6;
  allow.number = 1;
  state::AclRule drop;
  drop.protocol = 17;
  drop.dst_port = state::PortRange{4000, 4000};
  drop.dst = *IpPrefix::Parse("10.0.0.0/8");
  drop.number = 5;
  state.rule_sets[MakeDigest(1)] = {.rules = {allow, drop},
                                    .default_action = state::AclAction::kAllow};
  state.ports.at(MakePortId(2)).egress_rule_set = MakeDigest(1);
  host_.Become(state);
  const Trace trace = TraceOf(UdpFrame(1, 2));
  EXPECT_EQ(trace.verdict, "dropped");
  EXPECT_EQ(trace.drop_reason, "acl_egress");
  EXPECT_THAT(StepOf(trace, "acl-egress").text,
              HasSubstr("rule 5: drop udp to 10.0.0.0/8 port 4000"));
  EXPECT_THAT(StepOf(trace, "acl-egress").fields,
              AllOf(Contains(Pair("rule", "5")), Contains(Pair("action", "drop")),
                    Contains(Pair("rule_set", MakeDigest(1).ToString()))));
  EXPECT_EQ(StepOf(trace, "drop").text,
            "at port " + MakePortId(2).ToString() +
                " (port2) acl_egress: denied by the profile's egress list");
  // Nothing was counted for it; the same frame, sent, is dropped for the same reason.
  EXPECT_EQ(host_.PortDrops(MakePortId(2), "acl_egress"), 0u);
  one_->Send(UdpFrame(1, 2));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(2), "acl_egress", 1), 1u);
  const Trace passes = TraceOf(UdpFrame(1, 2, 4001));
  EXPECT_EQ(passes.verdict, "delivered");
  EXPECT_THAT(StepOf(passes, "acl-egress").text, HasSubstr("default action: allow"));
}

TEST_F(PacketTraceTest, SaysWhereCopiesGo) {
  host_.Become(TwoPorts());
  const Trace trace = TraceOf(BroadcastFrame(1));
  EXPECT_EQ(trace.verdict, "replicated");
  EXPECT_EQ(StepOf(trace, "replicate").text,
            "a copy for each of 2 local ports but the sender, and 1 VTEPs");
  EXPECT_EQ(StepOf(trace, "output").text, "into device port2, without a tag");
  EXPECT_EQ(StepOf(trace, "encap").text, "VXLAN to 10.99.0.2, VNI 7, DSCP 0");
}

TEST_F(PacketTraceTest, SaysWhoGetsCopiesOfMulticast) {
  HostState state = TwoPorts();
  state.segments.at(kSegment).snoop_multicast = true;
  host_.Become(state);
  const MulticastMember member = {.port = MakePortId(2),
                                  .group = {.vni = kSegment, .group = tests::Ip("239.1.2.3")}};
  ASSERT_TRUE(host_.In([&] { return host_.datapath().PutMember(member, int64_t{1} << 50); }).ok());
  const Trace trace = TraceOf(tests::PacketBuilder("01:00:5e:01:02:03", MacOf(1))
                                  .Ipv4({.src = IpOf(1), .dst = "239.1.2.3"})
                                  .Udp(1, 2)
                                  .Payload(64)
                                  .Build());
  EXPECT_EQ(StepOf(trace, "replicate").text,
            "a copy for each of 2 local ports but the sender, and 1 VTEPs; of them only to those "
            "that joined the group, or have a multicast router");
  EXPECT_THAT(StepOf(trace, "replicate").fields, Contains(Pair("scope", "members")));
  EXPECT_EQ(StepOf(trace, "output").text, "into device port2, without a tag");
}

TEST_F(PacketTraceTest, FollowsWhatComesByVxlan) {
  host_.Become(TwoPorts());
  const TraceRequest request = {
      .port = MakePortId(2), .frame = UdpFrame(9, 2), .from_vtep = tests::Ip(kRemoteVtep)};
  const Trace trace = TryTrace(request).value();
  EXPECT_EQ(trace.verdict, "delivered");
  EXPECT_EQ(StepOf(trace, "tunnel").text, "from VTEP 10.99.0.2, a member of VNI 7");
  TraceRequest foreign = request;
  foreign.from_vtep = tests::Ip("10.99.0.77");
  EXPECT_EQ(TryTrace(foreign).value().drop_reason, "not_a_member");
  TraceRequest other = request;
  other.vni = 8;
  EXPECT_EQ(TryTrace(other).value().drop_reason, "not_a_member");
}

TEST_F(PacketTraceTest, RefusesWhatIsNotThere) {
  host_.Become(TwoPorts());
  EXPECT_TRUE(absl::IsNotFound(
      TryTrace({.port = MakePortId(3), .frame = UdpFrame(1, 2), .from_vtep = {}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      TryTrace({.port = MakePortId(1), .frame = {1, 2, 3}, .from_vtep = {}}).status()));
  HostState expected = TwoPorts();
  expected.ports.at(MakePortId(1)).device = std::nullopt;
  expected.ports.at(MakePortId(1)).phase = state::PortPhase::kArmed;
  host_.Become(expected);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      TryTrace({.port = MakePortId(1), .frame = UdpFrame(1, 2), .from_vtep = {}}).status()));
}

}  // namespace
}  // namespace outrider::datapath::ebpf
