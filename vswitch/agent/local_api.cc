#include "vswitch/agent/local_api.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "outrider/v1/agent.grpc.pb.h"
#include "vswitch/agent/capture_stream.h"
#include "vswitch/agent/messages.h"
#include "vswitch/convert/from_proto.h"
#include "vswitch/convert/to_proto.h"
#include "vswitch/sys/stream/socket.h"

namespace outrider::agent {
namespace {

using grpc::ServerContext;

constexpr uint32_t kDefaultConnections = 10'000;
// What fits the 4 MiB that gRPC takes as one message, with room.
constexpr uint32_t kMaxConnections = 20'000;
constexpr uint32_t kDefaultStations = 10'000;
constexpr uint32_t kMaxStations = 20'000;

grpc::Status ToGrpc(const absl::Status& status) {
  // The codes are the same (google.rpc.Code).
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), Message(status));
}

v1::LocalPort ToMessage(const PortView& view) {
  v1::LocalPort message;
  if (view.attachment) {
    *message.mutable_attachment() = convert::ToProto(view.id, *view.attachment);
    message.mutable_attachment()->set_qmp(view.attachment->qmp);
  } else {
    message.mutable_attachment()->set_port_id(view.id.ToString());
    message.mutable_attachment()->set_mac(view.in_force.mac.ToString());
    // Nobody attached it: its bridge has it.
    if (state::IsLocal(view.in_force)) {
      message.mutable_attachment()->set_device(view.in_force.device.value_or(""));
    }
  }
  message.set_phase(convert::ToProto(view.in_force.phase));
  message.set_profile(view.in_force.profile);
  message.set_profile_revision(view.in_force.profile_revision);
  message.set_digest(view.digest);
  if (view.in_force.vni && !view.in_force.vni->IsLocal()) {
    message.set_vni(view.in_force.vni->value());
  }
  message.set_epoch(static_cast<uint64_t>(view.in_force.epoch));
  message.set_problem(view.problem);
  message.set_port_data(view.port_data);
  return message;
}

// Empty: of all ports.
absl::StatusOr<std::optional<PortId>> ParseOptionalPort(const std::string& text) {
  if (text.empty()) return std::optional<PortId>();
  auto id = PortId::Parse(text);
  if (!id.ok()) return Annotate(id.status(), "port_id");
  return std::optional<PortId>(*id);
}

// 0: of all segments.
absl::StatusOr<std::optional<Vni>> ParseOptionalVni(uint32_t number) {
  if (number == 0) return std::optional<Vni>();
  auto vni = Vni::Create(number);
  if (!vni.ok()) return Annotate(vni.status(), "vni");
  return std::optional<Vni>(*vni);
}

absl::StatusOr<datapath::TraceRequest> FromMessage(const v1::TraceRequest& message) {
  datapath::TraceRequest request;
  const auto id = PortId::Parse(message.port_id());
  RETURN_IF_ERROR(Annotate(id.status(), "port_id"));
  request.port = *id;
  request.frame.assign(message.frame().begin(), message.frame().end());
  if (!message.from_vtep().empty()) {
    const auto vtep = IpAddress::Parse(message.from_vtep());
    RETURN_IF_ERROR(Annotate(vtep.status(), "from_vtep"));
    request.from_vtep = *vtep;
  }
  request.vni = message.vni();
  return request;
}

