// Whom the controller takes a peer for: good, expired, foreign and forged certificates.
#include "controller/pki/peer_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/model/status.h"
#include "controller/pki/durable_file.h"
#include "controller/pki/pem.h"
#include "controller/pki/x509_builder.h"
#include "tests/controller/pki/pki_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

class PeerVerifierTest : public PkiFixture {
 protected:
  void SetUp() override {
    PkiFixture::SetUp();
    ca_ = MakeCa();
    verifier_ = PeerVerifier::Create(ca_->RootsPem(), "outrider.test", &clock_).value();
  }

  std::string HostCertificate(CertificateAuthority* ca, const std::string& host) {
    return ca->IssueHostCertificate(host, MakeCsr(MakeTestKey().get(), host)).value().chain_pem;
  }

  // A certificate our root signed with any content: what a careless authority might issue.
  std::string Signed(const std::string& alt_names, const std::string& use = "clientAuth") {
    const KeyPtr key = MakeTestKey();
    CertificateSpec spec;
    spec.common_name = "h1";
    spec.subject_alt_name = alt_names;
    spec.key_usage = "critical,digitalSignature";
    spec.extended_key_usage = use;
    spec.not_before_us = clock_.NowUs() - 1'000'000;
    spec.not_after_us = clock_.NowUs() + 3600LL * 1'000'000;
    const KeyPtr root_key = PrivateKeyFromPem(ReadFile("ca.key")).value();
    const auto root = CertificatesFromPem(ca_->RootsPem()).value();
    return CertificateToPem(
               BuildCertificate(spec, key.get(), root.front().get(), root_key.get())->get())
        .value();
  }

  std::string ReadFile(const std::string& name) {
    const OpenSslPtr<BIO> bio(BIO_new_file((CaDir() + "/" + name).c_str(), "r"));
    std::string text(8192, '\0');
    text.resize(static_cast<size_t>(BIO_read(bio.get(), text.data(), 8192)));
    return text;
  }

  // Refused with UNAUTHENTICATED for a reason that contains `reason`.
  void ExpectRefused(const std::string& pem, const std::string& reason) {
    const auto peer = verifier_->Verify(pem, "");
    ASSERT_EQ(peer.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(Message(peer.status()), HasSubstr(reason));
    EXPECT_THAT(Message(peer.status()), HasSubstr("outrider host enroll"));
  }

  std::unique_ptr<BuiltinCa> ca_;
  std::unique_ptr<PeerVerifier> verifier_;
};

TEST_F(PeerVerifierTest, KnowsAHost) {
  const std::string pem = HostCertificate(ca_.get(), "h1");
  const auto peer = verifier_->Verify(pem, "");
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->host_id, "h1");
  EXPECT_EQ(peer->not_after_us, clock_.NowUs() + 30LL * 24 * 3600 * 1'000'000);
  EXPECT_EQ(peer->certificate_sha256,
            CertificateSha256(CertificatesFromPem(pem).value().front().get()));
}

TEST_F(PeerVerifierTest, AChainThatRepeatsTheLeafIsFine) {
  const std::string pem = HostCertificate(ca_.get(), "h1");
  EXPECT_TRUE(verifier_->Verify(pem, pem + ca_->RootsPem()).ok());
}

TEST_F(PeerVerifierTest, NoCertificate) { ExpectRefused("", "no client certificate"); }

TEST_F(PeerVerifierTest, ExpiredCertificateIsRefusedFromItsSecondOn) {
  const std::string pem = HostCertificate(ca_.get(), "h1");
  clock_.AdvanceUs(30LL * 24 * 3600 * 1'000'000 - 1'000'000);
  EXPECT_TRUE(verifier_->Verify(pem, "").ok());
  clock_.AdvanceUs(1'000'000);
  ExpectRefused(pem, "expired at 2023-12-14 22:13:20 UTC");
  ExpectRefused(pem, "outrider host enroll h1");
}

TEST_F(PeerVerifierTest, CertificateOfTheFutureIsRefused) {
  const std::string pem = HostCertificate(ca_.get(), "h1");
  clock_.AdvanceUs(-301LL * 1'000'000);
  ExpectRefused(pem, "not valid before");
}

TEST_F(PeerVerifierTest, AnotherAuthorityOfTheSameNameIsRefused) {
  const auto other = MakeCa("other");
  ExpectRefused(HostCertificate(other.get(), "h1"), "not signed by our certificate authority");
}

TEST_F(PeerVerifierTest, AnotherAuthorityInTheChainIsNoHelp) {
  const auto other = MakeCa("other");
  const auto peer = verifier_->Verify(HostCertificate(other.get(), "h1"), other->RootsPem());
  EXPECT_EQ(peer.status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(PeerVerifierTest, TheControllersOwnServerCertificateIsNoHost) {
  ExpectRefused(ReadFileIfExists(ca_->ServerPath()).value().value(), "purpose");
}

TEST_F(PeerVerifierTest, ACertificateForServersIsNoClient) {
  ExpectRefused(Signed("URI:spiffe://outrider.test/host/h1", "serverAuth"), "purpose");
}

TEST_F(PeerVerifierTest, ExactlyOneUriNameOfAHostInOurDomain) {
  EXPECT_TRUE(verifier_->Verify(Signed("URI:spiffe://outrider.test/host/h1"), "").ok());
  EXPECT_TRUE(verifier_->Verify(Signed("DNS:x,URI:spiffe://outrider.test/host/h1"), "").ok());
  for (const char* names :
       {"", "DNS:h1", "URI:spiffe://outrider.test/host/h1,URI:spiffe://outrider.test/host/h2",
        "URI:spiffe://outrider.test/host/h1,URI:http://x", "URI:spiffe://other.test/host/h1",
        "URI:spiffe://outrider.test/host/", "URI:spiffe://outrider.test/host/h1/x",
        "URI:spiffe://outrider.test/host/H1", "URI:spiffe://outrider.test/user/h1",
        "URI:SPIFFE://outrider.test/host/h1", "URI:spiffe://outrider.test.evil/host/h1"}) {
    SCOPED_TRACE(names);
    ExpectRefused(Signed(names), "no identity");
  }
}

TEST_F(PeerVerifierTest, DamagedCertificateIsRefused) {
  EXPECT_EQ(verifier_->Verify("-----BEGIN CERTIFICATE-----\nnot\n", "").status().code(),
            absl::StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace outrider::controller
