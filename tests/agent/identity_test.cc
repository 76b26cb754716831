// Enrolment and renewal against a real gRPC server with TLS in this process.
#include "vswitch/agent/identity.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "outrider/v1/session.grpc.pb.h"
#include "tests/agent/temp_dir.h"
#include "tests/agent/test_authority.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHost[] = "spiffe://outrider.local/host/h1";

// base64url without padding, RFC 4648 section 5.
std::string Base64Url(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6;) {
      count -= 6;
      text.push_back(kDigits[(bits >> count) & 63]);
    }
  }
  if (count > 0) text.push_back(kDigits[(bits << (6 - count)) & 63]);
  return text;
}

class EnrollmentServer final : public v1::EnrollmentService::Service {
 public:
  EnrollmentServer() {
    grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_root_certs = authority.ca_pem();
    tls.pem_key_cert_pairs.push_back(
        {authority.server_key_pem(), authority.server_certificate_pem()});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~EnrollmentServer() override { server_->Shutdown(); }

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Token(const std::string& host = "h1", const std::string& ca = "") const {
    const nlohmann::json object = {{"v", 1},
                                   {"endpoint", endpoint()},
                                   {"host", host},
                                   {"secret", "s3cret"},
                                   {"ca", ca.empty() ? authority.ca_pem() : ca}};
    return "or1." + Base64Url(object.dump());
  }

  grpc::Status Enroll(grpc::ServerContext*, const v1::EnrollRequest* request,
                      v1::EnrollResponse* response) override {
    ++enrolled;
    if (request->token_secret() != "s3cret" || used) {
      return {grpc::StatusCode::PERMISSION_DENIED, "the token was used already"};
    }
    used = true;
    response->set_certificate_pem(authority.Sign(request->csr_pem(), uri, begin_s, end_s));
    response->set_ca_pem(authority.ca_pem());
    return grpc::Status::OK;
  }
  grpc::Status Renew(grpc::ServerContext* context, const v1::RenewRequest* request,
                     v1::EnrollResponse* response) override {
    if (context->auth_context()->GetPeerIdentity().empty()) {
      return {grpc::StatusCode::UNAUTHENTICATED, "no certificate"};
    }
    response->set_certificate_pem(authority.Sign(request->csr_pem(), uri, -10, 3000));
    response->set_ca_pem(authority.ca_pem());
    return grpc::Status::OK;
  }

  TestAuthority authority;
  std::string uri = kHost;
  int begin_s = -10;
  int end_s = 3000;
  bool used = false;
  int enrolled = 0;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class IdentityTest : public ::testing::Test {
 protected:
  absl::StatusOr<Enrollment> JoinWith(const std::string& token) {
    return Join(token, files_, store_.get(), WallMicros());
  }

  EnrollmentServer server_;
  TempDir directory_;
  IdentityFiles files_{directory_.path()};
  std::unique_ptr<LocalStore> store_ = *LocalStore::Open(directory_ / "agent.db");
};

TEST_F(IdentityTest, ATokenBringsAnIdentityThatStays) {
  const auto joined = JoinWith(server_.Token());
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->host_id, "h1");
  EXPECT_EQ(joined->endpoint, server_.endpoint());
  for (const char* name : {"host.key", "host.crt", "ca.crt"}) {
    struct stat info {};
    ASSERT_EQ(stat((directory_ / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
  const auto identity = files_.Load();
  ASSERT_TRUE(identity.ok() && *identity);
  const auto facts = InspectCertificate((*identity)->certificate_pem, (*identity)->key_pem);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->host_id, "h1");
  EXPECT_GT(facts->not_after_us, WallMicros());
  const auto again = JoinWith("");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *joined);
}

TEST_F(IdentityTest, AnEnrolledHostIgnoresItsOwnTokenAndRefusesAnothers) {
  ASSERT_TRUE(JoinWith(server_.Token()).ok());
  EXPECT_TRUE(JoinWith(server_.Token()).ok());
  EXPECT_EQ(server_.enrolled, 1);
  const auto other = JoinWith(server_.Token("h2"));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(other.status()), HasSubstr("this host is \"h1\""));
}

TEST_F(IdentityTest, AnExpiredIdentityIsReplacedByAToken) {
  server_.begin_s = -100;
  server_.end_s = -10;
  ASSERT_TRUE(JoinWith(server_.Token()).ok());
  server_.used = false;
  server_.end_s = 3000;
  ASSERT_TRUE(JoinWith(server_.Token()).ok());
  EXPECT_EQ(server_.enrolled, 2);
}

TEST_F(IdentityTest, WithoutTokenOrIdentityItSaysWhatToDo) {
  const auto joined = JoinWith("");
  EXPECT_EQ(joined.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(joined.status()), HasSubstr("outrider host enroll"));
}

TEST_F(IdentityTest, AUsedTokenIsAClearError) {
  server_.used = true;
  const auto joined = JoinWith(server_.Token());
  EXPECT_EQ(joined.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(joined.status()), HasSubstr("used already"));
  EXPECT_THAT(Message(joined.status()), HasSubstr(server_.endpoint()));
  EXPECT_THAT(Message(joined.status()), Not(HasSubstr("s3cret")));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "host.crt"));
}

TEST_F(IdentityTest, AControllerTheTokenDoesNotVouchForIsNotTrusted) {
  const TestAuthority other;
  const auto joined = JoinWith(server_.Token("h1", other.ca_pem()));
  EXPECT_EQ(joined.status().code(), absl::StatusCode::kUnavailable) << joined.status();
  EXPECT_EQ(server_.enrolled, 0) << "the secret was not sent";
}

TEST_F(IdentityTest, ACertificateForAnotherHostIsNotTaken) {
  server_.uri = "spiffe://outrider.local/host/h9";
  const auto joined = JoinWith(server_.Token());
  EXPECT_EQ(joined.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(joined.status()), HasSubstr("h9"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "host.crt"));
}

TEST_F(IdentityTest, FilesThatDoNotFitAreNamed) {
  ASSERT_TRUE(JoinWith(server_.Token()).ok());
  std::ofstream(directory_ / "host.key") << *GenerateKey();
  EXPECT_THAT(Message(JoinWith("").status()), HasSubstr("not that of host.key"));
  std::filesystem::remove(directory_ / "host.key");
  EXPECT_THAT(Message(JoinWith("").status()), HasSubstr("host.key or ca.crt is missing"));
}

TEST_F(IdentityTest, RenewsAtHalfOfTheLifetime) {
  // More than half of it is over.
  server_.begin_s = -100;
  server_.end_s = 90;
  const auto joined = JoinWith(server_.Token());
  ASSERT_TRUE(joined.ok()) << joined.status();
  EventLoop loop;
  auto keeper = IdentityKeeper::Create(*joined, files_, &loop, WallMicros);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  const CertificateFacts before = (*keeper)->facts();
  std::promise<void> renewed;
  (*keeper)->Start([&renewed] { renewed.set_value(); });
  ASSERT_EQ(renewed.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_GT((*keeper)->facts().not_after_us, before.not_after_us);
  EXPECT_EQ((*files_.Load())->certificate_pem, (*keeper)->identity().certificate_pem);
  (*keeper)->Stop();
  loop.Stop();
}

}  // namespace
}  // namespace outrider::agent
