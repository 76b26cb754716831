// The remotes that rows of the Manager table ask for: ports that listen (ptcp:, pssl:) and managers
// that we connect to (tcp:, ssl:), as ovsdb-server does with db:Open_vSwitch,Open_vSwitch,
// manager_options. Writes is_connected and status of those rows. Owns the remotes.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_MANAGER_REMOTES_H_
#define OUTRIDER_VSWITCH_OVS_MANAGER_REMOTES_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "vswitch/ovs/ovsdb_service.h"
#include "vswitch/sys/stream/tls_context.h"

namespace outrider::ovs {

// What a Manager row says.
struct ManagerConfig {
  std::string target;
  // ovsdb-server's default for TCP and TLS; 0: no probes.
  std::chrono::milliseconds probe_interval{5000};
  // Longest wait between two attempts to connect.
  std::chrono::milliseconds max_backoff{8000};
};

class ManagerRemote;

class ManagerRemotes {
 public:
  // `database` holds the Manager and SSL tables and is served by `service`; both outlive it.
  ManagerRemotes(OvsdbService* service, Database* database,
                 std::chrono::milliseconds status_interval = std::chrono::milliseconds(2500));
  ~ManagerRemotes();
  ManagerRemotes(const ManagerRemotes&) = delete;
  ManagerRemotes& operator=(const ManagerRemotes&) = delete;

  size_t size() const { return remotes_.size(); }

 private:
  void OnCommit(const Changes& changes);
  // Makes the remotes as the rows are.
  void Reconfigure();
  // Of the SSL row that Open_vSwitch.ssl names; empty: there is none.
  stream::TlsFiles TlsFilesInForce() const;
  // Reads keys and certificates if other files are named, or these have changed. Whether there are
  // others now.
  bool LoadTls();
  void WriteStatus();

  OvsdbService* const service_;
  Database* const database_;
  const std::chrono::milliseconds status_interval_;
  uint64_t observer_;
  stream::PollLoop::TimerId status_timer_ = 0;
  bool reconfigure_posted_ = false;
  stream::TlsFiles tls_files_;
  // Of those files when they were read.
  std::string tls_stamps_;
  std::shared_ptr<const stream::TlsContext> tls_;
  // By the row.
  std::map<ovsdb::Uuid, std::unique_ptr<ManagerRemote>> remotes_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MANAGER_REMOTES_H_
