// One client of unixctl: JSON-RPC requests whose method is a command and whose parameters are its
// arguments. Knows no socket. Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_UNIXCTL_SESSION_H_
#define OUTRIDER_VSWITCH_OVS_UNIXCTL_SESSION_H_

#include <string>

#include "vswitch/ovs/ovsdb_session.h"
#include "vswitch/ovs/unixctl_commands.h"
#include "vswitch/sys/ovsdb/json_rpc.h"

namespace outrider::ovs {

class UnixctlSession {
 public:
  static constexpr size_t kMaxMessage = 1 << 20;
  static constexpr size_t kMaxMembers = 10'000;

  // Both outlive the session.
  UnixctlSession(const UnixctlCommands* commands, RpcPeer* peer)
      : commands_(commands), peer_(peer) {}

  void Receive(const char* data, size_t size);
  // The peer is not congested any more.
  void Continue() { Serve(); }

 private:
  void Serve();
  // False: there is no whole request, or it ends here.
  bool ServeOne();
  void OnRequest(const ovsdb::JsonRpcMessage& request);
  void HangUp(const absl::Status& why);

  const UnixctlCommands* const commands_;
  RpcPeer* const peer_;
  ovsdb::JsonStream stream_{kMaxMessage, kMaxMembers};
  bool ended_ = false;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_UNIXCTL_SESSION_H_
