// Figures of the datapath on standard output, a line of JSON each. Needs root; everything happens
// in network namespaces of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/bench/figures.h"

namespace outrider::bench {

void Print(const std::string& name, const std::string& unit, const std::vector<double>& samples) {
  const nlohmann::json line = {{"name", name}, {"unit", unit}, {"samples", samples}};
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace outrider::bench

int main(int argc, char** argv) {
  namespace bench = outrider::bench;
  using Measure = void (*)(const bench::Options&);
  const std::map<std::string, std::vector<Measure>> groups = {
      {"acl", {bench::MeasureAclEdits, bench::MeasureAclRates, bench::MeasurePortMemory}},
      {"qos", {bench::MeasurePolicers, bench::MeasureShapers, bench::MeasureVictim}},
  };
  CLI::App app("Figures of the datapath, for deploy/bench.");
  bench::Options options;
  std::string group;
  app.add_option("group", group, "acl or qos")->required()->check(CLI::IsMember({"acl", "qos"}));
  app.add_flag("--quick", options.quick, "few repetitions");
  CLI11_PARSE(app, argc, argv);
  try {
    for (const Measure measure : groups.at(group)) measure(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "outrider-bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
