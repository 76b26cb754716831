#include "vswitch/ovs/openflow_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ovs/openflow_facts.h"

namespace outrider::ovs {
namespace {

using openflow::ErrorCode;
using openflow::FlowForm;
using openflow::kVersion10;
using openflow::kVersion13;
using openflow::Message;
using openflow::Plain;
using openflow::StatsRequest;
using testing::SizeIs;

class OpenFlowSessionTest : public testing::TestWithParam<uint8_t> {
 protected:
  OpenFlowSessionTest() { EXPECT_TRUE(Ask(openflow::Hello{}).empty()); }

  std::vector<Message> Ask(openflow::Body body) {
    const auto bytes =
        openflow::Encode({.version = GetParam(), .xid = 77, .body = std::move(body)});
    EXPECT_TRUE(bytes.ok());
    return AskBytes(*bytes);
  }
  std::vector<Message> AskBytes(openflow::ByteSpan bytes) {
    std::vector<Message> answers;
    const auto reply = session_.OnFrame(bytes);
    EXPECT_TRUE(reply.end.ok()) << reply.end;
    for (const auto& frame : reply.messages) {
      const auto message = openflow::Decode(frame);
      EXPECT_TRUE(message.ok()) << message.status();
      answers.push_back(message.value_or(Message{}));
      EXPECT_EQ(answers.back().xid, 77u);
      EXPECT_EQ(answers.back().version, GetParam());
    }
    return answers;
  }
  template <typename Kind>
  Kind Answer(openflow::Body body) {
    const auto answers = Ask(std::move(body));
    EXPECT_THAT(answers, SizeIs(1));
    const Kind* kind = answers.size() == 1 ? std::get_if<Kind>(&answers[0].body) : nullptr;
    EXPECT_NE(kind, nullptr);
    return kind == nullptr ? Kind{} : *kind;
  }
  ErrorCode Refused(openflow::Body body) { return Answer<openflow::Error>(std::move(body)).code; }
  bool v10() const { return GetParam() == kVersion10; }
  FlowForm form() const { return v10() ? FlowForm::kNicira : FlowForm::kOpenFlow13; }

