// What the reconciler tells about ports and generations: receipts once per change, first frames,
// activations and devices that did not stay until the controller has taken them in,
// acknowledgements with failures. Owns what was
// told last. Knows no wire.
//
// Thread rule: the reconciler's thread; the observer is called on it and must not block.
#ifndef OUTRIDER_VSWITCH_AGENT_PORT_REPORTS_H_
#define OUTRIDER_VSWITCH_AGENT_PORT_REPORTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/agent/executor.h"
#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/move_path.h"
#include "vswitch/state/attachment.h"
#include "vswitch/state/host_state.h"

namespace outrider::agent {

// What is in force for a port. `digest` is the same on every host (proto/digest.h).
struct PortReceipt {
  PortId port;
  std::string profile;
  uint32_t profile_revision = 0;
  std::string digest;
  state::PortPhase phase = state::PortPhase::kBlocked;
  Epoch epoch{};
  // Of the move the port is in; empty: of none. A receipt is of its move: another move to the same
  // state is told again.
  std::string migration_id;
  Generation generation{};
  // Wall clock, microseconds since the Unix epoch; so in all reports.
  int64_t time_us = 0;
};

// PortEvent::trigger.
inline constexpr char kFirstFrameTrigger[] = "first-frame";
inline constexpr char kPortDataTrigger[] = "port-data";
inline constexpr char kApiTrigger[] = "api";
inline constexpr char kQmpTrigger[] = "qmp";
inline constexpr char kLibvirtTrigger[] = "libvirt";
inline constexpr char kFrameTrigger[] = "frame";
inline constexpr char kDepartedTrigger[] = "departed";
inline constexpr char kTapFeaturesTrigger[] = "tap-features";

struct PortEvent {
  enum class Kind {
    kAttached,
    kDetached,
    kFirstFrame,
    kActivated,
    kPaused,
    kResumed,
    kRedirected,
    kLoaded,
  };
  Kind kind = Kind::kAttached;
  PortId port;
  // With kAttached.
  std::optional<state::Attachment> attachment;
  Epoch epoch{};
  int64_t time_us = 0;
  // With kFirstFrame; host byte order.
  uint16_t ether_type = 0;
  // With kAttached: not answered by the controller yet.
  bool claim = false;
  // With kActivated, kPaused, kResumed, kRedirected, kLoaded; see session.proto.
  std::string trigger = {};
  // With kPaused, kResumed, kRedirected, kLoaded.
  std::string migration_id = {};
};

// How the frames of a moving port fare on this host; session.proto has when it is told.
struct MoveReport {
  PortId port;
  std::string migration_id;
  datapath::MoveCounts counts;
  // At the source; 0: not known.
  int64_t redirect_delay_us = 0;
  // At the destination.
  uint64_t connections = 0;
  uint64_t adopted = 0;
};

// What became of a probe's requests; migration.proto has what each means.
struct ProbeCounts {
  uint64_t sent = 0;
  uint64_t answered = 0;
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  int64_t longest_gap_us = 0;
  int64_t usual_gap_us = 0;
  int64_t round_trip_us = 0;
  bool operator==(const ProbeCounts&) const = default;
};

// What was seen of a port of another host that moved, when its probe is over.
struct ProbeReport {
  PortId port;
  std::string migration_id;
  // In whose name.
  PortId from;
  ProbeCounts counts;
  // Why it is not all; empty: it is.
  std::string failure;
};

struct Acknowledgement {
  Generation generation{};
  std::vector<datapath::ObjectFailure> failures;
  int64_t time_us = 0;
};

class ReportObserver {
 public:
  virtual ~ReportObserver() = default;
  virtual void OnAcknowledgement(const Acknowledgement& acknowledgement) = 0;
  virtual void OnReceipt(const PortReceipt& receipt) = 0;
  virtual void OnPortEvent(const PortEvent& event) = 0;
  virtual void OnMoveReport(const MoveReport& report) = 0;
  virtual void OnProbeReport(const ProbeReport& report) = 0;
};

class PortReports {
 public:
  explicit PortReports(WallClock clock) : clock_(std::move(clock)) {}
  void SetObserver(ReportObserver* observer) { observer_ = observer; }

  void Attached(const PortId& id, const state::Attachment& attachment, bool claim);
  // `migration_id`: of the move that the port is in; empty: none.
  void Detached(const PortId& id, const std::string& migration_id);

  // What is in force for the port, `generation` being held: logged when it changed, and told if the
  // controller knows the port.
  void InForce(const PortId& id, const state::Port& port, Generation generation, bool known);
  // The port is no more.
  void Gone(const PortId& id);
  void FirstFrame(const datapath::FirstFrameEvent& frame, Epoch epoch);
  void Activated(const PortId& id, Epoch epoch, int64_t time_us, const std::string& trigger);
  // Whether Activated was called for it.
  bool IsActivated(const PortId& id, Epoch epoch) const;
  // Told when generation or failures differ from the last time.
  void Applied(Generation generation, const std::vector<datapath::ObjectFailure>& failures);

  // Tells all of it anew: of every port in `applied` that `controller` has. The next Applied is
  // told whatever was told before.
  void Repeat(const state::HostState& controller, const state::HostState& applied,
              Generation generation);

 private:
  struct Seen {
    datapath::FirstFrameEvent frame;
    Epoch epoch{};
  };
  PortReceipt MakeReceipt(const PortId& id, const state::Port& port, Generation generation) const;
  // What opened a port by itself, and when.
  struct Opening {
    Epoch epoch{};
    int64_t time_us = 0;
    std::string trigger;
  };
  // A device of a port in a move, which is there no longer.
  struct Departed {
    std::string migration_id;
    PortEvent event;
  };
  void Tell(const PortEvent& event);
  void TellActivated(const PortId& id, const Opening& opening);
  void TellFirstFrame(const Seen& seen);

  WallClock clock_;
  ReportObserver* observer_ = nullptr;
  std::map<PortId, PortReceipt> receipts_;
  std::map<PortId, Seen> first_frames_;
  std::map<PortId, Opening> openings_;
  std::map<PortId, Departed> departed_;
  std::optional<Acknowledgement> acknowledged_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PORT_REPORTS_H_
