// A whole controller in the test's process, in a temporary directory, on a free loopback port and a
// unix socket; an operator and agents that talk to it by real gRPC.
#ifndef OUTRIDER_TESTS_CONTROLLER_SERVICE_CONTROLLER_HARNESS_H_
#define OUTRIDER_TESTS_CONTROLLER_SERVICE_CONTROLLER_HARNESS_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/daemon/daemon.h"
#include "outrider/v1/api.grpc.pb.h"
#include "outrider/v1/session.grpc.pb.h"
#include "tests/controller/pki/log_capture.h"
#include "tests/controller/pki/test_keys.h"

namespace outrider::controller {

// What an agent keeps after it has joined.
struct HostIdentity {
  std::string host;
  std::string ca_pem;
  std::string key_pem;
  std::string certificate_pem;
};

// One agent's stream.
class AgentStream {
 public:
  AgentStream(std::shared_ptr<grpc::Channel> channel)
      : stub_(v1::AgentSessionService::NewStub(channel)), stream_(stub_->Session(&context_)) {}
  ~AgentStream() { context_.TryCancel(); }

  bool Send(const v1::AgentMessage& message) { return stream_->Write(message); }
  bool SendHello(const v1::Hello& hello);
  bool Ack(uint64_t generation);
  // nullopt when the stream has ended.
  std::optional<v1::ControllerMessage> Read();
  grpc::Status Finish();

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::AgentSessionService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::ControllerMessage>> stream_;
};

class ControllerHarness : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  Options TestOptions() const;
  void Start();
  void Stop() { daemon_.reset(); }

  // The operator's side.
  std::shared_ptr<grpc::Channel> Admin() const;
  template <typename Service>
  auto AdminStub() const {
    return Service::NewStub(Admin());
  }
  // Creates segment "blue" (VNI 100) and profile "web" in it.
  void MakeProfile();
  // The decoded join token of a new host.
  std::string InviteToken(const std::string& host);

  // The agents' side: a TLS channel with these credentials; empty texts: none.
  std::shared_ptr<grpc::Channel> Tls(const std::string& ca_pem, const std::string& key_pem = "",
                                     const std::string& certificate_pem = "") const;
  std::shared_ptr<grpc::Channel> Tls(const HostIdentity& identity) const {
    return Tls(identity.ca_pem, identity.key_pem, identity.certificate_pem);
  }
  // Invites and enrols a host as an agent does.
  HostIdentity Join(const std::string& host);
  grpc::Status EnrollOn(std::shared_ptr<grpc::Channel> channel, const std::string& host,
                        const std::string& secret, EVP_PKEY* key, v1::EnrollResponse* response);
  v1::Hello HelloOf(const std::string& host, const std::string& vtep) const;
  std::string CaPem() const;
  // A client certificate our authority signed for `host`, valid between these times.
  HostIdentity SignedBetween(const std::string& host, int64_t not_before_us, int64_t not_after_us);

  LogCapture log_;
  std::string directory_;
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_SERVICE_CONTROLLER_HARNESS_H_
