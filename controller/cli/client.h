// One gRPC peer of the CLI: the controller's admin socket or the agent's local socket.
//
// Owns the channel, the deadline every call gets, and the translation of gRPC's outcome into a
// message an operator can act on. Knows no commands. Single-threaded; connects on the first call.
//
// A peer that lives answers a new connection at once, however long the call itself may take: one
// that does not within kConnectTime is stopped or stuck, and said to be.
#ifndef OUTRIDER_CONTROLLER_CLI_CLIENT_H_
#define OUTRIDER_CONTROLLER_CLI_CLIENT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "controller/cli/stream_watch.h"

namespace outrider::controller::cli {

// What to say about a peer when it does not answer.
struct PeerNames {
  std::string role;    // "controller"
  std::string daemon;  // "outrider-controller"
  std::string flag;    // "--controller"
};

class Client {
 public:
  // `address` is "unix:PATH" or a path beginning with "/" or "."; nothing else, because the APIs
  // are authorised by file permission. InvalidArgument otherwise.
  static absl::StatusOr<std::unique_ptr<Client>> Create(PeerNames names, const std::string& address,
                                                        std::chrono::milliseconds timeout);

  // For a new connection's answer, and on top of what a server was asked to wait; less if the
  // timeout is.
  static constexpr std::chrono::milliseconds kConnectTime{5000};

  // "unix:PATH".
  const std::string& address() const { return address_; }
  std::chrono::milliseconds timeout() const { return timeout_; }

  // One unary call, by a pointer to the generated stub's method. `extra` is what the server was
  // asked to wait; it has kConnectTime more. Errors keep the server's code and message.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request,
                                std::chrono::milliseconds extra = std::chrono::milliseconds(0)) {
    if (const absl::Status reached = Reach(); !reached.ok()) return reached;
    Stub stub(Channel());
    grpc::ClientContext context;
    const std::chrono::milliseconds patience = PatienceFor(extra);
    SetDeadline(patience, &context);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return ToStatus(status, /*reached=*/false, patience);
    return response;
  }

  // Reads a server stream until it ends, `on_message` returns false, or `watch`, if given, ends it:
  // the peer has the timeout to answer then.
  template <typename Stub, typename Request, typename Response>
  absl::Status Stream(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                          grpc::ClientContext*, const Request&),
                      const Request& request,
                      const std::function<bool(const Response&)>& on_message,
                      StreamWatch* watch = nullptr) {
    if (const absl::Status reached = Reach(); !reached.ok()) return reached;
    Stub stub(Channel());
    grpc::ClientContext context;
    if (watch != nullptr) watch->Start(timeout_, [&context] { context.TryCancel(); });
    const auto reader = (stub.*method)(&context, request);
    if (watch != nullptr) {
      reader->WaitForInitialMetadata();
      watch->Answered();
    }
    Response response;
    bool reached = false;
    bool enough = false;
    while (!enough && reader->Read(&response)) {
      reached = true;
      enough = !on_message(response);
    }
    if (enough) context.TryCancel();
    const grpc::Status status = reader->Finish();
    const auto end = watch != nullptr ? watch->Stop() : StreamWatch::End::kByItself;
    return enough ? absl::OkStatus() : ToStatus(status, reached, end);
  }

 private:
  Client(PeerNames names, std::string address, std::chrono::milliseconds timeout)
      : names_(std::move(names)), address_(std::move(address)), timeout_(timeout) {}

  std::shared_ptr<grpc::Channel> Channel();
  // DeadlineExceeded: somebody listens there, and is stopped or stuck. OK also when nobody does:
  // the call then says why.
  absl::Status Reach();
  // How long a call may take whose server was asked to wait for `extra`.
  std::chrono::milliseconds PatienceFor(std::chrono::milliseconds extra) const;
  void SetDeadline(std::chrono::milliseconds patience, grpc::ClientContext* context) const;
  absl::Status Silent() const;
  // `reached`: the peer has answered, so that its UNAVAILABLE is its own word. `patience`: what the
  // call was given.
  absl::Status ToStatus(const grpc::Status& status, bool reached,
                        std::chrono::milliseconds patience) const;
  // Of a stream.
  absl::Status ToStatus(const grpc::Status& status, bool reached, StreamWatch::End end) const;

  const PeerNames names_;
  const std::string address_;
  const std::chrono::milliseconds timeout_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_CLIENT_H_
