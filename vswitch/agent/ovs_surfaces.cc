#include "vswitch/agent/ovs_surfaces.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "vswitch/ovs/unixctl_log_commands.h"
#include "vswitch/ovs/unixctl_switch_commands.h"

namespace outrider::agent {
namespace {

constexpr char kInterface[] = "Interface";

std::string Hostname() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? ErrnoStatus(error.value(), "--ovs-rundir " + path) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OvsSurfaces>> OvsSurfaces::Create(const Options& options,
                                                                 Dependencies dependencies) {
  RETURN_IF_ERROR(MakeFolder(options.rundir));
  std::unique_ptr<OvsSurfaces> surfaces(new OvsSurfaces(options, std::move(dependencies)));
  ASSIGN_OR_RETURN(surfaces->loop_, stream::PollLoop::Create());
  surfaces->loop_->Start("ovs");
  absl::Status status;
  surfaces->loop_->RunOn([&] { status = surfaces->Start(); });
  if (!status.ok()) {
    return Annotate(status,
                    "--ovs-rundir " + options.rundir + " (another folder, or \"\" for none)");
  }
  spdlog::info("Open vSwitch's clients are served in {}", options.rundir);
  return surfaces;
}

OvsSurfaces::OvsSurfaces(Options options, Dependencies dependencies)
    : options_(std::move(options)),
      dependencies_(std::move(dependencies)),
      rows_(dependencies_.store) {}

OvsSurfaces::~OvsSurfaces() {
  loop_->RunOn([this] { Stop(); });
  loop_->Stop();
  ports_.reset();
  ports_loop_.Stop();
}

// Whoever calls goes before what it calls.
void OvsSurfaces::Stop() {
  *alive_ = false;
  openflow_.reset();
  unixctl_.reset();
  server_.reset();
  facts_.reset();
  view_.reset();
  database_.reset();
}

absl::Status OvsSurfaces::Start() {
  ASSIGN_OR_RETURN(auto internal, sys::InternalDevices::Create());
  ASSIGN_OR_RETURN(auto counters, sys::DeviceCounterReader::Create());
  ports_ = std::make_unique<OvsPorts>(
      OvsPorts::Dependencies{.executor = &ports_loop_,
                             .ports = dependencies_.ports,
                             .reconciler_executor = dependencies_.reconciler_executor,
                             .reconciler = dependencies_.reconciler,
                             .store = dependencies_.store,
                             .internal = std::move(internal),
                             .counters = std::move(counters),
                             .mtu = options_.mtu});
  ASSIGN_OR_RETURN(database_, ovs::Database::Open(ovsdb::OpenVSwitchSchema(), &rows_));
  RETURN_IF_ERROR(StartView());
  return StartSockets();
}

absl::Status OvsSurfaces::StartView() {
  view_ = std::make_unique<ovs::SwitchView>(ovs::SwitchView::Dependencies{
      .database = database_.get(),
      .ports = ports_.get(),
      .post = [this](std::function<void()> work) { loop_->Post(std::move(work)); },
      .post_after = [this](
                        std::chrono::milliseconds delay,
                        std::function<void()> work) { loop_->PostAfter(delay, std::move(work)); },
      .clock = std::chrono::steady_clock::now});
  RETURN_IF_ERROR(view_->Start(
      {.system_id = options_.host_id, .hostname = Hostname(), .version = options_.version}));
  facts_ = std::make_unique<HostFacts>(
      HostFacts::Dependencies{.database = database_.get(),
                              .view = view_.get(),
                              .reconciler_executor = dependencies_.reconciler_executor,
                              .reconciler = dependencies_.reconciler,
                              .counters = dependencies_.counters,
                              .tracer = dependencies_.tracer,
                              .stations = dependencies_.stations,
                              .clock = std::chrono::steady_clock::now,
                              .version = options_.version});
  return absl::OkStatus();
}

absl::Status OvsSurfaces::StartSockets() {
  ovs::AddLogCommands(&commands_);
  ovs::AddSwitchCommands(facts_.get(), database_.get(), dependencies_.on_exit, &commands_);
  ovs::AddFlowCommands(facts_.get(), &commands_);
  ovs::AddTraceCommand(facts_.get(), &commands_);
  ASSIGN_OR_RETURN(
      unixctl_, ovs::UnixctlServer::Create(loop_.get(), &commands_, {.run_dir = options_.rundir}));
  openflow_ = std::make_unique<ovs::OpenFlowServer>(
      loop_.get(), facts_.get(), ovs::OpenFlowServer::Options{.directory = options_.rundir});
  ServeBridges();
  for (const auto& [uuid, row] : database_->tables().at(kInterface)) facts_->NoteInterface(uuid);
  // Bridges come and go by commits; not from within one.
  database_->AddObserver([this](const ovs::Changes& changes) {
    for (const ovs::RowChange& change : changes) {
      NoteInterface(change);
      if (change.table != "Bridge" || std::exchange(serve_posted_, true)) continue;
      loop_->Post([this, alive = alive_] {
        if (*alive) ServeBridges();
      });
    }
  });
  ASSIGN_OR_RETURN(server_,
                   ovs::OvsdbServer::Create(loop_.get(), database_.get(),
                                            {.socket_path = options_.rundir + "/db.sock"}));
  server_->service()->HoldAnswers(
      [this](std::function<void()> answer) { view_->AnswerWhenInForce(std::move(answer)); });
  server_->service()->OnPortDataRead(dependencies_.on_port_data_read);
  return absl::OkStatus();
}

void OvsSurfaces::NoteInterface(const ovs::RowChange& change) {
  if (change.table != kInterface) return;
  if (change.before == nullptr) facts_->NoteInterface(change.uuid);
  if (change.after == nullptr) facts_->ForgetInterface(change.uuid);
}

void OvsSurfaces::ServeBridges() {
  serve_posted_ = false;
  std::set<std::string> names;
  for (const auto& [name, bridge] : view_->config().bridges) names.insert(name);
  if (const absl::Status status = openflow_->SetBridges(names); !status.ok()) {
    spdlog::warn("OpenFlow: {}", Message(status));
  }
}

void OvsSurfaces::DeviceChanged() { ports_->DeviceChanged(); }

OvsSurfaces::Summary OvsSurfaces::Summarize() {
  Summary summary;
  loop_->RunOn([&] {
    summary.bridges = view_->config().bridges.size();
    summary.without_effect = ovs::NotActedOn(database_->schema(), database_->tables());
  });
  return summary;
}

}  // namespace outrider::agent
