// What hosts may say of ports: attachments, refusals and their second chance, receipts and counters
// of their own ports only.
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class PortReportsTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    for (FakeAgent* agent : {&h1_, &h2_}) {
      Join(agent);
      agent->Settle();
    }
  }

  v1::AgentMessage CountersOf(const std::string& port_id, uint64_t packets) {
    v1::AgentMessage message;
    v1::PortCounters* port = message.mutable_counters()->add_ports();
    port->set_port_id(port_id);
    port->set_rx_packets(packets);
    (*port->mutable_drops())["policer"] = 3;
    port->add_rules()->set_number(5);
    port->set_connections(2);
    return message;
  }

  FakeAgent h1_{"h1", "one"};
  FakeAgent h2_{"h2", "two"};
};

TEST_F(PortReportsTest, AnAttachedDeviceBecomesAPort) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  const v1::Port port = GetPort(kPortA);
  EXPECT_EQ(port.location().host(), "h1");
  EXPECT_EQ(port.location().epoch(), 1u);
  EXPECT_EQ(port.profile(), "web");
  EXPECT_EQ(port.device(), "tap0");
  h1_.Settle();
  ASSERT_NE(h1_.Port(kPortA), nullptr);
  EXPECT_EQ(h1_.Port(kPortA)->epoch(), 1u);
}

TEST_F(PortReportsTest, ADetachedDeviceReleasesThePort) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  EXPECT_EQ(GetPort(kPortA).location().host(), "");
  h1_.Settle();
  EXPECT_EQ(h1_.Port(kPortA), nullptr);
}

TEST_F(PortReportsTest, PortsNotInTheHelloAreReleased) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h1_.Leave();
  Join(&h1_);
  EXPECT_EQ(GetPort(kPortA).location().host(), "");
}

TEST_F(PortReportsTest, APortOfAnotherHostIsRefusedAndNotMoved) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendAttached(Attachment(kPortA, kMacA));
  const auto taken = h2_.TakeAll();
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(taken[0].refused().port_id(), kPortA);
  EXPECT_THAT(taken[0].refused().reason(), HasSubstr("host \"h1\""));
  EXPECT_THAT(taken[0].refused().reason(), HasSubstr("outrider migration prepare"));
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
  EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: attach port \"" +
                                     std::string(kPortA) + "\" on host \"h2\""));
}

TEST_F(PortReportsTest, ARefusedAttachmentIsTriedAgainWhenThePortIsFree) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendAttached(Attachment(kPortA, kMacA));
  h2_.TakeAll();
  // Other changes bring no second refusal.
  h1_.SendAttached(Attachment(kPortB, kMacB));
  EXPECT_THAT(h2_.TakeAll(), IsEmpty());
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
  EXPECT_EQ(GetPort(kPortA).location().epoch(), 2u);
  h2_.Settle();
  EXPECT_NE(h2_.Port(kPortA), nullptr);
}

TEST_F(PortReportsTest, AnUnknownProfileIsRefusedUntilItExists) {
  h1_.SendAttached(Attachment(kPortA, kMacA, "later"));
  EXPECT_THAT(h1_.TakeAll().at(0).refused().reason(), HasSubstr("later"));
  v1::Profile profile;
  profile.mutable_meta()->set_name("later");
  profile.mutable_vlan()->set_segment("blue");
  ASSERT_TRUE(ApplyProfile(repository_.get(), profile).ok());
  executor_->RunAll();
  h1_.Settle();
  EXPECT_NE(h1_.Port(kPortA), nullptr);
}

TEST_F(PortReportsTest, ARefusedAttachmentIsTriedAgainWhenTheUnderlayIsMended) {
  FakeAgent v6("h3", "three");
  v6.hello().clear_vteps();
  v6.hello().add_vteps("fd00::3");
  Join(&v6);
  v6.Settle();
  h1_.SendAttached(Attachment(kPortA, kMacA));
  v6.SendAttached(Attachment(kPortB, kMacB));
  EXPECT_THAT(v6.TakeAll().at(0).refused().reason(),
              HasSubstr("start the agent of one of them with both"));
  h1_.hello().add_vteps("fd00::1");
  *h1_.hello().add_attachments() = Attachment(kPortA, kMacA);
  h1_.Leave();
  Join(&h1_);
  v6.Settle();
  EXPECT_EQ(GetPort(kPortB).location().host(), "h3");
  EXPECT_NE(v6.Port(kPortB), nullptr);
}

