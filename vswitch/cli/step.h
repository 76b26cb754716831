// What a command has at hand while it runs, and what it leaves behind.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_CLI_STEP_H_
#define OUTRIDER_VSWITCH_CLI_STEP_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/cli/bridge_index.h"
#include "vswitch/cli/command.h"
#include "vswitch/cli/console.h"
#include "vswitch/cli/output_table.h"
#include "vswitch/cli/value_text.h"
#include "vswitch/cli/view.h"

namespace outrider::cli {

// Shared by the commands of one line, in one attempt at it.
struct Attempt {
  View* view = nullptr;
  Console* console = nullptr;
  // The row of table Open_vSwitch.
  ViewRow* root = nullptr;
  // Tables were fetched whole.
  bool whole = false;
  RowNames names = {};
  // Made when first needed; empty again after commands that write rows without its knowledge.
  std::unique_ptr<BridgeIndex> bridges = nullptr;
  // Interfaces made by this line, of which the switch will tell whether it could set them up.
  std::vector<ovsdb::Uuid> new_interfaces = {};

  BridgeIndex& Bridges() {
    if (bridges == nullptr) bridges = std::make_unique<BridgeIndex>(view, root, console);
    return *bridges;
  }
};

enum class Next {
  kGoOn,
  // Nothing of this line may be written yet: try it anew when the database has changed.
  kTryAgain,
  // More than was fetched is needed: try it anew with whole tables.
  kWiden,
  // The program ends here with exit code 2, silently.
  kExitAbsent,
};

struct Step {
  const Command* command = nullptr;
  Attempt* attempt = nullptr;
  // The line's last command: what it writes is in nobody's way.
  bool last = false;
  std::string output = {};
  std::optional<OutputTable> table = std::nullopt;
  // `output` begins as this row's uuid, which is known after the commit.
  std::optional<ovsdb::Uuid> created = std::nullopt;
  Next next = Next::kGoOn;

  const std::string& Arg(size_t i) const { return command->args[i]; }
  size_t ArgCount() const { return command->args.size(); }
  View& view() const { return *attempt->view; }
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_STEP_H_
