// An OVSDB server on a socket of its own, driven by hand, and clients that speak to it.
#ifndef OUTRIDER_TESTS_OVS_SERVER_FIXTURE_H_
#define OUTRIDER_TESTS_OVS_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/agent/temp_dir.h"
#include "vswitch/ovs/memory_row_store.h"
#include "vswitch/ovs/ovsdb_server.h"
#include "vswitch/sys/ovsdb/json_rpc.h"

namespace outrider::ovs {

// A client that does not block.
class SocketClient {
 public:
  explicit SocketClient(UniqueFd fd) : fd_(std::move(fd)) {}
  // At a unix path or another active address.
  static SocketClient To(const std::string& address);

  // As much of it as the socket takes now.
  size_t Say(const std::string& bytes);
  // What came, if anything did.
  std::optional<ovsdb::Json> Hear();
  // The server closed it.
  bool closed() const { return closed_; }
  int fd() const { return fd_.get(); }
  void Close() { fd_.Reset(); }

 private:
  UniqueFd fd_;
  ovsdb::JsonStream stream_{256 << 20};
  bool closed_ = false;
};

class ServerTest : public testing::Test {
 protected:
  void Start(size_t max_connections = 2048);
  SocketClient Connect() { return SocketClient::To("unix:" + path_); }
  // Asks, and drives the loop until the answer is there; null: it never came. Counts the rounds.
  ovsdb::Json Ask(SocketClient* client, const std::string& method, const std::string& params);
  void Transact(const std::string& operations);
  bool DriveUntil(const std::function<bool()>& so);
  // The only row of a table.
  RowPtr OnlyRow(const std::string& table) const;

  agent::TempDir folder_;
  const std::string path_ = folder_ / "db.sock";
  MemoryRowStore store_;
  std::unique_ptr<Database> database_ = Database::Open(ovsdb::OpenVSwitchSchema(), &store_).value();
  std::unique_ptr<stream::PollLoop> loop_ = stream::PollLoop::Create().value();
  std::unique_ptr<OvsdbServer> server_;
  // Of the last Ask.
  int rounds_ = 0;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_SERVER_FIXTURE_H_
