// Tokens: single use, time to live, bound to a host; and what enrolment and renewal write down.
#include "controller/pki/enrollment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/pki/join_token.h"
#include "controller/pki/pem.h"
#include "controller/store/objects.h"
#include "tests/controller/pki/log_capture.h"
#include "tests/controller/pki/pki_fixture.h"
#include "tests/controller/pki/token_decoder.h"
#include "tests/fakes/memory_store.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class EnrollmentTest : public PkiFixture {
 protected:
  void SetUp() override {
    PkiFixture::SetUp();
    ca_ = MakeCa();
    repository_ = Repository::Create(&store_, &clock_).value();
    enrollment_ = std::make_unique<Enrollment>(repository_.get(), ca_.get(), &clock_);
  }

  // Secret of a new token for the host.
  std::string Invite(const std::string& host, uint32_t ttl_s = 60) {
    v1::EnrollHostRequest request;
    request.set_host_id(host);
    request.set_ttl_s(ttl_s);
    const auto response = enrollment_->Invite(request, "127.0.0.1:7443");
    EXPECT_TRUE(response.ok()) << response.status();
    return DecodeToken(response->token())["secret"];
  }

  absl::StatusOr<v1::EnrollResponse> Enroll(const std::string& host, const std::string& secret) {
    v1::EnrollRequest request;
    request.set_host_id(host);
    request.set_token_secret(secret);
    request.set_csr_pem(MakeCsr(key_.get(), host));
    return enrollment_->Enroll(request, "ipv4:127.0.0.1:999");
  }

  void ExpectRefused(const absl::StatusOr<v1::EnrollResponse>& response, const std::string& why) {
    ASSERT_EQ(response.status().code(), absl::StatusCode::kUnauthenticated) << response.status();
    EXPECT_THAT(Message(response.status()), HasSubstr(why));
    EXPECT_THAT(Message(response.status()), HasSubstr("outrider host enroll"));
    EXPECT_THAT(log_.text(), HasSubstr("warning audit: refused: enroll host"));
    EXPECT_THAT(log_.text(), HasSubstr(why));
  }

  PeerIdentity Identity(const v1::EnrollResponse& response) {
    const auto verifier = PeerVerifier::Create(ca_->RootsPem(), "outrider.test", &clock_).value();
    return verifier->Verify(response.certificate_pem(), "").value();
  }

  absl::Status Check(const PeerIdentity& identity) {
    const v1::Host host = repository_->Get<v1::Host>(identity.host_id).value();
    return CheckEnrolled(&host, identity);
  }

  LogCapture log_;
  MemoryStore store_;
  KeyPtr key_ = MakeTestKey();
  std::unique_ptr<BuiltinCa> ca_;
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<Enrollment> enrollment_;
};

TEST_F(EnrollmentTest, InviteMakesTheHostKnownAndStoresNoSecret) {
  const std::string secret = Invite("h1");
  EXPECT_EQ(repository_->Get<v1::Host>("h1")->state(), v1::Host::STATE_INVITED);
  const auto range = store_.Range("").value();
  for (const KeyValue& item : range.items) EXPECT_THAT(item.value, Not(HasSubstr(secret)));
  EXPECT_THAT(log_.text(), HasSubstr("info audit: granted: invite host \"h1\""));
  EXPECT_THAT(log_.text(), Not(HasSubstr(secret)));
}

