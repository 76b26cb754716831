// Figures of the datapath on standard output, a line of JSON each. Needs root; everything happens
// in network namespaces of its own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/bench/figures.h"
#include "tests/bench/load.h"

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

namespace {

void AddLoad(CLI::App* command, outrider::bench::LoadOptions* load) {
  const auto known = [](const std::string& side) {
    return outrider::bench::IsLoadSide(side) ? std::string() : "no such side: " + side;
  };
  command->add_option("side", load->side, "as load.h has it")->required()->check(known);
  command->add_option("address", load->address, "of the server or sink")->required();
  command->add_option("port", load->port, "likewise")->required();
  command->add_option("--seconds", load->seconds, "how long a client or source runs");
  command->add_option("--length", load->length, "bytes of a datagram");
  command->add_option("--streams", load->streams, "of tcp-source");
  command->add_option("--cpu", load->cpu, "run on this CPU alone");
}

}  // namespace

int main(int argc, char** argv) {
  namespace bench = outrider::bench;
  using Measure = void (*)(const bench::Options&);
  const std::map<std::string, std::vector<Measure>> groups = {
      {"acl", {bench::MeasureAclEdits, bench::MeasureAclRates, bench::MeasurePortMemory}},
      {"fdb", {bench::MeasureFdb}},
      {"qos", {bench::MeasurePolicers, bench::MeasureShapers, bench::MeasureVictim}},
      {"replication", {bench::MeasureReplication}},
  };
  CLI::App app("Figures of the datapath, and load, for deploy/bench.");
  bench::Options options;
  bench::LoadOptions load;
  app.require_subcommand(1);
  for (const auto& [name, measures] : groups) {
    app.add_subcommand(name)->add_flag("--quick", options.quick, "few repetitions");
  }
  AddLoad(app.add_subcommand("load", "one side of a load"), &load);
  CLI11_PARSE(app, argc, argv);
  const std::string chosen = app.get_subcommands().front()->get_name();
  try {
    if (chosen == "load") {
      bench::RunLoad(load);
      return 0;
    }
    for (const Measure measure : groups.at(chosen)) measure(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "outrider-bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
