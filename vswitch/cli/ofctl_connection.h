// A blocking OpenFlow connection of a command-line tool: finds the switch's socket, agrees on a
// version, asks and waits. Owns the socket. One thread.
#ifndef OUTRIDER_VSWITCH_CLI_OFCTL_CONNECTION_H_
#define OUTRIDER_VSWITCH_CLI_OFCTL_CONNECTION_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/sys/openflow/frame_splitter.h"
#include "vswitch/sys/openflow/message.h"

namespace outrider::cli {

// "br0": a socket of that path, RUNDIR/br0.mgmt; "unix:PATH", "tcp:HOST[:PORT]". The text of the
// error is ovs-ofctl's.
absl::StatusOr<int> ConnectOpenFlow(const std::string& target, const std::string& suffix = "mgmt");

class OfctlConnection {
 public:
  // Transaction ids go on from connection to connection of one call: they are part of what is
  // printed.
  using Xid = uint32_t;
  // `versions`: bit n is version n; of 1.0 and 1.3.
  static absl::StatusOr<std::unique_ptr<OfctlConnection>> Open(const std::string& target,
                                                               uint32_t versions, Xid* next_xid);
  ~OfctlConnection();
  OfctlConnection(const OfctlConnection&) = delete;
  OfctlConnection& operator=(const OfctlConnection&) = delete;

  uint8_t version() const { return version_; }

  // The id the request went by.
  absl::StatusOr<Xid> Send(openflow::Body body);
  // The next message that is no echo request.
  absl::StatusOr<openflow::Message> Receive();
  // All parts of the reply, or the error, with that id.
  absl::StatusOr<std::vector<openflow::Message>> Transact(openflow::Body body);
  // Sends orders and a barrier; the switch's first error, if it has one.
  absl::StatusOr<std::optional<openflow::Message>> Order(const std::vector<openflow::Body>& orders);

 private:
  OfctlConnection(int fd, Xid* next_xid) : fd_(fd), next_xid_(next_xid) {}
  absl::Status Negotiate(uint32_t versions);
  absl::Status Write(const openflow::Bytes& bytes);
  absl::Status Read();

  const int fd_;
  Xid* const next_xid_;
  uint8_t version_ = 0;
  openflow::FrameSplitter splitter_;
  std::deque<openflow::Bytes> frames_;
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OFCTL_CONNECTION_H_
