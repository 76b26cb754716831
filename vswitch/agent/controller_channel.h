// gRPC channels to the controller: TLS with this host's identity, keepalive, and the stream of a
// session. Knows no policy.
//
// Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_CONTROLLER_CHANNEL_H_
#define OUTRIDER_VSWITCH_AGENT_CONTROLLER_CHANNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "vswitch/agent/controller_stream.h"
#include "vswitch/agent/identity_files.h"

namespace grpc {
class Channel;
class Status;
}  // namespace grpc

namespace outrider::agent {

// DNS name in the controller's certificate, whatever address it is reached at.
inline constexpr char kControllerName[] = "outrider-controller";

absl::Status FromGrpc(const grpc::Status& status);

// A channel of its own (no shared connection or backoff) that trusts identity.ca_pem and presents
// the certificate if there is one.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& endpoint, const Identity& identity);

// Streams over a new channel each, with the identity of the moment.
class GrpcControllerStreamFactory final : public ControllerStreamFactory {
 public:
  GrpcControllerStreamFactory(std::string endpoint, std::function<Identity()> identity);
  std::unique_ptr<ControllerStream> Open(ControllerStream::Callbacks callbacks) override;

 private:
  std::string endpoint_;
  std::function<Identity()> identity_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CONTROLLER_CHANNEL_H_
