// What hosts say about ports, brought into the model: attachments, detachments, receipts, events,
// failures. Enforces that a host speaks of its own ports only: those located at it, those a
// migration brings to it or takes from it. Must not know streams or sessions.
//
// Thread-safe, as the repository and the driver are. Calls block for a commit when something
// changes.
#ifndef OUTRIDER_CONTROLLER_SESSION_PORT_REPORTS_H_
#define OUTRIDER_CONTROLLER_SESSION_PORT_REPORTS_H_

#include <absl/status/statusor.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/migration/driver.h"
#include "controller/store/repository.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

class PortReports {
 public:
  // Both must outlive it.
  PortReports(Repository* repository, MigrationDriver* driver)
      : repository_(repository), driver_(driver) {}

  // A device was attached on `host`; a claim of a port that is in use on another one begins its
  // migration. Returns why the controller will not have it, empty when it
  // does. An error means that the store is at fault, and nothing was decided.
  absl::StatusOr<std::string> Attach(const std::string& host, const v1::PortAttachment& attachment,
                                     int64_t time_us);

  bool Knows(const std::string& port_id) const;

  // What `host` had and does not name any more at the begin of a session was detached while nobody
  // listened. A port a migration brought there before its device is not missing. `attached`: ids in
  // lower case.
  absl::Status ReleaseMissing(const std::string& host, const std::set<std::string>& attached,
                              int64_t now_us);

  // All but ATTACHED. Here and below, ids of ports in any case.
  absl::Status PortEvent(const std::string& host, v1::PortEvent event);

  // Receipts of any hosts, in one commit.
  struct HostReceipt {
    std::string host;
    v1::PortReceipt receipt;
  };
  absl::Status Receipts(const std::vector<HostReceipt>& given);

  // The objects of the host's Ack that failed. `failing` holds the ports that failed at the Ack
  // before and is brought up to date.
  absl::Status Failures(const std::string& host,
                        const google::protobuf::RepeatedPtrField<v1::ObjectFailure>& failures,
                        std::set<std::string>* failing);

  // Ports of the host that were in force once and have a problem: failures of an earlier session.
  std::set<std::string> KnownFailures(const std::string& host) const;

  // Where a port is, when it is there without a device: a host, or empty for on none.
  std::optional<std::string> PlaceWithoutDevice(const std::string& port_id) const;

  // Whether the port is located at `host`.
  bool Holds(const std::string& host, const std::string& port_id) const;
  // Whether `host` holds the port, or is source or destination of a running migration of it.
  bool MaySpeakOf(const std::string& host, const std::string& port_id) const;

 private:
  // True when there is nothing to do because the port is not, or no longer, the host's. A host that
  // never had it leaves an audit line.
  bool IsForeign(const std::string& host, const std::string& port_id,
                 const std::string& what) const;
  // As it is to be kept; nothing when it is not the host's to give.
  std::optional<v1::PortReceipt> Vet(const HostReceipt& given) const;

  Repository* const repository_;
  MigrationDriver* const driver_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_PORT_REPORTS_H_
