// What may happen next in a world of the model, and what comes of it.
//
// Hosts' streams keep their order and lose nothing but what is said anew with each session; a
// session may end and messages come twice, or one overtake another, as long as there are faults
// left. Time passes when all that was said has been heard; a guest is not paused for longer than
// the commit's grace, and its hypervisor comes to an end before the lease does.
#ifndef OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_STEPS_H_
#define OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_STEPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/controller/migration/move_records.h"
#include "tests/controller/migration/move_world.h"

namespace outrider::controller::move_model {

// Of the world as it should be. Each that is taken away must lead to a counterexample.
struct Rules {
  // Ports go back to the source under a newer epoch.
  bool newer_epoch = true;
  // The source's word that its guest runs again comes through.
  bool hears_resumed = true;
  // The controller has what it has committed after a crash.
  bool durable = true;
  // Unfinished migrations end by their lease.
  bool lease = true;
  // An agent that starts, or is told that a port has departed, says that it finds the guest
  // running.
  bool finds_guest = true;
};

enum class Action : uint8_t {
  // Faster than any timer, in the order in which a fair world does them.
  kDeliver,  // the controller takes the host's next word
  kStart,    // the agent starts again
  kConnect,
  kSend,   // the controller sends its state to the host
  kApply,  // the host puts it in force
  // The hypervisor and the guest.
  kPause,
  kShowPortData,
  kLoad,
  kSwitchover,
  kArrive,
  kResumeEvent,  // QMP at the destination
  kFrame,        // the guest sends
  kFrameAtSource,
  kRelease,  // the source's device goes
  kFail,     // the guest runs on at the source
  kRetry,
  kGiveUp,
  kGiveUpSilently,
  // Time.
  kSettle,
  kDrain,
  kReroute,
  kGrace,
  kAbsence,
  kLease,
  // Faults.
  kRepeat,    // a word comes twice
  kOvertake,  // the second word before the first
  kDisconnect,
  kCrashAgent,
  kCrashHost,  // of the destination
  kCrashController,
  kAbort,
};
inline constexpr int kActions = static_cast<int>(Action::kAbort) + 1;

struct Step {
  Action action = Action::kDeliver;
  uint8_t host = 0;
};
std::string Describe(const Step& step);

struct Taken {
  World world;
  // What is wrong with the step itself; empty: nothing.
  std::string violation;
};

class Steps {
 public:
  Steps(Records* records, const Rules& rules) : records_(records), rules_(rules) {}

  // Nothing: it cannot happen, or would change nothing.
  std::optional<Taken> Take(const World& world, const Step& step) const;
  // The step that is due in a world in which nothing goes wrong any more; none: it is at rest.
  std::optional<Step> FairStep(const World& world) const;
  // What is wrong with a world, whatever led to it; empty: nothing.
  std::string Check(const World& world) const;
  // The same of a world at rest: it has ended, and everybody has what is right.
  std::string CheckAtRest(const World& world) const;

 private:
  struct Draft {
    World world;
    std::string violation;
    // Whether the step was a timer, or the operator.
    bool timer = false;
    bool operators = false;

    Host& at(int host) { return world.hosts[host]; }
  };

  bool Happen(Draft* draft, const Step& step) const;
  bool HappenAtHost(Draft* draft, const Step& step) const;
  bool Move(Draft* draft, Action action) const;
  bool Arrived(Draft* draft, Action action) const;
  bool Failed(Draft* draft, Action action) const;
  bool Pass(Draft* draft, Action action) const;
  bool GoWrong(Draft* draft, const Step& step) const;

  bool Deliver(Draft* draft, int host, int position, bool keep) const;
  bool Connect(Draft* draft, int host) const;
  bool Send(Draft* draft, int host) const;
  bool Apply(Draft* draft, int host) const;
  bool Disconnect(Draft* draft, int host) const;
  bool Feed(Draft* draft, Input input) const;
  void Normalize(World* world) const;
  Wanted WantedAt(const World& world, int host) const;
  const RecordView& View(const World& world) const { return records_->View(world.record); }

  Records* const records_;
  const Rules rules_;
};

}  // namespace outrider::controller::move_model

#endif  // OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_STEPS_H_
