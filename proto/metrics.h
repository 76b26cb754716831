// A page of metrics in the making: counters, gauges and histograms under Prometheus' names, samples
// of one name together, in the order in which the names come. Knows no HTTP and keeps no values
// between two pages: who is asked for a page fills it from what there is. Labels come from fixed
// sets; nothing that a user or a peer names is one.
//
// Values; one thread.
#ifndef OUTRIDER_PROTO_METRICS_H_
#define OUTRIDER_PROTO_METRICS_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace outrider {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;
using MetricFamilies = std::vector<prometheus::MetricFamily>;

class MetricPage {
 public:
  // `help` counts the first time a name comes.
  void Counter(const std::string& name, const std::string& help, double value,
               const MetricLabels& labels = {});
  void Gauge(const std::string& name, const std::string& help, double value,
             const MetricLabels& labels = {});
  // Of prometheus::Histogram::Collect.
  void Histogram(const std::string& name, const std::string& help,
                 const prometheus::ClientMetric& collected);

  MetricFamilies Take() && { return std::move(families_); }

 private:
  prometheus::ClientMetric* Add(const std::string& name, const std::string& help,
                                prometheus::MetricType type, const MetricLabels& labels);

  MetricFamilies families_;
  // Places in families_.
  std::map<std::string, size_t> places_;
};

// As it is served: the text format 0.0.4.
std::string MetricText(const MetricFamilies& families);

// Microseconds, as the code has times, to seconds, as Prometheus has them.
constexpr double MetricSeconds(double us) { return us / 1e6; }

}  // namespace outrider

#endif  // OUTRIDER_PROTO_METRICS_H_
