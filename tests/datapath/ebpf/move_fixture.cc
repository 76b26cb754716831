#include "tests/datapath/ebpf/move_fixture.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <numeric>
#include <thread>

#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/sys/bpf/bpffs.h"
#include "vswitch/sys/bpf/program_run.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr size_t kNumberOffset = 14 + 20 + 8;

// What the kernel does a moment after a call tells nobody of itself.
template <typename Event>
std::optional<Event> Await(std::mutex* mutex, const std::vector<Event>& events) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < deadline) {
    {
      const std::lock_guard lock(*mutex);
      if (!events.empty()) return events.front();
    }
    std::this_thread::yield();
  }
  return std::nullopt;
}

void SetUnderlay(EbpfHost* host, bool ipv6, const std::string& number) {
  if (ipv6) {
    tests::AllowIpv6(host->netns(), "underlay");
    tests::AddAddress(host->netns(), "underlay", "fd99::" + number + "/64");
  } else {
    tests::AddAddress(host->netns(), "underlay", "10.99.0." + number + "/24");
  }
}

}  // namespace

void EventLog::OnFirstFrame(const FirstFrameEvent& event) {
  const std::lock_guard lock(mutex_);
  first_frames_.push_back(event);
}

void EventLog::OnReturned(const ReturnedEvent& event) {
  const std::lock_guard lock(mutex_);
  returned_.push_back(event);
}

std::optional<FirstFrameEvent> EventLog::AwaitFirstFrame() { return Await(&mutex_, first_frames_); }

std::optional<ReturnedEvent> EventLog::AwaitReturned() { return Await(&mutex_, returned_); }

MoveHosts::MoveHosts(bool ipv6)
    : ipv6_(ipv6),
      a_(ipv6 ? "fd99::1" : "10.99.0.1"),
      b_(ipv6 ? "fd99::2" : "10.99.0.2"),
      old_(MakeGuest(GuestKind::kVeth, &a_, "port1")),
      new_(std::make_unique<LedGuest>(MakeGuest(GuestKind::kVeth, &b_, "port1"))),
      two_(MakeGuest(GuestKind::kVeth, &a_, "port2")),
      three_(MakeGuest(GuestKind::kVeth, &b_, "port3")) {
  tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                    {.netns = &b_.netns(), .name = "underlay"});
  SetUnderlay(&a_, ipv6, "1");
  SetUnderlay(&b_, ipv6, "2");
  a_.Start();
  b_.Start();
  a_.In([&] { a_.datapath().SetEventSink(&events_of_a_); });
  b_.In([&] { b_.datapath().SetEventSink(&events_of_b_); });
}

// Behind a VLAN tag or not.
bool LedGuest::Hides(const tests::Bytes& frame) {
  const auto type_at = [&](size_t offset) {
    return frame.size() < offset + 2 ? 0 : frame[offset] << 8 | frame[offset + 1];
  };
  const bool tagged = type_at(12) == 0x8100;
  const bool hides = type_at(tagged ? 16 : 12) == OR_ETHERTYPE_LEAD;
  leads_ += hides ? 1 : 0;
  return hides;
}

std::optional<tests::Bytes> LedGuest::Receive() {
  auto frame = card_->Receive();
  return frame && Hides(*frame) ? card_->Receive() : frame;
}

std::vector<tests::Bytes> LedGuest::Drain() {
  auto frames = card_->Drain();
  std::erase_if(frames, [this](const tests::Bytes& frame) { return Hides(frame); });
  return frames;
}

MoveHosts::~MoveHosts() {
  a_.In([&] { a_.datapath().SetEventSink(nullptr); });
  b_.In([&] { b_.datapath().SetEventSink(nullptr); });
}

state::HostState MoveHosts::SourceState() const {
  state::HostState state = EmptySegment({vtep_b()});
  state.segments[kSegment].mtu = kMtu;
  AddPort(1, "port1", &state);
  AddPort(2, "port2", &state);
  AddRemote(3, vtep_b().ToString(), &state);
  state.departures[kMoving] = {
      .migration_id = "m-1", .vtep = vtep_b(), .epoch = Epoch{2}, .label = kLabel};
  return state;
}

state::HostState MoveHosts::DestinationState() const {
  state::HostState state = EmptySegment({vtep_a()});
  state.segments[kSegment].mtu = kMtu;
  AddPort(1, "port1", &state);
  state.ports[kMoving].phase = state::PortPhase::kArmed;
  state.ports[kMoving].epoch = Epoch{2};
  state.ports[kMoving].migration_id = "m-1";
  state.ports[kMoving].arrival = state::Arrival{.vtep = vtep_a(), .label = kLabel};
  AddPort(3, "port3", &state);
  // Until the switch, the guest is at the source.
  AddRemote(1, vtep_a().ToString(), &state);
  AddRemote(2, vtep_a().ToString(), &state);
  return state;
}

void MoveHosts::Arm() {
  a_.Become(SourceState());
  b_.Become(DestinationState());
}

absl::Status MoveHosts::Redirect(std::optional<uint64_t> first, uint64_t paused_boot_ns) {
  return a_.In([&] { return a_.datapath().Redirect(kMoving, first, paused_boot_ns); });
}

void MoveHosts::BeginRedirect(uint64_t first) {
  const std::string& bpffs = a_.options().bpffs;
  const auto raw =
      sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(bpffs), DatapathMaps::Names()).value();
  const uint32_t index = FindPortIndex(DatapathMaps(raw.get()), kMoving).value();
  const std::string programs = fmt::format("{}/v{}/progs", bpffs, OR_ABI_VERSION);
  const std::string version = sys::ListPins(programs).value().at(0);
  const auto program = sys::OpenPin(programs + "/" + version + "/or_move_port").value();
  ASSERT_EQ(sys::RunProgram(
                program.get(),
                {.mark = abi::OR_MOVE_REDIRECT, .cb0 = index, .cb1 = static_cast<uint32_t>(first)})
                .value(),
            1u);
}

absl::Status MoveHosts::TakeBack() {
  return a_.In([&] { return a_.datapath().TakeBack(kMoving); });
}

DeliveredFrames MoveHosts::Delivered() { return a_.datapath().Delivered(kMoving).value(); }

MoveCounts MoveHosts::CountsOfA() { return a_.datapath().ReadMove(kMoving).value(); }

MoveCounts MoveHosts::CountsOfB() { return b_.datapath().ReadMove(kMoving).value(); }

PortCounters MoveHosts::CountersOf(EbpfHost* host) {
  return host->datapath().ReadPorts().value().at(kMoving);
}

tests::Bytes NumberedFrame(int from, uint32_t number) {
  tests::Bytes payload(64, 0xab);
  for (size_t i = 0; i < 4; ++i) payload[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  return tests::PacketBuilder(MacOf(1), MacOf(from))
      .Ipv4({.src = IpOf(from), .dst = IpOf(1)})
      .Udp(1234, 4000)
      .Payload(payload)
      .Build();
}

uint32_t NumberOf(const tests::Bytes& frame) {
  if (frame.size() < kNumberOffset + 4) return ~0u;
  const uint8_t* at = frame.data() + kNumberOffset;
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

std::vector<uint32_t> NumbersOf(const std::vector<tests::Bytes>& frames) {
  std::vector<uint32_t> numbers;
  for (const tests::Bytes& frame : frames) numbers.push_back(NumberOf(frame));
  return numbers;
}

std::vector<uint32_t> Numbers(uint32_t first, uint32_t end) {
  std::vector<uint32_t> numbers(end - first);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

}  // namespace outrider::datapath::ebpf
