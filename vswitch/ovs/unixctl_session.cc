#include "vswitch/ovs/unixctl_session.h"

#include <fmt/format.h>

namespace outrider::ovs {

using ovsdb::Json;

void UnixctlSession::Receive(const char* data, size_t size) {
  if (ended_) return;
  stream_.Feed(data, size);
  Serve();
}

void UnixctlSession::Serve() {
  while (!ended_ && !peer_->Congested()) {
    auto json = stream_.Next();
    if (!json.ok()) return HangUp(json.status());
    if (!*json) return;
    const auto message = ovsdb::FromJson(**json);
    if (!message.ok()) return HangUp(message.status());
    if (message->kind != ovsdb::JsonRpcMessage::Kind::kRequest) {
      return HangUp(absl::InvalidArgumentError("received a message that is no request"));
    }
    OnRequest(*message);
  }
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
