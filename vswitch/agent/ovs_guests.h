// Guests' interfaces of the Open_vSwitch database as attachments of their ports. Owns which
// attachments are the database's, and how long one may wait for its controller. Knows no OVSDB and
// no other kind of interface.
//
// Thread rule: one thread, the executor's.
#ifndef OUTRIDER_VSWITCH_AGENT_OVS_GUESTS_H_
#define OUTRIDER_VSWITCH_AGENT_OVS_GUESTS_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/port_operations.h"
#include "vswitch/agent/reconciler.h"

namespace outrider::agent {

// A guest's interface.
struct OvsGuest {
  PortId id;
  // Of its Interface row: another one means that it was plugged anew.
  std::string row;
  state::Attachment attachment;
  // Not attached: why.
  std::string error = {};
  // No profile was named and the controller does not know the port: it is its bridge's own.
  bool plain = false;
  // Until it is in force, or the time for that has passed.
  bool pending = false;
  // Which attempt to attach it this is, and what waits for it at the reconciler.
  uint64_t attempt = 0;
  uint64_t wait = 0;
};

// As Open vSwitch says it.
std::string NoDevice(const std::string& name);

class OvsGuests {
 public:
  // How long a port may wait for its controller before that is an error; less than clients wait.
  static constexpr auto kPatience = std::chrono::milliseconds(3500);

  // All outlive the object. `changed` is called when a guest is not pending any more.
  struct Dependencies {
    Executor* executor;
    PortOperations* ports;
    Executor* reconciler_executor;
    Reconciler* reconciler;
    std::function<void()> changed;
    std::chrono::milliseconds patience = kPatience;
  };
  explicit OvsGuests(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}
  ~OvsGuests() { *alive_ = false; }
  OvsGuests(const OvsGuests&) = delete;
  OvsGuests& operator=(const OvsGuests&) = delete;

  // Attaches what is in `wanted` (by interface name; those with an error or plain are only
  // remembered), and detaches what the database attached before and is not. Of several interfaces
  // with one iface-id the one that is attached stays so.
  void Apply(const std::map<std::string, OvsGuest>& wanted);
  // Tries those again that could not be attached: their device may be there now.
  void Retry();
  bool empty() const { return guests_.empty(); }
  // nullptr: no guest's.
  const OvsGuest* Find(const std::string& interface) const;

 private:
  // Returns what stays attached.
  state::Attachments DetachOthers(const std::map<std::string, OvsGuest>& wanted);
  void Attach(std::map<std::string, OvsGuest> guests);
  void CancelWait(uint64_t token);
  void StartWaiting(const std::string& interface, OvsGuest* guest);
  // Until the reconciler answers, however long that takes.
  void Listen(const std::string& interface, OvsGuest* guest);
  void Settle(const std::string& interface, uint64_t attempt, const absl::Status& status);

  Dependencies dependencies_;
  std::map<std::string, OvsGuest> guests_;
  uint64_t next_attempt_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OVS_GUESTS_H_
