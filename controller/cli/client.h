// One gRPC peer of the CLI: the controller's admin socket or the agent's local socket.
//
// Owns the channel, the deadline every call gets, and the translation of gRPC's outcome into a
// message an operator can act on. Knows no commands. Single-threaded; connects on the first call.
#ifndef OUTRIDER_CONTROLLER_CLI_CLIENT_H_
#define OUTRIDER_CONTROLLER_CLI_CLIENT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

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

  // "unix:PATH".
  const std::string& address() const { return address_; }
  std::chrono::milliseconds timeout() const { return timeout_; }

  // One unary call, by a pointer to the generated stub's method. `extra` is what the server was
  // asked to wait, on top of the timeout. Errors keep the server's code and message.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request,
                                std::chrono::milliseconds extra = std::chrono::milliseconds(0)) {
    Stub stub(Channel());
    grpc::ClientContext context;
    SetDeadline(extra, &context);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return ToStatus(status);
    return response;
  }

  // Reads a server stream until it ends or `on_message` returns false; without `lasts` streams last
  // as long as what they watch.
  template <typename Stub, typename Request, typename Response>
  absl::Status Stream(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                          grpc::ClientContext*, const Request&),
                      const Request& request,
                      const std::function<bool(const Response&)>& on_message,
                      std::optional<std::chrono::milliseconds> lasts = std::nullopt) {
    Stub stub(Channel());
    grpc::ClientContext context;
    if (lasts) context.set_deadline(std::chrono::system_clock::now() + *lasts);
    const auto reader = (stub.*method)(&context, request);
    Response response;
    bool reached = false;
    while (reader->Read(&response)) {
      reached = true;
      if (!on_message(response)) {
        context.TryCancel();
        reader->Finish();
        return absl::OkStatus();
      }
    }
    const grpc::Status status = reader->Finish();
    if (lasts && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      return absl::OkStatus();
    }
    return ToStatus(status, reached);
  }

 private:
  Client(PeerNames names, std::string address, std::chrono::milliseconds timeout)
      : names_(std::move(names)), address_(std::move(address)), timeout_(timeout) {}

  std::shared_ptr<grpc::Channel> Channel();
  void SetDeadline(std::chrono::milliseconds extra, grpc::ClientContext* context) const;
  // `reached`: the peer has answered, so that its UNAVAILABLE is its own word.
  absl::Status ToStatus(const grpc::Status& status, bool reached = false) const;

  const PeerNames names_;
  const std::string address_;
  const std::chrono::milliseconds timeout_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_CLIENT_H_
