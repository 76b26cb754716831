// A client's JSON-RPC session over a channel: requests out, replies and notifications in. Answers
// the server's echo requests by itself. Knows nothing of databases.
//
// Thread rule: one thread; calls block.
#ifndef OUTRIDER_VSWITCH_CLI_RPC_SESSION_H_
#define OUTRIDER_VSWITCH_CLI_RPC_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "vswitch/cli/channel.h"
#include "vswitch/sys/ovsdb/json_rpc.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

class RpcSession {
 public:
  explicit RpcSession(std::unique_ptr<Channel> channel);

  // Queues a request and returns its id; Flush, or waiting for something, sends what is queued in
  // one piece.
  int64_t Queue(const std::string& method, ovsdb::Json params);
  absl::Status Flush();
  // The reply, or error, to that request. Replies to others and notifications are dropped on the
  // way.
  absl::StatusOr<ovsdb::JsonRpcMessage> WaitReply(int64_t id);
  // The next "update" notification's parameters.
  absl::StatusOr<ovsdb::Json> WaitUpdate();

 private:
  absl::StatusOr<ovsdb::JsonRpcMessage> Receive();

  std::unique_ptr<Channel> channel_;
  ovsdb::JsonStream stream_;
  std::string outgoing_;
  int64_t next_id_ = 1;
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_RPC_SESSION_H_
