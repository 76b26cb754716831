#include "vswitch/ovs/openflow_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <utility>

#include "vswitch/sys/openflow/frame_splitter.h"
#include "vswitch/sys/stream/turn.h"

namespace outrider::ovs {

class OpenFlowConnection : public stream::StreamHandler {
 public:
  using Ended = std::function<void()>;
  OpenFlowConnection(const std::string& bridge, OpenFlowSession::Kind kind,
                     SwitchFactsSource* facts, std::unique_ptr<stream::StreamConnection> stream,
                     Ended ended)
      : bridge_(bridge),
        session_(bridge, kind, facts),
        stream_(std::move(stream)),
        ended_(std::move(ended)) {}

  absl::Status Start() { return stream_->Start(this); }
  const std::string& bridge() const { return bridge_; }

  void OnConnected() override { Send({OpenFlowSession::Hello()}); }

  void OnData(const char* data, size_t size) override {
    const openflow::ByteSpan bytes(reinterpret_cast<const uint8_t*>(data), size);
    const absl::Status status = splitter_.Feed(bytes, [this](openflow::ByteSpan frame) {
      waiting_.emplace_back(frame.begin(), frame.end());
      return absl::OkStatus();
    });
    Serve();
    if (!status.ok() && !ending_) End(status);
  }

  void OnDrained() override { Serve(); }

  void OnClosed(const absl::Status& why) override {
    if (!why.ok()) {
      spdlog::info("bridge \"{}\": OpenFlow connection {}: {}", bridge_, stream_->peer(),
                   Message(why));
    }
    // Destroys this.
    const Ended ended = ended_;
    ended();
  }

 private:
  // One answer may be large: the next is not made before it is on its way. And others wait.
  void Serve() {
    const stream::Turn turn;
    while (!waiting_.empty() && !stream_->congested() && !ending_) {
      const openflow::Bytes frame = std::move(waiting_.front());
      waiting_.pop_front();
      const OpenFlowSession::Reply reply = session_.OnFrame(frame);
      Send(reply.messages);
      if (!reply.end.ok()) End(reply.end);
      if (turn.IsOver()) stream_->Yield();
    }
  }

  void Send(const std::vector<openflow::Bytes>& messages) {
    std::string data;
    for (const openflow::Bytes& message : messages) data.append(message.begin(), message.end());
    if (!data.empty()) stream_->Send(std::move(data));
  }

  void End(const absl::Status& why) {
    ending_ = true;
    waiting_.clear();
    spdlog::info("bridge \"{}\": OpenFlow connection {} is closed: {}", bridge_, stream_->peer(),
                 Message(why));
    stream_->CloseWhenSent();
  }

  const std::string bridge_;
  OpenFlowSession session_;
  openflow::FrameSplitter splitter_;
  // Whole messages of one read that were not answered yet.
  std::deque<openflow::Bytes> waiting_;
  bool ending_ = false;
  std::unique_ptr<stream::StreamConnection> stream_;
  const Ended ended_;
};

OpenFlowServer::OpenFlowServer(stream::PollLoop* loop, SwitchFactsSource* facts, Options options)
    : loop_(loop), facts_(facts), options_(std::move(options)) {}

OpenFlowServer::~OpenFlowServer() = default;

absl::StatusOr<std::unique_ptr<stream::StreamListener>> OpenFlowServer::Listen(
    const std::string& bridge, OpenFlowSession::Kind kind) {
  const bool snoop = kind == OpenFlowSession::Kind::kSnoop;
  stream::StreamListener::Options listen;
  ASSIGN_OR_RETURN(
      listen.address,
      stream::StreamAddress::Parse(
          fmt::format("punix:{}/{}.{}", options_.directory, bridge, snoop ? "snoop" : "mgmt"), 0));
  listen.mode = options_.mode;
  listen.max_connections = options_.max_connections;
  listen.limits = options_.limits;
  return stream::StreamListener::Create(
      loop_, listen, [this, bridge, kind](std::unique_ptr<stream::StreamConnection> stream) {
        Accept(bridge, kind, std::move(stream));
      });
}

absl::Status OpenFlowServer::SetBridges(const std::set<std::string>& bridges) {
  std::erase_if(served_, [&](const auto& one) { return !bridges.contains(one.first); });
  std::erase_if(connections_,
                [&](const auto& one) { return !bridges.contains(one.second->bridge()); });
  absl::Status first = absl::OkStatus();
  for (const std::string& bridge : bridges) {
    if (served_.contains(bridge)) continue;
    absl::Status status = absl::OkStatus();
    if (bridge.find('/') != std::string::npos) {
      status = absl::InvalidArgumentError("a name with '/' cannot be that of a socket");
    }
    Served served;
    for (const auto kind : {OpenFlowSession::Kind::kManagement, OpenFlowSession::Kind::kSnoop}) {
      if (!status.ok()) break;
      auto listener = Listen(bridge, kind);
      status = listener.status();
      if (!listener.ok()) break;
      (kind == OpenFlowSession::Kind::kSnoop ? served.snoop : served.management) =
          *std::move(listener);
    }
    if (status.ok()) {
      served_[bridge] = std::move(served);
    } else {
      first.Update(Annotate(status, fmt::format("bridge \"{}\": OpenFlow", bridge)));
    }
  }
  return first;
}

void OpenFlowServer::Accept(const std::string& bridge, OpenFlowSession::Kind kind,
                            std::unique_ptr<stream::StreamConnection> stream) {
  const uint64_t id = next_id_++;
  auto connection = std::make_unique<OpenFlowConnection>(bridge, kind, facts_, std::move(stream),
                                                         [this, id] { Forget(id); });
  const absl::Status status = connection->Start();
  if (!status.ok()) {
    spdlog::warn("bridge \"{}\": OpenFlow connection: {}", bridge, Message(status));
    return;
  }
  connections_[id] = std::move(connection);
}

void OpenFlowServer::Forget(uint64_t id) { connections_.erase(id); }

}  // namespace outrider::ovs
