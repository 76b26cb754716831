// Figures of benchmarks that need the datapath at hand rather than a lab of daemons. deploy/bench
// runs them and judges.
#ifndef OUTRIDER_TESTS_BENCH_FIGURES_H_
#define OUTRIDER_TESTS_BENCH_FIGURES_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace outrider::bench {

struct Options {
  // Few repetitions.
  bool quick = false;
  size_t Rounds(size_t full) const { return quick ? full / 5 + 1 : full; }
};

// Writes one line of JSON to standard output: {"name", "unit", "samples"}.
void Print(const std::string& name, const std::string& unit, const std::vector<double>& samples);

double SecondsOf(const std::function<void()>& work);

// ---- acl ----
// Compiling a set, an edit of one rule, one member more in a large group.
void MeasureAclEdits(const Options& options);
// Packet rates: many rules against one, for flows known and new; the worst rule against the best.
void MeasureAclRates(const Options& options);
// What a port costs that shares its profile with a thousand others.
void MeasurePortMemory(const Options& options);

// ---- fdb ----
// A million MACs behind other hosts: to load, in memory, and the rate to them against a thousand.
void MeasureFdb(const Options& options);

// ---- qos ----
// What policers and shapers let through, as a share of their rate.
void MeasurePolicers(const Options& options);
void MeasureShapers(const Options& options);
// What a port keeps of its rate beside a neighbour that misbehaves.
void MeasureVictim(const Options& options);

// ---- replication ----
// A copy for another host against a unicast frame to one.
void MeasureReplication(const Options& options);

}  // namespace outrider::bench

#endif  // OUTRIDER_TESTS_BENCH_FIGURES_H_
