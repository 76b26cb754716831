// A Datapath in memory that keeps every promise of datapath.h (the contract suite runs over it),
// for tests of what stands above: devices that come and go, failures, first frames and frames of
// moving ports on command.
//
// Thread rule: any thread; one lock. Events are delivered on the thread that injects them.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_DATAPATH_H_
#define OUTRIDER_TESTS_FAKES_FAKE_DATAPATH_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/fake_moves.h"
#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/move_path.h"

namespace outrider::datapath {

class FakeDatapath final : public Datapath, public DatapathCounters, public MovePath {
 public:
  struct Options {
    // Layer-3, bytes.
    uint32_t underlay_mtu = 1500;
    // Every device exists until it is removed; otherwise none until it is added.
    bool any_device_exists = true;
  };
  FakeDatapath() : FakeDatapath(Options()) {}
  explicit FakeDatapath(const Options& options) : options_(options) {}

  std::string Kind() const override { return "fake"; }
  absl::StatusOr<state::HostState> ReadState() override;
  ApplyResult Apply(const state::StateDelta& delta) override;
  void AllowOlderEpoch(const PortId& id) override;
  absl::StatusOr<std::set<PortId>> FindLostPorts() override;
  std::set<Vni> FindLostSegments() override;
  void SetEventSink(EventSink* sink) override;
  absl::StatusOr<std::map<PortId, PortCounters>> ReadPorts() override;
  absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDrops() override;

  absl::StatusOr<DeliveredFrames> Delivered(const PortId& id) override;
  absl::Status Redirect(const PortId& id, std::optional<uint64_t> first,
                        uint64_t paused_boot_ns) override;
  absl::Status TakeBack(const PortId& id) override;
  absl::StatusOr<MoveCounts> ReadMove(const PortId& id) override;

  // ---- The host around it ----
  // A device appears (also: is replaced by another one of the same name), or vanishes.
  void AddDevice(const std::string& name);
  void RemoveDevice(const std::string& name);
  // A first frame: recorded as the kernel does it, so only while the port is armed or reports, and
  // once; an armed port is open from here on. True when a sink was called.
  bool InjectFirstFrame(const PortId& port, uint16_t ether_type, int64_t time_us);
  // Any later frame of a guest: takes a redirect back. True when a sink was called.
  bool InjectGuestFrame(const PortId& port, int64_t time_us);
  // A frame for the guest; recorded while the port is watched.
  FrameFate InjectDelivery(const PortId& port, uint64_t boot_ns,
                           const std::optional<MacAddress>& destination = std::nullopt);
  // A marked frame from another host. The port it is for; nullopt: it is refused.
  std::optional<PortId> InjectArrival(const IpAddress& source, uint16_t label);
  // Of ReadMove, at a destination.
  void SetArrivalCounts(const PortId& port, uint64_t arrived, uint64_t refused);
  void SetCounters(const PortId& port, const PortCounters& counters);
  void SetHostDrops(const std::map<std::string, uint64_t>& drops);

  // ---- Failure injection ----
  // The next `times` upserts of the object (its canonical key, as in ObjectFailure) fail with
  // `status`; a failing port is blocked, any other object stays as it was.
  void FailUpsert(ObjectKind kind, const std::string& key, const absl::Status& status,
                  int times = 1);
  // The next `times` calls of ReadState fail.
  void FailReadState(const absl::Status& status, int times = 1);

  // The segment does not reach its network: upserts of it fail with `status` until it is OK.
  void LoseSegment(const Vni& vni, const absl::Status& status);

  // ---- What was asked of it ----
  std::vector<state::StateDelta> applied() const;
  uint64_t total_written() const;
  uint64_t total_deleted() const;
  // Sequence numbers of the port's frames that went after its guest, replayed and redirected.
  std::vector<uint64_t> SentAfter(const PortId& port) const;

 private:
  // Which device of a name: grows with every AddDevice, so that a device is told from its
  // replacement.
  using Incarnation = uint64_t;
  struct Binding {
    std::string device;
    Incarnation incarnation = 0;
    bool operator==(const Binding&) const = default;
  };

  // nullopt: there is no such device.
  std::optional<Incarnation> FindDevice(const std::string& name) const;
  state::HostState ReadLocked() const;
  // Whether the port has the device it was bound to.
  bool IsBound(const PortId& id) const;
  absl::Status UpsertSegment(const Vni& vni, const state::Segment& segment);
  absl::Status UpsertPort(const PortId& id, state::Port port);
  // What is missing is taken out of `port`, which is then blocked.
  absl::Status Resolve(const PortId& id, state::Port* port) const;
  absl::Status Bind(const PortId& id, state::Port* port);
  void PrepareFirstFrame(const PortId& id, const state::Port& port);
  absl::Status UpsertDeparture(const PortId& id, const state::Departure& departure);
  absl::Status UpsertFdb(const state::FdbKey& key, const state::FdbEntry& entry);
  // After port or departure changed.
  void RefreshMove(const PortId& id);
  void DeletePort(const PortId& id);
  absl::Status TakeFailure(ObjectKind kind, const std::string& key);
  void RefreshPorts(const state::StateDelta& delta, const std::set<Vni>& changed,
                    ApplyResult* result);
  void Write(const state::StateDelta& delta, ApplyResult* result);
  void Delete(const state::StateDelta& delta, ApplyResult* result);

  const Options options_;
  mutable std::mutex mutex_;
  state::HostState state_;
  // Ports as they were asked for, while they could not be had.
  std::map<PortId, state::Port> wanted_;
  std::map<std::string, Incarnation> devices_;
  std::set<std::string> removed_devices_;
  std::map<PortId, Binding> bindings_;
  FakeMoves moves_;
  // First frames seen, as or_first_frames.
  std::map<PortId, FirstFrameEvent> first_frames_;
  std::set<PortId> any_epoch_;
  std::map<std::pair<ObjectKind, std::string>, std::pair<absl::Status, int>> upsert_failures_;
  std::map<Vni, absl::Status> lost_segments_;
  std::pair<absl::Status, int> read_failure_{absl::OkStatus(), 0};
  std::map<PortId, PortCounters> counters_;
  std::map<std::string, uint64_t> host_drops_;
  std::vector<state::StateDelta> applied_;
  uint64_t total_written_ = 0;
  uint64_t total_deleted_ = 0;
  Incarnation next_incarnation_ = 1;

  // Apart from mutex_, and held during a call: SetEventSink returns when the old sink is left
  // alone.
  std::mutex sink_mutex_;
  EventSink* sink_ = nullptr;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_DATAPATH_H_
