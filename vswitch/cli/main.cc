// outrider-ovs: ovs-vsctl, ovs-ofctl and ovs-appctl in one small program, which one by the name it
// is called by, or by its first argument ("outrider-ovs vsctl show").
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "vswitch/cli/appctl.h"
#include "vswitch/cli/console.h"
#include "vswitch/cli/ofctl.h"
#include "vswitch/cli/vsctl.h"

namespace outrider::cli {
namespace {

struct Tool {
  const char* name;
  int (*run)(int argc, char** argv);
};
constexpr std::array<Tool, 3> kTools = {
    {{"ovs-appctl", AppctlMain}, {"ovs-ofctl", OfctlMain}, {"ovs-vsctl", VsctlMain}}};

const Tool* FindTool(const std::string& name) {
  for (const Tool& tool : kTools) {
    if (name == tool.name) return &tool;
  }
  return nullptr;
}

int Main(int argc, char** argv) {
  if (argc == 0) return EXIT_FAILURE;
  if (const Tool* const tool = FindTool(ProgramName(argv[0]))) return tool->run(argc, argv);
  const Tool* const tool = argc > 1 ? FindTool(std::string("ovs-") + argv[1]) : nullptr;
  if (tool == nullptr) {
    std::string names;
    for (const Tool& one : kTools) names += (names.empty() ? "" : ", ") + std::string(one.name + 4);
    Console(ProgramName(argv[0])).Error("the first argument must be one of: " + names);
    return EXIT_FAILURE;
  }
  // From here on it goes by the tool's name, also in its messages.
  std::string name = tool->name;
  argv[1] = name.data();
  return tool->run(argc - 1, argv + 1);
}

}  // namespace
}  // namespace outrider::cli

int main(int argc, char** argv) { return outrider::cli::Main(argc, argv); }
