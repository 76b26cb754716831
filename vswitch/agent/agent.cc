#include "vswitch/agent/agent.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "vswitch/agent/agent_instance.h"
#include "vswitch/agent/tap_queue.h"
#include "vswitch/sys/netlink/device_offloads.h"

namespace outrider::agent {
namespace {

absl::Status CheckRoot() {
  if (geteuid() == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      "the agent loads eBPF programs and changes network devices: run it as root");
}

absl::StatusOr<VtepPair> ParseVteps(const std::vector<std::string>& texts) {
  auto vteps = VtepPair::Parse(texts);
  if (!vteps.ok()) return Annotate(vteps.status(), "--vtep");
  return vteps;
}

absl::Status CheckHasDevice(sys::NetlinkSocket* netlink, const IpAddress& vtep) {
  const auto device = sys::FindVtepDevice(netlink, vtep);
  if (device.ok()) return absl::OkStatus();
  return absl::Status(
      device.status().code(),
      fmt::format("--vtep: {} (ip address add {}/{} dev DEVICE)", Message(device.status()),
                  vtep.ToString(), vtep.IsV4() ? 24 : 64));
}

std::vector<std::string> Texts(const VtepPair& vteps) {
  std::vector<std::string> texts;
  for (const IpAddress& vtep : vteps.All()) texts.push_back(vtep.ToString());
  return texts;
}

std::vector<std::string> NamesOf(const std::map<std::string, std::string>& uplinks) {
  std::vector<std::string> names;
  for (const auto& [name, device] : uplinks) names.push_back(name);
  return names;
}

bool IsUplink(const Options& options, const std::string& device) {
  return std::any_of(options.uplinks.begin(), options.uplinks.end(),
                     [&](const auto& uplink) { return uplink.second == device; });
}

datapath::ebpf::Options DatapathOptions(const Options& options) {
  datapath::ebpf::Options result;
  result.bpffs = options.bpffs;
  result.tunnel_device = options.tunnel_device;
  result.uplinks = options.uplinks;
  result.encapsulate = options.encapsulation != "kernel";
  result.checksum_v4 = options.underlay_checksums == "all";
  result.checksum_v6 = options.underlay_checksums != "none";
  return result;
}

// Those of Open vSwitch's bridges.
absl::Status RemoveInternalDevices() {
  ASSIGN_OR_RETURN(const auto devices, sys::InternalDevices::Create());
  ASSIGN_OR_RETURN(const auto present, devices->List());
  for (const auto& [port_device, name] : present) RETURN_IF_ERROR(devices->Remove(port_device));
  return absl::OkStatus();
}

// The socket of an agent that was killed goes a moment after its lock.
absl::Status WaitForSocketPath(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  absl::Status status = LocalApi::FreePath(path);
  while (absl::IsAlreadyExists(status) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    status = LocalApi::FreePath(path);
  }
  return status;
}

// Only ever called on the session's loop.
std::function<double()> RandomSource() {
  return [engine = std::mt19937_64(std::random_device()())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Create(const Options& options) {
  RETURN_IF_ERROR(CheckRoot());
  ASSIGN_OR_RETURN(StateDirectory directory, StateDirectory::Lock(options.state_dir));
  std::unique_ptr<Agent> agent(new Agent(options, std::move(directory)));
  RETURN_IF_ERROR(agent->Start());
  return agent;
}

Agent::Agent(Options options, StateDirectory directory)
    : options_(std::move(options)), directory_(std::move(directory)), stations_(options_.bpffs) {}

// Whoever calls goes before what it calls; the datapath on the thread it was made on.
Agent::~Agent() {
  if (reconciler_ != nullptr) {
    RunOn(&reconciler_loop_, [this] { reconciler_->StopWaiting(); });
  }
  local_api_.reset();
  metrics_server_.reset();
  if (guests_ != nullptr) {
    RunOn(&reconciler_loop_, [this] {
      reconciler_->SetAttachmentObserver(nullptr);
      reconciler_->SetUsedIndexQuestion(nullptr);
      reconciler_->SetPauseQuestion(nullptr);
      reconciler_->SetGuestQuestion(nullptr);
    });
    guests_.reset();
  }
  if (underlay_ != nullptr) RunOn(&reconciler_loop_, [this] { underlay_->Stop(); });
  devices_.reset();
  ovs_.reset();
  peer_server_.reset();
  if (session_ != nullptr) session_->Stop();
  if (identity_ != nullptr) identity_->Stop();
  session_loop_.Stop();
  memory_loop_.Stop();
  probe_loop_.Stop();
  if (memory_sender_ != nullptr) memory_sender_->Stop();
  if (datapath_ != nullptr) {
    datapath_->SetEventSink(nullptr);
    RunOn(&reconciler_loop_, [this] { datapath_.reset(); });
  }
  reconciler_loop_.Stop();
}

// A join token works once: it is used after everything that can be wrong with this host was looked
// at.
absl::Status Agent::Start() {
  ASSIGN_OR_RETURN(vteps_, ParseVteps(options_.vteps));
  RETURN_IF_ERROR(WaitForSocketPath(options_.socket));
  ASSIGN_OR_RETURN(store_, LocalStore::Open(directory_.path() + "/agent.db"));
  RETURN_IF_ERROR(StartDatapath());
  ASSIGN_OR_RETURN(const std::string token, ReadJoinToken(options_));
  const IdentityFiles files(directory_.path());
  ASSIGN_OR_RETURN(enrollment_, Join(token, files, store_.get(), WallMicros()));
  ASSIGN_OR_RETURN(identity_,
                   IdentityKeeper::Create(enrollment_, files, &session_loop_, WallMicros));
  StartPeers();
  RETURN_IF_ERROR(StartReconciler());
  RETURN_IF_ERROR(StartSession());
  RETURN_IF_ERROR(StartPorts());
  RETURN_IF_ERROR(StartOvs());
  RETURN_IF_ERROR(StartGuestWatch());
  RETURN_IF_ERROR(StartMetrics());
  return StartLocalApi();
}

absl::Status Agent::StartDatapath() {
  return RunOn(&reconciler_loop_, [this]() -> absl::Status {
    ASSIGN_OR_RETURN(netlink_, sys::NetlinkSocket::Create());
    for (const IpAddress& vtep : vteps_.All()) {
      RETURN_IF_ERROR(CheckHasDevice(netlink_.get(), vtep));
    }
    ASSIGN_OR_RETURN(underlay_mtu_,
                     sys::UnderlayMtu(netlink_.get(), vteps_, options_.underlay_mtu));
    datapath::ebpf::Options options = DatapathOptions(options_);
    options.vteps = vteps_;
    options.underlay_mtu = underlay_mtu_;
    ASSIGN_OR_RETURN(datapath_, datapath::ebpf::EbpfDatapath::Create(options, netlink_.get()));
    return absl::OkStatus();
  });
}

absl::Status Agent::StartReconciler() {
  multicast_ = std::make_unique<MulticastSnooper>(MulticastSnooper::Dependencies{
      .executor = &reconciler_loop_, .path = datapath_.get(), .clock = BootMicros});
  ASSIGN_OR_RETURN(frames_, sys::FrameSender::Create());
  announcer_ = std::make_unique<Announcer>(&reconciler_loop_, frames_.get(), options_.uplinks);
  MakeProber();
  ASSIGN_OR_RETURN(device_counters_, sys::DeviceCounterReader::Create());
  reconciler_ = std::make_unique<Reconciler>(
      Reconciler::Dependencies{.executor = &reconciler_loop_,
                               .datapath = datapath_.get(),
                               .store = store_.get(),
                               .clock = WallMicros,
                               .multicast = multicast_.get(),
                               .announcer = announcer_.get(),
                               .followers = {&arrivals_, memory_sender_.get(),
                                             memory_receiver_.get(), prober_.get(), &free_memory_},
                               .moves = datapath_.get(),
                               .queue = TapQueues(device_counters_.get()),
                               .ask_reader = KernelReaders(),
                               .arrivals = &arrivals_});
  loads_ = std::make_unique<GuestLoads>(
      GuestLoads::Dependencies{.executor = &reconciler_loop_,
                               .takes_checksums = sys::TakesChecksums,
                               .clock = WallMicros,
                               .loaded = [this](const std::string& device, int64_t time_us) {
                                 reconciler_->GuestLoaded(device, time_us);
                               }});
  // Watched first: a device that goes between the reading and the watching would be missed.
  ASSIGN_OR_RETURN(devices_,
                   DeviceWatch::Create([this](const DeviceChange& change) { OnDevice(change); }));
  underlay_ = std::make_unique<UnderlayWatch>(&reconciler_loop_, datapath_.get());
  RETURN_IF_ERROR(underlay_->Start());
  return RunOn(&reconciler_loop_, [this] { return reconciler_->Start(); });
}

absl::Status Agent::StartSession() {
  ASSIGN_OR_RETURN(const std::string instance, AgentInstance(store_->instance_id()));
  streams_ = std::make_unique<GrpcControllerStreamFactory>(
      enrollment_.endpoint, [this] { return identity_->identity(); });
  session_ = std::make_unique<ControllerSession>(
      ControllerSession::Self{
          .host_id = enrollment_.host_id,
          .agent_version = OUTRIDER_VERSION,
          .datapath = datapath_->Kind(),
          .vteps = Texts(vteps_),
          .underlay_mtu = underlay_mtu_,
          .uplinks = NamesOf(options_.uplinks),
          .instance_id = instance,
          .peer_port = static_cast<uint16_t>(peer_server_ == nullptr ? 0 : peer_server_->port())},
      ControllerSession::Dependencies{.executor = &session_loop_,
                                      .reconciler_executor = &reconciler_loop_,
                                      .reconciler = reconciler_.get(),
                                      .streams = streams_.get(),
                                      .counters = datapath_.get(),
                                      .random = RandomSource(),
                                      .clock = WallMicros});
  RunOn(&reconciler_loop_, [this] {
    reconciler_->SetObserver(session_.get());
    multicast_->SetObserver(
        [this](const MulticastSnooper::Groups& groups) { session_->OnMulticastGroups(groups); });
  });
  session_->Start();
  // Not on the reconciler's loop: a full table takes a while, and an edit should not wait for it.
  connections_ = std::make_unique<ConnectionSweep>(&session_loop_, datapath_.get());
  connections_->Start();
  identity_->Start([this] { session_->Reconnect(); });
  return absl::OkStatus();
}

void Agent::OnDevice(const DeviceChange& change) {
  reconciler_loop_.Post([this, change] {
    if (change.device == options_.tunnel_device) return reconciler_->CheckDatapath();
    if (IsUplink(options_, change.device)) return reconciler_->UplinkChanged(change.device);
    if (change.kind == DeviceChange::Kind::kFeatures) return loads_->Changed(change.device);
    if (change.kind == DeviceChange::Kind::kAppeared) {
      return reconciler_->DeviceAppeared(change.device);
    }
    reconciler_->DeviceGone(change.device);
  });
  if (OvsSurfaces* const ovs = ovs_told_) ovs->DeviceChanged();
}

absl::Status Agent::StartPorts() {
  ASSIGN_OR_RETURN(auto netlink, sys::NetlinkSocket::Create());
  ports_ = std::make_unique<PortOperations>(PortOperations::Dependencies{
      .reconciler_executor = &reconciler_loop_,
      .reconciler = reconciler_.get(),
      .store = store_.get(),
      .netlink = std::move(netlink),
      .reserved = {
          .tunnel = options_.tunnel_device, .uplinks = options_.uplinks, .vteps = vteps_}});
  return absl::OkStatus();
}

absl::Status Agent::StartOvs() {
  if (options_.ovs_rundir.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      ovs_, OvsSurfaces::Create(
                {.rundir = options_.ovs_rundir,
                 .host_id = enrollment_.host_id,
                 .version = OUTRIDER_VERSION,
                 .mtu = underlay_mtu_ - vteps_.Overhead()},
                {.store = store_.get(),
                 .ports = ports_.get(),
                 .reconciler_executor = &reconciler_loop_,
                 .reconciler = reconciler_.get(),
                 .counters = datapath_.get(),
                 .tracer = datapath_.get(),
                 .stations = &stations_,
                 .on_port_data_read =
                     [this] { reconciler_loop_.Post([this] { reconciler_->PortDataRead(); }); },
                 .on_exit = [] { kill(getpid(), SIGTERM); }}));
  ovs_told_ = ovs_.get();
  return absl::OkStatus();
}

void Agent::DescribeOvs(v1::AgentStatus* status) {
  if (ovs_ == nullptr) return;
  const OvsSurfaces::Summary summary = ovs_->Summarize();
  status->set_ovs_bridges(static_cast<uint32_t>(summary.bridges));
  for (const std::string& one : summary.without_effect) status->add_ovs_without_effect(one);
}

v1::AgentStatus Agent::Self() const {
  v1::AgentStatus self;
  self.set_host_id(enrollment_.host_id);
  self.set_version(OUTRIDER_VERSION);
  self.set_datapath(datapath_->Kind());
  for (const std::string& vtep : Texts(vteps_)) self.add_vteps(vtep);
  self.set_underlay_mtu(underlay_mtu_);
  self.set_controller(enrollment_.endpoint);
  self.set_started_us(started_us_);
  self.set_ovs_rundir(options_.ovs_rundir);
  return self;
}

absl::Status Agent::StartLocalApi() {
  ASSIGN_OR_RETURN(
      local_api_,
      LocalApi::Create(options_.socket,
                       {.ports = ports_.get(),
                        .reconciler_executor = &reconciler_loop_,
                        .reconciler = reconciler_.get(),
                        .counters = datapath_.get(),
                        .connections = datapath_.get(),
                        .stations = &stations_,
                        .tracer = datapath_.get(),
                        .capture = datapath_.get(),
                        .session = [this] { return session_->status(); },
                        .certificate_expiry = [this] { return identity_->facts().not_after_us; },
                        .describe_ovs = [this](v1::AgentStatus* status) { DescribeOvs(status); },
                        .self = Self()}));
  spdlog::info("agent of host \"{}\" runs: VTEP {}, underlay MTU {}, controller {}, socket {}",
               enrollment_.host_id, vteps_.ToString(), underlay_mtu_, enrollment_.endpoint,
               options_.socket);
  for (const auto& [name, device] : options_.uplinks) {
    spdlog::info("uplink \"{}\": device {}", name, device);
  }
  return absl::OkStatus();
}

absl::Status Agent::StartMetrics() {
  if (options_.metrics_listen.empty()) return absl::OkStatus();
  metrics_ = std::make_unique<AgentMetrics>(AgentMetrics::Dependencies{
      .reconciler_executor = &reconciler_loop_,
      .reconciler = reconciler_.get(),
      .counters = datapath_.get(),
      .memory = datapath_.get(),
      .underlay = datapath_.get(),
      .session = [this] { return session_->status(); },
      .certificate_expiry = [this] { return identity_->facts().not_after_us; },
      .version = OUTRIDER_VERSION,
      .started_us = started_us_});
  ASSIGN_OR_RETURN(metrics_server_, MetricsServer::Start(options_.metrics_listen,
                                                         [this] { return metrics_->Collect(); }));
  return absl::OkStatus();
}

absl::Status Agent::Uninstall(const Options& options) {
  RETURN_IF_ERROR(CheckRoot());
  // Only where an agent has been: uninstalling makes no directory.
  std::optional<StateDirectory> lock;
  if (std::error_code error; std::filesystem::exists(options.state_dir, error)) {
    ASSIGN_OR_RETURN(StateDirectory directory, StateDirectory::Lock(options.state_dir));
    lock.emplace(std::move(directory));
  }
  RETURN_IF_ERROR(RemoveInternalDevices());
  ASSIGN_OR_RETURN(const auto netlink, sys::NetlinkSocket::Create());
  return datapath::ebpf::EbpfDatapath::Uninstall(DatapathOptions(options), netlink.get());
}

}  // namespace outrider::agent
