// Parts of the agent that ports need to move: peers, the word of hypervisors, probes.
#include <spdlog/spdlog.h>

#include <filesystem>
#include <random>

#include "vswitch/agent/agent.h"
#include "vswitch/agent/kernel_reader.h"

namespace outrider::agent {

void Agent::StartPeers() {
  peer_links_ =
      std::make_unique<GrpcPeerLinks>([this] { return identity_->identity(); }, WallMicros);
  memory_sender_ = std::make_unique<MemorySender>(MemorySender::Dependencies{
      .executor = &memory_loop_,
      .memory = datapath_.get(),
      .counters = datapath_.get(),
      .links = peer_links_.get(),
      .clock = WallMicros,
      .memberships = [this](const PortId& id) {
        return RunOn(&reconciler_loop_, [&] { return multicast_->MembershipsOf(id); });
      }});
  memory_receiver_ = std::make_unique<MemoryReceiver>(MemoryReceiver::Dependencies{
      .executor = &memory_loop_,
      .memory = datapath_.get(),
      .random = [] { return std::random_device()() + 1ull; },
      .memberships =
          [this](const PortId& id, const std::vector<Membership>& known) {
            reconciler_loop_.Post([this, id, known] { multicast_->TakeOver(id, known); });
          },
      .arrivals = &arrivals_});
  if (options_.peer_port == 0) return;
  auto server = PeerServer::Create({.addresses = vteps_,
                                    .port = options_.peer_port,
                                    .certificate_file = directory_.path() + "/host.crt",
                                    .key_file = directory_.path() + "/host.key"},
                                   {.receiver = memory_receiver_.get(),
                                    .identity = [this] { return identity_->identity(); },
                                    .clock = WallMicros});
  if (server.ok()) {
    peer_server_ = *std::move(server);
  } else {
    // Ports still move; what they remember is found out anew.
    spdlog::error("{}", Message(server.status()));
  }
}

void Agent::MakeProber() {
  prober_ = std::make_unique<MoveProber>(MoveProber::Dependencies{
      .executor = &probe_loop_,
      .injection = datapath_.get(),
      .open =
          [](const datapath::InjectionPoint& point, uint16_t identifier) {
            return sys::EchoSocket::Open(point.ifindex, point.mark, identifier);
          },
      .clock = MonotonicMicros,
      .random = [] { return uint64_t{std::random_device()()} << 32 | std::random_device()(); },
      .tell =
          [this](const ProbeReport& report) {
            reconciler_loop_.Post([this, report] { reconciler_->TellProbe(report); });
          }});
}

// Not on the reconciler's loop: there may be many processes.
KernelReaderQuestion Agent::KernelReaders() {
  if (std::error_code error; !std::filesystem::exists(kVhostNet, error)) return nullptr;
  return [this](const std::string& device, const std::function<void(bool)>& done) {
    memory_loop_.Post([this, device, done] {
      const bool by_kernel = IsReadByKernel("/proc", device);
      reconciler_loop_.Post([done, by_kernel] { done(by_kernel); });
    });
  };
}

absl::Status Agent::StartGuestWatch() {
  const auto tell = [this](const std::set<PortId>& ports, bool runs, const GuestWord& word) {
    reconciler_loop_.Post([this, ports, runs, word] {
      for (const PortId& id : ports) {
        runs ? reconciler_->GuestResumed(id, word) : reconciler_->GuestPaused(id, word);
      }
    });
  };
  ASSIGN_OR_RETURN(guests_, GuestWatch::Create(options_.libvirt, tell));
  RunOn(&reconciler_loop_, [this] {
    reconciler_->SetAttachmentObserver(
        [this](const state::Attachments& attachments) { guests_->Follow(attachments); });
    reconciler_->SetPauseQuestion([this] { guests_->AskWhoPaused(); });
    reconciler_->SetUsedIndexQuestion([this](const PortId& id, const UsedIndexDone& done) {
      guests_->AskUsedIndex(
          id, [this, done](uint16_t used) { reconciler_loop_.Post([done, used] { done(used); }); });
    });
    reconciler_->SetGuestQuestion([this](const PortId& id) { guests_->AskAnew(id); });
  });
  return absl::OkStatus();
}

}  // namespace outrider::agent
