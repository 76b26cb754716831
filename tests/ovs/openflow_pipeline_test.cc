#include "vswitch/ovs/openflow_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/ovs/openflow_facts.h"
#include "vswitch/ovs/openflow_acl.h"
#include "vswitch/ovs/openflow_tables.h"

namespace outrider::ovs {
namespace {

using openflow::Field;
using openflow::FlowStats;
using openflow::Match;
using testing::ElementsAre;
using testing::SizeIs;

Pipeline Rendered(const state::HostState& state) {
  const SwitchFacts facts = WebFacts(state);
  return RenderPipeline(facts, facts.bridges.at("br0"));
}

// The flows of a table that one port or segment is named in.
std::vector<FlowStats> Of(const Pipeline& pipeline, FlowTable table, Field field, uint64_t value) {
  std::vector<FlowStats> found;
  for (const FlowStats& flow : pipeline.flows) {
    if (flow.table == table && flow.match.Exact(field) == value) found.push_back(flow);
  }
  return found;
}

TEST(OpenFlowPipelineTest, AnAccessPortsUntaggedFramesEnterItsSegment) {
  const auto flows = Of(Rendered(WebState()), kClassify, Field::kInPort, 1);
  ASSERT_THAT(flows, SizeIs(1));
  EXPECT_EQ(openflow::FieldNumber(Field::kVlanTci, flows[0].match.Find(Field::kVlanTci)->mask),
            0x1fffu);
  EXPECT_THAT(flows[0].actions.apply,
              ElementsAre(SetNumber(Field::kTunId, 100), Goto(kSourceGuard)));
  EXPECT_EQ(flows[0].packets, 100u);
  EXPECT_EQ(flows[0].bytes, 10000u);
  EXPECT_EQ(flows[0].flags, 0);
}

TEST(OpenFlowPipelineTest, ATrunksTagIsItsSegmentAndComesBackAtDelivery) {
  const Pipeline pipeline = Rendered(WebState());
  const auto in = Of(pipeline, kClassify, Field::kInPort, 2);
  ASSERT_THAT(in, SizeIs(1));
  EXPECT_EQ(openflow::FieldNumber(Field::kVlanTci, in[0].match.Find(Field::kVlanTci)->value),
            0x1014u);
  const auto out = Of(pipeline, kDeliver, Field::kReg0, 2);
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_THAT(out[0].actions.apply, ElementsAre(openflow::PushVlan{}, openflow::SetVlanVid{20},
                                                openflow::Output{.port = 2}));
}

TEST(OpenFlowPipelineTest, ABlockedPortGoesNowhere) {
  state::HostState state = WebState();
  state.ports[*PortId::Parse(kWebId)].phase = state::PortPhase::kBlocked;
  const Pipeline pipeline = Rendered(state);
  const auto flows = Of(pipeline, kClassify, Field::kInPort, 1);
  ASSERT_THAT(flows, SizeIs(1));
  EXPECT_TRUE(flows[0].actions.apply.empty());
  EXPECT_TRUE(Of(pipeline, kDeliver, Field::kReg0, 1).empty());
  EXPECT_TRUE(Of(pipeline, kForward, Field::kTunId, 100).empty());
}

TEST(OpenFlowPipelineTest, OnlyAllowedAddressesPass) {
  const auto flows = Of(Rendered(WebState()), kSourceGuard, Field::kInPort, 1);
  std::vector<uint64_t> passing;
  for (const FlowStats& flow : flows) {
    if (flow.actions.apply.empty()) continue;
    EXPECT_TRUE(flow.match.Has(Field::kEthSrc));
    passing.push_back(flow.match.Exact(Field::kEthType).value_or(0));
  }
  // The address by IPv4 and by ARP, and what has none.
  EXPECT_THAT(passing, ElementsAre(0x0800, 0x0806, 0));
  const auto drop = std::find_if(flows.begin(), flows.end(), [](const FlowStats& flow) {
    return flow.packets == 3 && flow.match.Exact(Field::kEthType) == 0x0800;
  });
  ASSERT_NE(drop, flows.end());
  EXPECT_TRUE(drop->actions.apply.empty());
}

TEST(OpenFlowPipelineTest, RulesKeepTheirOrderAndCounts) {
  const auto flows = Of(Rendered(WebState()), kIngressAcl, Field::kInPort, 1);
  std::vector<FlowStats> first;
  std::vector<FlowStats> second;
  const FlowStats* last = nullptr;
  for (const FlowStats& flow : flows) {
    if ((flow.cookie & 0xffffffff) == 1) first.push_back(flow);
    if ((flow.cookie & 0xffffffff) == 2) second.push_back(flow);
    if (flow.priority == 0) last = &flow;
  }
  // Ports 22 and 23 are one masked value.
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(openflow::FieldNumber(Field::kTcpDst, first[0].match.Find(Field::kTcpDst)->mask),
            0xfffeu);
  EXPECT_EQ(first[0].packets, 60u);
  EXPECT_THAT(first[0].actions.apply, ElementsAre(Goto(kIngressRate)));
  // A member of each family.
  ASSERT_THAT(second, SizeIs(2));
  EXPECT_TRUE(second[0].match.Has(Field::kIpv4Src));
  EXPECT_TRUE(second[1].match.Has(Field::kIpv6Src));
  EXPECT_TRUE(second[0].actions.apply.empty());
  EXPECT_LT(second[0].priority, first[0].priority);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->packets, 9u);
  EXPECT_EQ(last->bytes, 900u);
}

TEST(OpenFlowPipelineTest, ArpPassesAListThatDropsEverything) {
  const auto flows = Of(Rendered(WebState()), kIngressAcl, Field::kInPort, 1);
  const auto arp = std::find_if(flows.begin(), flows.end(), [](const FlowStats& flow) {
    return flow.match.Exact(Field::kEthType) == 0x0806;
  });
  ASSERT_NE(arp, flows.end());
  EXPECT_THAT(arp->actions.apply, ElementsAre(Goto(kIngressRate)));
  EXPECT_GT(arp->priority, 20000);
}

TEST(OpenFlowPipelineTest, APolicerIsAMeter) {
  const Pipeline pipeline = Rendered(WebState());
  const uint32_t meter = MeterId(1, MeterOf::kIngressRate);
  const auto flows = Of(pipeline, kIngressRate, Field::kInPort, 1);
  ASSERT_THAT(flows, SizeIs(1));
  EXPECT_THAT(flows[0].actions.apply, ElementsAre(openflow::Meter{meter}, Goto(kIngressPackets)));
  ASSERT_THAT(pipeline.meters, SizeIs(1));
  EXPECT_EQ(pipeline.meters[0].meter, meter);
  EXPECT_THAT(pipeline.meters[0].bands,
              ElementsAre(openflow::MeterBand{.rate = 10000, .burst = 2500}));
  ASSERT_THAT(pipeline.meter_stats, SizeIs(1));
  EXPECT_EQ(pipeline.meter_stats[0].flows, 1u);
  EXPECT_EQ(pipeline.meter_stats[0].bands[0].packets, 4u);
}

TEST(OpenFlowPipelineTest, StationsAreHereOrBehindATunnel) {
  const auto flows = Of(Rendered(WebState()), kForward, Field::kTunId, 100);
  const auto to = [&](uint64_t mac) {
    for (const FlowStats& flow : flows) {
      if (flow.match.Exact(Field::kEthDst) == mac) return flow.actions.apply;
    }
    return std::vector<openflow::Action>{};
  };
  EXPECT_THAT(to(0x525400aabb01), ElementsAre(SetNumber(Field::kReg0, 1), Goto(kEgressAcl)));
  EXPECT_THAT(to(0x525400aabb09),
              ElementsAre(SetNumber(Field::kTunId, 100), SetNumber(Field::kTunDst, 0xc0000209),
                          openflow::Output{.port = kTunnelOfport}));
}

TEST(OpenFlowPipelineTest, AFloodReachesPortsAndTunnels) {
  const auto flows = Of(Rendered(WebState()), kForward, Field::kTunId, 100);
  const auto flood = std::find_if(flows.begin(), flows.end(),
                                  [](const FlowStats& flow) { return flow.priority == 100; });
  ASSERT_NE(flood, flows.end());
  EXPECT_THAT(flood->actions.apply,
              ElementsAre(SetNumber(Field::kReg0, 1),
                          openflow::Resubmit{.port = openflow::kPortInPort, .table = kEgressAcl},
                          SetNumber(Field::kTunId, 100), SetNumber(Field::kTunDst, 0xc0000209),
                          openflow::Output{.port = kTunnelOfport}));
}

TEST(OpenFlowPipelineTest, OnlyMembersAreHeardFromTheTunnel) {
  const auto flows = Of(Rendered(WebState()), kClassify, Field::kInPort, kTunnelOfport);
  ASSERT_THAT(flows, SizeIs(1));
  EXPECT_EQ(flows[0].match.Exact(Field::kTunId), 100u);
  EXPECT_EQ(flows[0].match.Exact(Field::kTunSrc), 0xc0000209u);
}

TEST(OpenFlowPipelineTest, NothingInForceIsNoPorts) {
  SwitchFacts facts = WebFacts({});
  facts.in_force = nullptr;
  const Pipeline pipeline = RenderPipeline(facts, facts.bridges.at("br0"));
  for (const FlowStats& flow : pipeline.flows) EXPECT_FALSE(flow.match.Has(Field::kInPort));
}

TEST(OpenFlowPipelineTest, EachFlowIsTheSameInBothVersionsOnTheWire) {
  const Pipeline pipeline = Rendered(WebState());
  for (const FlowStats& flow : pipeline.flows) {
    openflow::WireWriter out;
    Encode(flow, openflow::FlowForm::kOpenFlow13, out);
    openflow::WireReader in(out.bytes());
    const auto decoded = DecodeFlowStats(openflow::FlowForm::kOpenFlow13, in);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->match, flow.match);
    openflow::WireWriter old;
    Encode(flow, openflow::FlowForm::kNicira, old);
    openflow::WireReader old_in(old.bytes());
    const auto old_decoded = DecodeFlowStats(openflow::FlowForm::kNicira, old_in);
    ASSERT_TRUE(old_decoded.ok());
    EXPECT_EQ(old_decoded->match, flow.match);
  }
}