TEST_F(EnrollmentTest, TokenBecomesACertificateOfItsHost) {
  const auto response = Enroll("h1", Invite("h1"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->ca_pem(), ca_->RootsPem());
  const PeerIdentity identity = Identity(*response);
  EXPECT_EQ(identity.host_id, "h1");
  const v1::Host host = repository_->Get<v1::Host>("h1").value();
  EXPECT_EQ(host.state(), v1::Host::STATE_ENROLLED);
  EXPECT_EQ(host.certificate_sha256(), identity.certificate_sha256);
  EXPECT_EQ(host.certificate_expires_us(), identity.not_after_us);
  EXPECT_THAT(log_.text(),
              HasSubstr("info audit: granted: enroll host \"h1\" from ipv4:127.0.0.1"));
}

TEST_F(EnrollmentTest, TokenWorksOnce) {
  const std::string secret = Invite("h1");
  ASSERT_TRUE(Enroll("h1", secret).ok());
  ExpectRefused(Enroll("h1", secret), "token was used before");
}

TEST_F(EnrollmentTest, UsedTokenStaysUsedAfterARestart) {
  const std::string secret = Invite("h1");
  ASSERT_TRUE(Enroll("h1", secret).ok());
  enrollment_.reset();
  repository_ = Repository::Create(&store_, &clock_).value();
  enrollment_ = std::make_unique<Enrollment>(repository_.get(), ca_.get(), &clock_);
  ExpectRefused(Enroll("h1", secret), "token was used before");
}

TEST_F(EnrollmentTest, TokenEndsWithItsTimeToLive) {
  const std::string in_time = Invite("h1", 10);
  clock_.AdvanceUs(9'999'999);
  EXPECT_TRUE(Enroll("h1", in_time).ok());
  const std::string late = Invite("h2", 10);
  clock_.AdvanceUs(10'000'000);
  ExpectRefused(Enroll("h2", late), "token expired at 2023-11-14 22:13:39 UTC");
}

TEST_F(EnrollmentTest, TokenIsBoundToItsHost) {
  const std::string secret = Invite("h1");
  Invite("h2");
  ExpectRefused(Enroll("h2", secret), "was made for host \"h1\", not for \"h2\"");
  EXPECT_TRUE(Enroll("h1", secret).ok());
}

TEST_F(EnrollmentTest, ANewTokenRevokesTheOld) {
  const std::string old = Invite("h1");
  const std::string secret = Invite("h1");
  ExpectRefused(Enroll("h1", old), "is wrong or was replaced");
  EXPECT_TRUE(Enroll("h1", secret).ok());
}

TEST_F(EnrollmentTest, AWrongSecretAndAnUnknownHostLookTheSame) {
  Invite("h1");
  const std::string guess(kTokenSecretSize, 'x');
  ExpectRefused(Enroll("h1", guess), "is wrong or was replaced");
  ExpectRefused(Enroll("h9", guess), "is wrong or was replaced");
  ExpectRefused(Enroll("h1", ""), "is wrong or was replaced");
}

// Whoever has no token gets his answer while a writer holds the repository.
TEST_F(EnrollmentTest, AWrongSecretWaitsForNoWriter) {
  const std::string secret = Invite("h1");
  const auto refused = [&](const std::string& host, const std::string& wrong) {
    return Enroll(host, wrong).status().code();
  };
  const auto hold = [&](const Model&, Transaction*) {
    // Would wait for this very writer, forever, if any of them wanted to write.
    EXPECT_EQ(refused("h1", std::string(1 << 20, 'x')), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(refused("h1", std::string(kTokenSecretSize, 'x')),
              absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(refused("h2", secret), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(refused("no host", secret), absl::StatusCode::kInvalidArgument);
    return absl::OkStatus();
  };
  ASSERT_TRUE(repository_->Transact(hold).ok());
  EXPECT_TRUE(Enroll("h1", secret).ok());
}

TEST_F(EnrollmentTest, ABadRequestDoesNotCostTheToken) {
  const std::string secret = Invite("h1");
  v1::EnrollRequest request;
  request.set_host_id("h1");
  request.set_token_secret(secret);
  request.set_csr_pem("nonsense");
  EXPECT_EQ(enrollment_->Enroll(request, "x").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Enroll("h1", secret).ok());
}

TEST_F(EnrollmentTest, AnOversizedRequestIsRefusedAndCostsNoToken) {
  const std::string secret = Invite("h1");
  v1::EnrollRequest request;
  request.set_host_id("h1");
  request.set_token_secret(secret);
  request.set_csr_pem(MakeCsr(key_.get(), "h1") + std::string(8192, '\n'));
  const absl::Status refused = enrollment_->Enroll(request, "x").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(refused), HasSubstr("are more than 8192"));
  const auto response = Enroll("h1", secret);
  ASSERT_TRUE(response.ok()) << response.status();
  v1::RenewRequest renew;
  renew.set_csr_pem(request.csr_pem());
  EXPECT_THAT(Message(enrollment_->Renew(Identity(*response), renew, "x").status()),
              HasSubstr("are more than 8192"));
}

TEST_F(EnrollmentTest, AHostIdNeitherForgesNorFloodsTheAuditTrail) {
  const std::string secret(kTokenSecretSize, 'x');
  EXPECT_FALSE(Enroll("x\nwarning audit: granted: y", secret).ok());
  EXPECT_THAT(log_.text(), Not(HasSubstr("\nwarning audit: granted")));
  const size_t before = log_.text().size();
  const absl::Status refused = Enroll(std::string(1 << 20, 'a'), secret).status();
  EXPECT_LT(log_.text().size() - before, 1000u);
  EXPECT_LT(Message(refused).size(), 400u) << "it goes into a header of the answer";
}

TEST_F(EnrollmentTest, InviteNamesWhatIsWrong) {
  v1::EnrollHostRequest request;
  request.set_host_id("h1");
  request.set_ttl_s(9);
  EXPECT_THAT(Message(enrollment_->Invite(request, "a:1").status()),
              HasSubstr("host \"h1\": ttl_s 9 is outside 10..604800"));
  request.set_ttl_s(0);
  for (const char* endpoint : {"", "nohost", ":1", "a:", "a:0", "a:65536", "a:x"}) {
    EXPECT_THAT(Message(enrollment_->Invite(request, endpoint).status()),
                HasSubstr("is not host:port"))
        << endpoint;
  }
  request.set_host_id("Bad_Host");
  EXPECT_EQ(enrollment_->Invite(request, "a:1").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EnrollmentTest, RenewalGivesTheHostANewCertificate) {
  const v1::EnrollResponse first = Enroll("h1", Invite("h1")).value();
  clock_.AdvanceUs(20LL * 24 * 3600 * 1'000'000);
  v1::RenewRequest request;
  request.set_csr_pem(MakeCsr(key_.get(), "whatever"));
  const auto renewed = enrollment_->Renew(Identity(first), request, "peer");
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_EQ(Identity(*renewed).host_id, "h1");
  EXPECT_EQ(Identity(*renewed).not_after_us,
            Identity(first).not_after_us + 20LL * 24 * 3600 * 1'000'000);
  EXPECT_EQ(repository_->Get<v1::Host>("h1")->certificate_sha256(),
            Identity(*renewed).certificate_sha256);
  EXPECT_THAT(log_.text(), HasSubstr("audit: granted: renew certificate of host \"h1\""));
}

TEST_F(EnrollmentTest, EnrollingAgainEndsTheCertificatesFromBefore) {
  const PeerIdentity first = Identity(Enroll("h1", Invite("h1")).value());
  v1::RenewRequest request;
  request.set_csr_pem(MakeCsr(key_.get(), "h1"));
  clock_.AdvanceUs(60'000'000);
  const PeerIdentity renewed = Identity(enrollment_->Renew(first, request, "peer").value());
  clock_.AdvanceUs(60'000'000);
  const std::string secret = Invite("h1");
  // A renewal or an invitation alone ends nothing: the answer may never have reached the host.
  EXPECT_TRUE(Check(first).ok());
  const PeerIdentity again = Identity(Enroll("h1", secret).value());
  for (const PeerIdentity& old : {first, renewed}) {
    EXPECT_EQ(Check(old).code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(enrollment_->Renew(old, request, "peer").status().code(),
              absl::StatusCode::kPermissionDenied);
  }
  EXPECT_THAT(Message(Check(first)), HasSubstr("was enrolled again after this certificate"));
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: renew certificate of host \"h1\""));
  EXPECT_TRUE(Check(again).ok());
  EXPECT_TRUE(enrollment_->Renew(again, request, "peer").ok());
}

TEST_F(EnrollmentTest, AClockThatGoesBackLocksNoHostOut) {
  const std::string secret = Invite("h1", 3 * 3600);
  clock_.AdvanceUs(2 * 3600LL * 1'000'000);
  const PeerIdentity first = Identity(Enroll("h1", secret).value());
  clock_.AdvanceUs(-3600LL * 1'000'000);
  v1::RenewRequest request;
  request.set_csr_pem(MakeCsr(key_.get(), "h1"));
  const auto renewed = enrollment_->Renew(first, request, "peer");
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_TRUE(Check(Identity(*renewed)).ok());
}

TEST_F(EnrollmentTest, CertificateOfADeletedHostIsNoKeyToItsSuccessor) {
  const PeerIdentity old = Identity(Enroll("h1", Invite("h1")).value());
  ASSERT_TRUE(DeleteObject<v1::Host>(repository_.get(), "h1", 0).ok());
  v1::RenewRequest request;
  request.set_csr_pem(MakeCsr(key_.get(), "h1"));
  const auto unknown = enrollment_->Renew(old, request, "peer");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(unknown.status()), HasSubstr("is not known"));

  clock_.AdvanceUs(60'000'000);
  const PeerIdentity fresh = Identity(Enroll("h1", Invite("h1")).value());
  const auto stale = enrollment_->Renew(old, request, "peer");
  EXPECT_EQ(stale.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(stale.status()), HasSubstr("was deleted and made again"));
  EXPECT_TRUE(enrollment_->Renew(fresh, request, "peer").ok());
}

}  // namespace
}  // namespace outrider::controller
