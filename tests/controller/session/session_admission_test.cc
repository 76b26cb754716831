// Who gets a session: identity, rivals, what a host says of itself, and how sessions end.
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using SessionAdmissionTest = SessionFixture;

// The stream ended with `code` and a message that contains `text`.
void ExpectClosed(FakeAgent& agent, absl::StatusCode code, const std::string& text) {
  ASSERT_TRUE(agent.stream().closed.has_value());
  EXPECT_EQ(agent.stream().closed->code(), code);
  EXPECT_THAT(Message(*agent.stream().closed), HasSubstr(text));
}

TEST_F(SessionAdmissionTest, HelloMakesTheHostConnectedAndRecordsWhatItSays) {
  FakeAgent h1("h1", "one");
  h1.hello().add_uplinks("net");
  Join(&h1);
  const v1::Host host = GetHost("h1");
  EXPECT_EQ(host.state(), v1::Host::STATE_CONNECTED);
  ASSERT_EQ(host.uplinks_size(), 1);
  EXPECT_EQ(host.uplinks(0), "net");
  ASSERT_EQ(host.vteps_size(), 1);
  EXPECT_EQ(host.vteps(0), "10.0.1.1");
  EXPECT_EQ(host.underlay_mtu(), 1500u);
  EXPECT_EQ(host.datapath(), "ebpf");
  EXPECT_EQ(host.agent_version(), "0.1.0");
  EXPECT_EQ(host.last_seen_us(), clock_.NowUs());
  EXPECT_EQ(hub_->stats().connected, 1u);
  EXPECT_THAT(log_.text(), HasSubstr("info audit: granted: session of host \"h1\""));
  h1.Leave();
  EXPECT_EQ(GetHost("h1").state(), v1::Host::STATE_ENROLLED);
  EXPECT_EQ(hub_->stats().connected, 0u);
}

TEST_F(SessionAdmissionTest, AHelloThatSaysTheSameWritesNothing) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  h1.Settle();
  h1.Leave();
  const uint64_t commits = store_.commits();
  Join(&h1);
  h1.Settle();
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(SessionAdmissionTest, HelloOfAnotherHostIsRefused) {
  FakeAgent h1("h1", "one");
  h1.hello().set_host_id("h2");
  Join(&h1);
  ExpectClosed(h1, absl::StatusCode::kPermissionDenied, "certificate is of host \"h1\"");
  EXPECT_THAT(log_.text(),
              HasSubstr("warning audit: refused: session of host \"h1\" from ipv4:h1"));
  EXPECT_EQ(hub_->stats().connected, 0u);
}

TEST_F(SessionAdmissionTest, UnknownHostIsRefused) {
  FakeAgent h9("h9", "one");
  Join(&h9);
  ExpectClosed(h9, absl::StatusCode::kPermissionDenied, "is not known to this controller");
}

TEST_F(SessionAdmissionTest, ASessionBeginsWithOneHello) {
  FakeAgent early("h1", "one");
  early.Connect(hub_.get(), executor_);
  early.Ack(1);
  ExpectClosed(early, absl::StatusCode::kFailedPrecondition, "begins with one Hello");
  FakeAgent twice("h2", "one");
  Join(&twice);
  twice.SayHello();
  ExpectClosed(twice, absl::StatusCode::kFailedPrecondition, "has no other");
}

TEST_F(SessionAdmissionTest, ASecondAgentOfTheSameHostIsRefusedWhileTheFirstLives) {
  FakeAgent first("h1", "one");
  FakeAgent second("h1", "two");
  Join(&first);
  clock_.AdvanceUs(kSilenceUs);
  Join(&second);
  ExpectClosed(second, absl::StatusCode::kPermissionDenied, "another agent, at ipv4:h1");
  EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: session of host \"h1\""));
  EXPECT_FALSE(first.stream().closed.has_value());
  EXPECT_EQ(GetHost("h1").state(), v1::Host::STATE_CONNECTED);
}

