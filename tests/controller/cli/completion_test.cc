// The shells' scripts around `outrider __complete`, in the shell that is on every host.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/controller/cli/child_process.h"

namespace outrider::controller::cli {
namespace {

// Completes as bash would when <TAB> is pressed after `words`.
std::string BashCompletes(const std::string& words) {
  const std::string binary = OUTRIDER_BINARY;
  const std::string script = "source " OUTRIDER_COMPLETIONS
                             "/outrider.bash\n"
                             "COMP_WORDS=(" +
                             binary + " " + words +
                             ")\n"
                             "COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))\n"
                             "_outrider\n"
                             "printf '%s,' \"${COMPREPLY[@]}\"\n";
  ChildCommand command;
  command.argv = {"/bin/bash", "--norc", "-c", script};
  command.environment = {"OUTRIDER_CONTROLLER=unix:./nobody.sock"};
  command.directory = std::filesystem::temp_directory_path().string();
  const ChildResult result = RunChild(command);
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(BashCompletion, OffersWhatMayComeNext) {
  EXPECT_EQ(BashCompletes("mig"), "migration,");
  EXPECT_EQ(BashCompletes("migration \"\""), "prepare,switchover,abort,watch,list,show,delete,");
  EXPECT_EQ(BashCompletes("segment create --arp"), "--arp-suppression,");
  EXPECT_EQ(BashCompletes("segment create --arp-suppression \"\""), "on,off,");
}

}  // namespace
}  // namespace outrider::controller::cli
