// Attach and detach: what makes a device of this host a port, as one operation for whoever asks
// (the local API, the Open vSwitch surfaces). Owns what may be attached. Knows no protocol.
//
// Thread rule: any thread but the reconciler's; operations run one after the other, waiting
// excepted.
#ifndef OUTRIDER_VSWITCH_AGENT_PORT_OPERATIONS_H_
#define OUTRIDER_VSWITCH_AGENT_PORT_OPERATIONS_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/local_store.h"
#include "vswitch/agent/port_devices.h"
#include "vswitch/agent/reconciler.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::agent {

struct AttachResult {
  // From the request to in force; zero when not waited for.
  std::chrono::microseconds in_force{0};
};

class PortOperations {
 public:
  static constexpr auto kMaxWait = std::chrono::milliseconds(60000);

  // All outlive the object. `netlink` is its own.
  struct Dependencies {
    Executor* reconciler_executor;
    Reconciler* reconciler;
    LocalStore* store;
    std::unique_ptr<sys::NetlinkSocket> netlink;
    ReservedDevices reserved;
  };
  explicit PortOperations(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  // Durable and guarded when it returns; with `wait`, in force under its own profile. The same
  // again changes nothing and interrupts nothing; what the controller refused, or has taken
  // elsewhere since, is claimed anew. A claim of a port that is in use on another host begins its
  // migration to this one; with `wait` the port is then armed. Of a live attachment profile, vm_id
  // and ips may change; the device too once the old one is gone.
  //
  // Errors, which change nothing: InvalidArgument, NotFound (no such device), AlreadyExists
  // (device, or MAC in the segment, is another port's), FailedPrecondition (not a device for a
  // port; a live attachment's device or MAC). After the attachment: DeadlineExceeded (not in force
  // in time) and FailedPrecondition (refused by the controller); the device stays attached and
  // blocked.
  absl::StatusOr<AttachResult> Attach(const PortId& id, const state::Attachment& attachment,
                                      std::chrono::milliseconds wait);

  // The same for many, without waiting: one write to the disk and one pass over what is in force.
  std::map<PortId, absl::Status> AttachAll(const state::Attachments& attachments);

  // The device is no port any more when it returns. NotFound: no such attachment.
  // FailedPrecondition: it is another owner's.
  absl::Status Detach(const PortId& id, state::AttachmentOwner owner);

  // See PortDevices; a failure is of the look itself.
  absl::StatusOr<PortDevices> LookAtDevices(const std::vector<sys::Link>& links);

  // Of migrations; as Reconciler's methods of these names, which say what they do. The observer is
  // called on the reconciler's thread and calls nothing of this.
  std::string PortDataOf(const PortId& id);
  absl::Status TakePortData(const PortId& id, const std::string& port_data);
  void ObservePortData(Reconciler::PortDataObserver observer);
  // A hypervisor's word on a guest; see Reconciler::GuestPaused and GuestResumed. Exactly one of
  // the two names it. Returns the ports for which something changed, or was so already, ordered.
  // InvalidArgument: neither or both, or no time; NotFound: no such port, or no port of that VM,
  // here.
  struct GuestName {
    std::string port_id;
    std::string vm_id;
  };
  absl::StatusOr<std::vector<PortId>> TellGuest(const GuestName& guest, bool runs,
                                                const GuestWord& word);

  // 0 when there is no such device now.
  int IfindexOf(const std::string& device);

 private:
  // What is attached, and where, as far as the reconciler knows.
  struct Present {
    state::Attachments attachments;
    std::map<PortId, std::set<Vni>> segments;
    // Reconciler::IsServed.
    std::set<PortId> served;
  };
  Present Look();
  // On the reconciler's executor.
  absl::StatusOr<std::vector<PortId>> PortsOf(const GuestName& guest) const;
  // In `fresh`: whether there is something to do.
  static absl::Status CheckAttach(const PortDevices& devices, Present* present, const PortId& id,
                                  const state::Attachment& attachment, bool* fresh);
  absl::Status Wait(const PortId& id, std::chrono::milliseconds wait);

  Dependencies dependencies_;
  std::mutex mutex_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PORT_OPERATIONS_H_
