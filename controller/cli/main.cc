// outrider: the operator's command line. See app.h.
#include <string>
#include <vector>

#include "controller/cli/app.h"

int main(int argc, char** argv) {
  return outrider::controller::cli::RunCommandLine(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
