// A client's JSON-RPC session over a channel: requests out, replies and notifications in. Answers
// the server's echo requests by itself. Knows nothing of databases.
//
// Thread rule: one thread; calls block.
#ifndef OUTRIDER_VSWITCH_CLI_RPC_SESSION_H_
#define OUTRIDER_VSWITCH_CLI_RPC_SESSION_H_

#include <cstdint>
#include <list>
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
  // The reply, or error, to that request. What comes before it is kept: a server may answer
  // requests in another order than they were asked in.
  absl::StatusOr<ovsdb::JsonRpcMessage> WaitReply(int64_t id);
  // The next "update" notification's parameters.
  absl::StatusOr<ovsdb::Json> WaitUpdate();

 private:
  absl::StatusOr<ovsdb::JsonRpcMessage> Receive();
  // The first message that `wanted` wants, of those kept and then of those to come.
  template <typename Wanted>
  absl::StatusOr<ovsdb::JsonRpcMessage> WaitFor(Wanted wanted);

  std::unique_ptr<Channel> channel_;
  ovsdb::JsonStream stream_;
  std::string outgoing_;
  std::list<ovsdb::JsonRpcMessage> kept_;
  int64_t next_id_ = 1;
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_RPC_SESSION_H_
