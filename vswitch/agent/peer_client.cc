#include "vswitch/agent/peer_client.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "outrider/v1/peer.grpc.pb.h"
#include "vswitch/agent/callback_threads.h"
#include "vswitch/agent/controller_channel.h"
#include "vswitch/agent/peer_certificate.h"

namespace outrider::agent {
namespace {

// Asked before each call on the connection it would go by: nothing is sent to another host than the
// one that is meant. Not a verifier of the handshake: that the library (1.51) does not survive when
// it refuses.
class HostCheck final : public grpc::MetadataCredentialsPlugin {
 public:
  HostCheck(std::string host, Identity own, WallClock clock)
      : host_(std::move(host)), own_(std::move(own)), clock_(std::move(clock)) {}

  bool IsBlocking() const override { return false; }
  const char* GetType() const override { return "outrider-host"; }
  grpc::Status GetMetadata(grpc::string_ref, grpc::string_ref, const grpc::AuthContext& peer,
                           std::multimap<grpc::string, grpc::string>*) override {
    const auto property = [&](const char* name) {
      const auto values = peer.FindPropertyValues(name);
      return values.empty() ? "" : std::string(values.front().data(), values.front().size());
    };
    // The chain may be without the certificate itself, or repeat it.
    const auto host = IdentifyHost(property(GRPC_X509_PEM_CERT_PROPERTY_NAME) +
                                       property(GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME),
                                   own_, clock_());
    if (!host.ok()) return {grpc::StatusCode::PERMISSION_DENIED, Message(host.status())};
    if (*host == host_) return grpc::Status::OK;
    return {grpc::StatusCode::PERMISSION_DENIED,
            "the peer is host \"" + *host + "\", not \"" + host_ + "\""};
  }

 private:
  const std::string host_;
  const Identity own_;
  const WallClock clock_;
};

std::shared_ptr<grpc::Channel> MakePeerChannel(const std::string& address,
                                               const Identity& identity) {
  KeepCallbackThreads();
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
      identity.ca_pem, std::vector<grpc::experimental::IdentityKeyCertPair>{
                           {identity.key_pem, identity.certificate_pem}}));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  // The library would want a server's certificate with a DNS name: HostCheck has its place.
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A peer that was restarted is found again while its port still waits.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(address, grpc::experimental::TlsCredentials(tls), arguments);
}

class GrpcPeerLink final : public PeerLink {
 public:
  GrpcPeerLink(const std::shared_ptr<grpc::Channel>& channel,
               std::shared_ptr<grpc::CallCredentials> check)
      : stub_(v1::PeerService::NewStub(channel)), check_(std::move(check)) {}

  ~GrpcPeerLink() override {
    std::unique_lock lock(mutex_);
    if (call_ != nullptr) call_->context.TryCancel();
    idle_.wait(lock, [this] { return running_ == 0; });
  }

  void PutPortMemory(const v1::PutPortMemoryRequest& request, Done done) override {
    auto call = std::make_shared<Call>();
    call->request = request;
    call->context.set_deadline(std::chrono::system_clock::now() + GrpcPeerLinks::kCallTime);
    call->context.set_credentials(check_);
    // What cannot connect fails at once; the caller has a backoff.
    call->context.set_wait_for_ready(false);
    {
      const std::lock_guard lock(mutex_);
      call_ = call;
      ++running_;
    }
    stub_->async()->PutPortMemory(&call->context, &call->request, &call->response,
                                  [this, call, done = std::move(done)](const grpc::Status& status) {
                                    if (status.ok()) {
                                      done(call->response);
                                    } else {
                                      done(FromGrpc(status));
                                    }
                                    const std::lock_guard lock(mutex_);
                                    --running_;
                                    idle_.notify_all();
                                  });
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::PutPortMemoryRequest request;
    v1::PutPortMemoryResponse response;
  };

  const std::unique_ptr<v1::PeerService::Stub> stub_;
  const std::shared_ptr<grpc::CallCredentials> check_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::shared_ptr<Call> call_;  // the last one
  // Callbacks to come: the next call may begin before that of the last one has quite ended.
  int running_ = 0;
};

}  // namespace

std::unique_ptr<PeerLink> GrpcPeerLinks::Open(const std::string& address, const std::string& host) {
  const Identity own = identity_();
  return std::make_unique<GrpcPeerLink>(
      MakePeerChannel(address, own),
      grpc::MetadataCredentialsFromPlugin(std::make_unique<HostCheck>(host, own, clock_)));
}

}  // namespace outrider::agent
