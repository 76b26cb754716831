#include "vswitch/cli/rpc_session.h"

#include <array>
#include <limits>
#include <utility>

namespace outrider::cli {
namespace {

using ovsdb::Json;
using ovsdb::JsonRpcMessage;

// A server is trusted with more than a peer would be: its whole database may come in one reply.
constexpr size_t kMostBytes = std::numeric_limits<size_t>::max();

}  // namespace

RpcSession::RpcSession(std::unique_ptr<Channel> channel)
    : channel_(std::move(channel)), stream_(kMostBytes) {}

int64_t RpcSession::Queue(const std::string& method, Json params) {
  const int64_t id = next_id_++;
  outgoing_ += ovsdb::ToText(ToJson(ovsdb::Request(method, std::move(params), id)));
  return id;
}

absl::Status RpcSession::Flush() {
  if (outgoing_.empty()) return absl::OkStatus();
  return channel_->Write(std::exchange(outgoing_, {}));
}

absl::StatusOr<JsonRpcMessage> RpcSession::Receive() {
  RETURN_IF_ERROR(Flush());
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<Json> json, stream_.Next());
    if (!json) {
      std::array<char, 65536> bytes;
      ASSIGN_OR_RETURN(const size_t size, channel_->Read(bytes.data(), bytes.size()));
      stream_.Feed(bytes.data(), size);
      continue;
    }
    ASSIGN_OR_RETURN(JsonRpcMessage message, ovsdb::FromJson(*json));
    if (message.kind != JsonRpcMessage::Kind::kRequest) return message;
    Json reply = message.method == "echo" ? ToJson(ovsdb::Reply(message.params, message.id))
                                          : ToJson(ovsdb::ErrorReply("unknown method", message.id));
    RETURN_IF_ERROR(channel_->Write(ovsdb::ToText(reply)));
  }
}

template <typename Wanted>
absl::StatusOr<JsonRpcMessage> RpcSession::WaitFor(Wanted wanted) {
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    if (!wanted(*kept)) continue;
    JsonRpcMessage message = std::move(*kept);
    kept_.erase(kept);
    return message;
  }
  while (true) {
    ASSIGN_OR_RETURN(JsonRpcMessage message, Receive());
    if (wanted(message)) return message;
    kept_.push_back(std::move(message));
  }
}

absl::StatusOr<JsonRpcMessage> RpcSession::WaitReply(int64_t id) {
  return WaitFor([id](const JsonRpcMessage& message) {
    return message.kind != JsonRpcMessage::Kind::kNotification && message.id == id;
  });
}

absl::StatusOr<Json> RpcSession::WaitUpdate() {
  ASSIGN_OR_RETURN(JsonRpcMessage message, WaitFor([](const JsonRpcMessage& one) {
                     return one.kind == JsonRpcMessage::Kind::kNotification &&
                            one.method == "update";
                   }));
  return std::move(message.params);
}

}  // namespace outrider::cli
