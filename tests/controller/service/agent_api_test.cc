// The TLS port as agents, strangers and thieves meet it, by a real TLS client.
#include <gmock/gmock.h>
#include <grpc/grpc_security_constants.h>

#include <filesystem>

#include "tests/controller/pki/token_decoder.h"
#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using AgentApiTest = ControllerHarness;

constexpr int64_t kHourUs = 3600LL * 1'000'000;

int64_t NowUs() { return SystemClock().NowUs(); }

TEST_F(AgentApiTest, AJoinedHostGetsItsStateAndSaysWhatItHas) {
  MakeProfile();
  const HostIdentity h1 = Join("h1");
  AgentStream stream(Tls(h1));
  v1::Hello hello = HelloOf("h1", "10.0.1.1");
  v1::PortAttachment* attachment = hello.add_attachments();
  attachment->set_port_id("00000000-0000-0000-0000-000000000001");
  attachment->set_device("tap0");
  attachment->set_mac("52:54:00:00:00:01");
  attachment->set_profile("web");
  ASSERT_TRUE(stream.SendHello(hello));
  const auto welcome = stream.Read();
  ASSERT_TRUE(welcome.has_value());
  EXPECT_FALSE(welcome->welcome().resume());
  const auto snapshot = stream.Read();
  ASSERT_TRUE(snapshot.has_value());
  ASSERT_EQ(snapshot->snapshot().state().ports_size(), 1);
  EXPECT_EQ(snapshot->snapshot().state().ports(0).vni(), 100u);
  ASSERT_TRUE(stream.Ack(snapshot->snapshot().generation()));

  // A change made by the operator arrives as a delta.
  grpc::ClientContext get, update;
  v1::GetRequest request;
  request.set_name("blue");
  v1::Segment segment;
  auto segments = AdminStub<v1::SegmentService>();
  ASSERT_TRUE(segments->Get(&get, request, &segment).ok());
  segment.set_mtu(1300);
  ASSERT_TRUE(segments->Update(&update, segment, &segment).ok());
  const auto delta = stream.Read();
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ(delta->delta().from_generation(), snapshot->snapshot().generation());
  EXPECT_EQ(delta->delta().delta().upserts().segments(0).mtu(), 1300u);
  EXPECT_EQ(stream.Finish().error_message(), "");
}

TEST_F(AgentApiTest, NoCertificate) {
  AgentStream stream(Tls(CaPem()));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("no client certificate"));
  EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: session from ipv4:127.0.0.1"));
}

TEST_F(AgentApiTest, ExpiredCertificate) {
  Join("h1");
  AgentStream stream(Tls(SignedBetween("h1", NowUs() - 2 * kHourUs, NowUs() - kHourUs)));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("certificate: expired at 20"));
  EXPECT_THAT(status.error_message(), HasSubstr("outrider host enroll h1"));
  EXPECT_THAT(log_.text(), HasSubstr("UNAUTHENTICATED: certificate: expired at 20"));
}

TEST_F(AgentApiTest, ForeignCertificate) {
  Join("h1");
  SystemClock clock;
  BuiltinCaOptions options;
  options.directory = directory_ + "/other-pki";
  options.trust_domain = "outrider.test";
  const auto other = BuiltinCa::Create(options, &clock).value();
  const KeyPtr key = MakeTestKey();
  const auto issued = other->IssueHostCertificate("h1", MakeCsr(key.get(), "h1")).value();
  AgentStream stream(Tls(CaPem(), TestKeyPem(key.get()), issued.chain_pem));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("not signed by our certificate authority"));
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: session from"));
}

TEST_F(AgentApiTest, AnotherHostsId) {
  const HostIdentity h1 = Join("h1");
  Join("h2");
  AgentStream stream(Tls(h1));
  ASSERT_TRUE(stream.SendHello(HelloOf("h2", "10.0.2.1")));
  EXPECT_FALSE(stream.Read().has_value());
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(),
              HasSubstr("the certificate is of host \"h1\", the Hello of host \"h2\""));
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: session of host \"h1\""));
}

TEST_F(AgentApiTest, ASecondAgentOfTheSameHost) {
  const HostIdentity h1 = Join("h1");
  AgentStream first(Tls(h1));
  ASSERT_TRUE(first.SendHello(HelloOf("h1", "10.0.1.1")));
  ASSERT_TRUE(first.Read().has_value());
  AgentStream second(Tls(h1));
  v1::Hello hello = HelloOf("h1", "10.0.1.1");
  hello.set_instance_id("another-instance");
  ASSERT_TRUE(second.SendHello(hello));
  const grpc::Status status = second.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("another agent"));
  EXPECT_THAT(log_.text(), HasSubstr("PERMISSION_DENIED: another agent"));
  // The first is none the worse.
  EXPECT_TRUE(first.Read().has_value());
}

