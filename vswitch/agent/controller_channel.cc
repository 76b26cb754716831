#include "vswitch/agent/controller_channel.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>

#include "outrider/v1/session.grpc.pb.h"
#include "vswitch/agent/callback_threads.h"

namespace outrider::agent {
namespace {

// A snapshot of a large host in one message.
constexpr int kMaxMessageBytes = 256 * 1024 * 1024;

// The library may end a call as soon as no operation is under way; a hold keeps it until this
// object has seen the end (a read or a write failed) or is destroyed, so that no operation meets a
// dead call.
class GrpcControllerStream final
    : public ControllerStream,
      private grpc::ClientBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
 public:
  GrpcControllerStream(std::shared_ptr<grpc::Channel> channel, Callbacks callbacks)
      : channel_(std::move(channel)),
        stub_(v1::AgentSessionService::NewStub(channel_)),
        callbacks_(std::move(callbacks)) {
    stub_->async()->Session(&context_, this);
    AddHold();
    StartRead(&in_);
    StartCall();
  }

  ~GrpcControllerStream() override {
    context_.TryCancel();
    LetGo();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }

  void Write(const v1::AgentMessage& message) override {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    out_ = message;
    StartWrite(&out_);
  }

  void ReadNext() override {
    const std::lock_guard lock(mutex_);
    if (!ending_) StartRead(&in_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return LetGo();
    callbacks_.on_message(in_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return LetGo();
    callbacks_.on_written();
  }

  void OnDone(const grpc::Status& status) override {
    callbacks_.on_closed(FromGrpc(status));
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

  void LetGo() {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    ending_ = true;
    RemoveHold();
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::AgentSessionService::Stub> stub_;
  Callbacks callbacks_;
  grpc::ClientContext context_;
  v1::ControllerMessage in_;
  v1::AgentMessage out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  bool done_ = false;
};

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  // The codes are the same (google.rpc.Code).
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& endpoint, const Identity& identity) {
  KeepCallbackThreads();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = identity.ca_pem;
  tls.pem_private_key = identity.key_pem;
  tls.pem_cert_chain = identity.certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(kControllerName);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The session has its own backoff: the library's would be added, and is shared between channels.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Also the library's limit for one attempt to connect.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  return grpc::CreateCustomChannel(endpoint, grpc::SslCredentials(tls), arguments);
}

GrpcControllerStreamFactory::GrpcControllerStreamFactory(std::string endpoint,
                                                         std::function<Identity()> identity)
    : endpoint_(std::move(endpoint)), identity_(std::move(identity)) {}

std::unique_ptr<ControllerStream> GrpcControllerStreamFactory::Open(
    ControllerStream::Callbacks callbacks) {
  return std::make_unique<GrpcControllerStream>(MakeChannel(endpoint_, identity_()),
                                                std::move(callbacks));
}

}  // namespace outrider::agent