TEST_F(PortReportsTest, ARefusedAttachmentIsTriedAgainWhenTheGatewayIsGone) {
  v1::Gateway gateway;
  gateway.mutable_meta()->set_name("gw");
  gateway.set_vtep("fd00::9");
  gateway.add_segments("blue");
  ASSERT_TRUE(CreateObject(repository_.get(), gateway).ok());
  executor_->RunAll();
  h1_.SendAttached(Attachment(kPortA, kMacA));
  EXPECT_THAT(h1_.TakeAll().at(0).refused().reason(), HasSubstr("gateway \"gw\""));
  ASSERT_TRUE(DeleteObject<v1::Gateway>(repository_.get(), "gw", 0).ok());
  executor_->RunAll();
  h1_.Settle();
  EXPECT_NE(h1_.Port(kPortA), nullptr);
}

TEST_F(PortReportsTest, AnAddressThatIsGivenUpIsTakenByTheOneThatWaits) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendAttached(Attachment(kPortB, kMacA));
  EXPECT_TRUE(h2_.TakeAll().at(0).has_refused());
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  executor_->RunAll();
  EXPECT_EQ(GetPort(kPortB).location().host(), "h2");
  EXPECT_FALSE(repository_->Get<v1::Port>(kPortA).ok()) << "nobody asked for it but h1";
}

TEST_F(PortReportsTest, ThePortOfAnOperatorKeepsItsAddressUntilItIsDeleted) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  v1::Port kept = GetPort(kPortA);
  kept.set_vm_id("kept");
  ASSERT_TRUE(UpdateObject(repository_.get(), kept).ok());
  h2_.SendAttached(Attachment(kPortB, kMacA));
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  executor_->RunAll();
  EXPECT_FALSE(repository_->Get<v1::Port>(kPortB).ok());
  ASSERT_TRUE(DeleteObject<v1::Port>(repository_.get(), kPortA, 0).ok());
  executor_->RunAll();
  EXPECT_EQ(GetPort(kPortB).location().host(), "h2");
}

TEST_F(PortReportsTest, RefusedAttachmentsOfAHostAreLimited) {
  const auto id = [](size_t n) { return fmt::format("00000000-0000-0000-0001-{:012x}", n); };
  for (size_t n = 0; n < kMaxRefused; ++n) {
    *h1_.hello().add_attachments() = Attachment(id(n), kMacA, "unknown");
  }
  Join(&h1_);
  EXPECT_FALSE(h1_.stream().closed.has_value());
  h1_.SendAttached(Attachment(id(0), kMacA, "unknown"));
  EXPECT_FALSE(h1_.stream().closed.has_value()) << "not one more";
  h1_.SendAttached(Attachment(id(kMaxRefused), kMacA, "unknown"));
  ASSERT_TRUE(h1_.stream().closed.has_value());
  EXPECT_EQ(h1_.stream().closed->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(*h1_.stream().closed), HasSubstr("more than 4096 attachments"));
}

TEST_F(PortReportsTest, IdsMayComeInUpperCase) {
  std::string upper = kPortA;
  upper.back() = 'A';
  *h1_.hello().add_attachments() = Attachment(upper, kMacA);
  Join(&h1_);
  h1_.Settle();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
  v1::AgentMessage receipt;
  receipt.mutable_receipt()->set_port_id(upper);
  receipt.mutable_receipt()->set_epoch(GetPort(kPortA).location().epoch());
  receipt.mutable_receipt()->set_phase(v1::PORT_PHASE_ACTIVE);
  h1_.Send(receipt);
  EXPECT_EQ(GetPort(kPortA).phase(), v1::PORT_PHASE_ACTIVE);
  h1_.AckWithFailure("port", upper, "device is gone");
  EXPECT_EQ(GetPort(kPortA).problem(), "device is gone");
  h1_.Send(CountersOf(upper, 7));
  EXPECT_EQ(hub_->counters().Get(kPortA)->rx_packets(), 7u);
  // Refused under one spelling, taken under another.
  h2_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendEvent(v1::PortEvent::KIND_DETACHED, upper);
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, upper);
  EXPECT_EQ(GetPort(kPortA).location().host(), "");
}

TEST_F(PortReportsTest, ReceiptsThatCameTogetherAreOneCommit) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendAttached(Attachment(kPortB, kMacB));
  h1_.Settle();
  h2_.Settle();
  const uint64_t commits = store_.commits();
  h1_.QueueReceipt(kPortA);
  h2_.QueueReceipt(kPortB);
  executor_->RunAll();
  EXPECT_EQ(store_.commits(), commits + 1);
  EXPECT_EQ(GetPort(kPortA).phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(GetPort(kPortB).phase(), v1::PORT_PHASE_ACTIVE);
}