TEST_F(SessionAdmissionTest, AgentsWithoutInstanceAreNotTakenForOneAnother) {
  FakeAgent first("h1", "");
  FakeAgent second("h1", "");
  Join(&first);
  Join(&second);
  ExpectClosed(second, absl::StatusCode::kPermissionDenied, "another agent");
}

TEST_F(SessionAdmissionTest, ASilentSessionGivesWay) {
  FakeAgent first("h1", "one");
  FakeAgent second("h1", "two");
  Join(&first);
  clock_.AdvanceUs(kSilenceUs + 1);
  Join(&second);
  EXPECT_FALSE(second.stream().closed.has_value());
  ExpectClosed(first, absl::StatusCode::kAborted, "a newer session");
  EXPECT_EQ(GetHost("h1").state(), v1::Host::STATE_CONNECTED);
  // The old stream's end is no news of the new session.
  first.Leave();
  EXPECT_EQ(GetHost("h1").state(), v1::Host::STATE_CONNECTED);
  EXPECT_EQ(hub_->stats().connected, 1u);
}

TEST_F(SessionAdmissionTest, SignsOfLifeCount) {
  FakeAgent first("h1", "one");
  FakeAgent second("h1", "two");
  Join(&first);
  clock_.AdvanceUs(kSilenceUs);
  v1::AgentMessage counters;
  counters.mutable_counters();
  first.Send(counters);
  EXPECT_EQ(GetHost("h1").last_seen_us(), clock_.NowUs());
  clock_.AdvanceUs(kSilenceUs);
  Join(&second);
  ExpectClosed(second, absl::StatusCode::kPermissionDenied, "another agent");
}

TEST_F(SessionAdmissionTest, SignsOfLifeCountHoweverOftenTheyCome) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  const int64_t joined_us = clock_.NowUs();
  v1::AgentMessage counters;
  counters.mutable_counters();
  for (int i = 0; i < 3; ++i) {
    clock_.AdvanceUs(500'000);
    h1.Send(counters);
  }
  EXPECT_EQ(GetHost("h1").last_seen_us(), joined_us + 1'000'000);
}

TEST_F(SessionAdmissionTest, TheSameAgentTakesItsPlaceAtOnce) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  const auto old_stream = h1.stream().closed;
  h1.Settle();
  FakeAgent again("h1", "one");
  Join(&again);
  EXPECT_FALSE(again.stream().closed.has_value());
  ExpectClosed(h1, absl::StatusCode::kAborted, "a newer session");
  EXPECT_FALSE(old_stream.has_value());
}

TEST_F(SessionAdmissionTest, ARefusedRivalDoesNotDisturbTheFirst) {
  FakeAgent first("h1", "one");
  Join(&first);
  FakeAgent bad("h1", "one");
  bad.hello().set_vteps(0, "not an address");
  Join(&bad);
  ExpectClosed(bad, absl::StatusCode::kInvalidArgument, "not an address");
  EXPECT_FALSE(first.stream().closed.has_value());
}

TEST_F(SessionAdmissionTest, UplinksAreThoseOfTheLastHello) {
  FakeAgent before("h1", "one");
  before.hello().add_uplinks("net");
  Join(&before);
  FakeAgent now("h1", "one");
  Join(&now);
  EXPECT_EQ(GetHost("h1").uplinks_size(), 0);
  FakeAgent bad("h2", "two");
  bad.hello().add_uplinks("not a name");
  Join(&bad);
  ExpectClosed(bad, absl::StatusCode::kInvalidArgument, "uplink \"not a name\"");
}

TEST_F(SessionAdmissionTest, AHostThatCarriesLessThanItsPortsRelyOnIsShown) {
  v1::Segment segment = repository_->Get<v1::Segment>("blue").value();
  segment.set_mtu(1450);
  ASSERT_TRUE(UpdateObject(repository_.get(), segment).ok());
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  h1.Leave();
  h1.hello().set_underlay_mtu(1400);
  Join(&h1);
  h1.Settle();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
  EXPECT_THAT(
      GetPort(kPortA).problem(),
      HasSubstr("underlay MTU 1400 cannot carry segment \"blue\": its mtu 1450 needs 1500"));
  EXPECT_THAT(log_.text(), HasSubstr("underlay MTU 1400 cannot carry segment \"blue\""));
  segment = repository_->Get<v1::Segment>("blue").value();
  segment.set_mtu(1350);
  ASSERT_TRUE(UpdateObject(repository_.get(), segment).ok());
  executor_->RunAll();
  h1.Settle();
  EXPECT_EQ(GetPort(kPortA).problem(), "");
}