class Service final : public v1::AgentLocalService::Service {
 public:
  explicit Service(LocalApi::Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  grpc::Status AttachPort(ServerContext*, const v1::AttachPortRequest* request,
                          v1::AttachPortResponse* response) override {
    const auto attachment = convert::FromProto(request->attachment());
    if (!attachment.ok()) return ToGrpc(attachment.status());
    const auto result = dependencies_.ports->Attach(attachment->first, attachment->second,
                                                    std::chrono::milliseconds(request->wait_ms()));
    if (!result.ok()) return ToGrpc(result.status());
    response->set_in_force_us(result->in_force.count());
    for (v1::LocalPort& port : ListPorts(attachment->first.ToString())) {
      *response->mutable_port() = std::move(port);
    }
    return grpc::Status::OK;
  }

  grpc::Status DetachPort(ServerContext*, const v1::DetachPortRequest* request,
                          v1::DetachPortResponse*) override {
    const auto id = PortId::Parse(request->port_id());
    if (!id.ok()) return ToGrpc(Annotate(id.status(), "port_id"));
    return ToGrpc(dependencies_.ports->Detach(*id, state::AttachmentOwner::kLocalApi));
  }

  grpc::Status TakePortData(ServerContext*, const v1::TakePortDataRequest* request,
                            v1::TakePortDataResponse*) override {
    const auto id = PortId::Parse(request->port_id());
    if (!id.ok()) return ToGrpc(Annotate(id.status(), "port_id"));
    return ToGrpc(dependencies_.ports->TakePortData(*id, request->port_data()));
  }

  grpc::Status GuestPaused(ServerContext*, const v1::GuestPausedRequest* request,
                           v1::GuestPausedResponse* response) override {
    const auto ports = TellGuest(*request, /*runs=*/false);
    if (!ports.ok()) return ToGrpc(ports.status());
    for (const PortId& id : *ports) response->add_redirected(id.ToString());
    return grpc::Status::OK;
  }

  grpc::Status GuestResumed(ServerContext*, const v1::GuestResumedRequest* request,
                            v1::GuestResumedResponse* response) override {
    const auto ports = TellGuest(*request, /*runs=*/true);
    if (!ports.ok()) return ToGrpc(ports.status());
    for (const PortId& id : *ports) response->add_changed(id.ToString());
    return grpc::Status::OK;
  }

  grpc::Status ListPorts(ServerContext*, const v1::ListLocalPortsRequest* request,
                         v1::ListLocalPortsResponse* response) override {
    std::string only = request->port_id();
    if (!only.empty()) {
      const auto id = PortId::Parse(only);
      if (!id.ok()) return ToGrpc(Annotate(id.status(), "port_id"));
      only = id->ToString();
    }
    for (v1::LocalPort& port : ListPorts(only)) *response->add_ports() = std::move(port);
    return grpc::Status::OK;
  }

  grpc::Status GetStatus(ServerContext*, const v1::GetAgentStatusRequest*,
                         v1::AgentStatus* response) override {
    *response = dependencies_.self;
    if (dependencies_.describe_ovs) dependencies_.describe_ovs(response);
    const ReconcilerStatus status = RunOn(dependencies_.reconciler_executor,
                                          [this] { return dependencies_.reconciler->Status(); });
    response->set_generation(static_cast<uint64_t>(status.generation));
    response->set_store_id(status.store_id);
    response->set_objects_written(status.objects_written);
    response->set_objects_deleted(status.objects_deleted);
    for (const auto& failure : status.failures) {
      *response->add_failures() = agent::ToMessage(failure);
    }
    const SessionStatus session = dependencies_.session();
    response->set_connected(session.connected);
    response->set_connection_detail(session.detail);
    response->set_sessions_resumed(session.resumed);
    response->set_sessions_snapshot(session.snapshots);
    response->set_certificate_expires_us(dependencies_.certificate_expiry());
    const auto drops = dependencies_.counters->ReadHostDrops();
    if (!drops.ok()) return ToGrpc(drops.status());
    for (const auto& [reason, count] : *drops) (*response->mutable_host_drops())[reason] = count;
    return grpc::Status::OK;
  }

  grpc::Status GetHostState(ServerContext*, const v1::GetHostStateRequest* request,
                            v1::GetHostStateResponse* response) override {
    const bool applied = request->view() == v1::GetHostStateRequest::VIEW_APPLIED;
    if (!applied && request->view() != v1::GetHostStateRequest::VIEW_DESIRED) {
      return ToGrpc(absl::InvalidArgumentError("view: neither desired nor applied is asked for"));
    }
    const auto state =
        RunOn(dependencies_.reconciler_executor, [&]() -> absl::StatusOr<state::HostState> {
          Reconciler* const reconciler = dependencies_.reconciler;
          response->set_generation(static_cast<uint64_t>(reconciler->Status().generation));
          if (applied) return reconciler->ReadBack();
          return reconciler->desired();
        });
    if (!state.ok()) return ToGrpc(state.status());
    *response->mutable_state() = convert::ToProto(*state);
    for (const auto& [id, port] : state->ports) {
      if (port.device) (*response->mutable_devices())[id.ToString()] = *port.device;
    }
    return grpc::Status::OK;
  }

  grpc::Status ListConnections(ServerContext*, const v1::ListConnectionsRequest* request,
                               v1::ListConnectionsResponse* response) override {
    const auto port = ParseOptionalPort(request->port_id());
    if (!port.ok()) return ToGrpc(port.status());
    if (request->limit() > kMaxConnections) {
      return ToGrpc(absl::InvalidArgumentError(fmt::format(
          "limit: {} exceeds {}; list one port at a time", request->limit(), kMaxConnections)));
    }
    const auto list = dependencies_.connections->ListConnections(
        *port, request->limit() == 0 ? kDefaultConnections : request->limit());
    if (!list.ok()) return ToGrpc(list.status());
    for (const auto& connection : list->connections) {
      *response->add_connections() = agent::ToMessage(connection);
    }
    response->set_total(list->total);
    return grpc::Status::OK;
  }

  grpc::Status FlushConnections(ServerContext*, const v1::FlushConnectionsRequest* request,
                                v1::FlushConnectionsResponse* response) override {
    const auto port = ParseOptionalPort(request->port_id());
    if (!port.ok()) return ToGrpc(port.status());
    const auto flushed = dependencies_.connections->FlushConnections(*port);
    if (!flushed.ok()) return ToGrpc(flushed.status());
    response->set_flushed(*flushed);
    return grpc::Status::OK;
  }

  grpc::Status ListStations(ServerContext*, const v1::ListStationsRequest* request,
                            v1::ListStationsResponse* response) override {
    const auto vni = ParseOptionalVni(request->vni());
    if (!vni.ok()) return ToGrpc(vni.status());
    if (request->limit() > kMaxStations) {
      return ToGrpc(absl::InvalidArgumentError(fmt::format(
          "limit: {} exceeds {}; list one segment at a time", request->limit(), kMaxStations)));
    }
    const auto list = dependencies_.stations->ListStations(
        *vni, request->limit() == 0 ? kDefaultStations : request->limit());
    if (!list.ok()) return ToGrpc(list.status());
    for (const auto& station : list->stations) {
      *response->add_stations() = agent::ToMessage(station);
    }
    response->set_total(list->total);
    return grpc::Status::OK;
  }

  grpc::Status Trace(ServerContext*, const v1::TraceRequest* request,
                     v1::TraceResponse* response) override {
    const auto question = FromMessage(*request);
    if (!question.ok()) return ToGrpc(question.status());
    const auto trace = dependencies_.tracer->TraceFrame(*question);
    if (!trace.ok()) return ToGrpc(trace.status());
    *response = agent::ToMessage(*trace);
    return grpc::Status::OK;
  }

  grpc::Status Capture(ServerContext* context, const v1::CaptureRequest* request,
                       grpc::ServerWriter<v1::CapturedFrame>* writer) override {
    const auto port = ParseOptionalPort(request->port_id());
    if (!port.ok()) return ToGrpc(port.status());
    return ToGrpc(StreamCapture(
        dependencies_.capture, {.port = *port, .snap_length = request->snap_length()},
        {.begun = [writer] { writer->SendInitialMetadata(); },
         .wanted = [this, context] { return !context->IsCancelled() && !ending_; },
         .write = [writer](const v1::CapturedFrame& frame) { return writer->Write(frame); }}));
  }

  // Streams end, which wait for nobody else.
  void End() { ending_ = true; }

 private:
  template <typename Request>
  absl::StatusOr<std::vector<PortId>> TellGuest(const Request& request, bool runs) {
    return dependencies_.ports->TellGuest({request.port_id(), request.vm_id()}, runs,
                                          {kApiTrigger, request.time_us()});
  }

  // All, or the one of that canonical id.
  std::vector<v1::LocalPort> ListPorts(const std::string& only) {
    const std::vector<PortView> views = RunOn(dependencies_.reconciler_executor, [this] {
      return dependencies_.reconciler->ListPorts();
    });
    const auto counters = dependencies_.counters->ReadPorts();
    std::vector<v1::LocalPort> ports;
    for (const PortView& view : views) {
      if (!only.empty() && view.id.ToString() != only) continue;
      ports.push_back(ToMessage(view));
      if (const std::string& device = ports.back().attachment().device(); !device.empty()) {
        ports.back().set_ifindex(static_cast<uint32_t>(dependencies_.ports->IfindexOf(device)));
      }
      if (!counters.ok()) continue;
      if (const auto found = counters->find(view.id); found != counters->end()) {
        *ports.back().mutable_counters() = agent::ToMessage(view.id, found->second);
      }
    }
    return ports;
  }

  LocalApi::Dependencies dependencies_;
  std::atomic<bool> ending_ = false;
};

class Server final : public LocalApi {
 public:
  Server(std::string path, Dependencies dependencies)
      : path_(std::move(path)), service_(std::move(dependencies)) {}

  ~Server() override {
    if (server_ == nullptr) return;
    service_.End();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    server_->Wait();
    unlink(path_.c_str());
  }

  absl::Status Listen() {
    RETURN_IF_ERROR(LocalApi::FreePath(path_));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    // The file is never open to others, not even before a chmod.
    const mode_t mask = umask(0177);
    server_ = builder.BuildAndStart();
    umask(mask);
    if (server_ == nullptr) {
      return absl::UnavailableError("socket \"" + path_ + "\": cannot listen there");
    }
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::Status LocalApi::FreePath(const std::string& socket_path) {
  return stream::FreeSocketPath(socket_path,
                                "another agent listens there; stop it or choose another --socket");
}

absl::StatusOr<std::unique_ptr<LocalApi>> LocalApi::Create(const std::string& socket_path,
                                                           Dependencies dependencies) {
  auto server = std::make_unique<Server>(socket_path, std::move(dependencies));
  RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<LocalApi>(std::move(server));
}

}  // namespace outrider::agent