  GivenFacts facts_{WebFacts(WebState())};
  OpenFlowSession session_{"br0", OpenFlowSession::Kind::kManagement, &facts_};
};
INSTANTIATE_TEST_SUITE_P(Versions, OpenFlowSessionTest, testing::Values(kVersion10, kVersion13));

TEST_P(OpenFlowSessionTest, Features) {
  const auto features = Answer<openflow::FeaturesReply>(Plain::kFeaturesRequest);
  EXPECT_EQ(features.datapath_id, 0x525400000001u);
  EXPECT_EQ(features.tables, 12);
  EXPECT_EQ(features.ports.size(), v10() ? 4u : 0u);
}

TEST_P(OpenFlowSessionTest, EchoAndBarrierAndConfig) {
  EXPECT_EQ(Answer<openflow::Echo>(openflow::Echo{.data = {1, 2}}),
            (openflow::Echo{.reply = true, .data = {1, 2}}));
  EXPECT_EQ(Answer<Plain>(Plain::kBarrierRequest), Plain::kBarrierReply);
  EXPECT_EQ(Answer<openflow::SwitchConfig>(Plain::kGetConfigRequest), openflow::SwitchConfig{});
  // Nothing of these needs a look at the switch.
  EXPECT_EQ(facts_.looks, 0);
}

TEST_P(OpenFlowSessionTest, PortsAndTheirCounters) {
  const auto ports = Answer<openflow::PortDescList>(StatsRequest{.type = openflow::kStatsPortDesc});
  ASSERT_THAT(ports, SizeIs(4));
  EXPECT_EQ(ports[0].name, "vnet0");
  EXPECT_EQ(ports[2].name, kTunnelName);
  EXPECT_EQ(ports[3].port, openflow::kPortLocal);
  EXPECT_EQ(ports[0].state, v10() ? 0u : uint32_t{openflow::k13Live});
  const auto stats = Answer<openflow::PortList>(StatsRequest{.type = openflow::kStatsPort});
  ASSERT_THAT(stats, SizeIs(3));
  EXPECT_EQ(stats[0].rx_packets, 100u);
  EXPECT_EQ(stats[0].rx_dropped, 7u);
  EXPECT_EQ(stats[0].tx_dropped, 5u);
  EXPECT_EQ(stats[2].rx_packets, 7u);
  EXPECT_EQ(stats[0].duration_s, v10() ? 0u : 5u);
  EXPECT_THAT(Answer<openflow::PortList>(StatsRequest{.type = openflow::kStatsPort, .port = 2}),
              SizeIs(1));
}

TEST_P(OpenFlowSessionTest, FlowsAndTheirSum) {
  const auto flows = Answer<openflow::FlowStatsReply>(openflow::FlowStatsRequest{.form = form()});
  EXPECT_GT(flows.flows.size(), 20u);
  const auto sum = Answer<openflow::AggregateReply>(
      openflow::FlowStatsRequest{.form = form(), .aggregate = true});
  EXPECT_EQ(sum.stats.flows, flows.flows.size());
  const auto tables = Answer<openflow::TableList>(StatsRequest{.type = openflow::kStatsTable});
  uint32_t active = 0;
  for (const auto& table : tables) active += table.active;
  EXPECT_EQ(active, sum.stats.flows);
  EXPECT_EQ(tables[0].lookups, 100u);
}

TEST_P(OpenFlowSessionTest, DescAndQueues) {
  EXPECT_EQ(Answer<openflow::Desc>(StatsRequest{.type = openflow::kStatsDesc}).software, "0.1.0");
  const auto queues = Answer<openflow::QueueList>(StatsRequest{.type = openflow::kStatsQueue});
  ASSERT_THAT(queues, SizeIs(3));
  EXPECT_EQ(queues[0].tx_packets, 50u);
  EXPECT_EQ(queues[2].tx_packets, openflow::kUnknownCount);
  EXPECT_EQ(Refused(StatsRequest{.type = openflow::kStatsQueue, .port = 1, .queue = 3}),
            (ErrorCode{static_cast<uint16_t>(v10() ? 5 : 9), 1}));
}

TEST_P(OpenFlowSessionTest, OrdersAreRefused) {
  openflow::FlowMod mod{.form = v10() ? FlowForm::kOpenFlow10 : FlowForm::kOpenFlow13};
  mod.actions.apply.emplace_back(openflow::Output{.port = 1});
  EXPECT_EQ(Refused(mod), v10() ? (ErrorCode{3, 2}) : (ErrorCode{5, 4}));
  EXPECT_EQ(Refused(openflow::PortMod{.port = 1}), v10() ? (ErrorCode{1, 5}) : (ErrorCode{7, 4}));
  EXPECT_EQ(Refused(openflow::Opaque{.type = openflow::kPacketOut}), (ErrorCode{1, 5}));
  EXPECT_EQ(Refused(openflow::SwitchConfig{.set = true, .flags = 1}),
            v10() ? (ErrorCode{1, 5}) : (ErrorCode{10, 2}));
  EXPECT_EQ(Refused(openflow::Role{.role = 2}), v10() ? (ErrorCode{1, 5}) : (ErrorCode{11, 1}));
  // The error quotes the order.
  const auto error = Answer<openflow::Error>(mod);
  const auto quoted = openflow::Decode(error.data);
  ASSERT_TRUE(quoted.ok());
  EXPECT_EQ(std::get<openflow::FlowMod>(quoted->body), mod);
}

TEST_P(OpenFlowSessionTest, WhatChangesNothingIsAccepted) {
  EXPECT_TRUE(Ask(openflow::SwitchConfig{.set = true}).empty());
  EXPECT_EQ(Answer<openflow::Role>(openflow::Role{.role = 1}).role, 1u);
}

TEST_P(OpenFlowSessionTest, AnotherVersionThanAgreedIsAnError) {
  const uint8_t other = v10() ? kVersion13 : kVersion10;
  const auto bytes =
      openflow::Encode({.version = other, .xid = 77, .body = Plain::kFeaturesRequest});
  const auto answers = AskBytes(*bytes);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(std::get<openflow::Error>(answers[0].body).code,
            (ErrorCode{openflow::kBadRequest, openflow::kBadVersion}));
}

TEST_P(OpenFlowSessionTest, WhatIsCutShortIsAnError) {
  const openflow::Bytes port_stats = {
      GetParam(), static_cast<uint8_t>(v10() ? 16 : 18), 0, 12, 0, 0, 0, 77, 0, 4, 0, 0};
  const auto answers = AskBytes(port_stats);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(std::get<openflow::Error>(answers[0].body).code,
            (ErrorCode{openflow::kBadRequest, openflow::kBadLength}));
}

TEST_P(OpenFlowSessionTest, MetersAndGroupsAndTableFeaturesOf13) {
  if (v10()) {
    EXPECT_TRUE(Answer<openflow::GroupDescList>(
                    StatsRequest{.type = openflow::kStatsGroupDesc, .nicira = true})
                    .groups.empty());
    return;
  }
  EXPECT_THAT(Answer<openflow::MeterConfigList>(StatsRequest{.type = openflow::kStatsMeterConfig}),
              SizeIs(1));
  EXPECT_THAT(Answer<openflow::MeterStatsList>(StatsRequest{.type = openflow::kStatsMeter}),
              SizeIs(1));
  EXPECT_EQ(Refused(StatsRequest{.type = openflow::kStatsMeter, .id = 3}), (ErrorCode{12, 3}));
  EXPECT_EQ(Answer<openflow::MeterFeatures>(StatsRequest{.type = openflow::kStatsMeterFeatures})
                .max_bands,
            1);
  EXPECT_TRUE(Answer<openflow::GroupDescList>(StatsRequest{.type = openflow::kStatsGroupDesc})
                  .groups.empty());
  const auto tables =
      Answer<openflow::TableFeaturesList>(StatsRequest{.type = openflow::kStatsTableFeatures});
  EXPECT_THAT(tables, SizeIs(12));
  EXPECT_EQ(tables[0].name, "classify");
  // All that 1.3 requires: ovs-ofctl does not read a reply without them.
  std::vector<uint16_t> properties;
  for (const auto& property : tables[0].properties) properties.push_back(property.type);
  EXPECT_THAT(properties, testing::UnorderedElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
  EXPECT_EQ(Refused(StatsRequest{.type = openflow::kStatsTableFeatures, .tables = {tables[0]}}),
            (ErrorCode{13, 5}));
}

TEST(OpenFlowHandshakeTest, VersionsThatAreNotServedEndIt) {
  GivenFacts facts(WebFacts(WebState()));
  const auto hello = [&](uint8_t version, uint32_t versions) {
    OpenFlowSession session("br0", OpenFlowSession::Kind::kManagement, &facts);
    const auto bytes = openflow::Encode({.version = version, .body = openflow::Hello{versions}});
    const auto reply = session.OnFrame(*bytes);
    return reply.end.ok() ? session.version() : 0;
  };
  EXPECT_EQ(hello(1, 0), 1);
  EXPECT_EQ(hello(3, 0), 1);
  EXPECT_EQ(hello(4, 0x12), 4);
  EXPECT_EQ(hello(6, 0), 4);
  EXPECT_EQ(hello(255, 0), 4);
  EXPECT_EQ(hello(4, 0x02), 1);
  EXPECT_EQ(hello(6, 0x60), 0);
}

TEST(OpenFlowHandshakeTest, WhoeverDoesNotGreetIsSentAway) {
  GivenFacts facts(WebFacts(WebState()));
  OpenFlowSession session("br0", OpenFlowSession::Kind::kManagement, &facts);
  const auto bytes = openflow::Encode({.version = 4, .body = Plain::kFeaturesRequest});
  EXPECT_FALSE(session.OnFrame(*bytes).end.ok());
}

TEST(OpenFlowHandshakeTest, ASnoopHearsNothing) {
  GivenFacts facts(WebFacts(WebState()));
  OpenFlowSession session("br0", OpenFlowSession::Kind::kSnoop, &facts);
  for (const openflow::Body& body :
       {openflow::Body{openflow::Hello{}}, openflow::Body{Plain::kFeaturesRequest}}) {
    const auto bytes = openflow::Encode({.version = 1, .body = body});
    EXPECT_TRUE(session.OnFrame(*bytes).messages.empty());
  }
  const auto echo = openflow::Encode({.version = 1, .body = openflow::Echo{}});
  EXPECT_THAT(session.OnFrame(*echo).messages, SizeIs(1));
}

}  // namespace
}  // namespace outrider::ovs
