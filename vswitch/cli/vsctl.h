// ovs-vsctl: runs the commands of one line as one transaction of the Open_vSwitch database. One
// question fetches what they need, one transaction writes; a change by others in between makes it
// begin anew. Keeps nothing between calls.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_CLI_VSCTL_H_
#define OUTRIDER_VSWITCH_CLI_VSCTL_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/cli/command.h"
#include "vswitch/cli/plan.h"
#include "vswitch/cli/rpc_session.h"
#include "vswitch/cli/step.h"
#include "vswitch/cli/vsctl_options.h"

namespace outrider::cli {

class Vsctl {
 public:
  // `comment` goes with the transaction into the database's log.
  Vsctl(VsctlOptions options, std::vector<Command> commands, std::string comment, Console* console);

  // The exit code. A Status: what to say about why it is 1.
  absl::StatusOr<int> Run();

 private:
  // What one attempt came to.
  enum class Result { kDone, kAgain, kWiden, kAbsent };

  absl::Status MakePlan();
  absl::Status ConnectNow();
  // Goes on with the server's own schema, which may know more than ours.
  absl::Status FetchSchema();
  // False: the server does not have what was asked for, but its schema is known now.
  absl::StatusOr<bool> Fetch();
  absl::StatusOr<Result> Once();
  // Runs the commands, up to the first that wants something else.
  absl::StatusOr<Next> RunCommands();
  absl::Status CheckNames();
  absl::StatusOr<Result> Commit();
  // Whether the transaction is in force; false: begin anew.
  absl::StatusOr<bool> CheckReply(const ovsdb::JsonRpcMessage& reply);
  void KeepRealUuids(const View::Transaction& transaction, const ovsdb::Json& results);
  void PrintAll();
  absl::Status AwaitChange();
  // Until the switch has done what the transaction made `next_cfg`.
  absl::Status AwaitSwitch(int64_t monitor, int64_t next_cfg);
  // Those that no update called well.
  absl::Status FetchInterfaces();
  absl::Status ReportInterfaces();
  // Of cur_cfg and, when this line made interfaces, of what the switch says about those.
  int64_t QueueCfgMonitor();
  void KeepInterfaces(const ovsdb::Json& updates);

  const VsctlOptions options_;
  const std::vector<Command> commands_;
  const std::string comment_;
  Console* const console_;
  ovsdb::DatabaseSchema fetched_schema_;
  const ovsdb::DatabaseSchema* schema_;
  bool schema_is_fetched_ = false;
  bool whole_ = false;
  std::optional<Plan> plan_;
  std::unique_ptr<RpcSession> session_;
  // The server tells of changes in what the plan needs.
  bool monitoring_ = false;
  int64_t monitors_ = 0;
  // Rows of Interface, by uuid, as updates had them.
  std::map<std::string, ovsdb::Json> interfaces_;
  std::unique_ptr<View> view_;
  Attempt attempt_;
  std::vector<Step> steps_;
};

// The program. Returns its exit code.
int VsctlMain(int argc, char** argv);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_VSCTL_H_
