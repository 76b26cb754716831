// A unixctl client that says anything to all commands: no crash, no exception, and what it is told
// is JSON.
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

#include "tests/ovs/scripted_facts.h"
#include "vswitch/ovs/memory_row_store.h"
#include "vswitch/ovs/unixctl_log_commands.h"
#include "vswitch/ovs/unixctl_session.h"
#include "vswitch/ovs/unixctl_switch_commands.h"

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

void Run(const std::string& words) {
  // The same for all inputs: no command changes it.
  static ScriptedFacts facts;
  static MemoryRowStore store;
  static const auto database = Database::Open(ovsdb::OpenVSwitchSchema(), &store).value();
  static const UnixctlCommands* const commands = [] {
    auto* const made = new UnixctlCommands();
    AddSwitchCommands(
        &facts, database.get(), [] {}, made);
    AddFlowCommands(&facts, made);
    AddTraceCommand(&facts, made);
    AddLogCommands(made);
    return made;
  }();
  Peer peer;
  UnixctlSession session(commands, &peer);
  session.Receive(words.data(), words.size());
}

}  // namespace
}  // namespace outrider::ovs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  outrider::ovs::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
