// A gRPC server on a unix socket that plays a script: which call must come, and what it is
// answered.
//
// Serves every method of the .proto files by their descriptors; one server stands for the
// controller or the agent. Calls must come in the order of the script. What does not fit is
// answered UNIMPLEMENTED and kept for the test to show. Thread-safe: gRPC's threads call in.
#ifndef OUTRIDER_TESTS_CONTROLLER_CLI_SCRIPTED_PEER_H_
#define OUTRIDER_TESTS_CONTROLLER_CLI_SCRIPTED_PEER_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace outrider::controller::cli {

struct ScriptedCall {
  // "SegmentService/Create".
  std::string method;
  // Protobuf text of the request that must come.
  std::string request;
  // Protobuf text of the answers: one, or several for a server stream.
  std::vector<std::string> replies;
  // What the call ends with.
  grpc::Status status;
  // Never ended, nor answered beyond the replies; ends when the client gives up.
  bool stall = false;
};

class ScriptedPeer : public grpc::CallbackGenericService {
 public:
  // Listens on `path` from now until destruction.
  ScriptedPeer(const std::string& path, std::vector<ScriptedCall> script);
  ~ScriptedPeer() override;

  // What went wrong so far, and the calls that never came; empty when the script was played as
  // written.
  std::string Problems();

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  class Reactor;

  // The scripted answer to this call, its replies serialised.
  struct Answer {
    std::vector<grpc::ByteBuffer> replies;
    grpc::Status status;
    bool stall = false;
  };
  Answer Take(const std::string& path, const grpc::ByteBuffer& request);
  Answer Refuse(const std::string& problem);

  std::mutex mutex_;
  std::deque<ScriptedCall> script_;
  std::string problems_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_TESTS_CONTROLLER_CLI_SCRIPTED_PEER_H_
