// One client of the OVSDB server (RFC 7047, and ovsdb-server(7) for what is newer): its requests
// answered, its monitors and locks. Owns the state of the session. Knows no socket.
//
// Bounds on a client: one message's size, nesting and members, monitors, locks, transactions that
// wait; it stops reading requests while the peer is congested, and lets others have their turn. Of
// all clients: what their unfinished messages take.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_OVSDB_SESSION_H_
#define OUTRIDER_VSWITCH_OVS_OVSDB_SESSION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "vswitch/ovs/ovsdb_service.h"
#include "vswitch/sys/ovsdb/json_rpc.h"

namespace outrider::ovs {

// Where a session's words go.
class RpcPeer {
 public:
  virtual ~RpcPeer() = default;
  virtual void Send(std::string text) = 0;
  // It has not read what it was sent, or yields: nothing more is answered until Continue.
  virtual bool Congested() const = 0;
  // Its turn is over: a peer that is one of many is congested until the others have had theirs.
  virtual void Yield() {}
  // The client broke the protocol: `why` is for the log. The session is destroyed later.
  virtual void HangUp(const absl::Status& why) = 0;
};

class OvsdbSession final : public LockHolder, public MessageHolder {
 public:
  static constexpr size_t kMaxMessage = 16 << 20;
  // A transaction that makes 5,000 ports with all that libvirt says of them has half of it.
  static constexpr size_t kMaxMembers = 500'000;
  static constexpr size_t kMaxMonitors = 1000;
  static constexpr size_t kMaxLocks = 1000;

  // Both outlive the session.
  OvsdbSession(OvsdbService* service, RpcPeer* peer);
  ~OvsdbSession() override;
  OvsdbSession(const OvsdbSession&) = delete;
  OvsdbSession& operator=(const OvsdbSession&) = delete;

  void Receive(const char* data, size_t size);
  // The peer is not congested any more.
  void Continue();
  // Asks the client whether it is there; any word of it is an answer.
  void Probe();

  size_t monitors() const { return monitors_.size(); }
  // Names of locks it holds, and of those it waits for.
  std::set<std::string> LocksHeld() const;
  std::set<std::string> LocksWaiting() const;

  void OnLocked(const std::string& lock) override;
  void OnStolen(const std::string& lock) override;
  void OnOverBudget(const absl::Status& why) override;

 private:
  using Json = ovsdb::Json;
  using Message = ovsdb::JsonRpcMessage;
  using Answer = absl::StatusOr<Json>;
  using Handler = Answer (OvsdbSession::*)(const Message& request);
  struct Monitor {
    // As text, for notifications.
    std::string id;
    OvsdbService::Served* served = nullptr;
    MonitorSpec spec;
    uint64_t token = 0;
  };

  void Serve();
  // False: there is no whole message, or it ends here.
  bool ServeOne();
  void OnMessage(Message message);
  void OnRequest(Message request);
  void HangUp(const absl::Status& why);
  void Notify(const std::string& method, Json params);

  Answer ListDbs(const Message& request);
  Answer Echo(const Message& request);
  Answer GetServerId(const Message& request);
  Answer SetDbChangeAware(const Message& request);
  Answer Convert(const Message& request);
  void GetSchema(const Message& request);
  void Transact(Message request);
  void Cancel(const Message& notification);
  Answer Lock(const Message& request);
  Answer Unlock(const Message& request);
  // ovsdb_session_monitor.cc
  Answer StartMonitor(const Message& request);
  // Answers by itself: an error of it is a bare string.
  void CancelMonitor(const Message& request);
  Answer ChangeConditions(const Message& request);
  void Subscribe(Monitor* monitor);
  std::string UpdateText(const Monitor& monitor, const std::string& updates) const;

  // The database a request's first parameter names.
  absl::StatusOr<OvsdbService::Served*> DatabaseOf(const Message& request);

  OvsdbService* const service_;
  RpcPeer* const peer_;
  ovsdb::JsonStream stream_{kMaxMessage, kMaxMembers};
  bool ended_ = false;
  // By the text of the id.
  std::map<std::string, Monitor> monitors_;
  // Held, or waited for.
  std::set<std::string> locks_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OVSDB_SESSION_H_
