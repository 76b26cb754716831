// The built-in authority: what it makes at the first start, what it refuses to start with, and what
// a host's certificate says.
#include "controller/pki/builtin_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/model/status.h"
#include "controller/pki/pem.h"
#include "tests/controller/pki/pki_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using BuiltinCaTest = PkiFixture;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void WriteAll(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::string AltNames(X509* certificate) {
  const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  const int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  X509V3_EXT_print(bio.get(), X509_get_ext(certificate, at), 0, 0);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

TEST_F(BuiltinCaTest, FirstStartMakesRootAndServerPrivately) {
  const auto ca = MakeCa();
  EXPECT_EQ(ModeOf(CaDir() + "/ca.key"), 0600u);
  EXPECT_EQ(ModeOf(CaDir() + "/server.pem"), 0600u);
  EXPECT_EQ(ModeOf(CaDir()), 0700u);
  EXPECT_EQ(ca->ExpiresUs(), clock_.NowUs() + 10 * kYearUs);
  const auto server = CertificatesFromPem(ReadAll(ca->ServerPath())).value();
  EXPECT_EQ(AltNames(server.front().get()), "DNS:outrider-controller, DNS:localhost");
  EXPECT_EQ(NotAfterUs(server.front().get()), clock_.NowUs() + kYearUs);
}

TEST_F(BuiltinCaTest, SecondStartKeepsRootAndServer) {
  const auto first = MakeCa();
  const std::string server = ReadAll(first->ServerPath());
  const auto second = MakeCa();
  EXPECT_EQ(second->RootsPem(), first->RootsPem());
  EXPECT_EQ(ReadAll(second->ServerPath()), server);
}

TEST_F(BuiltinCaTest, ServerCertificateIsReissuedInTheLastThirdOfItsLife) {
  const auto first = MakeCa();
  const std::string server = ReadAll(first->ServerPath());
  clock_.AdvanceUs(kYearUs * 6 / 10);
  ASSERT_TRUE(first->RefreshServer().ok());
  EXPECT_EQ(ReadAll(MakeCa()->ServerPath()), server);
  clock_.AdvanceUs(kYearUs / 10);
  // Whether it runs on or starts anew.
  ASSERT_TRUE(first->RefreshServer().ok());
  const std::string later = ReadAll(first->ServerPath());
  EXPECT_NE(later, server);
  clock_.AdvanceUs(kYearUs * 7 / 10);
  const auto second = MakeCa();
  EXPECT_NE(ReadAll(second->ServerPath()), later);
  EXPECT_EQ(second->RootsPem(), first->RootsPem());
}

TEST_F(BuiltinCaTest, DamagedServerFileIsMadeAnew) {
  const auto ca = MakeCa();
  WriteAll(ca->ServerPath(), "torn");
  ASSERT_TRUE(ca->RefreshServer().ok());
  EXPECT_EQ(CertificatesFromPem(ReadAll(ca->ServerPath())).value().size(), 1u);
}

TEST_F(BuiltinCaTest, HalfAPairIsRefusedAndNotTouched) {
  MakeCa();
  const std::string key = ReadAll(CaDir() + "/ca.key");
  std::filesystem::remove(CaDir() + "/ca.crt");
  const auto ca = BuiltinCa::Create(Options(), &clock_);
  ASSERT_EQ(ca.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ca.status()), HasSubstr("ca.key is there but"));
  EXPECT_THAT(Message(ca.status()), HasSubstr("restore it from a backup"));
  EXPECT_EQ(ReadAll(CaDir() + "/ca.key"), key);
  EXPECT_FALSE(std::filesystem::exists(CaDir() + "/ca.crt"));
}

TEST_F(BuiltinCaTest, MismatchedPairIsRefused) {
  MakeCa();
  WriteAll(CaDir() + "/ca.key", TestKeyPem(MakeTestKey().get()));
  const auto ca = BuiltinCa::Create(Options(), &clock_);
  ASSERT_EQ(ca.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ca.status()), HasSubstr("do not belong together"));
}

TEST_F(BuiltinCaTest, TornCertificateIsRefused) {
  MakeCa();
  const std::string pem = ReadAll(CaDir() + "/ca.crt");
  WriteAll(CaDir() + "/ca.crt", pem.substr(0, pem.size() / 2));
  const auto ca = BuiltinCa::Create(Options(), &clock_);
  ASSERT_EQ(ca.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ca.status()), HasSubstr("ca.crt is not one PEM certificate"));
}