TEST_F(AgentApiTest, AReconnectingAgentIsNotLockedOut) {
  const HostIdentity h1 = Join("h1");
  AgentStream first(Tls(h1));
  ASSERT_TRUE(first.SendHello(HelloOf("h1", "10.0.1.1")));
  ASSERT_TRUE(first.Read().has_value());
  AgentStream second(Tls(h1));
  ASSERT_TRUE(second.SendHello(HelloOf("h1", "10.0.1.1")));
  EXPECT_TRUE(second.Read().has_value());
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(AgentApiTest, WrongAndUsedTokens) {
  const nlohmann::json token = DecodeToken(InviteToken("h1"));
  EXPECT_EQ(token["endpoint"], daemon_->agent_address());
  const auto channel = Tls(token["ca"]);
  const KeyPtr key = MakeTestKey();
  v1::EnrollResponse response;
  const grpc::Status wrong = EnrollOn(channel, "h1", "guess", key.get(), &response);
  EXPECT_EQ(wrong.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(EnrollOn(channel, "h1", token["secret"], key.get(), &response).ok());
  const grpc::Status used = EnrollOn(channel, "h1", token["secret"], key.get(), &response);
  EXPECT_EQ(used.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(used.error_message(), HasSubstr("token was used before"));
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: enroll host \"h1\" from ipv4:127.0.0.1"));
}

TEST_F(AgentApiTest, RenewalNeedsTheCertificateItReplaces) {
  const HostIdentity h1 = Join("h1");
  const KeyPtr key = MakeTestKey();
  v1::RenewRequest request;
  request.set_csr_pem(MakeCsr(key.get(), "h1"));
  v1::EnrollResponse response;
  grpc::ClientContext without, with;
  EXPECT_EQ(v1::EnrollmentService::NewStub(Tls(CaPem()))
                ->Renew(&without, request, &response)
                .error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: renew certificate from ipv4:127.0.0.1"));
  ASSERT_TRUE(v1::EnrollmentService::NewStub(Tls(h1))->Renew(&with, request, &response).ok());
  AgentStream stream(Tls(CaPem(), TestKeyPem(key.get()), response.certificate_pem()));
  ASSERT_TRUE(stream.SendHello(HelloOf("h1", "10.0.1.1")));
  EXPECT_TRUE(stream.Read().has_value());
}

TEST_F(AgentApiTest, TheOperatorsApiIsNotServedHere) {
  const auto channel = Tls(Join("h1"));
  grpc::ClientContext list, enroll;
  v1::ListHostsResponse hosts;
  EXPECT_EQ(v1::HostService::NewStub(channel)->List(&list, {}, &hosts).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  v1::EnrollHostRequest request;
  request.set_host_id("h2");
  v1::EnrollHostResponse response;
  EXPECT_EQ(v1::HostService::NewStub(channel)->Enroll(&enroll, request, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(AgentApiTest, AnAgentRefusesAControllerOfAnotherAuthority) {
  SystemClock clock;
  BuiltinCaOptions options;
  options.directory = directory_ + "/other-pki";
  options.trust_domain = "outrider.test";
  const auto other = BuiltinCa::Create(options, &clock).value();
  AgentStream stream(Tls(other->RootsPem()));
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AgentApiTest, AReplacedServerCertificateIsTakenWithoutARestart) {
  const HostIdentity h1 = Join("h1");
  AgentStream before(Tls(h1));
  ASSERT_TRUE(before.SendHello(HelloOf("h1", "10.0.1.1")));
  ASSERT_TRUE(before.Read().has_value());
  // What the server shows on a new connection.
  const auto shown = [&] {
    v1::EnrollResponse response;
    grpc::ClientContext context;
    v1::EnrollmentService::NewStub(Tls(CaPem()))->Enroll(&context, {}, &response);
    const auto auth = context.auth_context();
    if (auth == nullptr) return std::string();
    const auto pem = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    return pem.empty() ? std::string() : std::string(pem.front().data(), pem.front().size());
  };
  const std::string old = shown();
  ASSERT_FALSE(old.empty());
  SystemClock clock;
  BuiltinCaOptions options;
  options.directory = directory_ + "/state/pki";
  options.trust_domain = "outrider.test";
  const auto authority = BuiltinCa::Create(options, &clock).value();
  std::filesystem::remove(authority->ServerPath());
  ASSERT_TRUE(authority->RefreshServer().ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (shown() == old && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_NE(shown(), old);
  EXPECT_FALSE(shown().empty());
  // Sessions outlive it, and identities are judged as before.
  EXPECT_TRUE(before.Read().has_value());
  AgentStream after(Tls(h1));
  ASSERT_TRUE(after.SendHello(HelloOf("h1", "10.0.1.1")));
  EXPECT_TRUE(after.Read().has_value());
  AgentStream stranger(Tls(CaPem()));
  EXPECT_EQ(stranger.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(AgentApiTest, AHostThatWasDeletedIsSentAway) {
  const HostIdentity h1 = Join("h1");
  AgentStream stream(Tls(h1));
  v1::DeleteRequest request;
  request.set_name("h1");
  grpc::ClientContext context;
  v1::DeleteResponse response;
  ASSERT_TRUE(AdminStub<v1::HostService>()->Delete(&context, request, &response).ok());
  stream.SendHello(HelloOf("h1", "10.0.1.1"));  // fails when the controller was quicker
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace outrider::controller
