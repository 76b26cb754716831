#include "vswitch/ovs/unixctl_session.h"

#include <fmt/format.h>

#include <utility>

#include "vswitch/sys/stream/turn.h"

namespace outrider::ovs {

using ovsdb::Json;

void UnixctlSession::Receive(const char* data, size_t size) {
  if (ended_) return;
  stream_.Feed(data, size);
  Serve();
}

void UnixctlSession::Serve() {
  const stream::Turn turn;
  while (!ended_ && !peer_->Congested() && ServeOne()) {
    if (turn.IsOver()) peer_->Yield();
  }
}

bool UnixctlSession::ServeOne() {
  auto json = stream_.Next();
  if (!json.ok()) {
    HangUp(json.status());
    return false;
  }
  if (!*json) return false;
  auto message = ovsdb::FromJson(**std::move(json));
  if (message.ok() && message->kind != ovsdb::JsonRpcMessage::Kind::kRequest) {
    message = absl::InvalidArgumentError("received a message that is no request");
  }
  if (!message.ok()) {
    HangUp(message.status());
    return false;
  }
  OnRequest(*message);
  return true;
}

void UnixctlSession::HangUp(const absl::Status& why) {
  ended_ = true;
  peer_->HangUp(why);
}

void UnixctlSession::OnRequest(const ovsdb::JsonRpcMessage& request) {
  UnixctlArguments arguments;
  absl::StatusOr<std::string> answer = std::string();
  for (const Json& param : request.params) {
    if (param.is_string()) {
      arguments.push_back(param.get<std::string>());
    } else {
      answer = absl::InvalidArgumentError(
          fmt::format("\"{}\" command has non-string argument", request.method));
    }
  }
  if (answer.ok()) answer = commands_->Run(request.method, arguments);
  // A failed command's text is the error itself, with its new line.
  const ovsdb::JsonRpcMessage reply =
      answer.ok() ? ovsdb::Reply(*answer, request.id)
                  : ovsdb::ErrorReply(Message(answer.status()) + "\n", request.id);
  peer_->Send(ovsdb::ToText(ovsdb::ToJson(reply)));
}

}  // namespace outrider::ovs
