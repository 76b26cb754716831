// Where ports are: claims by hosts, releases, moves. The only writers of Port.location. Its epoch
// never goes back while the port exists; one that is deleted and made anew begins at 1 again.
//
// Thread-safe. Errors as of Repository::Transact and as named.
#ifndef OUTRIDER_CONTROLLER_STORE_PORT_LOCATION_H_
#define OUTRIDER_CONTROLLER_STORE_PORT_LOCATION_H_

#include <string>
#include <vector>

#include "controller/store/repository.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

struct Binding {
  v1::Port port;
  // The host does not hold the port yet: a migration expects it there. The port object is
  // unchanged.
  bool expected = false;
};

// `host` attached a device as a port. Creates an unknown port (epoch 1), claims one that is on no
// host (epoch + 1), takes over device, addresses, VM and a profile the attachment newly names.
// An attachment without `claim` at the host the port was taken from (PortMove.taken_from) claims
// nothing. Writes nothing when nothing changes. Refusals, for AttachmentRefused: FailedPrecondition
// (located at another host without a migration to this one; another MAC; MTU does not fit; taken),
// AlreadyExists (MAC or IP taken), InvalidArgument (malformed, unknown profile), NotFound (host).
absl::StatusOr<Binding> BindPort(Repository* repository, const std::string& host,
                                 const v1::PortAttachment& attachment);

// `host` detached the port. Clears the location when it is this host; otherwise (already moved,
// unknown) does nothing, but that a host it was taken from has let go of it. Returns whether the
// host held it.
absl::StatusOr<bool> UnbindPort(Repository* repository, const std::string& host,
                                const std::string& port_id);

// What hosts reported to be in force, in one commit. Kept in a port when the host holds it under
// that epoch; stale ones are dropped. Writes nothing when the receipts say what is known already.
absl::Status RecordReceipts(Repository* repository, const std::vector<v1::PortReceipt>& receipts);

// Why a host cannot put the port in force, shown to the operator (empty: it can). Dropped unless
// the host holds the port.
absl::Status RecordProblem(Repository* repository, const std::string& host,
                           const std::string& port_id, const std::string& problem);

// To a host the device is not known yet: BindPort with the new host's attachment brings it. To an
// empty host the port is on none.
struct PortMove {
  std::string port_id;
  v1::PortLocation from;
  v1::PortLocation to;
  // When it goes to no host: one that has not let go of it; what is attached there is no claim
  // (BindPort).
  std::string taken_from = {};
  // When the move was made, if nobody planned it; or that of one which this undoes; 0: none.
  int64_t unplanned_us = 0;
  int64_t undone_us = 0;
};

// Stages the moves in a transaction under way. Aborted, naming the port, when one is not at `from`
// (host and epoch); nothing is staged then.
absl::Status MovePorts(const Model& model, const std::vector<PortMove>& moves,
                       Transaction* transaction);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_PORT_LOCATION_H_
