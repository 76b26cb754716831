// Two hosts with an underlay between them, over IPv4 or IPv6, and a guest that moves from one to
// the other: port 1, device "port1" on both. Guests 2 (at the source) and 3 (at the destination)
// stay.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_MOVE_FIXTURE_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_MOVE_FIXTURE_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {

// What a datapath has told.
class EventLog final : public EventSink {
 public:
  void OnFirstFrame(const FirstFrameEvent& event) override;
  void OnReturned(const ReturnedEvent& event) override;
  // The first event of its kind, waited for at most 5 s.
  std::optional<FirstFrameEvent> AwaitFirstFrame();
  std::optional<ReturnedEvent> AwaitReturned();

 private:
  std::mutex mutex_;
  std::vector<FirstFrameEvent> first_frames_;
  std::vector<ReturnedEvent> returned_;
};

// A card that hides the frame that goes before all that follows a guest (OR_ETHERTYPE_LEAD).
class LedGuest final : public Guest {
 public:
  explicit LedGuest(std::unique_ptr<Guest> card) : card_(std::move(card)) {}
  void Send(const tests::Bytes& frame) override { card_->Send(frame); }
  std::optional<tests::Bytes> Receive() override;
  std::vector<tests::Bytes> Drain() override;
  // How many it has hidden.
  int leads() const { return leads_; }

 private:
  bool Hides(const tests::Bytes& frame);

  const std::unique_ptr<Guest> card_;
  int leads_ = 0;
};

class MoveHosts {
 public:
  static constexpr uint16_t kLabel = 77;
  static constexpr uint32_t kMtu = 1430;

  explicit MoveHosts(bool ipv6 = false);
  ~MoveHosts();

  EbpfHost& a() { return a_; }
  EbpfHost& b() { return b_; }
  // The moving guest at the source and at the destination, and those that stay.
  Guest& old_guest() { return *old_; }
  LedGuest& new_guest() { return *new_; }
  Guest& neighbor_of_old() { return *two_; }
  Guest& neighbor_of_new() { return *three_; }
  EventLog& events_of_a() { return events_of_a_; }
  EventLog& events_of_b() { return events_of_b_; }
  IpAddress vtep_a() const { return tests::Ip(ipv6_ ? "fd99::1" : "10.99.0.1"); }
  IpAddress vtep_b() const { return tests::Ip(ipv6_ ? "fd99::2" : "10.99.0.2"); }

  // The states of both hosts while the migration is armed.
  state::HostState SourceState() const;
  state::HostState DestinationState() const;
  // Both hosts as they are then.
  void Arm();

  // MovePath's calls at the source.
  absl::Status Redirect(std::optional<uint64_t> first,
                        uint64_t paused_boot_ns = MovePath::kNoPause);
  absl::Status TakeBack();
  // Redirect as one leaves it who dies before it sends anything: the next one sends all that
  // stands.
  void BeginRedirect(uint64_t first);
  DeliveredFrames Delivered();
  MoveCounts CountsOfA();
  MoveCounts CountsOfB();
  PortCounters CountersOf(EbpfHost* host);

 private:
  const bool ipv6_;
  EbpfHost a_;
  EbpfHost b_;
  std::unique_ptr<Guest> old_;
  std::unique_ptr<LedGuest> new_;
  std::unique_ptr<Guest> two_;
  std::unique_ptr<Guest> three_;
  EventLog events_of_a_;
  EventLog events_of_b_;
};

inline const PortId kMoving = tests::MakePortId(1);

// UDP from guest `from` to guest 1, with a number in it, and back.
tests::Bytes NumberedFrame(int from, uint32_t number);
uint32_t NumberOf(const tests::Bytes& frame);
std::vector<uint32_t> NumbersOf(const std::vector<tests::Bytes>& frames);
// `first`, ..., `end` - 1.
std::vector<uint32_t> Numbers(uint32_t first, uint32_t end);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_MOVE_FIXTURE_H_
