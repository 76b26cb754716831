#include "vswitch/ovs/unixctl_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "vswitch/ovs/unixctl_session.h"

namespace outrider::ovs {

class UnixctlServer::Connection final : public stream::StreamHandler, public RpcPeer {
 public:
  Connection(UnixctlServer* owner, uint64_t number,
             std::unique_ptr<stream::StreamConnection> stream)
      : owner_(owner),
        number_(number),
        stream_(std::move(stream)),
        session_(owner->commands_, this) {}
  absl::Status Start() { return stream_->Start(this); }

  void OnData(const char* data, size_t size) override { session_.Receive(data, size); }
  void OnDrained() override { session_.Continue(); }
  void OnClosed(const absl::Status& why) override { owner_->Remove(number_, why); }

  void Send(std::string text) override { stream_->Send(std::move(text)); }
  bool Congested() const override { return stream_->congested(); }
  void Yield() override { stream_->Yield(); }
  void HangUp(const absl::Status& why) override { stream_->Fail(why); }

 private:
  UnixctlServer* const owner_;
  const uint64_t number_;
  const std::unique_ptr<stream::StreamConnection> stream_;
  UnixctlSession session_;
};

UnixctlServer::UnixctlServer(stream::PollLoop* loop, const UnixctlCommands* commands,
                             const Options& options)
    : loop_(loop),
      commands_(commands),
      socket_path_(fmt::format("{}/ovs-vswitchd.{}.ctl", options.run_dir, getpid())) {}

UnixctlServer::~UnixctlServer() = default;

absl::StatusOr<std::unique_ptr<UnixctlServer>> UnixctlServer::Create(
    stream::PollLoop* loop, const UnixctlCommands* commands, const Options& options) {
  std::unique_ptr<UnixctlServer> server(new UnixctlServer(loop, commands, options));
  // The lock first: with it nobody else serves this directory.
  ASSIGN_OR_RETURN(server->pidfile_, Pidfile::Create(options.run_dir + "/ovs-vswitchd.pid"));
  server->RemoveStale(options.run_dir);
  const stream::StreamAddress address{.passive = true, .path = server->socket_path_};
  ASSIGN_OR_RETURN(
      server->listener_,
      stream::StreamListener::Create(
          loop,
          {.address = address, .mode = options.mode, .max_connections = options.max_connections},
          [self = server.get()](std::unique_ptr<stream::StreamConnection> connection) {
            self->Add(std::move(connection));
          }));
  return server;
}

void UnixctlServer::RemoveStale(const std::string& run_dir) const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_dir, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("ovs-vswitchd.") && name.ends_with(".ctl") && entry.is_socket(error)) {
      std::filesystem::remove(entry.path(), error);
    }
  }
}

void UnixctlServer::Add(std::unique_ptr<stream::StreamConnection> stream) {
  const uint64_t number = next_++;
  auto connection = std::make_unique<Connection>(this, number, std::move(stream));
  if (const absl::Status status = connection->Start(); !status.ok()) {
    log_.Warn("unixctl: " + Message(status));
    return;
  }
  connections_.emplace(number, std::move(connection));
}

void UnixctlServer::Remove(uint64_t number, const absl::Status& why) {
  if (!why.ok()) log_.Warn("unixctl: connection dropped: " + Message(why));
  connections_.erase(number);
}

}  // namespace outrider::ovs