TEST(OpenFlowPipelineTest, SelectsByTablePortCookieAndMatch) {
  const Pipeline pipeline = Rendered(WebState());
  openflow::FlowStatsRequest request;
  EXPECT_EQ(Select(pipeline.flows, request).size(), pipeline.flows.size());
  request.table = kDeliver;
  EXPECT_THAT(Select(pipeline.flows, request), SizeIs(2));
  request.out_port = 2;
  EXPECT_THAT(Select(pipeline.flows, request), SizeIs(1));
  request.out_port = 9;
  EXPECT_THAT(Select(pipeline.flows, request), SizeIs(0));
  openflow::FlowStatsRequest cookie{.cookie = FlowCookie(kIngressAcl, 1, 1),
                                    .cookie_mask = ~uint64_t{0}};
  EXPECT_THAT(Select(pipeline.flows, cookie), SizeIs(1));
  openflow::FlowStatsRequest match;
  match.match.Set(Field::kTunSrc, 0xc0000209);
  EXPECT_THAT(Select(pipeline.flows, match), SizeIs(1));
  openflow::FlowStatsRequest group{.out_group = 1};
  EXPECT_THAT(Select(pipeline.flows, group), SizeIs(0));
}

TEST(OpenFlowAclTest, PortRangesAreMaskedExactly) {
  const std::vector<state::PortRange> ranges = {{0, 65535}, {1, 65534}, {80, 80}, {1000, 2000}};
  for (const state::PortRange& range : ranges) {
    for (uint32_t port = 0; port < 65536; ++port) {
      size_t hits = 0;
      for (const MaskedPort& one : MaskedPorts(range)) hits += (port & one.mask) == one.value;
      ASSERT_EQ(hits, port >= range.first && port <= range.last ? 1u : 0u) << port;
    }
  }
}