TEST_F(BuiltinCaTest, KeyOthersCanReadIsRefused) {
  MakeCa();
  ASSERT_EQ(chmod((CaDir() + "/ca.key").c_str(), 0644), 0);
  const auto ca = BuiltinCa::Create(Options(), &clock_);
  ASSERT_EQ(ca.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ca.status()), HasSubstr("chmod 600"));
}

TEST_F(BuiltinCaTest, AnotherTrustDomainIsRefused) {
  MakeCa();
  BuiltinCaOptions options = Options();
  options.trust_domain = "elsewhere.example";
  const auto ca = BuiltinCa::Create(options, &clock_);
  ASSERT_EQ(ca.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ca.status()), HasSubstr("\"elsewhere.example\""));
}

TEST_F(BuiltinCaTest, ExpiredRootIsRefused) {
  MakeCa();
  clock_.AdvanceUs(10 * kYearUs);
  const auto ca = BuiltinCa::Create(Options(), &clock_);
  ASSERT_EQ(ca.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ca.status()), HasSubstr("the root expired at 20"));
}

TEST_F(BuiltinCaTest, HostCertificateCarriesTheHostAndNothingOfTheSubject) {
  const auto ca = MakeCa();
  const auto issued = ca->IssueHostCertificate("h1", MakeCsr(MakeTestKey().get(), "h2")).value();
  const auto certificates = CertificatesFromPem(issued.chain_pem).value();
  ASSERT_EQ(certificates.size(), 1u);
  X509* certificate = certificates.front().get();
  EXPECT_EQ(AltNames(certificate), "URI:spiffe://outrider.test/host/h1");
  EXPECT_EQ(NotBeforeUs(certificate), clock_.NowUs() - 300'000'000);
  EXPECT_EQ(NotAfterUs(certificate), clock_.NowUs() + 30LL * 24 * 3600 * 1'000'000);
  EXPECT_EQ(X509_get_extension_flags(certificate) & EXFLAG_CA, 0u);
  EXPECT_EQ(X509_get_key_usage(certificate), static_cast<uint32_t>(KU_DIGITAL_SIGNATURE));
  EXPECT_EQ(X509_get_extended_key_usage(certificate), static_cast<uint32_t>(XKU_SSL_CLIENT));
  EXPECT_EQ(CertificateSha256(certificate), issued.sha256);
}

TEST_F(BuiltinCaTest, SerialsDiffer) {
  const auto ca = MakeCa();
  const std::string csr = MakeCsr(MakeTestKey().get(), "h1");
  const auto a = CertificatesFromPem(ca->IssueHostCertificate("h1", csr)->chain_pem).value();
  const auto b = CertificatesFromPem(ca->IssueHostCertificate("h1", csr)->chain_pem).value();
  EXPECT_NE(
      ASN1_INTEGER_cmp(X509_get0_serialNumber(a[0].get()), X509_get0_serialNumber(b[0].get())), 0);
}

TEST_F(BuiltinCaTest, RequestSignedByAnotherKeyIsRefused) {
  const auto ca = MakeCa();
  const KeyPtr key = MakeTestKey();
  const KeyPtr thief = MakeTestKey();
  const auto issued = ca->IssueHostCertificate("h1", MakeCsr(key.get(), "h1", thief.get()));
  ASSERT_EQ(issued.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(issued.status()), HasSubstr("not signed by its own key"));
}

TEST_F(BuiltinCaTest, OtherKeysThanP256AreRefused) {
  const auto ca = MakeCa();
  for (const TestKey type : {TestKey::kP384, TestKey::kRsa2048}) {
    const auto issued = ca->IssueHostCertificate("h1", MakeCsr(MakeTestKey(type).get(), "h1"));
    ASSERT_EQ(issued.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(issued.status()), HasSubstr("make an EC P-256 key"));
  }
}

TEST_F(BuiltinCaTest, TextThatIsNoRequestIsRefused) {
  const auto ca = MakeCa();
  const auto issued = ca->IssueHostCertificate("h1", ca->RootsPem());
  EXPECT_EQ(issued.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace outrider::controller
