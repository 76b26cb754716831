// An OVSDB service without sockets: sessions whose peers are written down.
#ifndef OUTRIDER_TESTS_OVS_SESSION_FIXTURE_H_
#define OUTRIDER_TESTS_OVS_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/ovs/memory_row_store.h"
#include "vswitch/ovs/ovsdb_session.h"

namespace outrider::ovs {

// A client: what it says, and what it was told since it last looked.
class SessionClient final : public RpcPeer {
 public:
  explicit SessionClient(OvsdbService* service) : session_(service, this) {}

  void Send(std::string text) override { told_.push_back(ovsdb::ParseJson(text).value()); }
  bool Congested() const override { return congested; }
  void HangUp(const absl::Status& why) override { hung_up = why; }

  void Say(const std::string& bytes) { session_.Receive(bytes.data(), bytes.size()); }
  // A request, whose id is 1 unless told otherwise; the first answer of that id.
  ovsdb::Json Ask(const std::string& method, const std::string& params, ovsdb::Json id = 1);
  // Messages since the last look, as text, one a line; rows' uuids and versions are masked: a uuid
  // is its number in order of appearance.
  std::string Told();
  OvsdbSession& session() { return session_; }

  bool congested = false;
  std::optional<absl::Status> hung_up;

 private:
  std::vector<ovsdb::Json> told_;
  std::vector<std::string> uuids_;
  OvsdbSession session_;
};

class SessionTest : public testing::Test {
 protected:
  std::unique_ptr<SessionClient> Connect() {
    return std::make_unique<SessionClient>(service_.get());
  }
  // Operations on Open_vSwitch by a client of its own; the results as text.
  std::string Transact(const std::string& operations);
  // Lets posted work and due timers run.
  void Turn() { loop_->RunOnce(std::chrono::milliseconds(0)); }

  std::unique_ptr<stream::PollLoop> loop_ = stream::PollLoop::Create().value();
  MemoryRowStore store_;
  std::unique_ptr<Database> database_ = Database::Open(ovsdb::OpenVSwitchSchema(), &store_).value();
  std::unique_ptr<OvsdbService> service_ =
      OvsdbService::Create(loop_.get(), database_.get()).value();
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_SESSION_FIXTURE_H_
