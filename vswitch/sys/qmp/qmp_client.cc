#include "vswitch/sys/qmp/qmp_client.h"

#include <utility>

namespace outrider::qmp {

absl::StatusOr<std::unique_ptr<QmpClient>> QmpClient::Connect(stream::PollLoop* loop,
                                                              const std::string& path,
                                                              Callbacks callbacks) {
  std::unique_ptr<QmpClient> client(new QmpClient(std::move(callbacks)));
  ASSIGN_OR_RETURN(client->connection_,
                   stream::StreamConnection::Connect(
                       loop, {.kind = stream::StreamAddress::Kind::kUnix, .path = path}, nullptr,
                       stream::StreamLimits()));
  RETURN_IF_ERROR(client->connection_->Start(client.get()));
  return client;
}

void QmpClient::Execute(const Command& command, Done done) {
  const uint64_t id = next_id_++;
  waiting_.emplace(id, std::move(done));
  connection_->Send(CommandText(command, id));
}

void QmpClient::OnData(const char* data, size_t size) {
  splitter_.Add(data, size);
  while (!connection_->closed()) {
    const auto text = splitter_.Next();
    if (!text.ok()) return connection_->Fail(text.status());
    if (!*text) return;
    const auto message = ParseMessage(**text);
    if (!message.ok()) return connection_->Fail(message.status());
    Handle(*message);
  }
}

void QmpClient::Handle(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kGreeting:
      return Execute({.name = "qmp_capabilities"}, [this](const Message& answer) {
        if (answer.kind == Message::Kind::kReturn) callbacks_.on_ready();
      });
    case Message::Kind::kEvent:
      return callbacks_.on_event(message);
    case Message::Kind::kReturn:
    case Message::Kind::kError:
      auto done = waiting_.extract(message.id);
      if (!done.empty()) done.mapped()(message);
      return;
  }
}

void QmpClient::OnClosed(const absl::Status& why) { callbacks_.on_closed(why); }

}  // namespace outrider::qmp
