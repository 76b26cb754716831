#include "vswitch/agent/peer_server.h"

#include <fmt/format.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <mutex>

#include "outrider/v1/peer.grpc.pb.h"
#include "vswitch/agent/peer_certificate.h"
#include "vswitch/agent/peer_messages.h"
#include "vswitch/sys/stream/log_limiter.h"

namespace outrider::agent {
namespace {

// How often gRPC looks whether the certificate was renewed.
constexpr unsigned kReloadS = 2;
// A call takes milliseconds; moves of many ports share the threads.
constexpr int kMaxThreads = 16;
constexpr size_t kMaxBytes = 64 << 20;
constexpr int kMaxCallsPerConnection = 16;

std::string Property(const grpc::AuthContext& context, const char* name) {
  const auto values = context.FindPropertyValues(name);
  return values.empty() ? "" : std::string(values.front().data(), values.front().size());
}

// The codes are the same (google.rpc.Code).
grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), Message(status)};
}

class Service final : public v1::PeerService::Service {
 public:
  explicit Service(PeerServer::Dependencies dependencies)
      : dependencies_(std::move(dependencies)) {}

  grpc::Status PutPortMemory(grpc::ServerContext* context, const v1::PutPortMemoryRequest* request,
                             v1::PutPortMemoryResponse* response) override {
    const auto host = Identify(*context);
    if (!host.ok()) return Refused(context->peer(), host.status());
    auto answer = dependencies_.receiver->Put(*host, *request);
    if (!answer.ok()) return Refused("host \"" + *host + "\"", answer.status());
    *response = *std::move(answer);
    return grpc::Status::OK;
  }

 private:
  absl::StatusOr<std::string> Identify(const grpc::ServerContext& context) const {
    const auto auth = context.auth_context();
    // The chain may be without the certificate itself, or repeat it.
    return IdentifyHost(Property(*auth, GRPC_X509_PEM_CERT_PROPERTY_NAME) +
                            Property(*auth, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME),
                        dependencies_.identity(), dependencies_.clock());
  }
  // Who may not speak is worth a line, but not a log full of them.
  grpc::Status Refused(const std::string& who, const absl::Status& status) {
    if (absl::IsPermissionDenied(status)) {
      const std::lock_guard lock(mutex_);
      refusals_.Warn(fmt::format("a peer is refused, {}: {}", who, Message(status)));
    }
    return ToGrpc(status);
  }

  const PeerServer::Dependencies dependencies_;
  std::mutex mutex_;  // refusals_
  stream::LogLimiter refusals_{5, std::chrono::seconds(10)};
};

class Server final : public PeerServer {
 public:
  explicit Server(Dependencies dependencies) : service_(std::move(dependencies)) {}
  ~Server() override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    server_->Wait();
  }
  uint16_t port() const override { return port_; }

  absl::Status Listen(const Settings& settings) {
    grpc::ServerBuilder builder;
    grpc::experimental::TlsServerCredentialsOptions tls(
        std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
            settings.key_file, settings.certificate_file, kReloadS));
    tls.watch_identity_key_cert_pairs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    const auto credentials = grpc::experimental::TlsServerCredentials(tls);
    int port = 0;
    std::string where;
    for (const IpAddress& address : settings.addresses.All()) {
      where = fmt::format(fmt::runtime(address.IsV4() ? "{}:{}" : "[{}]:{}"), address.ToString(),
                          settings.port);
      builder.AddListeningPort(where, credentials, &port);
    }
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(kMaxPeerMessageBytes);
    grpc::ResourceQuota quota("peers");
    quota.SetMaxThreads(kMaxThreads).Resize(kMaxBytes);
    builder.SetResourceQuota(quota);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return absl::UnavailableError(
          fmt::format("cannot listen at {} for other agents; choose another --peer-port", where));
    }
    port_ = static_cast<uint16_t>(port);
    return absl::OkStatus();
  }

 private:
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PeerServer>> PeerServer::Create(const Settings& settings,
                                                               Dependencies dependencies) {
  auto server = std::make_unique<Server>(std::move(dependencies));
  RETURN_IF_ERROR(server->Listen(settings));
  return std::unique_ptr<PeerServer>(std::move(server));
}

}  // namespace outrider::agent
