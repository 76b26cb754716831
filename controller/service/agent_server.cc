#include "controller/service/agent_server.h"

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_builder.h>

#include <chrono>

namespace outrider::controller {
namespace {

// gRPC's limit is the server's, and Enroll is open to anybody: no more than sessions need. A Hello
// of thousands of ports, or an Ack in which tens of thousands of objects failed, is some MiB.
constexpr int kMaxAgentMessageBytes = 8 << 20;
constexpr std::chrono::milliseconds kAgentShutdownGrace{500};

// How often gRPC looks whether the server's certificate was replaced.
constexpr unsigned kReloadS = 2;

// The peer's certificate is asked for and proven to be the peer's, but judged call by call
// (peer_identity.h). Our own follows the authority's file, in which key and certificate are one.
std::shared_ptr<grpc::ServerCredentials> Credentials(const CertificateAuthority& authority) {
  const std::string path = authority.ServerPath();
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(path, path, kReloadS));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

void SetLimits(grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kMaxAgentMessageBytes);
  // An agent whose machine died is noticed within 15 s.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Agents ping every 10 s; who pings twice as often is sent away.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  // A session and a renewal; nobody needs more on one connection.
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 8);
  // Two controllers must not share a port unnoticed.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AgentServer>> AgentServer::Start(const std::string& listen,
                                                                const AgentBackend& backend) {
  std::unique_ptr<AgentServer> agents(new AgentServer(backend));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(listen, Credentials(*backend.authority), &port);
  builder.RegisterService(&agents->sessions_);
  builder.RegisterService(&agents->enrollment_);
  SetLimits(&builder);
  agents->server_ = builder.BuildAndStart();
  if (agents->server_ == nullptr || port == 0) {
    return absl::UnavailableError(fmt::format(
        "listen \"{}\": the address is in use, not this machine's, or not host:port", listen));
  }
  agents->address_ = fmt::format("{}:{}", listen.substr(0, listen.rfind(':')), port);
  return agents;
}

AgentServer::~AgentServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + kAgentShutdownGrace);
  server_->Wait();
}

}  // namespace outrider::controller
