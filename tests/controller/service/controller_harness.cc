#include "tests/controller/service/controller_harness.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/pki/pem.h"
#include "controller/pki/x509_builder.h"
#include "tests/controller/pki/token_decoder.h"

namespace outrider::controller {
namespace {

// Long enough for a loaded machine, short enough to fail rather than hang.
constexpr std::chrono::seconds kDeadline{20};

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

bool AgentStream::SendHello(const v1::Hello& hello) {
  v1::AgentMessage message;
  *message.mutable_hello() = hello;
  return Send(message);
}

bool AgentStream::Ack(uint64_t generation) {
  v1::AgentMessage message;
  message.mutable_ack()->set_generation(generation);
  return Send(message);
}

std::optional<v1::ControllerMessage> AgentStream::Read() {
  v1::ControllerMessage message;
  if (!stream_->Read(&message)) return std::nullopt;
  return message;
}

grpc::Status AgentStream::Finish() {
  stream_->WritesDone();
  while (Read()) {
  }
  return stream_->Finish();
}

void ControllerHarness::SetUp() {
  std::string pattern = ::testing::TempDir() + "/outrider-ctl-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
  Start();
}

void ControllerHarness::TearDown() {
  Stop();
  std::filesystem::remove_all(directory_);
}

Options ControllerHarness::TestOptions() const {
  Options options;
  options.listen = "127.0.0.1:0";
  options.state_dir = directory_ + "/state";
  options.admin_socket = directory_ + "/admin.sock";
  options.trust_domain = "outrider.test";
  return options;
}

void ControllerHarness::Start() {
  auto daemon = Daemon::Start(TestOptions());
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_ = std::move(*daemon);
}

std::shared_ptr<grpc::Channel> ControllerHarness::Admin() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + daemon_->admin_socket(),
                                   grpc::InsecureChannelCredentials(), arguments);
}

void ControllerHarness::MakeProfile() {
  v1::Segment segment;
  segment.mutable_meta()->set_name("blue");
  segment.set_vni(100);
  grpc::ClientContext create;
  const grpc::Status created = AdminStub<v1::SegmentService>()->Create(&create, segment, &segment);
  ASSERT_TRUE(created.ok()) << created.error_message();
  v1::Profile profile;
  profile.mutable_meta()->set_name("web");
  profile.mutable_vlan()->set_segment("blue");
  grpc::ClientContext apply;
  const grpc::Status applied = AdminStub<v1::ProfileService>()->Apply(&apply, profile, &profile);
  ASSERT_TRUE(applied.ok()) << applied.error_message();
}

std::string ControllerHarness::InviteToken(const std::string& host) {
  v1::EnrollHostRequest request;
  request.set_host_id(host);
  v1::EnrollHostResponse response;
  grpc::ClientContext context;
  const grpc::Status status = AdminStub<v1::HostService>()->Enroll(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.token();
}

std::shared_ptr<grpc::Channel> ControllerHarness::Tls(const std::string& ca_pem,
                                                      const std::string& key_pem,
                                                      const std::string& certificate_pem) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ca_pem;
  options.pem_private_key = key_pem;
  options.pem_cert_chain = certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(kServerDnsName);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(daemon_->agent_address(), grpc::SslCredentials(options),
                                   arguments);
}

grpc::Status ControllerHarness::EnrollOn(std::shared_ptr<grpc::Channel> channel,
                                         const std::string& host, const std::string& secret,
                                         EVP_PKEY* key, v1::EnrollResponse* response) {
  v1::EnrollRequest request;
  request.set_host_id(host);
  request.set_token_secret(secret);
  request.set_csr_pem(MakeCsr(key, host));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  return v1::EnrollmentService::NewStub(channel)->Enroll(&context, request, response);
}

HostIdentity ControllerHarness::Join(const std::string& host) {
  const nlohmann::json token = DecodeToken(InviteToken(host));
  const KeyPtr key = MakeTestKey();
  v1::EnrollResponse response;
  const grpc::Status status =
      EnrollOn(Tls(token["ca"]), host, token["secret"], key.get(), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return {host, response.ca_pem(), TestKeyPem(key.get()), response.certificate_pem()};
}

v1::Hello ControllerHarness::HelloOf(const std::string& host, const std::string& vtep) const {
  v1::Hello hello;
  hello.set_host_id(host);
  hello.add_vteps(vtep);
  hello.set_underlay_mtu(1500);
  hello.set_datapath("ebpf");
  hello.set_instance_id("instance-of-" + host);
  return hello;
}

std::string ControllerHarness::CaPem() const { return ReadAll(directory_ + "/state/pki/ca.crt"); }

HostIdentity ControllerHarness::SignedBetween(const std::string& host, int64_t not_before_us,
                                              int64_t not_after_us) {
  const KeyPtr key = MakeTestKey();
  CertificateSpec spec;
  spec.common_name = host;
  spec.subject_alt_name = "URI:spiffe://outrider.test/host/" + host;
  spec.key_usage = "critical,digitalSignature";
  spec.extended_key_usage = "clientAuth";
  spec.not_before_us = not_before_us;
  spec.not_after_us = not_after_us;
  const KeyPtr root_key = PrivateKeyFromPem(ReadAll(directory_ + "/state/pki/ca.key")).value();
  const auto root = CertificatesFromPem(CaPem()).value();
  const X509Ptr certificate =
      BuildCertificate(spec, key.get(), root.front().get(), root_key.get()).value();
  return {host, CaPem(), TestKeyPem(key.get()), CertificateToPem(certificate.get()).value()};
}

}  // namespace outrider::controller