TEST_F(SessionAdmissionTest, AnotherHostsEndPointIsRefused) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  FakeAgent h2("h2", "two");
  h2.hello().set_vteps(0, "10.0.1.1");
  Join(&h2);
  ExpectClosed(h2, absl::StatusCode::kAlreadyExists, "10.0.1.1");
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: session of host \"h2\""));
  EXPECT_EQ(GetHost("h2").vteps_size(), 0);
}

TEST_F(SessionAdmissionTest, ADeletedHostIsSentAway) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  const auto erase = [](const Model&, Transaction* transaction) {
    transaction->Erase<v1::Host>("h1");
    return absl::OkStatus();
  };
  ASSERT_TRUE(repository_->Transact(erase).ok());
  executor_->RunAll();
  ExpectClosed(h1, absl::StatusCode::kPermissionDenied, "the host was deleted");
  EXPECT_EQ(hub_->stats().connected, 0u);
}

TEST_F(SessionAdmissionTest, ACertificateEndsItsSession) {
  FakeAgent h1("h1", "one");
  h1.Connect(hub_.get(), executor_, clock_.NowUs() + 60'000'000);
  h1.SayHello();
  clock_.AdvanceUs(59'999'999);
  hub_->OnTick();
  executor_->RunAll();
  EXPECT_FALSE(h1.stream().closed.has_value());
  clock_.AdvanceUs(1);
  hub_->OnTick();
  executor_->RunAll();
  ExpectClosed(h1, absl::StatusCode::kUnauthenticated, "expired at 2023-11-14 22:14:20 UTC");
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: session of host \"h1\""));
  EXPECT_EQ(GetHost("h1").state(), v1::Host::STATE_ENROLLED);
}

TEST_F(SessionAdmissionTest, AStreamWithoutHelloEnds) {
  FakeAgent h1("h1", "one");
  h1.Connect(hub_.get(), executor_);
  clock_.AdvanceUs(kHelloTimeoutUs + 1);
  hub_->OnTick();
  executor_->RunAll();
  ExpectClosed(h1, absl::StatusCode::kDeadlineExceeded, "no Hello came");
}

TEST_F(SessionAdmissionTest, MessagesAreReadOneByOne) {
  FakeAgent h1("h1", "one");
  h1.Connect(hub_.get(), executor_);
  EXPECT_EQ(h1.stream().reads, 1);
  h1.SayHello();
  EXPECT_EQ(h1.stream().reads, 2);
}

TEST_F(SessionAdmissionTest, EnrollingAHostAgainEndsTheSessionOfItsOldCertificate) {
  FakeAgent h1("h1", "one"), h2("h2", "two");
  Join(&h1);
  Join(&h2);
  const auto enroll = [](int64_t enrolled_us) {
    return [enrolled_us](const Model& model, Transaction* transaction) {
      v1::Host host = *model.Find<v1::Host>("h1");
      host.set_enrolled_us(enrolled_us);
      transaction->Put(std::move(host));
      return absl::OkStatus();
    };
  };
  ASSERT_TRUE(repository_->Transact(enroll(INT64_MAX / 2)).ok());
  executor_->RunAll();
  EXPECT_FALSE(h1.stream().closed.has_value());
  ASSERT_TRUE(repository_->Transact(enroll(INT64_MAX)).ok());
  executor_->RunAll();
  ExpectClosed(h1, absl::StatusCode::kPermissionDenied, "was enrolled again");
  EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: session of host \"h1\""));
  EXPECT_FALSE(h2.stream().closed.has_value());
}

}  // namespace
}  // namespace outrider::controller