TEST(OpenFlowAclTest, WhatWouldBeTooManyFlowsIsSaidInWords) {
  GroupPrefixes groups;
  for (int i = 0; i < 300; ++i) {
    groups["address/many"].push_back(IpPrefix::Create(
        IpAddress::FromV4({10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}), 32));
  }
  state::AclRule rule;
  rule.ether = state::EtherMatch::kIpv4;
  rule.src_group = "address/many";
  const RuleMatches matches = MatchesOf(rule, groups);
  EXPECT_THAT(matches.matches, SizeIs(1));
  EXPECT_EQ(matches.in_words, "group address/many");
}

TEST(OpenFlowAclTest, AContradictionMatchesNothing) {
  state::AclRule rule;
  rule.ether = state::EtherMatch::kIpv6;
  rule.src = *IpPrefix::Parse("10.0.0.0/8");
  EXPECT_TRUE(MatchesOf(rule, {}).matches.empty());
}

TEST(OpenFlowAclTest, ConnectionsAreCommittedAndPassBeforeRules) {
  state::RuleSet set;
  set.rules.resize(1);
  set.rules[0].ether = state::EtherMatch::kIpv4;
  set.rules[0].action = state::AclAction::kAllowRelated;
  const AclFlows place{.table = 2, .next = 3};
  bool committed = false;
  bool tracked = false;
  for (const AclFlow& flow : RenderRuleSet(set, {}, place)) {
    for (const auto& action : flow.flow.actions.apply) {
      const auto* ct = std::get_if<openflow::ConnTrack>(&action);
      if (ct == nullptr) continue;
      committed = committed || (ct->commit && ct->table == 3);
      tracked = tracked || (!ct->commit && ct->table == 2 && flow.flow.priority > 50000);
    }
  }
  EXPECT_TRUE(committed);
  EXPECT_TRUE(tracked);
}

}  // namespace
}  // namespace outrider::ovs