TEST_F(PortReportsTest, ReceiptsThatCannotBeKeptEndTheirSessions) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h1_.Settle();
  store_.RefuseCommits(absl::ResourceExhaustedError("disk full"));
  h1_.SendReceipt(kPortA);
  ASSERT_TRUE(h1_.stream().closed.has_value());
  EXPECT_EQ(h1_.stream().closed->code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(h2_.stream().closed.has_value());
}

TEST_F(PortReportsTest, TextOfAHostForgesNoLine) {
  const std::string forged = "x\nwarning audit: granted: all";
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h1_.Settle();
  h1_.AckWithFailure("port", kPortA, forged);
  EXPECT_EQ(GetPort(kPortA).problem(), "x?warning audit: granted: all");
  h1_.AckWithFailure("fdb", forged, forged);
  h1_.AckWithFailure(forged, "1", std::string(10'000, 'a'));
  h1_.SendAttached(Attachment(forged, kMacB));
  h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, forged);
  v1::AgentMessage receipt;
  receipt.mutable_receipt()->set_port_id(kPortA);
  receipt.mutable_receipt()->set_host(forged);
  h2_.Send(receipt);
  receipt.mutable_receipt()->clear_host();
  receipt.mutable_receipt()->set_epoch(1);
  receipt.mutable_receipt()->set_profile(forged);
  receipt.mutable_receipt()->set_digest(forged);
  h1_.Send(receipt);
  EXPECT_EQ(GetPort(kPortA).receipt().profile(), "x?warning audit: granted: all");
  h1_.hello().set_host_id(forged);
  Join(&h1_);
  EXPECT_THAT(log_.text(), Not(HasSubstr("\nwarning audit: granted: all")));
  EXPECT_THAT(log_.text(), Not(HasSubstr(std::string(300, 'a'))));
}

TEST_F(PortReportsTest, ADetachedRefusalIsForgotten) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  EXPECT_EQ(GetPort(kPortA).location().host(), "");
}

TEST_F(PortReportsTest, AnotherHostCannotDetachAPort) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
}

TEST_F(PortReportsTest, AReceiptForAPortOfAnotherHostIsIgnoredAndAudited) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  v1::AgentMessage message;
  message.mutable_receipt()->set_port_id(kPortA);
  message.mutable_receipt()->set_epoch(1);
  message.mutable_receipt()->set_phase(v1::PORT_PHASE_ACTIVE);
  h2_.Send(message);
  EXPECT_FALSE(GetPort(kPortA).has_receipt());
  EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: receipt of port"));
  // Nor in the other host's name.
  message.mutable_receipt()->set_host("h1");
  h2_.Send(message);
  EXPECT_FALSE(GetPort(kPortA).has_receipt());
  EXPECT_THAT(log_.text(), HasSubstr("it speaks for host \"h1\""));
  EXPECT_FALSE(h2_.stream().closed.has_value());
}

TEST_F(PortReportsTest, AnEventForAPortOfAnotherHostIsAudited) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
  EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: event of port"));
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
}

TEST_F(PortReportsTest, CountersOfOwnPortsAreKept) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h1_.Send(CountersOf(kPortA, 7));
  h2_.Send(CountersOf(kPortA, 99));
  const auto counters = hub_->counters().Get(kPortA);
  ASSERT_TRUE(counters.has_value());
  EXPECT_EQ(counters->host(), "h1");
  EXPECT_EQ(counters->rx_packets(), 7u);
  EXPECT_EQ(counters->drops().at("policer"), 3u);
  ASSERT_EQ(counters->rules_size(), 1);
  EXPECT_EQ(counters->rules(0).number(), 5u);
  EXPECT_EQ(counters->connections(), 2u);
  EXPECT_EQ(counters->time_us(), clock_.NowUs());
  EXPECT_FALSE(hub_->counters().Get(kPortB).has_value());
}

TEST_F(PortReportsTest, CountersGoWithThePort) {
  h1_.SendAttached(Attachment(kPortA, kMacA));
  h1_.Send(CountersOf(kPortA, 7));
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  ASSERT_TRUE(DeleteObject<v1::Port>(repository_.get(), kPortA, 0).ok());
  executor_->RunAll();
  EXPECT_FALSE(hub_->counters().Get(kPortA).has_value());
}

}  // namespace
}  // namespace outrider::controller
