#include "controller/service/session_service.h"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "controller/service/peer_identity.h"
#include "controller/service/status_mapping.h"

namespace outrider::controller {
namespace {

using Reactor = grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>;

// The hub's view of a stream. Outlives the reactor, which goes when gRPC is done with it: after
// Finish nothing here touches it. The mutex is recursive because gRPC may run a reaction inside a
// Start call.
class GrpcHostStream : public HostStream {
 public:
  GrpcHostStream(Reactor* reactor, grpc::CallbackServerContext* context)
      : reactor_(reactor), context_(context) {}

  void Write(const v1::ControllerMessage& message) override {
    const std::lock_guard lock(mutex_);
    if (reactor_ == nullptr || closing_) return;
    outgoing_ = message;
    writing_ = true;
    reactor_->StartWrite(&outgoing_);
  }

  void ReadNext() override {
    const std::lock_guard lock(mutex_);
    if (reactor_ == nullptr || closing_) return;
    incoming_.Clear();
    reactor_->StartRead(&incoming_);
  }

  void Close(const absl::Status& status) override {
    const std::lock_guard lock(mutex_);
    if (reactor_ == nullptr) return;
    if (!closing_) closing_ = status;
    if (!writing_) return Finish();
    // An agent that ended the session in order still reads: what is under way reaches it. One that
    // is sent away, or gone, may never take it: no reason to wait.
    if (!status.ok()) context_->TryCancel();
  }

  void WriteDone() {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (closing_) Finish();
  }

  v1::AgentMessage TakeIncoming() {
    const std::lock_guard lock(mutex_);
    return std::move(incoming_);
  }

 private:
  void Finish() { std::exchange(reactor_, nullptr)->Finish(ToGrpc(*closing_)); }

  std::recursive_mutex mutex_;
  // Null once finished.
  Reactor* reactor_;
  grpc::CallbackServerContext* const context_;
  bool writing_ = false;
  std::optional<absl::Status> closing_;
  v1::ControllerMessage outgoing_;
  v1::AgentMessage incoming_;
};

// Deletes itself when gRPC is done with it.
class SessionReactor : public Reactor {
 public:
  SessionReactor(SessionHub* hub, const PeerIdentity& identity,
                 grpc::CallbackServerContext* context)
      : hub_(hub),
        stream_(std::make_shared<GrpcHostStream>(this, context)),
        id_(hub->Open(identity, context->peer(), stream_)) {}

  void OnReadDone(bool ok) override {
    if (!ok) return stream_->Close(absl::OkStatus());  // the agent has said all it wanted
    hub_->OnMessage(id_, stream_->TakeIncoming());
  }

  void OnWriteDone(bool ok) override {
    stream_->WriteDone();
    if (ok) return hub_->OnWritten(id_);
    stream_->Close(absl::UnavailableError("the agent's stream broke"));
  }

  void OnCancel() override { stream_->Close(absl::CancelledError("the agent's stream broke")); }

  void OnDone() override {
    hub_->OnClosed(id_);
    delete this;
  }

 private:
  SessionHub* const hub_;
  const std::shared_ptr<GrpcHostStream> stream_;
  // Reactions come only after the constructor: gRPC holds them back until the call is bound.
  const SessionHub::SessionId id_;
};

// Ends a stream that was refused.
class RefusedReactor : public Reactor {
 public:
  explicit RefusedReactor(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

Reactor* SessionService::Session(grpc::CallbackServerContext* context) {
  const auto identity = IdentifyPeer(*verifier_, *context, "session");
  if (!identity.ok()) return new RefusedReactor(identity.status());
  return new SessionReactor(hub_, *identity, context);
}

}  // namespace outrider::controller
