#include "vswitch/agent/callback_threads.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>

namespace outrider::agent {
namespace {

struct Call {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

// A channel holds the threads once it has made a call. Without credentials it is one on which every
// call fails at once, and which never connects.
std::shared_ptr<grpc::Channel> MakeHolder() {
  auto channel = grpc::CreateChannel("unix:", nullptr);
  auto call = std::make_shared<Call>();
  const grpc::Slice nothing("");
  call->request = grpc::ByteBuffer(&nothing, 1);
  grpc::GenericStub(channel).UnaryCall(&call->context, "/", {}, &call->request, &call->response,
                                       [call](const grpc::Status&) {});
  return channel;
}

}  // namespace

void KeepCallbackThreads() {
  static const auto* const holder = new std::shared_ptr<grpc::Channel>(MakeHolder());
  static_cast<void>(holder);
}

}  // namespace outrider::agent
