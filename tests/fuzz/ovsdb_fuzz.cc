// An OVSDB client that says anything, beside one that monitors all: no crash, no exception, and
// what either is told is JSON. The first byte says where the words are cut in two.
#include <cstdlib>
#include <memory>
#include <string>

#include "vswitch/ovs/memory_row_store.h"
#include "vswitch/ovs/ovsdb_session.h"

namespace outrider::ovs {
namespace {

class Peer final : public RpcPeer {
 public:
  void Send(std::string text) override {
    if (!ovsdb::ParseJson(text).ok()) std::abort();
  }
  bool Congested() const override { return false; }
  void HangUp(const absl::Status& why) override { (void)why; }
};

void Say(OvsdbSession* session, const std::string& words) {
  session->Receive(words.data(), words.size());
}

void Run(const std::string& words, size_t cut) {
  auto loop = stream::PollLoop::Create().value();
  MemoryRowStore store;
  auto database = Database::Open(ovsdb::OpenVSwitchSchema(), &store).value();
  auto service = OvsdbService::Create(loop.get(), database.get()).value();
  Peer peer;
  OvsdbSession watcher(service.get(), &peer);
  Say(&watcher,
      R"({"method":"monitor","params":["Open_vSwitch",1,{"Bridge":{},"Port":{},"Queue":{}}],"id":1})"
      R"({"method":"monitor_cond","params":["Open_vSwitch",2,{"Bridge":{},"Port":{},"Queue":{}}],"id":1})"
      R"({"method":"lock","params":["l"],"id":1})");
  OvsdbSession session(service.get(), &peer);
  Say(&session, words.substr(0, cut));
  loop->RunOnce(std::chrono::milliseconds(0));
  Say(&session, words.substr(cut));
  loop->RunOnce(std::chrono::milliseconds(0));
}

}  // namespace
}  // namespace outrider::ovs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string words(reinterpret_cast<const char*>(data) + 1, size - 1);
  outrider::ovs::Run(words, words.empty() ? 0 : data[0] % words.size());
  return 0;
}
