#include "controller/cli/dry_run_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "controller/cli/table.h"

namespace outrider::controller::cli {
namespace {

using PortChange = v1::DryRunProfileResponse::PortChange;

struct Alike {
  std::vector<std::string> lines;
  std::vector<const PortChange*> ports;
};

// In the order of their first port.
std::vector<Alike> GroupByChange(const v1::DryRunProfileResponse& response) {
  std::vector<Alike> groups;
  for (const PortChange& port : response.ports()) {
    const std::vector<std::string> lines(port.changes().begin(), port.changes().end());
    const auto same = [&](const Alike& group) { return group.lines == lines; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) group = groups.insert(groups.end(), Alike{lines, {}});
    group->ports.push_back(&port);
  }
  return groups;
}

std::string Count(size_t ports) { return ports == 1 ? "1 port" : fmt::format("{} ports", ports); }

}  // namespace

std::string DryRunText(const v1::DryRunProfileResponse& response) {
  const auto changed = static_cast<size_t>(response.ports_size());
  std::string out =
      fmt::format("{} would change, {} would stay\n", Count(changed), Count(response.unchanged()));
  for (const Alike& group : GroupByChange(response)) {
    Table table({"PORT", "HOST", "SECTIONS"});
    for (const PortChange* port : group.ports) {
      table.AddRow(
          {port->port_id(), port->host(), fmt::format("{}", fmt::join(port->sections(), ","))});
    }
    out += "\n" + table.Render();
    for (const std::string& line : group.lines) out += "  " + line + "\n";
  }
  return out;
}

}  // namespace outrider::controller::cli
